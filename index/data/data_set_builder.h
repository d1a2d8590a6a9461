#ifndef TRIBUTARY_INDEX_DATA_DATA_SET_BUILDER_H_
#define TRIBUTARY_INDEX_DATA_DATA_SET_BUILDER_H_

#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "index/bundle/key_table.h"
#include "index/data/data_set.h"
#include "index/data/feature_table.h"

namespace tributary {

// Says what is wrong with `key` (empty, or not UTF-8); "" when it is fine.
std::string_view KeyProblem(std::string_view key);

// Numbers keys in the order of their first occurrence. Not thread-safe.
class KeyNumbers {
 public:
  // The key's number; assigns the next number to a new key. REQUIRES: the key
  // has no KeyProblem.
  uint32_t Add(std::string_view key);
  std::optional<uint32_t> Find(std::string_view key) const;
  size_t size() const { return keys_.size(); }

  // Returns the keys in the order of rows: as integers if all keys are decimal
  // integers, else as strings in byte order. Sets (*order)[row] to the number
  // that the row's key had.
  KeyList Sort(std::vector<uint32_t>* order) const;

 private:
  // A deque, because the map's keys are views of its strings.
  std::deque<std::string> keys_;
  std::unordered_map<std::string_view, uint32_t> numbers_;
};

// Makes a DataSet from interactions and features in any order. Not thread-safe.
class DataSetBuilder {
 public:
  // Features are set by the numbers of keys, not by rows.
  KeyNumbers items;
  KeyNumbers users;
  FeatureTable item_features;
  FeatureTable user_features;

  // Adds an interaction, and its user and item where they are new. Returns what
  // is wrong with it, or "". An empty value means 1; an empty time is unknown.
  std::string_view AddInteraction(std::string_view user, std::string_view item,
                                  std::string_view value,
                                  std::string_view time);
  void AddInteraction(uint32_t user, uint32_t item, float value,
                      int64_t time_s);

  // Sorts everything. Sets *item_order and *user_order, unless null, as
  // KeyNumbers::Sort does.
  DataSet Finish(std::vector<uint32_t>* item_order = nullptr,
                 std::vector<uint32_t>* user_order = nullptr) &&;

 private:
  std::vector<Interaction> interactions_;
};

}  // namespace tributary

#endif  // TRIBUTARY_INDEX_DATA_DATA_SET_BUILDER_H_
