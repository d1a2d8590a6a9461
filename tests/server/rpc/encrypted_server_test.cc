// TLS of the whole server: gRPC and HTTP, certificates that change, and clients
// that show some.
#include "tests/server/rpc/encrypted_server.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <httplib.h>
#include <openssl/bio.h>
#include <openssl/ssl.h>

#include <atomic>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <memory>
#include <string>
#include <string_view>
#include <thread>

#include "client/retrieval_client.h"
#include "fmt/format.h"

namespace tributary {
namespace {

using ::testing::HasSubstr;

constexpr int kPatienceMs = 20'000;

int HttpPort(const std::string& address) {
  return std::atoi(address.c_str() + address.rfind(':') + 1);
}

// A TLS connection of one version, which verifies nothing; null without a
// handshake.
std::shared_ptr<BIO> ConnectTls(const std::string& address, int version) {
  const std::shared_ptr<SSL_CTX> context(SSL_CTX_new(TLS_client_method()),
                                         SSL_CTX_free);
  // OpenSSL itself refuses old versions at its usual level.
  SSL_CTX_set_security_level(context.get(), 0);
  SSL_CTX_set_min_proto_version(context.get(), version);
  SSL_CTX_set_max_proto_version(context.get(), version);
  // gRPC insists on it.
  constexpr unsigned char kProtocols[] = "\x02h2\x08http/1.1";
  SSL_CTX_set_alpn_protos(context.get(), kProtocols, sizeof(kProtocols) - 1);
  std::shared_ptr<BIO> bio(BIO_new_ssl_connect(context.get()), BIO_free_all);
  BIO_set_conn_hostname(bio.get(), address.c_str());
  return BIO_do_connect(bio.get()) == 1 && BIO_do_handshake(bio.get()) == 1
             ? bio
             : nullptr;
}

bool Handshakes(const std::string& address, int version) {
  return ConnectTls(address, version) != nullptr;
}

// What the server answers until it closes the connection.
std::string Exchange(const std::string& address, std::string_view text,
                     int version = TLS1_3_VERSION) {
  const auto bio = ConnectTls(address, version);
  if (bio == nullptr) return "no handshake";
  if (!text.empty()) {
    BIO_write(bio.get(), text.data(), static_cast<int>(text.size()));
  }
  std::string reply;
  char part[4096];
  for (int size = 0; (size = BIO_read(bio.get(), part, sizeof(part))) > 0;) {
    reply.append(part, static_cast<size_t>(size));
  }
  return reply;
}

class EncryptedServer : public testing::Test {
 protected:
  // The HTTP client here writes to connections that the server has closed.
  static void SetUpTestSuite() { std::signal(SIGPIPE, SIG_IGN); }

  EncryptedServer() {
    WriteTinyBundle(root_, 1);
    config_ = ConfigFor(root_);
    files_.Encrypt(&config_);
  }

  void Start() {
    auto started = Server::Start(config_);
    ASSERT_TRUE(started.ok()) << started.status();
    server_ = *std::move(started);
  }

  // The reply's first item, or the error.
  std::string Retrieve(const ClientCredentials& credentials,
                       uint32_t deadline_ms = kPatienceMs) {
    const auto client = RetrievalClient::Connect(server_->grpc_address(),
                                                 {.deadline_ms = deadline_ms,
                                                  .max_attempts = 1,
                                                  .wait_for_ready = false,
                                                  .credentials = credentials});
    if (!client.ok()) return client.status().ToString();
    const auto response = (*client)->Retrieve(TinyRequest());
    return response.ok() ? response->item_keys(0)
                         : response.status().ToString();
  }

  // The reply's body, or what went wrong.
  static std::string Get(const std::string& address,
                         const ClientCredentials& credentials,
                         const std::string& path) {
    const std::string& cert = credentials.certificate_file;
    httplib::SSLClient client("localhost", HttpPort(address), cert,
                              credentials.private_key_file);
    client.set_ca_cert_path(credentials.ca_file.c_str());
    client.enable_server_certificate_verification(true);
    client.set_read_timeout(std::chrono::milliseconds(kPatienceMs));
    const auto reply = client.Get(path.c_str());
    return reply ? reply->body : httplib::to_string(reply.error());
  }
  std::string GetMetrics() {
    return Get(server_->http_address(), files_.Anonymous(), "/metrics");
  }

