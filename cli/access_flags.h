// The flags by which a command shows a server who calls, alike in every command
// that calls one.
#ifndef TRIBUTARY_CLI_ACCESS_FLAGS_H_
#define TRIBUTARY_CLI_ACCESS_FLAGS_H_

#include <memory>
#include <string>

#include "CLI/CLI.hpp"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "client/credentials.h"

namespace tributary {

// Adds --tls-ca, --tls-cert, --tls-key, --tls-server-name and --token-file,
// whose values are written to *credentials.
void AddAccessFlags(CLI::App& command, ClientCredentials* credentials);

// The error of a call or of OpenChannel, with the names of the flags instead of
// those of the fields.
absl::Status WithAccessFlags(const absl::Status& status);

// A channel to `address` for calls of a command, or the error: `field` is what
// CheckServerAddress calls the address.
absl::StatusOr<std::shared_ptr<grpc::Channel>> OpenChannelOf(
    const char* field, const std::string& address,
    const ClientCredentials& credentials);

}  // namespace tributary

#endif  // TRIBUTARY_CLI_ACCESS_FLAGS_H_
