// What differs between the answer that was recorded and the one that a server
// gives now.
#ifndef TRIBUTARY_CLI_REPLAY_COMPARE_H_
#define TRIBUTARY_CLI_REPLAY_COMPARE_H_

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <set>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "client/load/log_linear_histogram.h"
#include "tributary/v1/recording.pb.h"

namespace tributary {

// A call that was sent again.
struct ReplayedCall {
  // Its number in the recording.
  uint64_t number = 0;
  std::string request_id;
  // google.rpc.Codes; 0 for an answer.
  int code_then = 0;
  int code_now = 0;
  // The message of the error now.
  std::string error_now;
  // How many items both lists have, over the length of the longer; 1 when both
  // are empty. 0 when there was an answer then and an error came now.
  double overlap = 0;
  // The same items in the same order, or the same code.
  bool identical = false;
  uint32_t gained = 0;
  uint32_t lost = 0;
  // Whether the user was replaced by a hash; and whether the answer can be
  // compared: it can, unless that user was known then, because nobody knows the
  // hash.
  bool user_hashed = false;
  bool comparable = true;
};

// Compares the first `depth` items of the lists; 0: all.
ReplayedCall CompareReplay(uint64_t number, const v1::RecordedCall& then,
                           const absl::StatusOr<v1::RetrieveResponse>& now,
                           uint32_t depth);

// All calls of a replay. Not thread-safe.
class ReplayTotals {
 public:
  // Keeps the `worst` calls with the lowest overlaps among those that can be
  // compared and are not identical; the first of equal ones.
  explicit ReplayTotals(size_t worst) : keep_(worst) {}

  // `took` is how long the answer took now.
  void Add(const ReplayedCall& call, const v1::RecordedCall& then,
           const absl::StatusOr<v1::RetrieveResponse>& now,
           std::chrono::nanoseconds took);
  void Merge(const ReplayTotals& other);

  uint64_t sent = 0;
  // Of them those with a hashed user, and those that can be compared.
  uint64_t hashed = 0;
  uint64_t compared = 0;
  // Of those that can be compared:
  uint64_t identical = 0;
  uint64_t gained = 0;
  uint64_t lost = 0;
  uint64_t errors_came = 0;
  uint64_t errors_went = 0;
  uint64_t errors_alike = 0;
  // An error then, and another one now.
  uint64_t errors_other = 0;
  // Answers that were made under overload, or lack a source.
  uint64_t reduced_then = 0;
  uint64_t reduced_now = 0;
  // Of all that were sent and answered, then and now.
  std::set<uint64_t> versions_then;
  std::set<uint64_t> versions_now;
  LogLinearHistogram micros_then;
  LogLinearHistogram micros_now;

  // Over the calls that can be compared and were answered then; 1 without one.
  double mean_overlap() const { return Mean(overlap_, answered_); }
  uint64_t answered() const { return answered_; }
  // The same over those that cannot be compared.
  double hashed_mean_overlap() const {
    return Mean(hashed_overlap_, hashed_answered_);
  }
  uint64_t hashed_answered() const { return hashed_answered_; }
  // The worst first.
  const std::vector<ReplayedCall>& worst() const { return worst_; }

 private:
  static double Mean(double sum, uint64_t count) {
    return count == 0 ? 1 : sum / static_cast<double>(count);
  }
  void AddComparable(const ReplayedCall& call);
  void KeepIfWorst(const ReplayedCall& call);

  size_t keep_;
  double overlap_ = 0;
  uint64_t answered_ = 0;
  double hashed_overlap_ = 0;
  uint64_t hashed_answered_ = 0;
  std::vector<ReplayedCall> worst_;
};

}  // namespace tributary

#endif  // TRIBUTARY_CLI_REPLAY_COMPARE_H_
