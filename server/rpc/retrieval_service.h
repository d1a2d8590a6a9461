#ifndef TRIBUTARY_SERVER_RPC_RETRIEVAL_SERVICE_H_
#define TRIBUTARY_SERVER_RPC_RETRIEVAL_SERVICE_H_

#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <memory>
#include <thread>
#include <unordered_set>
#include <vector>

#include "grpcpp/completion_queue.h"
#include "server/load_reports/load_meter.h"
#include "server/metrics/server_metrics.h"
#include "server/rpc/caller_check.h"
#include "server/rpc/queued_service.h"
#include "server/service/call_trace.h"
#include "server/service/request_executor.h"
#include "server/service/retrieval_handler.h"
#include "sync/mutex.h"
#include "tributary/v1/config.pb.h"
#include "tributary/v1/retrieval.grpc.pb.h"

namespace tributary {

// tributary.v1.Retrieval over gRPC. Thread-safe.
//
// Threads: execution.request_threads + 2 of them poll the completion queue. One
// that finds a call reads its outline and submits it to the executor, which
// runs at most request_threads calls at a time, usually on the thread that
// found it. So two threads at least always poll: while all calls search,
// further ones are still refused, cancelled or queued at once.
//
// Replies: encoded without messages, and handed to gRPC, which tells when the
// client has taken them. Until then a reply costs memory but no thread. One
// that waits longer than transport.write_timeout_ms is cancelled; with more
// than kMaxUnread of them, much sooner. A stream's reply is handed over in
// parts; the next part is worked on when gRPC has taken the one before.
class RetrievalService final : public QueuedService {
 public:
  // `config` is complete. The other arguments outlive this. `callers`, which
  // may be null, decides on each call before its bytes are looked at. `tracer`,
  // which may be null, tells of calls when they are over.
  RetrievalService(const v1::ServerConfig& config,
                   const RetrievalHandler* handler, RequestExecutor* executor,
                   ServerMetrics* metrics, const CallerCheck* callers = nullptr,
                   CallTracer* tracer = nullptr);
  ~RetrievalService() override;

  // Has each answer bring a load report in its trailers. Only before Start;
  // `meter` outlives this.
  void set_load_meter(const LoadMeter* meter) { load_meter_ = meter; }

  grpc::Service* service() override { return &service_; }
  void Start(std::unique_ptr<grpc::ServerCompletionQueue> queue) override;
  void Close() override;
  void Stop() override;

 private:
  class Call;
  using Raw = v1::Retrieval::WithRawMethod_Retrieve<
      v1::Retrieval::WithRawMethod_BatchRetrieve<
          v1::Retrieval::WithRawMethod_StreamRetrieve<v1::Retrieval::Service>>>;
  enum class Method { kRetrieve, kBatchRetrieve, kStreamRetrieve };
  static constexpr size_t kMethods = 3;

  // Asks gRPC for a call of the method. Without effect after Close, and with
  // enough calls.
  void Ask(Method method);
  // Asks again with a call that is done with, or deletes it.
  void Recycle(Call* call);
  void Forget(Call* call);
  void Poll();
  void CancelUnread();

  Raw service_;
  // Constant after construction.
  const v1::Limits limits_;
  const size_t threads_wanted_;
  const size_t max_calls_;
  const std::chrono::nanoseconds write_timeout_;
  const RetrievalHandler* const handler_;
  RequestExecutor* const executor_;
  const CallerCheck* const callers_;
  CallTracer* const tracer_;
  std::array<MethodMetrics*, kMethods> metrics_;
  // Null: no reports.
  const LoadMeter* load_meter_ = nullptr;
  // As spans name them.
  std::array<CallMethod, kMethods> methods_;

  // Constant between Start and Stop.
  std::unique_ptr<grpc::ServerCompletionQueue> queue_;
  std::vector<std::thread> threads_;
  std::thread sweeper_;

  // By Method: how many calls wait for gRPC to fill them.
  std::array<std::atomic<int>, kMethods> asked_{};
  // Replies that the client has not taken.
  std::atomic<size_t> unread_{0};
  Mutex mutex_;
  CondVar changed_;
  std::unordered_set<Call*> calls_ ABSL_GUARDED_BY(mutex_);
  bool closed_ ABSL_GUARDED_BY(mutex_) = false;
  bool stopped_ ABSL_GUARDED_BY(mutex_) = false;
};

}  // namespace tributary

#endif  // TRIBUTARY_SERVER_RPC_RETRIEVAL_SERVICE_H_
