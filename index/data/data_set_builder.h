#ifndef TRIBUTARY_INDEX_DATA_DATA_SET_BUILDER_H_
#define TRIBUTARY_INDEX_DATA_DATA_SET_BUILDER_H_

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "absl/status/statusor.h"
#include "index/bundle/key_table.h"
#include "index/data/attribute_choice.h"
#include "index/data/data_set.h"
#include "index/data/feature_table.h"
#include "index/data/input_report.h"

namespace tributary {

// Says what is wrong with `key` (empty, or not UTF-8); "" when it is fine.
std::string_view KeyProblem(std::string_view key);

// Inverts an order: from order[row] = number to result[number] = row.
std::vector<Row> RowsOfNumbers(const std::vector<uint32_t>& order);

// Numbers keys in the order of their first occurrence. Not thread-safe.
class KeyNumbers {
 public:
  KeyNumbers() = default;
  // The map has views of the keys.
  KeyNumbers(const KeyNumbers&) = delete;
  KeyNumbers& operator=(const KeyNumbers&) = delete;
  KeyNumbers(KeyNumbers&&) = default;
  KeyNumbers& operator=(KeyNumbers&&) = default;

  // The key's number; assigns the next number to a new key. REQUIRES: the key
  // has no KeyProblem.
  uint32_t Add(std::string_view key);
  std::optional<uint32_t> Find(std::string_view key) const;
  size_t size() const { return keys_.size(); }
  // REQUIRES: number < size().
  const std::string& key(uint32_t number) const { return keys_[number]; }

  // How many keys are no decimal integers, and the first of them.
  struct Kinds {
    uint64_t others = 0;
    std::string other_example;
  };
  Kinds CountKinds() const;

  // Returns the keys in the order of rows: as integers in ascending order or as
  // strings in byte order. Without a kind, they are integers if all keys are
  // decimal integers. Sets (*order)[row] to the number that the row's key had.
  // REQUIRES: of kind UINT64 only if all keys are decimal integers.
  KeyList Sort(std::optional<v1::KeyKind> kind,
               std::vector<uint32_t>* order) const;

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
  // The name of the column that interactions' values come from, where it has a
  // meaning: "rating" and "stars" are ratings, "count" is not.
  std::string value_name;

  // Adds an interaction of keys by their numbers. Without a value, it is NaN;
  // an unknown time is 0; `type` is the kind of event, "" for none. Returns
  // what is wrong with it, or "".
  std::string_view AddInteraction(uint32_t user, uint32_t item, float value,
                                  int64_t time_s, std::string_view type = "");

  // Sorts everything, and sets weights by the defaults of v1::Feedback: see
  // ApplyFeedback. Attributes are recognised; there are none if two columns
  // give one name.
  DataSet Finish() &&;
  // The same with keys of these kinds; see KeyNumbers::Sort, also for
  // *item_order and *user_order. Attributes are made as FeatureTable's
  // MakeAttributes says, whose errors are returned; none if `choice` is null.
  absl::StatusOr<DataSet> Finish(std::optional<v1::KeyKind> item_kind,
                                 std::optional<v1::KeyKind> user_kind,
                                 const AttributeChoice* choice,
                                 std::vector<uint32_t>* item_order,
                                 std::vector<uint32_t>* user_order,
                                 InputReport* report) &&;

 private:
  // An interaction as it was read.
  struct Record {
    uint32_t user;
    uint32_t item;
    // NaN: none.
    float value;
    // The position of its name in type_names_.
    uint16_t type;
    int64_t time_s;
  };

  // Says what is wrong with the type: too many. "" when it is fine.
  std::string_view TypeProblem(std::string_view type) const;
  // Moves all but keys and attributes to *data, which has its keys.
  void MoveTo(DataSet* data, const std::vector<uint32_t>& item_order,
              const std::vector<uint32_t>& user_order);
  // Moves the records to *data, which has its keys.
  void MoveRecords(DataSet* data);

  std::vector<Record> records_;
  std::vector<std::string> type_names_ = {""};
  std::map<std::string, uint16_t, std::less<>> types_ = {{"", 0}};
};

}  // namespace tributary

#endif  // TRIBUTARY_INDEX_DATA_DATA_SET_BUILDER_H_
