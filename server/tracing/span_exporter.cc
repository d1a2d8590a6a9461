#include "server/tracing/span_exporter.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "client/credentials.h"
#include "client/server_address.h"
#include "fmt/format.h"
#include "opentelemetry/proto/collector/trace/v1/trace_service.grpc.pb.h"
#include "spdlog/spdlog.h"
#include "status/status_macros.h"
#include "status/status_message.h"

namespace tributary {
namespace {

using OtlpService = opentelemetry::proto::collector::trace::v1::TraceService;
using OtlpResponse =
    opentelemetry::proto::collector::trace::v1::ExportTraceServiceResponse;

// Enough for a call to cost little for each span; a few hundred kilobytes.
constexpr size_t kBatchSpans = 512;
constexpr std::chrono::seconds kCallTimeout(5);
constexpr int kAttempts = 5;
constexpr std::chrono::milliseconds kFirstPause(500);
constexpr int kMaxReconnectMs = 5000;

// What the specification of OTLP says may be tried again.
bool MayPass(grpc::StatusCode code) {
  switch (code) {
    case grpc::StatusCode::CANCELLED:
    case grpc::StatusCode::DEADLINE_EXCEEDED:
    case grpc::StatusCode::RESOURCE_EXHAUSTED:
    case grpc::StatusCode::ABORTED:
    case grpc::StatusCode::OUT_OF_RANGE:
    case grpc::StatusCode::UNAVAILABLE:
    case grpc::StatusCode::DATA_LOSS:
      return true;
    default:
      return false;
  }
}

}  // namespace

absl::StatusOr<std::unique_ptr<SpanExporter>> SpanExporter::Create(
    const v1::Tracing& tracing) {
  RETURN_IF_ERROR(
      CheckServerAddress("tracing.otlp_endpoint", tracing.otlp_endpoint()));
  ClientCredentials credentials;
  credentials.ca_file = tracing.access().ca_file();
  credentials.certificate_file = tracing.access().certificate_file();
  credentials.private_key_file = tracing.access().private_key_file();
  credentials.server_name = tracing.access().server_name();
  credentials.token_file = tracing.access().token_file();
  grpc::ChannelArguments arguments;
  SetProxyFor(tracing.otlp_endpoint(), &arguments);
  arguments.SetInt(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, kMaxReconnectMs);
  const auto channel =
      OpenChannel(tracing.otlp_endpoint(), credentials, arguments);
  if (!channel.ok()) {
    return absl::Status(
        channel.status().code(),
        fmt::format("tracing.access.{}", MessageOf(channel.status())));
  }
  return std::unique_ptr<SpanExporter>(new SpanExporter(tracing, *channel));
}

SpanExporter::SpanExporter(const v1::Tracing& tracing,
                           std::shared_ptr<grpc::Channel> channel)
    : endpoint_(tracing.otlp_endpoint()),
      queue_length_(tracing.queue_length()),
      interval_(tracing.interval_ms()),
      channel_(std::move(channel)),
      request_(OtlpRequestOf(tracing.service_name())) {}

void SpanExporter::Start(TracingMetrics* metrics) {
  metrics_ = metrics;
  thread_ = std::thread([this] { Run(); });
}

SpanExporter::~SpanExporter() { Stop(); }

void SpanExporter::Offer(std::vector<Span> spans) {
  if (spans.empty()) return;
  const size_t count = spans.size();
  bool enough = false;
  SpanDrop reason = SpanDrop::kQueueFull;
  {
    const MutexLock lock(&mutex_);
    const size_t waiting = waiting_.load(std::memory_order_relaxed);
    if (stopping_) reason = SpanDrop::kShutdown;
    if (!stopping_ && waiting + count <= queue_length_) {
      queue_.push_back(std::move(spans));
      waiting_.store(waiting + count, std::memory_order_relaxed);
      enough = waiting + count >= kBatchSpans;
      // The batch before this one woke the thread.
      if (!enough || waiting >= kBatchSpans) return;
    }
  }
  if (enough) return changed_.NotifyAll();
  Drop(reason, count);
}

bool SpanExporter::WaitForSpans() {
  const auto next = Clock::now() + interval_;
  while (!stopping_ && waiting_.load(std::memory_order_relaxed) < kBatchSpans) {
    if (!changed_.WaitUntil(&mutex_, next)) break;
  }
  return !stopping_;
}

std::vector<Span> SpanExporter::TakeBatch() {
  std::vector<Span> batch;
  while (!queue_.empty() && batch.size() < kBatchSpans) {
    std::move(queue_.front().begin(), queue_.front().end(),
              std::back_inserter(batch));
    queue_.pop_front();
  }
  waiting_.store(waiting_.load(std::memory_order_relaxed) - batch.size(),
                 std::memory_order_relaxed);
  return batch;
}

bool SpanExporter::WaitToRetry(int attempt) {
  const auto next = Clock::now() + kFirstPause * (1 << attempt);
  while (!stopping_ && changed_.WaitUntil(&mutex_, next)) {
  }
  // At the end there is one attempt for each batch.
  return !stopping_;
}

grpc::Status SpanExporter::Send(const OtlpRequest& request, size_t* rejected) {
  grpc::ClientContext context;
  {
    const MutexLock lock(&mutex_);
    const auto timeout = stopping_ ? std::min<Clock::duration>(
                                         kCallTimeout, stop_end_ - Clock::now())
                                   : kCallTimeout;
    context.set_deadline(
        std::chrono::system_clock::now() +
        std::chrono::duration_cast<std::chrono::system_clock::duration>(
            timeout));
    call_ = &context;
  }
  OtlpResponse response;
  const grpc::Status status =
      OtlpService::NewStub(channel_)->Export(&context, request, &response);
  {
    const MutexLock lock(&mutex_);
    call_ = nullptr;
  }
  *rejected = static_cast<size_t>(
      std::max<int64_t>(response.partial_success().rejected_spans(), 0));
  return status;
}

void SpanExporter::Tell(const grpc::Status& status) {
  if (!status.ok()) metrics_->failures.Add();
  if (status.ok() != failing_) return;
  failing_ = !status.ok();
  if (failing_) {
    spdlog::warn("event=spans_not_exported endpoint={} error={:?} hint={:?}",
                 endpoint_, status.error_message(),
                 "calls are answered as ever; spans wait, and are dropped when "
                 "too many do");
  } else {
    spdlog::info("event=spans_exported_again endpoint={}", endpoint_);
  }
}

void SpanExporter::Deliver(const std::vector<Span>& batch) {
  SetOtlpSpans(batch, &request_);
  for (int attempt = 0; attempt < kAttempts; ++attempt) {
    size_t rejected = 0;
    const grpc::Status status = Send(request_, &rejected);
    Tell(status);
    if (status.ok()) {
      rejected = std::min(rejected, batch.size());
      metrics_->exported.Add(batch.size() - rejected);
      if (rejected > 0) Drop(SpanDrop::kRejected, rejected);
      return;
    }
    if (!MayPass(status.error_code())) break;
    const MutexLock lock(&mutex_);
    if (!WaitToRetry(attempt)) break;
  }
  Drop(SpanDrop::kNotExported, batch.size());
}

void SpanExporter::Run() {
  while (true) {
    std::vector<Span> batch;
    {
      const MutexLock lock(&mutex_);
      const bool going_on = WaitForSpans();
      batch = TakeBatch();
      const bool over = batch.empty() || Clock::now() >= stop_end_;
      if (!going_on && over) {
        Drop(SpanDrop::kShutdown,
             batch.size() + waiting_.load(std::memory_order_relaxed));
        stopped_ = true;
        changed_.NotifyAll();
        return;
      }
    }
    if (!batch.empty()) Deliver(batch);
  }
}

void SpanExporter::Stop() {
  if (!thread_.joinable()) return;
  {
    MutexLock lock(&mutex_);
    if (!stopping_) {
      stopping_ = true;
      stop_end_ = Clock::now() + kStopTime;
      changed_.NotifyAll();
    }
    while (!stopped_ && changed_.WaitUntil(&mutex_, stop_end_)) {
    }
    if (call_ != nullptr) call_->TryCancel();
  }
  if (thread_.joinable()) thread_.join();
}

}  // namespace tributary
