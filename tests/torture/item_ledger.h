#ifndef TRIBUTARY_TESTS_TORTURE_ITEM_LEDGER_H_
#define TRIBUTARY_TESTS_TORTURE_ITEM_LEDGER_H_

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "sync/mutex.h"

namespace tributary {

// Knows what was acknowledged of each item, and judges answers by that. Times
// are those of steady_clock. Thread-safe.
class ItemLedger {
 public:
  using Time = std::chrono::steady_clock::time_point;

  // A change that was acknowledged must be visible `delay` later, or `delay`
  // after the end of an outage that began meanwhile.
  ItemLedger(size_t items, std::chrono::milliseconds delay)
      : delay_(delay), items_(items) {}

  // Whoever changes an item says so before: until its end is known, nothing is
  // known of the item.
  void WillChange(size_t item) ABSL_LOCKS_EXCLUDED(mutex_);
  // The change was acknowledged just now.
  void Acknowledged(size_t item, bool down) ABSL_LOCKS_EXCLUDED(mutex_);
  // What was acknowledged last; absent while nothing is known.
  std::optional<bool> IsDown(size_t item) const ABSL_LOCKS_EXCLUDED(mutex_);

  // Changes do not reach the server from now on, or do again.
  void OutageBegins() ABSL_LOCKS_EXCLUDED(mutex_);
  void OutageEnds() ABSL_LOCKS_EXCLUDED(mutex_);

  // Judges an answer to a request that was sent at `sent`: `has` says of each
  // item whether the answer has it. `whole`: the request asked for all items.
  // Returns what is wrong; empty for nothing.
  std::string Judge(Time sent, const std::vector<bool>& has, bool whole)
      ABSL_LOCKS_EXCLUDED(mutex_);

  // How often an item was looked for that must not be there, and that must.
  uint64_t judged_down() const ABSL_LOCKS_EXCLUDED(mutex_);
  uint64_t judged_up() const ABSL_LOCKS_EXCLUDED(mutex_);
  // The longest time after the acknowledgement, without an outage, at which an
  // answer still had an item that was taken down.
  std::chrono::milliseconds slowest() const ABSL_LOCKS_EXCLUDED(mutex_);

 private:
  struct Item {
    bool known = true;
    bool down = false;
    Time acknowledged{};
  };

  // Time::max() during an outage.
  Time VisibleBy(Time acknowledged) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const std::chrono::milliseconds delay_;
  mutable Mutex mutex_;
  std::vector<Item> items_ ABSL_GUARDED_BY(mutex_);
  // Begin and end; the last one may lack an end: Time::max().
  std::vector<std::pair<Time, Time>> outages_ ABSL_GUARDED_BY(mutex_);
  uint64_t judged_down_ ABSL_GUARDED_BY(mutex_) = 0;
  uint64_t judged_up_ ABSL_GUARDED_BY(mutex_) = 0;
  std::chrono::milliseconds slowest_ ABSL_GUARDED_BY(mutex_){0};
};

}  // namespace tributary

#endif  // TRIBUTARY_TESTS_TORTURE_ITEM_LEDGER_H_
