#ifndef TRIBUTARY_INDEX_FILTER_PASSING_ITEMS_H_
#define TRIBUTARY_INDEX_FILTER_PASSING_ITEMS_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <utility>
#include <vector>

#include "index/bundle/row_set.h"
#include "index/search/count_bits.h"
#include "index/search/vector_index.h"
#include "sync/mutex.h"

namespace tributary {

// The items that pass a filter, in the forms that sources need. Those of vector
// indexes are made when an index first asks, and kept. Thread-safe.
class PassingItems {
 public:
  explicit PassingItems(RowSet rows)
      : rows_(std::move(rows)),
        count_(CountBits(rows_.words())),
        serial_(NextSerial()) {}
  PassingItems(const PassingItems&) = delete;
  PassingItems& operator=(const PassingItems&) = delete;
  ~PassingItems();

  const RowSet& rows() const { return rows_; }
  // How many there are.
  uint64_t count() const { return count_; }
  bool Has(Row row) const { return rows_.Has(row); }
  // A number that no other object of this process has or had.
  uint64_t serial() const { return serial_; }

  // What index.Allow makes of the rows. Takes no lock once it is made. The
  // result is valid as long as this object; the index must outlive it.
  const AllowedVectors& For(const VectorIndex& index) const;

  // The positions in `list`, ascending, of the items that pass, of which there
  // may be few among very many. Takes no lock once they are made. The result is
  // valid as long as this object; the list must outlive it.
  std::span<const uint32_t> PlacesIn(std::span<const Row> list) const;
  // Whether so few pass that a list is better read by PlacesIn than from its
  // beginning until enough of them have come.
  bool AreFewOf(std::span<const Row> list) const {
    return list.size() > kShortList && count_ < rows_.size() / kItemsPerFew;
  }

  // Roughly how much memory it takes by now. It grows as indexes ask, and as
  // they learn that a filter is used again. Takes no lock.
  uint64_t size_bytes() const;

 private:
  static constexpr size_t kShortList = 4096;
  static constexpr uint64_t kItemsPerFew = 16;

  // What was made for an index, or for a list.
  struct Made {
    // The index, or where the list begins and how long it is: lists of a bundle
    // may begin in the same place.
    const void* of;
    size_t length;
    std::unique_ptr<const AllowedVectors> allowed;
    std::vector<uint32_t> places;
    const Made* next;
  };

  static uint64_t NextSerial();

  const Made* Find(const void* of, size_t length) const;
  // Adds what `make` makes, unless another thread has.
  template <typename Make>
  const Made& FindOrAdd(const void* of, size_t length, const Make& make) const;

  // Constant after construction.
  const RowSet rows_;
  const uint64_t count_;
  const uint64_t serial_;
  mutable Mutex mutex_;
  // A list that grows at its head, under the mutex, and is read without it.
  mutable std::atomic<const Made*> made_{nullptr};
};

}  // namespace tributary

#endif  // TRIBUTARY_INDEX_FILTER_PASSING_ITEMS_H_
