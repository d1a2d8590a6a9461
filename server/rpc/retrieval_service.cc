#include "server/rpc/retrieval_service.h"

#include <algorithm>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "fmt/format.h"
#include "grpcpp/server_context.h"
#include "grpcpp/support/async_stream.h"
#include "grpcpp/support/async_unary_call.h"
#include "grpcpp/support/byte_buffer.h"
#include "grpcpp/support/slice.h"
#include "server/process/call_id.h"
#include "server/rpc/load_report_trailer.h"
#include "server/rpc/rpc_headers.h"
#include "server/rpc/status_to_grpc.h"
#include "server/service/criticality.h"
#include "status/field_error.h"

namespace tributary {
namespace {

using Clock = std::chrono::steady_clock;

constexpr char kRetrievalService[] = "tributary.v1.Retrieval";
// By RetrievalService::Method.
constexpr std::string_view kMethodNames[] = {
    "/tributary.v1.Retrieval/Retrieve", "/tributary.v1.Retrieval/BatchRetrieve",
    "/tributary.v1.Retrieval/StreamRetrieve"};
// How many calls of a method are asked for ahead. gRPC queues what comes beyond
// them, which costs it more.
constexpr int kAskedAhead = 64;
// Calls that may exist beside those in progress: asked for, or unread.
constexpr size_t kOtherCalls = 4096;
// Polling threads beside those that run calls.
constexpr size_t kFreeThreads = 2;
constexpr size_t kMaxUnread = 1024;
// A part of a stream: at most so many entries, and about so many bytes. It
// holds a thread for some milliseconds, and fits into what clients receive
// (4 MB, unless they say otherwise).
constexpr size_t kPartEntries = 64;
constexpr size_t kPartBytes = 1 << 20;
// As the RetryInfo of RESOURCE_EXHAUSTED (service/rpc_status.cc).
constexpr char kPushbackMs[] = "50";
constexpr auto kUnreadTimeoutWhenMany = std::chrono::milliseconds(100);

// The call's deadline on the steady clock, which does not jump; gRPC gives it
// on the system's. A deadline more than a day away is none.
SteadyTime DeadlineOf(const grpc::ServerContext& context) {
  using std::chrono::system_clock;
  const system_clock::time_point deadline = context.deadline();
  if (deadline == system_clock::time_point::max()) return SteadyTime::max();
  const auto left = deadline - system_clock::now();
  if (left > std::chrono::hours(24)) return SteadyTime::max();
  return Clock::now() + left;
}

// `bytes` without copying them.
grpc::ByteBuffer Own(std::string bytes) {
  auto* const owned = new std::string(std::move(bytes));
  const grpc::Slice slice(
      owned->data(), owned->size(),
      [](void* string) { delete static_cast<std::string*>(string); }, owned);
  return {&slice, 1};
}

// ToGrpcStatus(error). Under overload the same error comes again and again, and
// making its details would cost more than all else that we do for it.
const grpc::Status& RefusalStatus(const absl::Status& error) {
  thread_local absl::Status last;
  thread_local grpc::Status status;
  if (last != error) {
    last = error;
    status = ToGrpcStatus(error);
  }
  return status;
}

int64_t NowNs() { return Clock::now().time_since_epoch().count(); }

}  // namespace

// One call, from asking gRPC for it until the client has its reply. gRPC
// reports three events by tags: the call has come, its reply is taken or given
// up, and it is over (by then gRPC knows whether it was cancelled). The last
// two come in any order. A stream has one more for each part but the last: the
// part is taken or given up.
class RetrievalService::Call final : public RequestCall {
 public:
  struct Event {
    Call* call;
    void (Call::*handle)(bool ok);
  };

  Call(RetrievalService* service, Method method)
      : service_(service), method_(method) {}

  void Ask() {
    reply_.Clear();
    status_ = absl::OkStatus();
    named_ = false;
    cancelled_.store(false, std::memory_order_relaxed);
    events_left_.store(2, std::memory_order_relaxed);
    context_.emplace();
    context_->AsyncNotifyWhenDone(&over_);
    auto* const queue = service_->queue_.get();
    if (method_ == Method::kStreamRetrieve) {
      stream_.emplace(&*context_);
      return service_->service_.RequestStreamRetrieve(
          &*context_, &request_, &*stream_, queue, queue, &come_);
    }
    writer_.emplace(&*context_);
    if (method_ == Method::kRetrieve) {
      service_->service_.RequestRetrieve(&*context_, &request_, &*writer_,
                                         queue, queue, &come_);
    } else {
      service_->service_.RequestBatchRetrieve(&*context_, &request_, &*writer_,
                                              queue, queue, &come_);
    }
  }

