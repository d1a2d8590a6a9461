#ifndef TRIBUTARY_SERVER_VERSIONS_STATUS_BOARD_H_
#define TRIBUTARY_SERVER_VERSIONS_STATUS_BOARD_H_

#include <cstdint>
#include <optional>
#include <string>

#include "absl/time/time.h"
#include "sync/mutex.h"
#include "tributary/v1/bundles.pb.h"

namespace tributary {

// Converts `time`, to the nanosecond.
void SetTimestamp(absl::Time time, google::protobuf::Timestamp* timestamp);

// The part of ServerStatus that does not follow from the resident versions:
// start time, refusals, and the loader's latest report. Texts longer than
// 4096 bytes are truncated. Thread-safe.
class StatusBoard {
 public:
  StatusBoard();

  // Counts and logs a refusal, which becomes last_refusal.
  void Refuse(uint64_t version, std::string reason);
  // Replaces the loader's report.
  void Report(v1::LoaderStatus loader);
  // Sets started_at, refusals, last_refusal and loader. The last two stay
  // absent before the first refusal and the first report.
  void Fill(v1::ServerStatus* status) const;

 private:
  // Constant after construction.
  const absl::Time started_at_;

  // Guarded by mutex_.
  mutable Mutex mutex_;
  uint64_t refusals_ ABSL_GUARDED_BY(mutex_) = 0;
  v1::Refusal last_refusal_ ABSL_GUARDED_BY(mutex_);
  std::optional<v1::LoaderStatus> loader_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace tributary

#endif  // TRIBUTARY_SERVER_VERSIONS_STATUS_BOARD_H_
