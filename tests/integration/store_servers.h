// Real servers that stores are on: nginx, and versitygw for S3.
#ifndef TRIBUTARY_TESTS_INTEGRATION_STORE_SERVERS_H_
#define TRIBUTARY_TESTS_INTEGRATION_STORE_SERVERS_H_

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "tests/integration/process.h"

namespace tributary {

// nginx (of Debian) as whoever runs the test, serving a directory's files.
class Nginx {
 public:
  // With TLS, its certificate is one that nobody knows; see certificate().
  explicit Nginx(const std::filesystem::path& files, bool tls = false);

  // http(s)://127.0.0.1:PORT
  const std::string& url() const { return url_; }
  std::filesystem::path certificate() const { return dir_ / "cert.pem"; }
  // One line for each request: METHOD PATH STATUS BYTES RANGE.
  std::string AccessLog() const;
  // As by kill -9: connections are cut.
  void Kill();
  // On the same port as before.
  void Start();

 private:
  const std::filesystem::path dir_;
  const std::filesystem::path files_;
  const bool tls_;
  int port_;
  std::string url_;
  std::unique_ptr<Process> process_;
};

// versitygw, which checks signatures, over a directory with the bucket
// "models".
class S3Gateway {
 public:
  static constexpr char kAccessKey[] = "TESTACCESSKEY";
  static constexpr char kSecretKey[] = "test/secret+key";

  // The program that scripts/build_versitygw.sh makes, or empty.
  static std::filesystem::path FindProgram();

  S3Gateway();

  const std::string& endpoint() const { return endpoint_; }
  // For buckets as host names: models.localhost is this host, by RFC 6761.
  const std::string& named_endpoint() const { return named_endpoint_; }
  std::filesystem::path bucket() const { return dir_ / "models"; }
  std::string Output() const { return process_->Output(); }

 private:
  const std::filesystem::path dir_;
  std::string endpoint_;
  std::string named_endpoint_;
  std::unique_ptr<Process> process_;
};

}  // namespace tributary

#endif  // TRIBUTARY_TESTS_INTEGRATION_STORE_SERVERS_H_