  bool Run(const RunTerms& terms) override {
    const CallScope scope(trace_.id());
    const RetrieveOptions options = [&] {
      RetrieveOptions given(terms_.deadline);
      given.level = terms.level;
      given.cancelled = &cancelled_;
      given.stages = trace_.stages();
      if (rights_ != nullptr) given.profiles = &rights_->retrieve_profiles;
      return given;
    }();
    if (method_ != Method::kRetrieve) return RunBatch(options, terms);
    // Kept for its capacity.
    thread_local std::string bytes;
    status_ = service_->handler_->Retrieve(outline_, options, &bytes);
    if (status_.ok()) {
      const grpc::Slice slice(bytes);
      reply_ = grpc::ByteBuffer(&slice, 1);
    }
    return true;
  }

  bool continues() const override {
    return method_ == Method::kStreamRetrieve && status_.ok() && !batch_.done();
  }

  void Answer() override {
    if (continues()) {
      if (!named_) AnswerRequestId(trace_.given_id(), true, &*context_);
      named_ = true;
      Unread();
      return stream_->Write(reply_, &part_taken_);
    }
    Count(status_);
    EndTrace(status_);
    AddLoadReport(service_->load_meter_, &*context_);
    // It says whether there was anything to answer.
    const bool empty = batch_.entries.empty();
    DropRequest();
    Unread();
    if (method_ == Method::kStreamRetrieve) {
      if (status_.ok() && !empty) {
        stream_->WriteAndFinish(reply_, grpc::WriteOptions(), grpc::Status::OK,
                                &taken_);
      } else {
        stream_->Finish(ToGrpcStatus(status_), &taken_);
      }
    } else if (status_.ok()) {
      writer_->Finish(reply_, grpc::Status::OK, &taken_);
    } else {
      writer_->FinishWithError(ToGrpcStatus(status_), &taken_);
    }
  }

  void Refuse(const absl::Status& error) override {
    Count(error);
    EndTrace(error);
    AddLoadReport(service_->load_meter_, &*context_);
    if (absl::IsResourceExhausted(error)) {
      // Clients with a retry policy obey this; RetryInfo says the same to the
      // program.
      context_->AddTrailingMetadata("grpc-retry-pushback-ms", kPushbackMs);
    }
    DropRequest();
    Unread();
    if (method_ == Method::kStreamRetrieve) {
      stream_->Finish(RefusalStatus(error), &taken_);
    } else {
      writer_->FinishWithError(RefusalStatus(error), &taken_);
    }
  }

  bool cancelled() const override {
    return cancelled_.load(std::memory_order_relaxed);
  }

  Method method() const { return method_; }

  // Cancels the call if its reply has waited since before `since_ns`.
  void CancelIfUnread(int64_t since_ns) {
    const MutexLock lock(&context_mutex_);
    const int64_t unread = unread_since_ns_.load(std::memory_order_acquire);
    if (unread == 0 || unread > since_ns || !context_.has_value()) return;
    context_->TryCancel();
  }

 private:
  bool RunBatch(const RetrieveOptions& options, const RunTerms& terms) {
    const absl::StatusOr<bool> done =
        service_->handler_->ContinueBatch(options, terms.slice_end, &batch_);
    if (done.ok() && !*done) return false;
    status_ = done.status();
    if (status_.ok()) {
      reply_ = Own(std::move(batch_.bytes));
      batch_.bytes = {};
    }
    return true;
  }

  void OnCome(bool ok) {
    service_->asked_[static_cast<size_t>(method_)].fetch_sub(1);
    // The server shuts down.
    if (!ok) return service_->Forget(this);
    service_->Ask(method_);
    BeginTrace();
    if (service_->callers_ != nullptr) {
      came_ = Clock::now();
      auto rights =
          service_->callers_->Allow(*context_, AccessRole::kRetrieve,
                                    kMethodNames[static_cast<size_t>(method_)]);
      if (!rights.ok()) return Refuse(rights.status());
      rights_ = *std::move(rights);
    }
    const SteadyTime deadline = DeadlineOf(*context_);
    const absl::Status read = Read();
    const bool batch = method_ != Method::kRetrieve;
    terms_ = service_->handler_->TermsOf(
        batch ? std::span<const RequestOutline>(batch_.entries)
              : std::span<const RequestOutline>(&outline_, 1),
        deadline,
        Given().value_or(batch ? Criticality::kBatch
                               : Criticality::kInteractive));
    came_ = terms_.arrived;
    if (!read.ok()) return Refuse(read);
    if (batch) {
      batch_.trace = &trace_;
      trace_.set_requests(terms_.requests);
    }
    if (method_ == Method::kStreamRetrieve) PrepareParts();
    service_->executor_->Submit(this, RequestExecutor::Thread::kMayRun);
  }

