#ifndef TRIBUTARY_INDEX_CHANGES_CHANGED_ATTRIBUTES_H_
#define TRIBUTARY_INDEX_CHANGES_CHANGED_ATTRIBUTES_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "google/protobuf/struct.pb.h"
#include "tributary/v1/changes.pb.h"

namespace tributary {

// A value that an item has got, and the number of the change.
struct ChangedValue {
  // See ChangedAttributes::name.
  uint32_t name = 0;
  // Whether the name is that of a column of features (an upsert), and not that
  // of an attribute.
  bool is_feature = false;
  uint64_t change = 0;
  // The types of attributes that it is a value of: a bit each.
  uint32_t types = 0;
  // Null: the item has no value any more.
  google::protobuf::Value value;
};

// The last value of each attribute of each item that changes set, by key. What
// type an attribute has depends on the bundle. So a value is kept until there
// is a later one of all its types: whether the attribute's type is one of the
// later value's or not, it is known which value is the last that fits, however
// often a server starts anew. Not thread-safe.
class ChangedAttributes {
 public:
  using Items = absl::flat_hash_map<std::string, std::vector<ChangedValue>>;
  // Returns the types of attributes that it is a value of: bit 1 << type.
  using TypesOf = uint32_t (*)(const google::protobuf::Value& value);

  explicit ChangedAttributes(TypesOf types_of) : types_of_(types_of) {}

  // Changes come in the order of their numbers. Returns whether the change sets
  // any attribute.
  bool Apply(const v1::Change& change) {
    const bool is_feature = change.has_upsert();
    const auto& fields = is_feature ? change.upsert().features().fields()
                                    : change.set().attributes().fields();
    if (fields.empty()) return false;
    std::vector<ChangedValue>& values = items_[change.item()];
    for (const auto& [name, value] : fields) {
      Put({NumberOf(name), is_feature, change.number(), types_of_(value),
           value},
          &values);
    }
    return true;
  }

  // Null for an item of which nothing was set; else in the order of the
  // changes.
  const std::vector<ChangedValue>* Find(std::string_view key) const {
    const auto found = items_.find(absl::string_view(key.data(), key.size()));
    return found == items_.end() ? nullptr : &found->second;
  }
  const Items& items() const { return items_; }
  // How many names there are, and each of them.
  size_t names() const { return names_.size(); }
  const std::string& name(size_t number) const { return names_[number]; }

 private:
  uint32_t NumberOf(const std::string& name) {
    const auto [found, added] =
        numbers_.emplace(name, static_cast<uint32_t>(names_.size()));
    if (added) names_.push_back(name);
    return found->second;
  }

  static void Put(ChangedValue value, std::vector<ChangedValue>* values) {
    std::erase_if(*values, [&](const ChangedValue& other) {
      return other.name == value.name && other.is_feature == value.is_feature &&
             (other.types & ~value.types) == 0;
    });
    values->push_back(std::move(value));
  }

  const TypesOf types_of_;
  Items items_;
  std::vector<std::string> names_;
  absl::flat_hash_map<std::string, uint32_t> numbers_;
};

}  // namespace tributary

#endif  // TRIBUTARY_INDEX_CHANGES_CHANGED_ATTRIBUTES_H_
