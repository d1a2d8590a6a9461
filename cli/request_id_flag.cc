#include "cli/request_id_flag.h"

#include <string_view>

#include "client/retrieval_client.h"
#include "fmt/format.h"
#include "server/process/call_id.h"
#include "status/status_message.h"

namespace tributary {
namespace {

std::string RequestIdText(std::string_view id) {
  return id.empty() ? "" : fmt::format(" (request {})", id);
}

}  // namespace

void AddRequestIdFlag(CLI::App& command, std::string* request_id) {
  command
      .add_option("--request-id", *request_id,
                  "Names the call in the server's log, and in its traces: at "
                  "most 128 bytes of visible ASCII")
      ->check(CLI::Validator(
          [](std::string& text) {
            return IsRequestId(text) ? std::string()
                                     : "expected 1 to 128 bytes of visible "
                                       "ASCII";
          },
          ""));
}

absl::Status WithRequestIdNamed(const absl::Status& error) {
  return absl::Status(
      error.code(),
      fmt::format("{}{}", MessageOf(error), RequestIdText(RequestIdOf(error))));
}

std::string RequestIdNote(const grpc::ClientContext& context) {
  const auto& trailing = context.GetServerTrailingMetadata();
  const auto found = trailing.find("x-request-id");
  if (found == trailing.end()) return "";
  return RequestIdText({found->second.data(), found->second.size()});
}

}  // namespace tributary
