// Keeps a share of the calls, with their answers, for `tributary replay`. This
// folder has the recorder, which requests hand their bytes to, and the file,
// which the recorder writes and the command reads.
#ifndef TRIBUTARY_SERVER_RECORDING_RECORDER_H_
#define TRIBUTARY_SERVER_RECORDING_RECORDER_H_

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <thread>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "server/metrics/server_metrics.h"
#include "server/recording/recording_file.h"
#include "server/recording/siphash.h"
#include "sync/mutex.h"
#include "tributary/v1/config.pb.h"

namespace tributary {

// A call of Retrieve, or an entry of a batch, that was answered.
struct AnsweredCall {
  std::string request_id;
  // A v1::RetrieveRequest in wire format.
  std::string request;
  absl::Status status;
  // A v1::RetrieveResponse in wire format; empty with an error.
  std::string response;
  std::chrono::nanoseconds took{0};
};

// Writes sampled calls to the recording, on a thread of its own. It has the
// priority of requests: one of low priority, stopped while it holds the queue's
// lock or an allocator's, would keep them waiting for as long as others are
// busy, up to a second. A call that finds too many others waiting is dropped
// and counted. After an error of the file, such as a full disk, nothing more is
// kept until the server starts again; the log says so once
// (event=recording_stopped). Thread-safe.
class Recorder {
 public:
  // Null when recording.file is empty, or when the disk is full, which is
  // logged. `config` is complete; `metrics` outlives this. Errors are those of
  // RecordingWriter::Open.
  static absl::StatusOr<std::unique_ptr<Recorder>> Start(
      const v1::Recording& config, ServerMetrics* metrics);
  // Writes what waits, for two seconds at most.
  ~Recorder();
  Recorder(const Recorder&) = delete;
  Recorder& operator=(const Recorder&) = delete;

  // Whether to keep this call: true for recording.share of the calls, at
  // random.
  bool Samples() const;
  // Takes the call, which was sampled. Does not wait for the disk.
  void Offer(AnsweredCall call) ABSL_LOCKS_EXCLUDED(mutex_);
  // Waits until what was offered is in the file. For tests.
  void Drain() ABSL_LOCKS_EXCLUDED(mutex_);

 private:
  struct Waiting {
    AnsweredCall call;
    int64_t at_ms;
  };

  Recorder(const v1::Recording& config, std::unique_ptr<RecordingWriter> file,
           ServerMetrics* metrics);

  void Run() ABSL_LOCKS_EXCLUDED(mutex_);
  // False when nothing more can be written.
  bool Write(const Waiting& waiting);

  // Constant after construction.
  const std::string path_;
  const uint64_t share_of_2_64_;
  const bool keeps_all_;
  const bool user_keys_;
  // Of hashes of users' keys; not kept anywhere.
  const SipKey secret_ = RandomSipKey();
  ServerMetrics* const metrics_;

  // Used by the thread alone.
  const std::unique_ptr<RecordingWriter> file_;

  // False after an error of the file.
  std::atomic<bool> writes_{true};
  Mutex mutex_;
  CondVar changed_;
  std::deque<Waiting> queue_ ABSL_GUARDED_BY(mutex_);
  size_t queued_bytes_ ABSL_GUARDED_BY(mutex_) = 0;
  bool writing_ ABSL_GUARDED_BY(mutex_) = false;
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  // Set with stopping_.
  std::chrono::steady_clock::time_point stop_at_ ABSL_GUARDED_BY(mutex_);
  std::thread thread_;
};

// Replaces the user of the call's request by a hash of it under `secret`: 16
// hexadecimal digits, or an integer for an integer. So do the places that
// repeat the user: the error's message; and page tokens, by whose hash of the
// request the user could be found by trial, become "hashed". Without effect
// when the request names no user.
void HashUser(const SipKey& secret, v1::RecordedCall* call);

}  // namespace tributary

#endif  // TRIBUTARY_SERVER_RECORDING_RECORDER_H_
