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

// What is wrong with `key`: empty, or not UTF-8; "" if nothing.
std::string_view KeyProblem(std::string_view key);

// Gives keys numbers in the order in which they come. Not thread-safe.
class KeyNumbers {
 public:
  // The key's number, a new one when it is new. REQUIRES: no KeyProblem.
  uint32_t Add(std::string_view key);
  std::optional<uint32_t> Find(std::string_view key) const;
  size_t size() const { return keys_.size(); }

  // The keys in the order of rows, and in *order the number that each row had:
  // integers if all are decimal integers, else strings in byte order.
  KeyList Sort(std::vector<uint32_t>* order) const;

 private:
  // A deque, since the map's keys point into it.
  std::deque<std::string> keys_;
  std::unordered_map<std::string_view, uint32_t> numbers_;
};

// Makes a DataSet from what readers find, in any order. Not thread-safe.
class DataSetBuilder {
 public:
  // Features are set by the keys' numbers.
  KeyNumbers items;
  KeyNumbers users;
  FeatureTable item_features;
  FeatureTable user_features;

  // Adds an interaction and, where they are new, its user and its item. Returns
  // what is wrong with it, "" if nothing. An empty value is 1, an empty time
  // is unknown.
  std::string_view AddInteraction(std::string_view user, std::string_view item,
                                  std::string_view value,
                                  std::string_view time);
  void AddInteraction(uint32_t user, uint32_t item, float value,
                      int64_t time_s);

  // Sorts everything. With *item_order and *user_order, when given, as of
  // KeyNumbers::Sort.
  DataSet Finish(std::vector<uint32_t>* item_order = nullptr,
                 std::vector<uint32_t>* user_order = nullptr) &&;

 private:
  std::vector<Interaction> interactions_;
};

}  // namespace tributary

#endif  // TRIBUTARY_INDEX_DATA_DATA_SET_BUILDER_H_
