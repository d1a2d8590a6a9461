// Items that a bundle lacks, because live changes added them after it was
// built. They have rows from the bundle's number of items on, in the order in
// which they came. A row never gets another item, or other vectors: an item
// that changes gets a new row, and its old one stays unused.
#ifndef TRIBUTARY_SERVER_RETRIEVAL_ADDED_ITEMS_H_
#define TRIBUTARY_SERVER_RETRIEVAL_ADDED_ITEMS_H_

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "index/bundle/bundle.h"
#include "index/bundle/row.h"
#include "index/bundle/row_set.h"
#include "index/filter/item_values.h"
#include "index/search/search_terms.h"
#include "server/retrieval/added_codes.h"
#include "sync/mutex.h"

namespace tributary {

// An item to be added to a bundle.
struct NewItem {
  // Of a catalogue whose keys are integers: the decimal text.
  std::string key;
  // By space of the bundle, in its order; as the space stores vectors, so that
  // those of a COSINE space have the length 1. Empty: it has none there.
  std::vector<std::vector<float>> vectors;
  // By attribute of the bundle, in its order.
  std::vector<ItemValue> values;
  // Absent: it is in no popularity list.
  std::optional<float> popularity = std::nullopt;
};

// The added items at one moment. Immutable and thread-safe. Moments share what
// they have in common, so that one more item costs no copy of the others.
class AddedItems {
 public:
  // How many items a proposal may stand in for, and how many are in popular().
  static constexpr size_t kMostOfOneStandIn = 8;
  static constexpr size_t kMostPopular = 4096;

  // Makes moments of one bundle, one after the other. Not thread-safe.
  class Builder;

  AddedItems& operator=(const AddedItems&) = delete;

  // The first row, which is the bundle's number of items, and how many rows
  // there are, used or not.
  Row first() const { return first_; }
  uint32_t size() const { return size_; }
  bool Has(Row row) const { return row >= first_ && row - first_ < size_; }
  // A number that all moments have that begin with the same rows, and nothing
  // else has.
  uint64_t serial() const;

  // What follows is about rows that Has, unless it says otherwise.

  // The key as text, and, if the catalogue's keys are integers, the integer.
  const std::string& key(Row row) const { return ChunkOf(row).keys[In(row)]; }
  uint64_t id(Row row) const { return ChunkOf(row).ids[In(row)]; }
  // The number of the change that the row was made of.
  uint64_t change(Row row) const { return ChunkOf(row).changes[In(row)]; }
  // The item's row, in use or taken down; kNoRow if no item has the key.
  Row Find(std::string_view key) const;

  // By row less first(): whether it is in use, which those of items that are
  // taken down are not. And how many are.
  std::span<const uint64_t> live() const { return live_.words(); }
  uint64_t n_live() const { return n_live_; }
  bool IsLive(Row row) const { return live_.Has(row - first_); }

  // The item's values, by attribute of the bundle.
  std::span<const ItemValue> values(Row row) const {
    return ChunkOf(row).values[In(row)];
  }
  // Codes as AttributeColumn has them; values that no item of the bundle has
  // get codes above those of the bundle. Not of TAGS.
  uint32_t CodeOf(size_t attribute, Row row) const {
    return ChunkOf(row).codes[In(row)][attribute].front();
  }
  // Of TAGS: those of the item, in the order of the texts of its value.
  std::span<const uint32_t> TagsOf(size_t attribute, Row row) const {
    return ChunkOf(row).codes[In(row)][attribute];
  }

  // The item of the bundle that stands in for this one where a source knows
  // nothing of it: the nearest by their vectors. kNoRow while none is known.
  Row StandIn(Row row) const {
    return ChunkOf(row).stand_ins[In(row)].load(std::memory_order_relaxed);
  }
  // Becomes known to moments that there were before, too.
  void SetStandIn(Row row, Row stand_in) const;
  // Adds to *proposals, which are items of the bundle, the items for which they
  // stand in, each with the score of its stand-in; of those alone whose bit of
  // `allowed` is set, and the newest kMostOfOneStandIn for each.
  void AddStandIns(std::span<const uint64_t> allowed,
                   std::vector<ScoredRow>* proposals) const;

  // The items that changes gave a popularity, best first; the best
  // kMostPopular, some of which may not be in use.
  std::span<const ScoredRow> popular() const { return popular_; }

  // The item's vector in a space of the bundle; empty if it has none.
  std::span<const float> Vector(size_t space, Row row) const;
  // How many items in use have a vector there.
  uint64_t VectorsOf(size_t space) const { return spaces_[space].n_live; }

  // Replaces *hits with the at most n best of the items that have a vector in
  // the space and whose bit of `allowed` (by row less first()) is set, best
  // first, ties by row. Those whose score is not above `floor` may be missing.
  // Exact, unless the items have codes (see WithCodes) and `exact` is false.
  // DEADLINE_EXCEEDED, with *hits unspecified, when the terms are over.
  absl::Status Search(size_t space, std::span<const float> query, uint32_t n,
                      std::span<const uint64_t> allowed, float floor,
                      bool exact, const SearchTerms& terms,
                      std::vector<ScoredRow>* hits) const;

