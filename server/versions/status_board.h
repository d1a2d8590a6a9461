#ifndef TRIBUTARY_SERVER_VERSIONS_STATUS_BOARD_H_
#define TRIBUTARY_SERVER_VERSIONS_STATUS_BOARD_H_

#include <cstdint>
#include <mutex>
#include <optional>
#include <string>

#include "absl/time/time.h"
#include "tributary/v1/bundles.pb.h"

namespace tributary {

void SetTimestamp(absl::Time time, google::protobuf::Timestamp* timestamp);

// What others said, and GetStatus repeats: refusals, the loader's reports.
// Thread-safe.
class StatusBoard {
 public:
  StatusBoard();

  // Logs it, too.
  void Refuse(uint64_t version, std::string reason);
  void Report(v1::LoaderStatus loader);
  // started_at, refusals, last_refusal and loader.
  void Fill(v1::ServerStatus* status) const;

 private:
  const absl::Time started_at_;
  mutable std::mutex mutex_;
  uint64_t refusals_ = 0;
  v1::Refusal last_refusal_;
  std::optional<v1::LoaderStatus> loader_;
};

}  // namespace tributary

#endif  // TRIBUTARY_SERVER_VERSIONS_STATUS_BOARD_H_