  void BeginTrace() {
    std::string joined;
    trace_.Begin(service_->tracer_,
                 &service_->methods_[static_cast<size_t>(method_)],
                 HeadersOf(*context_, &joined), Clock::now());
  }

  // Before the answer is handed to gRPC.
  void EndTrace(const absl::Status& status) {
    const std::string id = trace_.End(status);
    if (!named_ || !status.ok()) AnswerRequestId(id, status.ok(), &*context_);
    named_ = true;
  }

  // One part after the other is in progress, and costs something.
  void PrepareParts() {
    batch_.part_entries = kPartEntries;
    batch_.part_bytes = kPartBytes;
    if (terms_.requests <= kPartEntries) return;
    terms_.units *= static_cast<double>(kPartEntries) / terms_.requests;
    terms_.requests = kPartEntries;
  }

  // Reads the outline of the call's bytes.
  absl::Status Read() {
    const v1::Limits& limits = service_->limits_;
    if (request_.Length() > limits.max_request_bytes()) {
      return FieldError("request", "{} bytes, limits.max_request_bytes is {}",
                        request_.Length(), limits.max_request_bytes());
    }
    if (!request_.DumpToSingleSlice(&bytes_).ok()) {
      return FieldError("request", "the bytes cannot be decompressed");
    }
    const std::string_view bytes(reinterpret_cast<const char*>(bytes_.begin()),
                                 bytes_.size());
    if (method_ == Method::kBatchRetrieve) {
      return OutlineBatch(bytes, limits, &batch_.entries);
    }
    if (method_ == Method::kStreamRetrieve) {
      return OutlineStream(bytes, limits, &batch_.entries);
    }
    outline_ = OutlineRetrieve(bytes, limits);
    return outline_.status;
  }

  // The criticality that the caller gives.
  std::optional<Criticality> Given() const {
    const auto& metadata = context_->client_metadata();
    const auto found = metadata.find(kCriticalityHeader);
    if (found == metadata.end()) return std::nullopt;
    return ParseCriticality({found->second.data(), found->second.size()});
  }

  void Count(const absl::Status& status) const {
    service_->metrics_[static_cast<size_t>(method_)]->Handled(
        status.code(), Clock::now() - came_);
  }

  // Frees what the request takes, before the reply waits for the client, and
  // before the call waits for the next one: megabytes each, for all that are
  // asked for.
  void DropRequest() {
    request_.Clear();
    bytes_ = grpc::Slice();
    outline_ = {};
    rights_.reset();
    if (method_ != Method::kRetrieve) batch_ = {};
  }

  void Unread() {
    service_->unread_.fetch_add(1, std::memory_order_relaxed);
    unread_since_ns_.store(NowNs(), std::memory_order_release);
  }

  void OnTaken(bool /*ok*/) {
    Taken();
    End();
  }

  void OnPartTaken(bool ok) {
    Taken();
    reply_.Clear();
    if (ok) {
      return service_->executor_->Resume(this,
                                         RequestExecutor::Thread::kMayRun);
    }
    // The caller is gone: there is nobody to tell.
    service_->executor_->Abandon(this);
    Refuse(absl::CancelledError("the caller has cancelled the call"));
  }

  // gRPC has taken the reply, or this part of it, or given it up.
  void Taken() {
    unread_since_ns_.store(0, std::memory_order_release);
    service_->unread_.fetch_sub(1, std::memory_order_relaxed);
  }

  void OnOver(bool /*ok*/) {
    if (context_->IsCancelled()) {
      cancelled_.store(true, std::memory_order_relaxed);
    }
    End();
  }

  // After the second of the last two events nobody else uses the call.
  void End() {
    if (events_left_.fetch_sub(1) > 1) return;
    {
      const MutexLock lock(&context_mutex_);
      writer_.reset();
      stream_.reset();
      context_.reset();
    }
    service_->Recycle(this);
  }

  RetrievalService* const service_;
  const Method method_;
  Event come_{this, &Call::OnCome};
  Event part_taken_{this, &Call::OnPartTaken};
  Event taken_{this, &Call::OnTaken};
  Event over_{this, &Call::OnOver};

