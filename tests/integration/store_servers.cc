#include "tests/integration/store_servers.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <csignal>

#include "fmt/core.h"
#include "tests/index/bundle/tiny_bundle.h"

namespace tributary {
namespace {

namespace fs = std::filesystem;

sockaddr_in Local(int port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<uint16_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

// Free a moment ago: these servers do not say which one they took.
int FreePort() {
  const int fd = ::socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address = Local(0);
  socklen_t size = sizeof(address);
  EXPECT_EQ(::bind(fd, reinterpret_cast<sockaddr*>(&address), size), 0);
  EXPECT_EQ(::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size), 0);
  ::close(fd);
  return ntohs(address.sin_port);
}

bool Listens(int port) {
  const int fd = ::socket(AF_INET, SOCK_STREAM, 0);
  const sockaddr_in address = Local(port);
  const bool connected =
      ::connect(fd, reinterpret_cast<const sockaddr*>(&address),
                sizeof(address)) == 0;
  ::close(fd);
  return connected;
}

std::string NginxConfig(const fs::path& dir, const fs::path& files, int port,
                        bool tls) {
  std::string paths;
  for (const char* name :
       {"client_body", "proxy", "fastcgi", "uwsgi", "scgi"}) {
    paths += fmt::format("  {0}_temp_path {1}/{0};\n", name, dir.string());
  }
  const std::string certificate = fmt::format(
      "ssl_certificate {0}/cert.pem; ssl_certificate_key "
      "{0}/key.pem;",
      dir.string());
  return fmt::format(
      "daemon off;\nmaster_process off;\npid {0}/pid;\n"
      "error_log stderr warn;\nevents {{}}\nhttp {{\n{1}"
      "  log_format short '$request_method $uri $status $body_bytes_sent "
      "$http_range';\n"
      "  access_log {0}/access.log short;\n"
      "  server {{\n    listen 127.0.0.1:{2}{3};\n    {4}\n    root {5};\n"
      "    location /slow/ {{ alias {5}/; limit_rate 100k; }}\n  }}\n}}\n",
      dir.string(), paths, port, tls ? " ssl" : "", tls ? certificate : "",
      files.string());
}

}  // namespace

Nginx::Nginx(const fs::path& files, bool tls)
    : dir_(MakeTestDir()),
      files_(files),
      tls_(tls),
      port_(FreePort()),
      url_(fmt::format("{}://127.0.0.1:{}", tls ? "https" : "http", port_)) {
  if (tls) {
    const Outcome made =
        RunProgram({"openssl", "req", "-x509", "-newkey", "ed25519", "-nodes",
                    "-days", "2", "-subj", "/CN=127.0.0.1", "-addext",
                    "subjectAltName=IP:127.0.0.1", "-keyout", dir_ / "key.pem",
                    "-out", certificate()});
    EXPECT_EQ(made.exit_status, 0) << made.output;
  }
  Start();
}

std::string Nginx::AccessLog() const { return ReadFile(dir_ / "access.log"); }

void Nginx::Kill() {
  process_->Signal(SIGKILL);
  process_->Wait();
}

void Nginx::Start() {
  OverwriteFile(dir_ / "nginx.conf", NginxConfig(dir_, files_, port_, tls_));
  process_ = std::make_unique<Process>(
      std::vector<std::string>{"/usr/sbin/nginx", "-p", dir_, "-c",
                               dir_ / "nginx.conf", "-e", "stderr"});
  EXPECT_TRUE(WaitUntil([&] { return Listens(port_) || process_->HasEnded(); }))
      << process_->Output();
  EXPECT_FALSE(process_->HasEnded()) << process_->Output();
}

fs::path S3Gateway::FindProgram() {
  const fs::path program = TRIBUTARY_VERSITYGW;
  std::error_code error;
  return fs::exists(program, error) ? program : fs::path();
}

S3Gateway::S3Gateway() : dir_(MakeTestDir()) {
  fs::create_directory(bucket());
  const int port = FreePort();
  endpoint_ = fmt::format("http://127.0.0.1:{}", port);
  named_endpoint_ = fmt::format("http://localhost:{}", port);
  process_ = std::make_unique<Process>(std::vector<std::string>{
      "env", fmt::format("ROOT_ACCESS_KEY={}", kAccessKey),
      fmt::format("ROOT_SECRET_KEY={}", kSecretKey), FindProgram(), "--port",
      fmt::format("127.0.0.1:{}", port), "--virtual-domain",
      fmt::format("localhost:{}", port), "posix", dir_});
  EXPECT_TRUE(WaitUntil([&] { return Listens(port) || process_->HasEnded(); }))
      << process_->Output();
}

}  // namespace tributary
