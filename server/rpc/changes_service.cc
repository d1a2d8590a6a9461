#include "server/rpc/changes_service.h"

#include <algorithm>
#include <chrono>
#include <string>
#include <utility>
#include <vector>

#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "fmt/format.h"
#include "google/protobuf/util/message_differencer.h"
#include "grpcpp/impl/rpc_service_method.h"
#include "grpcpp/support/method_handler.h"
#include "server/service/measured_call.h"
#include "spdlog/spdlog.h"
#include "status/field_error.h"
#include "status/status_macros.h"

namespace tributary {
namespace {

constexpr char kService[] = "tributary.v1.Changes";
constexpr char kWatch[] = "/tributary.v1.Changes/Watch";
// How long a call waits for another writer, if its deadline does not come
// first.
constexpr absl::Duration kLongestWait = absl::Seconds(5);
// What is left of a deadline for the answer.
constexpr absl::Duration kTimeToAnswer = absl::Milliseconds(20);
// How soon it is noticed that a watcher is gone.
constexpr std::chrono::milliseconds kWatchPoll(100);

// Whether there is something to tell: the times at which the loader looked are
// not.
bool Differ(v1::ChangesStatus a, v1::ChangesStatus b) {
  a.clear_checked_at();
  b.clear_checked_at();
  return !google::protobuf::util::MessageDifferencer::Equals(a, b);
}

}  // namespace

ChangesService::ChangesService(const v1::ChangeWriting& settings,
                               const BundleSet* bundles, ChangeSignal* signal,
                               const ControlGuard& guard)
    : GuardedService(guard),
      settings_(settings),
      bundles_(bundles),
      signal_(signal),
      apply_metrics_(guard.metrics->AddMethod(kService, "Apply")),
      watch_metrics_(guard.metrics->AddMethod(kService, "Watch")),
      get_status_metrics_(guard.metrics->AddMethod(kService, "GetStatus")),
      writer_(settings) {
  Add<v1::ApplyChangesRequest, v1::ApplyChangesResponse>(
      "/tributary.v1.Changes/Apply", AccessRole::kOperate, false,
      [this](grpc::ServerContext* context,
             const v1::ApplyChangesRequest* request,
             v1::ApplyChangesResponse* response) {
        return ToGrpcStatus(MeasuredCall(apply_metrics_, [&] {
          absl::Status status = Apply(context, *request, response);
          if (!status.ok()) {
            spdlog::warn("event=control_failed method=Apply error={:?}",
                         status.ToString());
          }
          return status;
        }));
      });
  Add<v1::GetChangesStatusRequest, v1::ChangesStatus>(
      "/tributary.v1.Changes/GetStatus", AccessRole::kObserve, true,
      [this](grpc::ServerContext*, const v1::GetChangesStatusRequest*,
             v1::ChangesStatus* response) {
        return ToGrpcStatus(MeasuredCall(get_status_metrics_, [&] {
          *response = Status();
          return absl::OkStatus();
        }));
      });
  AddWatch();
}

void ChangesService::AddWatch() {
  const CallMethod* const method = MethodNamed(kWatch, true);
  auto call = [this, method](GuardedService*, grpc::ServerContext* context,
                             const grpc::ByteBuffer*,
                             grpc::ServerWriter<v1::ChangesStatus>* writer) {
    return Guard(method, AccessRole::kObserve, true, context,
                 [&](std::string*, CallTrace*) {
                   return ToGrpcStatus(MeasuredCall(
                       watch_metrics_, [&] { return Watch(context, writer); }));
                 });
  };
  AddMethod(new grpc::internal::RpcServiceMethod(
      kWatch, grpc::internal::RpcMethod::SERVER_STREAMING,
      new grpc::internal::ServerStreamingHandler<
          GuardedService, grpc::ByteBuffer, v1::ChangesStatus>(std::move(call),
                                                               this)));
}

absl::Status ChangesService::Apply(grpc::ServerContext* context,
                                   const v1::ApplyChangesRequest& request,
                                   v1::ApplyChangesResponse* response) {
  if (settings_.store().empty()) {
    return absl::FailedPreconditionError(
        "changes.store: the server's configuration names no store that changes "
        "are written to");
  }
  if (request.changes().empty()) {
    return FieldError("changes", "expected at least one");
  }
  if (static_cast<uint32_t>(request.changes_size()) > settings_.max_batch()) {
    return FieldError("changes", "{} changes, at most {} are allowed",
                      request.changes_size(), settings_.max_batch());
  }
  for (int i = 0; i < request.changes_size(); ++i) {
    const v1::Change& change = request.changes(i);
    const std::string path = fmt::format("changes[{}]", i);
    if (change.number() != 0) {
      return FieldError(path + ".number", "the log's to set");
    }
    if (change.at_ms() != 0) {
      return FieldError(path + ".at_ms", "the log's to set");
    }
    RETURN_IF_ERROR(CheckChange(change, path));
  }
  const absl::Time deadline =
      std::min(absl::FromChrono(context->deadline()) - kTimeToAnswer,
               absl::Now() + kLongestWait);
  ASSIGN_OR_RETURN(
      const WrittenChanges written,
      writer_.Append({request.changes().begin(), request.changes().end()},
                     deadline));
  response->set_first(written.first);
  response->set_last(written.last);
  return absl::OkStatus();
}

absl::Status ChangesService::Watch(
    grpc::ServerContext* context,
    grpc::ServerWriter<v1::ChangesStatus>* writer) {
  struct Place {
    explicit Place(std::atomic<int>* watchers)
        : taken(watchers), number(++*watchers) {}
    ~Place() { --*taken; }
    std::atomic<int>* const taken;
    const int number;
  };
  const Place place(&watchers_);
  if (place.number > kMaxWatchers) {
    return absl::ResourceExhaustedError(fmt::format(
        "{} calls of Watch are in progress, and there can be no more",
        kMaxWatchers));
  }
  v1::ChangesStatus told;
  for (bool first = true; !context->IsCancelled(); first = false) {
    const uint64_t seen = signal_->count();
    v1::ChangesStatus status = Status();
    if (first || Differ(status, told)) {
      if (!writer->Write(status)) break;
      told = std::move(status);
    }
    signal_->Wait(seen, kWatchPoll);
  }
  return absl::CancelledError("the caller has gone");
}

}  // namespace tributary
