// A whole server in this process whose listeners are encrypted, with the
// certificates that its clients need.
#ifndef TRIBUTARY_TESTS_SERVER_RPC_ENCRYPTED_SERVER_H_
#define TRIBUTARY_TESTS_SERVER_RPC_ENCRYPTED_SERVER_H_

#include <filesystem>
#include <memory>
#include <string>

#include "client/credentials.h"
#include "gtest/gtest.h"
#include "server/server.h"
#include "tests/index/bundle/tiny_bundle.h"
#include "tests/server/rpc/running_server.h"
#include "tests/server/tls/test_authority.h"

namespace tributary {

// An authority, its files, and a server's certificate in them.
class TlsFiles {
 public:
  TlsFiles() {
    ReplaceFile(path("ca.pem"), root_.certificate());
    Rotate();
  }

  std::filesystem::path path(const std::string& name) const {
    return dir_ / name;
  }
  const TestAuthority& root() const { return root_; }

  // A new certificate and key for the server.
  void Rotate(const IssueOptions& options = {}) {
    const Issued issued = root_.Issue(options);
    ReplaceFile(path("cert.pem"), issued.certificate);
    ReplaceFile(path("key.pem"), issued.private_key);
  }

  // A client's certificate of these names, in files that begin with `name`.
  ClientCredentials Client(const std::string& name, const std::string& names) {
    const Issued issued = root_.Issue({.names = names});
    ReplaceFile(path(name + ".cert.pem"), issued.certificate);
    ReplaceFile(path(name + ".key.pem"), issued.private_key);
    ClientCredentials credentials = Anonymous();
    credentials.certificate_file = path(name + ".cert.pem");
    credentials.private_key_file = path(name + ".key.pem");
    return credentials;
  }
  // A client that trusts the authority and shows nothing.
  ClientCredentials Anonymous() const {
    ClientCredentials credentials;
    credentials.ca_file = path("ca.pem");
    return credentials;
  }

  // Everything is encrypted, the control plane, too.
  void Encrypt(v1::ServerConfig* config) const {
    config->set_control("127.0.0.1:0");
    config->mutable_tls()->set_certificate_file(path("cert.pem"));
    config->mutable_tls()->set_private_key_file(path("key.pem"));
    config->mutable_tls()->set_reload_interval_ms(10);
    for (const char* const name : {"listen", "http", "admin", "control"}) {
      config->mutable_tls()->add_listeners(name);
    }
  }

 private:
  const TestAuthority root_{"test root"};
  const std::filesystem::path dir_ = MakeTestDir();
};

// A channel of its own: those with equal arguments share a connection.
inline std::shared_ptr<grpc::Channel> OwnChannel(
    const std::string& address, const ClientCredentials& credentials) {
  grpc::ChannelArguments arguments;
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  arguments.SetInt(GRPC_ARG_ENABLE_HTTP_PROXY, 0);
  auto channel = OpenChannel(address, credentials, arguments);
  EXPECT_TRUE(channel.ok()) << channel.status();
  return channel.ok() ? *channel : nullptr;
}

}  // namespace tributary

#endif  // TRIBUTARY_TESTS_SERVER_RPC_ENCRYPTED_SERVER_H_