  // Whether so many items have no codes that it is worth to make them.
  bool WantsCodes() const;
  // The same moment with codes of its items, where they are many. Takes time in
  // proportion to their number.
  static std::shared_ptr<const AddedItems> WithCodes(const AddedItems& items);

 private:
  friend class Builder;

  static constexpr uint32_t kChunkRows = 1024;

  // Some rows, of which the first ones are filled. What is filled does not
  // change, so that it is read while the next rows are written.
  struct Chunk {
    Chunk(size_t n_attributes, std::span<const uint32_t> dims);

    std::vector<std::string> keys;
    std::vector<uint64_t> ids;
    std::vector<uint64_t> changes;
    std::vector<std::vector<ItemValue>> values;
    std::vector<std::vector<std::vector<uint32_t>>> codes;
    // Written at any time.
    std::unique_ptr<std::atomic<Row>[]> stand_ins;
    // By space: kChunkRows vectors. Memory that was never written costs
    // nothing.
    std::vector<std::unique_ptr<float[]>> vectors;
  };

  // What all moments of one bundle share.
  struct Store {
    uint64_t serial = 0;
    std::vector<uint32_t> dims;
    Mutex mutex;
    // The newest row of each key.
    absl::flat_hash_map<std::string, Row> rows ABSL_GUARDED_BY(mutex);
    // By row less first(): the row that the item had before, or kNoRow.
    std::vector<Row> befores ABSL_GUARDED_BY(mutex);
    // By row of the bundle: the rows for which it stands in, ascending.
    absl::flat_hash_map<Row, std::vector<Row>> of_stand_in
        ABSL_GUARDED_BY(mutex);
    // Whether a row of the bundle stands in for any: most do not, and need no
    // lock.
    std::unique_ptr<std::atomic<uint64_t>[]> stands_in;
    // By attribute: the codes of values that the bundle lacks. The builder's.
    std::vector<absl::flat_hash_map<std::string, uint32_t>> new_codes;
  };

  struct Space {
    // Rows in use that have a vector.
    RowSet live;
    // Rows that have one.
    RowSet has;
    uint64_t n_live = 0;
    // Of the first rows; null while they are few.
    std::shared_ptr<const AddedCodes> codes = nullptr;
  };

  AddedItems() = default;
  AddedItems(const AddedItems&) = default;

  // How many results a search by codes is asked for first.
  uint32_t FirstAsked(size_t space, uint32_t n, float floor) const;
  // Adds to *hits those of Search from the chunk `begin` on, which are at most
  // n if there are many.
  absl::Status Scan(size_t space, size_t begin, std::span<const float> query,
                    uint32_t n, std::span<const uint64_t> allowed, float floor,
                    const SearchTerms& terms,
                    std::vector<ScoredRow>* hits) const;
  // From which row less first() on the space has no codes.
  uint32_t CodedThrough(size_t space) const {
    const auto& codes = spaces_[space].codes;
    return codes == nullptr ? 0 : codes->through();
  }
  const Chunk& ChunkOf(Row row) const {
    return *chunks_[(row - first_) / kChunkRows];
  }
  size_t In(Row row) const { return (row - first_) % kChunkRows; }

  Row first_ = 0;
  uint32_t size_ = 0;
  std::shared_ptr<Store> store_;
  std::vector<std::shared_ptr<Chunk>> chunks_;
  RowSet live_;
  uint64_t n_live_ = 0;
  std::vector<ScoredRow> popular_;
  // By space of the bundle.
  std::vector<Space> spaces_;
};

class AddedItems::Builder {
 public:
  // Goes on from `before`, the newest moment of the bundle; from nothing if
  // that is null. `bundle` outlives the builder.
  Builder(const Bundle& bundle, const AddedItems* before);

  // Adds the item, which gets a new row, in use. The row that it had before is
  // in use no more. `change` is the number of the change that says so.
  // REQUIRES: the key is one that the catalogue may have, and lacks.
  void Add(NewItem item, uint64_t change);
  // Takes the item's row out of use, or into it. Does nothing for a key that
  // has none.
  void SetLive(std::string_view key, bool live);

  // Whether there is no row.
  bool empty() const { return next_->size_ == 0; }
  // The next moment. Call it once, last.
  std::shared_ptr<const AddedItems> Finish();

 private:
  void SetLive(Row row, bool live);
  std::vector<std::vector<uint32_t>> CodesOf(std::span<const ItemValue> values);

  const Bundle& bundle_;
  std::shared_ptr<AddedItems> next_;
};

}  // namespace tributary

#endif  // TRIBUTARY_SERVER_RETRIEVAL_ADDED_ITEMS_H_
