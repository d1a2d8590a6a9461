// How a program connects to a server: encrypted or not, and as whom.
#ifndef TRIBUTARY_CLIENT_CREDENTIALS_H_
#define TRIBUTARY_CLIENT_CREDENTIALS_H_

#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "grpcpp/channel.h"
#include "grpcpp/support/channel_arguments.h"

namespace tributary {

// The files are read again when they change, so that certificates and tokens
// can be replaced while a program runs.
struct ClientCredentials {
  // The authorities that sign servers' certificates (PEM), or "system": those
  // of the machine. Empty: the connection is not encrypted.
  std::string ca_file = {};
  // The program's own certificate with its chain, and its private key (PEM).
  // Both or neither; only with ca_file.
  std::string certificate_file = {};
  std::string private_key_file = {};
  // The name that the server's certificate must have. Empty: the host of the
  // address.
  std::string server_name = {};
  // A file whose first line is a bearer token.
  std::string token_file = {};

  bool empty() const {
    return ca_file.empty() && certificate_file.empty() &&
           private_key_file.empty() && server_name.empty() &&
           token_file.empty();
  }
};

// A channel to the address, which CheckServerAddress accepts. It does not
// connect yet. Errors begin with "ca_file", "certificate_file",
// "private_key_file", "server_name" or "token_file": NOT_FOUND and
// PERMISSION_DENIED for a file; INVALID_ARGUMENT when one lacks what it should
// have, or when the fields contradict each other; FAILED_PRECONDITION for a
// token that would travel unencrypted to another host.
absl::StatusOr<std::shared_ptr<grpc::Channel>> OpenChannel(
    const std::string& address, const ClientCredentials& credentials,
    const grpc::ChannelArguments& arguments);

}  // namespace tributary

#endif  // TRIBUTARY_CLIENT_CREDENTIALS_H_
