#ifndef TRIBUTARY_SERVER_VERSIONS_ITEM_KEYS_H_
#define TRIBUTARY_SERVER_VERSIONS_ITEM_KEYS_H_

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "index/bundle/key_table.h"
#include "index/bundle/row_set.h"

namespace tributary {

// Keys of items, whatever the catalogue's kind of keys: an integer and its
// decimal text are the same key, as KeyTable::Find has it. Not thread-safe
// while keys are added.
class ItemKeys {
 public:
  void Add(uint64_t id) { ids_.push_back(id); }
  void Add(std::string_view key);
  // Sorts the keys, and keeps each once. The methods below need it.
  void Finish();

  uint64_t size() const { return ids_.size() + ends_.size(); }
  // How much memory the keys take, those that were added twice counted twice
  // before Finish.
  uint64_t size_bytes() const {
    return (ids_.size() + ends_.size()) * sizeof(uint64_t) + texts_.size();
  }

  bool Has(std::string_view key) const;
  // Adds the rows of the keys that the table has, and returns how many it has.
  // REQUIRES: rows->size() == items.size().
  uint64_t AddRows(const KeyTable& items, RowSet* rows) const;

  // The parts, as a file has them: the integers, ascending; the texts that are
  // no integers, ascending, end to end; and where each ends.
  std::span<const uint64_t> ids() const { return ids_; }
  std::span<const uint64_t> ends() const { return ends_; }
  std::string_view texts() const { return texts_; }
  // The reverse. False unless they are as those three describe.
  bool Assign(std::vector<uint64_t> ids, std::vector<uint64_t> ends,
              std::string texts);

 private:
  std::string_view Text(size_t i) const;

  std::vector<uint64_t> ids_;
  std::vector<uint64_t> ends_;
  std::string texts_;
};

}  // namespace tributary

#endif  // TRIBUTARY_SERVER_VERSIONS_ITEM_KEYS_H_
