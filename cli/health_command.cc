// tributary health: whether a server is ready, for the health checks of
// containers, which have no other program to ask with.
#include <chrono>
#include <cstdint>
#include <memory>
#include <string>

#include "cli/access_flags.h"
#include "cli/commands.h"
#include "cli/json_flag.h"
#include "client/server_address.h"
#include "fmt/core.h"
#include "grpc/health/v1/health.grpc.pb.h"
#include "grpcpp/client_context.h"
#include "status/status_macros.h"

namespace tributary {
namespace {

struct HealthFlags {
  std::string address = "127.0.0.1:7700";
  ClientCredentials credentials;
  uint32_t timeout_ms = 1000;
  JsonFlag json;
};

absl::StatusOr<grpc::health::v1::HealthCheckResponse> AskHealth(
    const HealthFlags& flags) {
  ASSIGN_OR_RETURN(const auto channel,
                   OpenChannelOf("address", flags.address, flags.credentials));
  const auto stub = grpc::health::v1::Health::NewStub(channel);
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() +
                       std::chrono::milliseconds(flags.timeout_ms));
  grpc::health::v1::HealthCheckResponse response;
  const grpc::Status status = stub->Check(&context, {}, &response);
  switch (status.error_code()) {
    case grpc::StatusCode::OK:
      return response;
    case grpc::StatusCode::DEADLINE_EXCEEDED:
      return absl::DeadlineExceededError(fmt::format(
          "{}: no answer within {} ms", flags.address, flags.timeout_ms));
    case grpc::StatusCode::UNAVAILABLE:
      return absl::UnavailableError(fmt::format(
          "{}: {}", flags.address,
          ExplainUnavailable(flags.address, status.error_message())));
    case grpc::StatusCode::UNIMPLEMENTED:
      return absl::UnimplementedError(fmt::format(
          "{}: the server has no health service: expected the address of "
          "--listen of a tributary-server",
          flags.address));
    default:
      return absl::Status(
          static_cast<absl::StatusCode>(status.error_code()),
          fmt::format("{}: {}", flags.address, status.error_message()));
  }
}

absl::Status PrintHealth(const HealthFlags& flags) {
  ASSIGN_OR_RETURN(const auto response, AskHealth(flags));
  const bool serving =
      response.status() == grpc::health::v1::HealthCheckResponse::SERVING;
  RETURN_IF_ERROR(flags.json.WriteObject(
      {{"address", flags.address},
       {"status", grpc::health::v1::HealthCheckResponse::ServingStatus_Name(
                      response.status())}}));
  if (!serving) {
    return absl::UnavailableError(
        fmt::format("{}: not serving: no version is active yet, or the server "
                    "is about to stop; /readyz says which",
                    flags.address));
  }
  if (!flags.json.on_stdout()) fmt::print("{}: serving\n", flags.address);
  return absl::OkStatus();
}

}  // namespace

void AddHealthCommand(CLI::App& app) {
  auto flags = std::make_shared<HealthFlags>();
  CLI::App* command = app.add_subcommand(
      "health",
      "Ask a server whether it is ready; the exit status is 0 if it is, "
      "else 1");
  command
      ->add_option("address", flags->address,
                   "Address of the server's --listen: host:port or unix:PATH")
      ->capture_default_str();
  command
      ->add_option("--timeout-ms", flags->timeout_ms,
                   "How long to wait for the answer, in milliseconds")
      ->check(CLI::Range(1, 3600000))
      ->capture_default_str();
  AddAccessFlags(*command, &flags->credentials);
  flags->json.AddTo(*command, "the answer");
  command->callback([flags] { FailUnlessOk(PrintHealth(*flags)); });
}

}  // namespace tributary
