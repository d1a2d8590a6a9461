#include "cli/change_warnings.h"

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <map>
#include <set>
#include <utility>

#include "cli/change_value.h"
#include "fmt/format.h"
#include "fmt/ranges.h"
#include "index/bundle/attribute_column.h"
#include "status/nearest_name.h"
#include "text/quoted.h"

namespace tributary {
namespace {

using google::protobuf::Value;

// Keys that a warning names, at most.
constexpr size_t kUnknownNamed = 5;

const char* NameOf(v1::AttributeType type) {
  switch (type) {
    case v1::BOOLEAN:
      return "booleans";
    case v1::TAGS:
      return "lists of texts";
    case v1::INTEGER:
      return "integers";
    case v1::NUMBER:
      return "numbers";
    case v1::TIME:
      return "times";
    default:
      return "texts";
  }
}

// Whether the value can be one of the attribute's. Texts may be the way in
// which large integers and times are written.
bool Fits(const Value& value, v1::AttributeType type) {
  switch (value.kind_case()) {
    case Value::kNullValue:
      return true;
    case Value::kBoolValue:
      return type == v1::BOOLEAN;
    case Value::kNumberValue:
      return type == v1::NUMBER ||
             (type == v1::INTEGER &&
              std::trunc(value.number_value()) == value.number_value());
    case Value::kStringValue:
      if (type == v1::TIME) {
        return ParseChangeTime("", value.string_value()).ok();
      }
      return type == v1::CATEGORY || type == v1::TAGS || type == v1::INTEGER;
    case Value::kListValue:
      return type == v1::TAGS;
    default:
      return false;
  }
}

class Warnings {
 public:
  Warnings(const Bundle& bundle,
           const std::function<bool(std::string_view key)>& was_added)
      : bundle_(bundle), was_added_(was_added) {
    for (const AttributeColumn& attribute : bundle.attributes()) {
      attributes_[attribute.name()] = &attribute;
      attribute_names_.insert(attribute.name());
      columns_.insert(attribute.name());
      columns_.insert(attribute.spec().column());
    }
    for (const EmbeddingSpace& space : bundle.spaces()) {
      spaces_[space.spec->name()] = &space;
      space_names_.insert(space.spec->name());
      for (const auto& column : space.spec->feature_encoder().columns()) {
        columns_.insert(column.name());
      }
      for (const auto& input : space.spec->item_tower().features()) {
        if (!input.column().empty()) columns_.insert(input.column());
      }
    }
  }

  void Look(const v1::Change& change) {
    if (change.has_upsert()) {
      added_.insert(change.item());
    } else if (!added_.contains(change.item()) &&
               bundle_.items().Find(change.item()) == kNoRow &&
               !was_added_(change.item())) {
      unknown_items_.insert(change.item());
    }
    for (const auto& [name, value] : change.set().attributes().fields()) {
      LookAtAttribute(name, value);
    }
    for (const auto& [name, value] : change.upsert().features().fields()) {
      if (!columns_.contains(name)) {
        Note(fmt::format("no column {} is used by it{}", Quoted(name),
                         DidYouMean(name, columns_)));
      }
    }
    for (const auto& [name, vector] : change.upsert().vectors()) {
      LookAtVector(name, vector.values_size());
    }
  }

  std::vector<std::string> Take() {
    if (!unknown_items_.empty()) {
      std::vector<std::string> keys;
      for (const std::string& key : unknown_items_) {
        if (keys.size() == kUnknownNamed) break;
        keys.push_back(Quoted(key));
      }
      notes_.emplace_back(
          fmt::format("it has no item {}{}, nor has the log added {}",
                      fmt::join(keys, ", "),
                      unknown_items_.size() > keys.size()
                          ? fmt::format(" and {} others",
                                        unknown_items_.size() - keys.size())
                          : "",
                      unknown_items_.size() > 1 ? "them" : "it"),
          0);
    }
    std::vector<std::string> warnings;
    for (const auto& [note, count] : notes_) {
      warnings.push_back(
          fmt::format("version {}: {}{}", bundle_.manifest().version(), note,
                      count > 1 ? fmt::format(" ({} changes)", count) : ""));
    }
    return warnings;
  }

 private:
  void Note(std::string note) {
    const auto [known, is_new] = index_.emplace(note, notes_.size());
    if (is_new) notes_.emplace_back(std::move(note), 0);
    ++notes_[known->second].second;
  }

  void LookAtAttribute(const std::string& name, const Value& value) {
    const auto found = attributes_.find(name);
    if (found == attributes_.end()) {
      return Note(fmt::format("it has no attribute {}{}", Quoted(name),
                              DidYouMean(name, attribute_names_)));
    }
    const v1::AttributeType type = found->second->type();
    if (Fits(value, type)) return;
    Note(fmt::format("the values of its attribute {} are {}, and {} is none",
                     Quoted(name), NameOf(type), FormatChangeValue(value)));
  }

  void LookAtVector(const std::string& name, int size) {
    const auto found = spaces_.find(name);
    if (found == spaces_.end()) {
      return Note(fmt::format("it has no space {}{}", Quoted(name),
                              DidYouMean(name, space_names_)));
    }
    const uint32_t dim = found->second->spec->dim();
    if (dim == static_cast<uint32_t>(size)) return;
    Note(fmt::format("vectors of its space {} have {} values, not {}",
                     Quoted(name), dim, size));
  }

  const Bundle& bundle_;
  const std::function<bool(std::string_view key)>& was_added_;
  std::map<std::string, const AttributeColumn*> attributes_;
  std::map<std::string, const EmbeddingSpace*> spaces_;
  std::set<std::string> attribute_names_;
  std::set<std::string> space_names_;
  std::set<std::string> columns_;

  std::set<std::string> added_;
  std::set<std::string> unknown_items_;
  // In the order in which they were found, with the number of their changes.
  std::vector<std::pair<std::string, size_t>> notes_;
  std::map<std::string, size_t> index_;
};

}  // namespace

std::vector<std::string> WarningsOf(
    const std::vector<v1::Change>& changes, const Bundle& bundle,
    const std::function<bool(std::string_view key)>& was_added) {
  Warnings warnings(bundle, was_added);
  for (const v1::Change& change : changes) warnings.Look(change);
  return warnings.Take();
}

}  // namespace tributary
