// --request-id, by which commands name their calls, and the names in errors.
#ifndef TRIBUTARY_CLI_REQUEST_ID_FLAG_H_
#define TRIBUTARY_CLI_REQUEST_ID_FLAG_H_

#include <string>

#include "CLI/CLI.hpp"
#include "absl/status/status.h"
#include "grpcpp/client_context.h"

namespace tributary {

// Adds the flag. Names that a server would not take are refused.
void AddRequestIdFlag(CLI::App& command, std::string* request_id);

// The error of a call of RetrievalClient, with the name by which the server
// knows the call, if it does.
absl::Status WithRequestIdNamed(const absl::Status& error);
// The same for calls of other clients: what to write behind the message.
std::string RequestIdNote(const grpc::ClientContext& context);

}  // namespace tributary

#endif  // TRIBUTARY_CLI_REQUEST_ID_FLAG_H_