  // The certificate of the next handshake is another one.
  void WaitForRotation(uint64_t taken) {
    const std::string wanted = fmt::format(
        "tributary_tls_reloads_total{{result=\"taken\"}} {}", taken);
    while (GetMetrics().find(wanted) == std::string::npos) {
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
  }

  TlsFiles files_;
  const std::filesystem::path root_ = MakeTestDir();
  v1::ServerConfig config_;
  std::unique_ptr<Server> server_;
};

TEST_F(EncryptedServer, AnswersWhoTrustsItsAuthority) {
  Start();
  EXPECT_EQ(Retrieve(files_.Anonymous()), "e");
  for (const std::string& address :
       {server_->http_address(), server_->admin_address()}) {
    EXPECT_EQ(Get(address, files_.Anonymous(), "/healthz"), "ok\n");
  }
  EXPECT_THAT(GetMetrics(),
              HasSubstr("\ntributary_tls_certificate_seconds_left 259"));
  const auto bundles = v1::Bundles::NewStub(
      OwnChannel(server_->control_address(), files_.Anonymous()));
  grpc::ClientContext context;
  v1::ServerStatus status;
  const grpc::Status asked = bundles->GetStatus(&context, {}, &status);
  EXPECT_TRUE(asked.ok()) << asked.error_message();
  EXPECT_EQ(status.active_version(), 1);
}

TEST_F(EncryptedServer, TurnsAwayWhoIsNotEncrypted) {
  Start();
  EXPECT_THAT(Retrieve({}), HasSubstr("UNAVAILABLE"));
  httplib::Client client("127.0.0.1", HttpPort(server_->http_address()));
  client.set_read_timeout(std::chrono::milliseconds(kPatienceMs));
  EXPECT_FALSE(client.Get("/healthz"));
}

TEST_F(EncryptedServer, ClientsTurnAwayAServerThatTheyDoNotKnow) {
  Start();
  const TestAuthority other("other");
  ReplaceFile(files_.path("other.pem"), other.certificate());
  ClientCredentials credentials;
  credentials.ca_file = files_.path("other.pem");
  EXPECT_THAT(Retrieve(credentials, 2000), HasSubstr("UNAVAILABLE"));
  // The right authority, and another name.
  credentials = files_.Anonymous();
  credentials.server_name = "elsewhere.example";
  EXPECT_THAT(Retrieve(credentials, 2000), HasSubstr("UNAVAILABLE"));
  EXPECT_THAT(Get(server_->http_address(),
                  {.ca_file = files_.path("other.pem")}, "/healthz"),
              HasSubstr("SSL"));
}

TEST_F(EncryptedServer, AsksForCertificatesOfClients) {
  config_.mutable_tls()->set_client_ca_file(files_.path("ca.pem"));
  Start();
  const ClientCredentials known = files_.Client("known", "DNS:ranker.example");
  EXPECT_EQ(Retrieve(known), "e");
  EXPECT_EQ(Get(server_->http_address(), known, "/healthz"), "ok\n");
  // They need not show one.
  EXPECT_EQ(Retrieve(files_.Anonymous()), "e");
  EXPECT_EQ(Get(server_->http_address(), files_.Anonymous(), "/healthz"),
            "ok\n");
}

TEST_F(EncryptedServer, RequiresCertificatesOfItsAuthority) {
  config_.mutable_tls()->set_client_ca_file(files_.path("ca.pem"));
  config_.mutable_tls()->set_require_client_certificate(true);
  Start();
  const ClientCredentials known = files_.Client("known", "DNS:ranker.example");
  EXPECT_EQ(Retrieve(known), "e");
  EXPECT_EQ(Get(server_->http_address(), known, "/healthz"), "ok\n");
  EXPECT_THAT(Retrieve(files_.Anonymous(), 2000), HasSubstr("UNAVAILABLE"));
  EXPECT_NE(Get(server_->http_address(), files_.Anonymous(), "/healthz"),
            "ok\n");
  // A certificate of somebody else.
  const TestAuthority other("other");
  const Issued issued = other.Issue({.names = "DNS:ranker.example"});
  ReplaceFile(files_.path("other.cert.pem"), issued.certificate);
  ReplaceFile(files_.path("other.key.pem"), issued.private_key);
  ClientCredentials stranger = files_.Anonymous();
  stranger.certificate_file = files_.path("other.cert.pem");
  stranger.private_key_file = files_.path("other.key.pem");
  EXPECT_THAT(Retrieve(stranger, 2000), HasSubstr("UNAVAILABLE"));
  EXPECT_NE(Get(server_->http_address(), stranger, "/healthz"), "ok\n");
}

TEST_F(EncryptedServer, FilesThatDoNotFitAreAnErrorAtTheStart) {
  ReplaceFile(files_.path("key.pem"), files_.root().Issue().private_key);
  const auto started = Server::Start(config_);
  EXPECT_EQ(started.status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(started.status().ToString(),
              HasSubstr("key.pem: not the private key of the certificate in"));
}

TEST_F(EncryptedServer, KeepsItsCertificateWhereTheNextOneIsNoGood) {
  Start();
  files_.Rotate({.valid_from_days = -3, .valid_until_days = -1});
  while (GetMetrics().find("\ntributary_tls_files_refused 1") ==
         std::string::npos) {
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  EXPECT_EQ(Retrieve(files_.Anonymous()), "e");
  EXPECT_THAT(GetMetrics(),
              HasSubstr("tributary_tls_reloads_total{result=\"refused\"} 1"));
  files_.Rotate();
  WaitForRotation(1);
  EXPECT_THAT(GetMetrics(), HasSubstr("\ntributary_tls_files_refused 0"));
}

TEST_F(EncryptedServer, ShowsTheNewCertificateToTheNextClient) {
  files_.Rotate({.names = "DNS:localhost,IP:127.0.0.1,DNS:old.example"});
  Start();
  ClientCredentials next = files_.Anonymous();
  next.server_name = "next.example";
  EXPECT_THAT(Retrieve(next, 2000), HasSubstr("UNAVAILABLE"));
  files_.Rotate({.names = "DNS:localhost,IP:127.0.0.1,DNS:next.example"});
  WaitForRotation(1);
  EXPECT_EQ(Retrieve(next), "e");
}

// Every call opens a connection, so that each sees a handshake.
TEST_F(EncryptedServer, NoCallFailsWhileCertificatesChange) {
  const bool torture = std::getenv("TRIBUTARY_TORTURE") != nullptr;
  const int rotations = torture ? 200 : 15;
  Start();
  std::atomic<bool> stop{false};
  std::atomic<int> calls{0};
  std::atomic<int> failed{0};
  const auto kept = RetrievalClient::Connect(
      server_->grpc_address(), {.deadline_ms = kPatienceMs,
                                .max_attempts = 1,
                                .credentials = files_.Anonymous()});
  ASSERT_TRUE(kept.ok()) << kept.status();
  std::thread on_kept([&] {
    while (!stop) {
      ++calls;
      if (!(*kept)->Retrieve(TinyRequest()).ok()) ++failed;
    }
  });
  std::thread on_new([&] {
    while (!stop) {
      ++calls;
      const auto stub = v1::Retrieval::NewStub(
          OwnChannel(server_->grpc_address(), files_.Anonymous()));
      grpc::ClientContext context;
      v1::RetrieveResponse response;
      const grpc::Status status =
          stub->Retrieve(&context, TinyRequest(), &response);
      if (!status.ok()) {
        ++failed;
        ADD_FAILURE() << status.error_message();
      }
    }
  });
  std::thread on_http([&] {
    while (!stop) {
      ++calls;
      const std::string reply =
          Get(server_->http_address(), files_.Anonymous(), "/healthz");
      if (reply != "ok\n") {
        ++failed;
        ADD_FAILURE() << reply;
      }
    }
  });
  for (int i = 0; i < rotations; ++i) {
    files_.Rotate();
    WaitForRotation(static_cast<uint64_t>(i + 1));
  }
  stop = true;
  on_kept.join();
  on_new.join();
  on_http.join();
  EXPECT_EQ(failed, 0);
  fmt::print("counted: {} certificate rotations, {} calls, {} failed\n",
             rotations, calls.load(), failed.load());
}

TEST_F(EncryptedServer, ASlowRequestIsTimedOutAsWithoutEncryption) {
  config_.mutable_transport()->set_http_read_timeout_ms(200);
  Start();
  // The head is not complete.
  EXPECT_THAT(Exchange(server_->http_address(), "GET /healthz HTTP/1.1\r\n"),
              HasSubstr("HTTP/1.1 408 "));
  // One that sends nothing is closed without a word.
  EXPECT_EQ(Exchange(server_->http_address(), ""), "");
}

TEST_F(EncryptedServer, TakesTls12And13AndNothingOlder) {
  Start();
  constexpr char kGet[] =
      "GET /healthz HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
  for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
    EXPECT_THAT(Exchange(server_->http_address(), kGet, version),
                HasSubstr("200 OK"));
    EXPECT_TRUE(Handshakes(server_->grpc_address(), version));
  }
  for (const std::string& address :
       {server_->http_address(), server_->grpc_address()}) {
    EXPECT_FALSE(Handshakes(address, TLS1_1_VERSION)) << address;
  }
}

}  // namespace
}  // namespace tributary
