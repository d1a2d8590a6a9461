#include "server/loader/bundles_client.h"

#include <chrono>
#include <utility>

#include "client/credentials.h"
#include "fmt/core.h"
#include "google/protobuf/util/time_util.h"
#include "grpc/support/time.h"
#include "grpcpp/support/channel_arguments.h"
#include "server/tracing/trace_context.h"
#include "status/status_macros.h"
#include "status/status_message.h"

namespace tributary {
namespace {

using google::protobuf::util::TimeUtil;

constexpr std::chrono::seconds kDeadline(10);
// Staging reads and hashes the whole version.
constexpr std::chrono::minutes kStageDeadline(30);
// The server is on this host: a frequent look whether it is back costs little.
constexpr int kMinReconnectBackoffMs = 100;
constexpr int kMaxReconnectBackoffMs = 1000;

grpc::ChannelArguments ChannelSettings() {
  grpc::ChannelArguments arguments;
  // The server is in the same pod.
  arguments.SetInt(GRPC_ARG_ENABLE_HTTP_PROXY, 0);
  arguments.SetInt(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS,
                   kMinReconnectBackoffMs);
  arguments.SetInt(GRPC_ARG_MIN_RECONNECT_BACKOFF_MS, kMinReconnectBackoffMs);
  arguments.SetInt(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, kMaxReconnectBackoffMs);
  return arguments;
}

// Calls a method of the stub.
template <typename Request, typename Response>
absl::Status Call(v1::Bundles::Stub& stub,
                  grpc::Status (v1::Bundles::Stub::*method)(
                      grpc::ClientContext*, const Request&, Response*),
                  const Request& request, Response* response,
                  std::chrono::milliseconds deadline, std::stop_token stop,
                  const std::string& traceparent = "") {
  grpc::ClientContext context;
  if (!traceparent.empty()) {
    context.AddMetadata(kTraceparentHeader, traceparent);
  }
  // A time span, because the wall clock may jump.
  context.set_deadline(gpr_time_from_millis(deadline.count(), GPR_TIMESPAN));
  const std::stop_callback cancel(std::move(stop),
                                  [&context] { context.TryCancel(); });
  const grpc::Status status = (stub.*method)(&context, request, response);
  return {static_cast<absl::StatusCode>(status.error_code()),
          status.error_message()};
}

}  // namespace

absl::StatusOr<std::unique_ptr<BundlesClient>> BundlesClient::Connect(
    const std::string& address, const v1::ClientAccess& access) {
  ClientCredentials credentials;
  credentials.ca_file = access.ca_file();
  credentials.certificate_file = access.certificate_file();
  credentials.private_key_file = access.private_key_file();
  credentials.server_name = access.server_name();
  credentials.token_file = access.token_file();
  const auto channel = OpenChannel(address, credentials, ChannelSettings());
  if (!channel.ok()) {
    return absl::Status(channel.status().code(),
                        fmt::format("access.{}", MessageOf(channel.status())));
  }
  return std::unique_ptr<BundlesClient>(new BundlesClient(*channel));
}

absl::StatusOr<ServerView> BundlesClient::GetStatus(std::stop_token stop) {
  v1::ServerStatus status;
  RETURN_IF_ERROR(Call(*stub_, &v1::Bundles::Stub::GetStatus,
                       v1::GetStatusRequest(), &status, kDeadline,
                       std::move(stop)));
  ServerView view;
  view.active = status.active_version();
  view.previous = status.previous_version();
  view.last_refused = status.last_refusal().version();
  if (status.has_started_at()) {
    view.started = TimeUtil::ToString(status.started_at());
  }
  for (const v1::BundleStatus& bundle : status.bundles()) {
    if (bundle.state() == v1::STAGED || bundle.state() == v1::ACTIVE ||
        bundle.state() == v1::PREVIOUS) {
      view.resident.insert(bundle.version());
    }
    if (bundle.state() == v1::PREVIOUS) view.wanted.insert(bundle.version());
  }
  for (const v1::Label& label : status.labels()) {
    view.wanted.insert(label.version());
  }
  return view;
}

absl::Status BundlesClient::Stage(uint64_t version, std::stop_token stop,
                                  const std::string& traceparent) {
  v1::StageRequest request;
  request.set_version(version);
  v1::BundleStatus response;
  return Call(*stub_, &v1::Bundles::Stub::Stage, request, &response,
              kStageDeadline, std::move(stop), traceparent);
}

absl::Status BundlesClient::Activate(uint64_t version, std::stop_token stop,
                                     const std::string& traceparent) {
  v1::ActivateRequest request;
  request.set_version(version);
  v1::BundleStatus response;
  return Call(*stub_, &v1::Bundles::Stub::Activate, request, &response,
              kDeadline, std::move(stop), traceparent);
}

absl::Status BundlesClient::Refuse(uint64_t version, const std::string& reason,
                                   std::stop_token stop) {
  v1::RefuseRequest request;
  request.set_version(version);
  request.set_reason(reason);
  v1::RefuseResponse response;
  return Call(*stub_, &v1::Bundles::Stub::Refuse, request, &response, kDeadline,
              std::move(stop));
}

absl::Status BundlesClient::Report(const v1::LoaderStatus& status,
                                   std::stop_token stop) {
  v1::ReportResponse response;
  return Call(*stub_, &v1::Bundles::Stub::Report, status, &response, kDeadline,
              std::move(stop));
}

}  // namespace tributary
