#ifndef TRIBUTARY_INDEX_FILTER_GROWING_SET_H_
#define TRIBUTARY_INDEX_FILTER_GROWING_SET_H_

#include <algorithm>
#include <cstdint>
#include <memory>

#include "absl/functional/function_ref.h"
#include "index/bundle/row_set.h"
#include "sync/mutex.h"

namespace tributary {

// Which members of a list pass a test, for a list that only grows: each member
// is tested once, however many requests ask and however often the list grows
// between them. Thread-safe.
class GrowingSet {
 public:
  // The set of the first `size` members, and perhaps of later ones. `serial` is
  // the number of the list: another list is tested anew.
  std::shared_ptr<const RowSet> Get(
      uint64_t serial, uint64_t size,
      absl::FunctionRef<bool(uint32_t)> passes) const {
    std::shared_ptr<const RowSet> before;
    {
      const MutexLock lock(&mutex_);
      if (serial_ == serial) before = set_;
    }
    const uint64_t tested = before == nullptr ? 0 : before->size();
    if (before != nullptr && tested >= size) return before;
    auto set = std::make_shared<RowSet>(size);
    if (before != nullptr) {
      std::ranges::copy(before->words(), set->mutable_words().begin());
    }
    for (uint64_t i = tested; i < size; ++i) {
      if (passes(static_cast<uint32_t>(i))) set->Add(static_cast<Row>(i));
    }
    const MutexLock lock(&mutex_);
    if (serial_ != serial || set_ == nullptr || set_->size() < size) {
      serial_ = serial;
      set_ = set;
    }
    return set;
  }

 private:
  mutable Mutex mutex_;
  mutable uint64_t serial_ ABSL_GUARDED_BY(mutex_) = 0;
  mutable std::shared_ptr<const RowSet> set_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace tributary

#endif  // TRIBUTARY_INDEX_FILTER_GROWING_SET_H_