  // Held by whoever destroys or cancels the context from another thread.
  Mutex context_mutex_;
  std::optional<grpc::ServerContext> context_;
  // One of the two, by the method.
  std::optional<grpc::ServerAsyncResponseWriter<grpc::ByteBuffer>> writer_;
  std::optional<grpc::ServerAsyncWriter<grpc::ByteBuffer>> stream_;
  grpc::ByteBuffer request_;
  // The request as one piece, which the outlines view.
  grpc::Slice bytes_;
  // Of a single request.
  RequestOutline outline_;
  BatchProgress batch_;
  // Null where everybody may do everything.
  SharedRights rights_;
  CallTrace trace_;
  // Whether the answer has the call's name.
  bool named_ = false;
  absl::Status status_;
  grpc::ByteBuffer reply_;
  // When the call came; terms_ say when its next part was asked for.
  SteadyTime came_;
  std::atomic<bool> cancelled_{false};
  std::atomic<int> events_left_{0};
  // 0 while there is no reply that waits.
  std::atomic<int64_t> unread_since_ns_{0};
};

RetrievalService::RetrievalService(const v1::ServerConfig& config,
                                   const RetrievalHandler* handler,
                                   RequestExecutor* executor,
                                   ServerMetrics* metrics,
                                   const CallerCheck* callers,
                                   CallTracer* tracer)
    : limits_(config.limits()),
      threads_wanted_(config.execution().request_threads() + kFreeThreads),
      max_calls_(config.limits().max_concurrent_requests() + kOtherCalls),
      write_timeout_(
          std::chrono::milliseconds(config.transport().write_timeout_ms())),
      handler_(handler),
      executor_(executor),
      callers_(callers != nullptr && callers->decides() ? callers : nullptr),
      tracer_(tracer),
      metrics_{&metrics->AddMethod(kRetrievalService, "Retrieve"),
               &metrics->AddMethod(kRetrievalService, "BatchRetrieve"),
               &metrics->AddMethod(kRetrievalService, "StreamRetrieve")} {
  for (size_t i = 0; i < kMethods; ++i) {
    methods_[i] = {.rpc_service = kRetrievalService,
                   .rpc_method = metrics_[i]->method,
                   .listener = config.listen()};
  }
}

RetrievalService::~RetrievalService() { Stop(); }

void RetrievalService::Start(
    std::unique_ptr<grpc::ServerCompletionQueue> queue) {
  queue_ = std::move(queue);
  for (int i = 0; i < kAskedAhead; ++i) {
    Ask(Method::kRetrieve);
    Ask(Method::kBatchRetrieve);
    Ask(Method::kStreamRetrieve);
  }
  for (size_t i = 0; i < threads_wanted_; ++i) {
    threads_.emplace_back([this] { Poll(); });
  }
  sweeper_ = std::thread([this] { CancelUnread(); });
}

void RetrievalService::Ask(Method method) {
  std::atomic<int>& asked = asked_[static_cast<size_t>(method)];
  if (asked.load(std::memory_order_relaxed) >= kAskedAhead) return;
  const MutexLock lock(&mutex_);
  if (closed_ || calls_.size() >= max_calls_) return;
  asked.fetch_add(1);
  auto* const call = new Call(this, method);
  calls_.insert(call);
  call->Ask();
}

void RetrievalService::Recycle(Call* call) {
  std::atomic<int>& asked = asked_[static_cast<size_t>(call->method())];
  MutexLock lock(&mutex_);
  if (closed_ || asked.load(std::memory_order_relaxed) >= 2 * kAskedAhead) {
    lock.Unlock();
    return Forget(call);
  }
  asked.fetch_add(1);
  // With the mutex held: nothing is asked for once Close has returned.
  call->Ask();
}

void RetrievalService::Forget(Call* call) {
  {
    const MutexLock lock(&mutex_);
    calls_.erase(call);
    if (calls_.empty()) changed_.NotifyAll();
  }
  delete call;
}

void RetrievalService::Poll() {
  void* tag = nullptr;
  for (bool ok = false; queue_->Next(&tag, &ok);) {
    auto* const event = static_cast<Call::Event*>(tag);
    (event->call->*event->handle)(ok);
  }
}

void RetrievalService::CancelUnread() {
  MutexLock lock(&mutex_);
  while (!stopped_) {
    const bool many = unread_.load(std::memory_order_relaxed) > kMaxUnread;
    const std::chrono::nanoseconds timeout =
        many ? std::min<std::chrono::nanoseconds>(kUnreadTimeoutWhenMany,
                                                  write_timeout_)
             : write_timeout_;
    const int64_t since_ns = NowNs() - timeout.count();
    for (Call* call : calls_) call->CancelIfUnread(since_ns);
    changed_.WaitFor(&mutex_, std::min<std::chrono::nanoseconds>(
                                  write_timeout_ / 4, kUnreadTimeoutWhenMany));
  }
}

void RetrievalService::Close() {
  const MutexLock lock(&mutex_);
  closed_ = true;
}

void RetrievalService::Stop() {
  if (queue_ == nullptr) return;
  Close();
  {
    MutexLock lock(&mutex_);
    while (!calls_.empty()) changed_.Wait(&mutex_);
    stopped_ = true;
  }
  changed_.NotifyAll();
  sweeper_.join();
  queue_->Shutdown();
  for (std::thread& thread : threads_) thread.join();
  threads_.clear();
  queue_.reset();
}

}  // namespace tributary
