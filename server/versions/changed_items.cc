#include "server/versions/changed_items.h"

#include <algorithm>
#include <cstddef>
#include <utility>
#include <vector>

#include "fmt/format.h"
#include "server/versions/attribute_values.h"
#include "text/quoted.h"

namespace tributary {
namespace {

constexpr size_t kNone = ~size_t{0};

// Finds the attributes that names of changes mean in one bundle.
class AttributeNames {
 public:
  AttributeNames(const Bundle& bundle, const ChangedAttributes& changes)
      : bundle_(bundle),
        changes_(changes),
        attributes_(changes.names(), kUnknown),
        features_(changes.names(), kUnknown) {}

  // kNone if the bundle has none.
  size_t Of(const ChangedValue& value) {
    size_t& known = (value.is_feature ? features_ : attributes_)[value.name];
    if (known == kUnknown) known = Find(value);
    return known;
  }
  const std::string& NameOf(const ChangedValue& value) const {
    return changes_.name(value.name);
  }

 private:
  static constexpr size_t kUnknown = kNone - 1;

  size_t Find(const ChangedValue& value) const {
    const auto attributes = bundle_.attributes();
    for (size_t i = 0; i < attributes.size(); ++i) {
      const v1::Attribute& spec = attributes[i].spec();
      if ((value.is_feature ? spec.column() : spec.name()) == NameOf(value)) {
        return i;
      }
    }
    return kNone;
  }

  const Bundle& bundle_;
  const ChangedAttributes& changes_;
  // By the number of the name.
  std::vector<size_t> attributes_;
  std::vector<size_t> features_;
};

// Of one item: the last value that each attribute got after the change `after`.
using LastValues = std::vector<std::pair<size_t, const ChangedValue*>>;

void FindLastValues(const Bundle& bundle, const std::string& item,
                    const std::vector<ChangedValue>& values, uint64_t after,
                    AttributeNames* names, LastValues* last,
                    UnusedValues* unused) {
  last->clear();
  for (const ChangedValue& value : values) {
    if (value.change <= after) continue;
    const size_t attribute = names->Of(value);
    if (attribute == kNone) {
      ++unused->unknown;
      continue;
    }
    const v1::AttributeType type = bundle.attributes()[attribute].type();
    if ((value.types >> type & 1) == 0) {
      unused->refused.emplace(
          value.change,
          fmt::format(
              "change {} of item {}: {}: {}", value.change, Quoted(item),
              Quoted(names->NameOf(value)),
              std::string(
                  ReadColumnValue(type, value.value).status().message())));
      continue;
    }
    const auto found = std::ranges::find(
        *last, attribute, &std::pair<size_t, const ChangedValue*>::first);
    if (found == last->end()) {
      last->emplace_back(attribute, &value);
    } else if (found->second->change < value.change) {
      found->second = &value;
    }
  }
}

}  // namespace

std::shared_ptr<const ChangedItems> ChangeItems(
    const Bundle& bundle, const BundleTags& tags,
    std::shared_ptr<const ChangedItems> before,
    const ChangedAttributes& changes, std::span<const std::string> items,
    uint64_t after, UnusedValues* unused) {
  const auto attributes = bundle.attributes();
  std::vector<std::vector<RowValue>> by_attribute(attributes.size());
  AttributeNames names(bundle, changes);
  LastValues last;
  bool differs = false;
  for (const std::string& item : items) {
    const std::vector<ChangedValue>* const values = changes.Find(item);
    if (values == nullptr) continue;
    const Row row = bundle.items().Find(item);
    if (row == kNoRow) continue;
    FindLastValues(bundle, item, *values, after, &names, &last, unused);
    for (const auto& [attribute, value] : last) {
      by_attribute[attribute].push_back(
          {row, ReadColumnValue(attributes[attribute].type(), value->value)
                    .value_or(ColumnValue())});
      differs = true;
    }
  }
  if (!differs) return before;
  auto changed = std::make_shared<ChangedItems>();
  if (before != nullptr) {
    *changed = *before;
  } else {
    changed->columns.resize(attributes.size());
    changed->rows = RowSet(bundle.items().size());
  }
  for (size_t i = 0; i < attributes.size(); ++i) {
    if (by_attribute[i].empty()) continue;
    for (const RowValue& value : by_attribute[i]) {
      changed->rows.Add(value.row);
    }
    const ChangedColumn* const old = changed->columns[i].get();
    auto column = std::make_shared<const ChangedColumn>(ChangeColumn(
        attributes[i], old == nullptr ? attributes[i] : old->column(),
        std::move(by_attribute[i])));
    // Requests cap the tags: the next one finds them made.
    if (old == nullptr ? tags.WereMade(i) : old->TagsWereMade()) column->Tags();
    changed->columns[i] = std::move(column);
  }
  changed->count = changed->rows.Count();
  return changed;
}

}  // namespace tributary
