#ifndef TRIBUTARY_INDEX_FILTER_PASSING_ITEMS_H_
#define TRIBUTARY_INDEX_FILTER_PASSING_ITEMS_H_

#include <atomic>
#include <cstdint>
#include <memory>
#include <utility>

#include "index/bundle/row_set.h"
#include "index/search/vector_index.h"
#include "sync/mutex.h"

namespace tributary {

// The items that pass a filter, in the forms that sources need. Those of vector
// indexes are made when an index first asks, and kept. Thread-safe.
class PassingItems {
 public:
  explicit PassingItems(RowSet rows)
      : rows_(std::move(rows)), count_(rows_.Count()) {}
  PassingItems(const PassingItems&) = delete;
  PassingItems& operator=(const PassingItems&) = delete;
  ~PassingItems();

  const RowSet& rows() const { return rows_; }
  // How many there are.
  uint64_t count() const { return count_; }
  bool Has(Row row) const { return rows_.Has(row); }

  // What index.Allow makes of the rows. Takes no lock once it is made. The
  // result is valid as long as this object; the index must outlive it.
  const AllowedVectors& For(const VectorIndex& index) const;

  // Roughly how much memory it takes by now.
  uint64_t size_bytes() const {
    return bytes_.load(std::memory_order_relaxed) + sizeof(*this) +
           rows_.words().size_bytes();
  }

 private:
  struct Made {
    const VectorIndex* index;
    std::unique_ptr<const AllowedVectors> allowed;
    const Made* next;
  };

  const Made* Find(const VectorIndex& index) const;

  // Constant after construction.
  const RowSet rows_;
  const uint64_t count_;
  mutable Mutex mutex_;
  // A list that grows at its head, under the mutex, and is read without it.
  mutable std::atomic<const Made*> made_{nullptr};
  mutable std::atomic<uint64_t> bytes_{0};
};

}  // namespace tributary

#endif  // TRIBUTARY_INDEX_FILTER_PASSING_ITEMS_H_
