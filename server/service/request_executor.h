#ifndef TRIBUTARY_SERVER_SERVICE_REQUEST_EXECUTOR_H_
#define TRIBUTARY_SERVER_SERVICE_REQUEST_EXECUTOR_H_

#include <array>
#include <atomic>
#include <chrono>
#include <deque>
#include <thread>
#include <vector>

#include "absl/status/status.h"
#include "server/metrics/server_metrics.h"
#include "server/service/overload_control.h"
#include "sync/mutex.h"
#include "tributary/v1/config.pb.h"

namespace tributary {

// What a call may do while it has a thread.
struct RunTerms {
  v1::ServiceLevel level = v1::FULL_SERVICE;
  // When to give the thread up, if others wait; only batches look at it.
  SteadyTime slice_end = SteadyTime::max();
};

// A call of the data plane, whatever its transport. The executor calls either
// Refuse, or Run until it returns true and then Answer, never two of them at a
// time. The last of these may destroy the call.
//
// The answer may come in parts: then Answer sends a part, and when the caller
// has taken that, the call's owner brings the call back with Resume, for the
// next part, or gives it up with Abandon.
class RequestCall {
 public:
  virtual ~RequestCall() = default;

  // Does the work, or a part of it until terms.slice_end. True when all is
  // done.
  virtual bool Run(const RunTerms& terms) = 0;
  // Sends what Run has made. Does not wait for the client.
  virtual void Answer() = 0;
  // Sends the error instead; nothing was done.
  virtual void Refuse(const absl::Status& error) = 0;
  // Once Run has returned true: whether further parts follow.
  virtual bool continues() const { return false; }
  // Whether nobody waits for an answer any more. Thread-safe.
  virtual bool cancelled() const = 0;

  const CallTerms& terms() const { return terms_; }

 protected:
  // Set before the call is submitted.
  CallTerms terms_;

 private:
  friend class RequestExecutor;

  // How long it had a thread until now.
  std::chrono::nanoseconds service_{0};
};

// Runs calls on at most execution.request_threads threads at a time; admits or
// refuses them by an OverloadControl. A call that finds a free thread runs at
// once, on the thread that brought it if that may be: changing threads would
// cost as much as a short search. Others wait, interactive ones in front of
// batches, and run when a thread becomes free. A call that was cancelled, or
// whose deadline passed, while it waited is dropped. Thread-safe.
class RequestExecutor {
 public:
  // `config` is complete; `metrics` outlives this.
  RequestExecutor(const v1::ServerConfig& config, ServerMetrics* metrics);
  // REQUIRES: no call is in progress.
  ~RequestExecutor();
  RequestExecutor(const RequestExecutor&) = delete;
  RequestExecutor& operator=(const RequestExecutor&) = delete;

  // Whose thread it is that brings a call.
  enum class Thread {
    // It may run calls: there are more such threads than may run at a time.
    kMayRun,
    // It has other work, such as an event loop; calls run elsewhere.
    kMayNotRun,
  };
  // Admits the call, or refuses it before this returns. With kMayRun, calls may
  // be run and answered before this returns. `call` outlives its last call.
  void Submit(RequestCall* call, Thread thread);

  // Brings a call back for its next part. It was admitted, and is not refused
  // for load, nor by Close; it may be dropped while it waits. As Submit
  // otherwise.
  void Resume(RequestCall* call, Thread thread);
  // Instead of Resume: there will be no next part.
  void Abandon(RequestCall* call);

  // Refuses what is submitted from now on: the server is shutting down.
  void Close();
  // Whether no call is in progress, or between two parts.
  bool Idle() const;

 private:
  // The next waiting call that somebody still wants; null when none waits.
  // Calls that nobody wants are moved to *dropped.
  RequestCall* Next(std::vector<RequestCall*>* dropped)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Gives the call a thread, or lets it wait for one. Returns whether the
  // calling thread is to run it.
  bool Enqueue(RequestCall* call, Thread thread, SteadyTime now)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Runs `call`, then those that wait, until none does. REQUIRES: running_
  // counts the calling thread.
  void RunAll(RequestCall* call);
  // After `call` has run: what this thread runs next; null when nothing waits,
  // and running_ no longer counts the thread.
  RequestCall* Advance(RequestCall* call, bool done,
                       std::chrono::nanoseconds service,
                       std::vector<RequestCall*>* dropped);
  void ShowState() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void Work();

  const uint32_t max_running_;
  ServerMetrics* const metrics_;
  mutable Mutex mutex_;
  CondVar work_waits_;
  OverloadControl control_ ABSL_GUARDED_BY(mutex_);
  // By Criticality.
  std::array<std::deque<RequestCall*>, 2> waiting_ ABSL_GUARDED_BY(mutex_);
  uint32_t running_ ABSL_GUARDED_BY(mutex_) = 0;
  // Calls between two parts.
  uint32_t between_parts_ ABSL_GUARDED_BY(mutex_) = 0;
  bool closed_ ABSL_GUARDED_BY(mutex_) = false;
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  // Written with mutex_ held.
  std::atomic<v1::ServiceLevel> level_{v1::FULL_SERVICE};
  std::vector<std::thread> threads_;
};

}  // namespace tributary

#endif  // TRIBUTARY_SERVER_SERVICE_REQUEST_EXECUTOR_H_
