// tributary explain: asks a server why items are not among a user's candidates.
#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "cli/access_flags.h"
#include "cli/commands.h"
#include "cli/explain_text.h"
#include "cli/json_flag.h"
#include "cli/request_flags.h"
#include "cli/request_id_flag.h"
#include "client/server_address.h"
#include "fmt/core.h"
#include "grpcpp/client_context.h"
#include "status/status_macros.h"
#include "tributary/v1/explain.grpc.pb.h"

namespace tributary {
namespace {

struct ExplainFlags {
  RequestFlags request;
  std::vector<std::string> items;
  std::string address = "127.0.0.1:7700";
  ClientCredentials credentials;
  uint32_t deadline_ms = 60'000;
  std::string request_id;
  JsonFlag json;
};

absl::StatusOr<v1::ExplainResponse> AskWhy(const ExplainFlags& flags) {
  v1::ExplainRequest request;
  ASSIGN_OR_RETURN(*request.mutable_request(), RequestOf(flags.request));
  for (const std::string& key : flags.items) request.add_item_keys(key);
  ASSIGN_OR_RETURN(const auto channel,
                   OpenChannelOf("address", flags.address, flags.credentials));
  const auto stub = v1::Explanation::NewStub(channel);
  grpc::ClientContext context;
  if (!flags.request_id.empty()) {
    context.AddMetadata("x-request-id", flags.request_id);
  }
  context.set_deadline(std::chrono::system_clock::now() +
                       std::chrono::milliseconds(flags.deadline_ms));
  v1::ExplainResponse response;
  const grpc::Status status = stub->Explain(&context, request, &response);
  if (status.ok()) return response;
  const bool unavailable = status.error_code() == grpc::StatusCode::UNAVAILABLE;
  return absl::Status(
      static_cast<absl::StatusCode>(status.error_code()),
      fmt::format("{}: {}", flags.address,
                  unavailable ? ExplainUnavailable(flags.address,
                                                   status.error_message())
                              : status.error_message()) +
          RequestIdNote(context));
}

absl::Status PrintWhy(const ExplainFlags& flags) {
  ASSIGN_OR_RETURN(const v1::ExplainResponse response, AskWhy(flags));
  if (flags.json.given()) return flags.json.Write(response);
  fmt::print("{}", ExplainText(response));
  return absl::OkStatus();
}

}  // namespace

void AddExplainCommand(CLI::App& app) {
  auto flags = std::make_shared<ExplainFlags>();
  CLI::App* command = app.add_subcommand(
      "explain", "Ask a server why items are not among a user's candidates");
  command
      ->add_option("user", flags->request.user,
                   "The user's key; '' for an anonymous user")
      ->required();
  command->add_option("items", flags->items, "Keys of the items to explain")
      ->required();
  AddRequestFlags(*command, &flags->request);
  command
      ->add_option("--address", flags->address,
                   "Address of the server: host:port or unix:PATH")
      ->capture_default_str();
  command
      ->add_option("--deadline-ms", flags->deadline_ms,
                   "Deadline of the call, in milliseconds; the server takes a "
                   "minute at most")
      ->capture_default_str();
  AddRequestIdFlag(*command, &flags->request_id);
  AddAccessFlags(*command, &flags->credentials);
  flags->json.AddTo(*command, "the response");
  command->callback([flags] { FailUnlessOk(PrintWhy(*flags)); });
}

}  // namespace tributary
