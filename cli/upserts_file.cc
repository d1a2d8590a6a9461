#include "cli/upserts_file.h"

#include <cstdint>
#include <map>
#include <set>
#include <string_view>
#include <utility>

#include "fmt/format.h"
#include "index/bundle/attribute_column.h"
#include "index/bundle/key_table.h"
#include "index/data/apply_changes.h"
#include "index/data/attribute_value.h"
#include "index/data/column_kind.h"
#include "index/data/data_set_builder.h"
#include "text/quoted.h"

namespace tributary {
namespace {

constexpr char kItemColumn[] = "item";

std::string CsvField(std::string_view text) {
  std::string field = "\"";
  for (const char c : text) {
    field += c;
    if (c == '"') field += c;
  }
  return field + '"';
}

// What the bundle has of values by column.
class KnownValues {
 public:
  explicit KnownValues(const Bundle& bundle) {
    for (const AttributeColumn& attribute : bundle.attributes()) {
      attributes_[attribute.name()] = attribute.type();
      if (!attribute.spec().column().empty()) {
        attributes_[attribute.spec().column()] = attribute.type();
      }
    }
    for (const EmbeddingSpace& space : bundle.spaces()) {
      spaces_.insert(space.spec->name());
      for (const auto& column : space.spec->feature_encoder().columns()) {
        if (column.kind() == v1::FeatureColumn::NUMBER) {
          numbers_.insert(column.name());
        }
      }
      for (const auto& input : space.spec->item_tower().features()) {
        if (input.kind() == v1::FeatureInput::NUMBER) {
          numbers_.insert(input.column());
        }
      }
    }
  }

  bool HasSpace(const std::string& name) const {
    return spaces_.contains(name);
  }
  bool Takes(const std::string& column, const std::string& value) const {
    const auto attribute = attributes_.find(column);
    if (attribute != attributes_.end() &&
        !FitsAttribute(attribute->second, value)) {
      return false;
    }
    return !numbers_.contains(column) || ReadNumber(value).has_value();
  }

 private:
  std::map<std::string, v1::AttributeType> attributes_;
  std::set<std::string> numbers_;
  std::set<std::string> spaces_;
};

struct Collected {
  std::map<std::string, std::string> fields;
  bool has_vector = false;
};

}  // namespace

UpsertedItems CollectUpserts(const std::vector<v1::Change>& changes,
                             const Bundle& bundle) {
  UpsertedItems result;
  const KnownValues known(bundle);
  std::map<std::string, Collected> items;
  std::set<std::string> columns;
  for (const v1::Change& change : changes) {
    if (!change.has_upsert() || bundle.items().Find(change.item()) != kNoRow) {
      continue;
    }
    uint64_t number = 0;
    const bool is_key = KeyProblem(change.item()).empty() &&
                        (bundle.items().kind() != v1::UINT64 ||
                         ParseDecimalKey(change.item(), &number));
    if (!is_key) {
      result.warnings.push_back(
          fmt::format("change {}: the catalogue's keys are decimal integers, "
                      "and {} is none",
                      change.number(), Quoted(change.item())));
      continue;
    }
    Collected& item = items[change.item()];
    for (const auto& [name, value] : change.upsert().features().fields()) {
      const std::string text = ChangeValueText(value);
      if (!known.Takes(name, text)) {
        result.warnings.push_back(fmt::format(
            "change {}: the bundle has no such values in the column {} as {}",
            change.number(), Quoted(name), Quoted(text)));
        continue;
      }
      if (name == kItemColumn) continue;
      item.fields[name] = text;
      columns.insert(name);
    }
    for (const auto& [space, vector] : change.upsert().vectors()) {
      item.has_vector = item.has_vector || known.HasSpace(space);
    }
  }
  result.csv = kItemColumn;
  for (const std::string& column : columns) {
    result.csv += "," + CsvField(column);
  }
  result.csv += "\n";
  for (auto& [key, item] : items) {
    if (item.has_vector) {
      ++result.with_vectors;
      continue;
    }
    result.csv += CsvField(key);
    for (const std::string& column : columns) {
      result.csv += "," + CsvField(item.fields[column]);
    }
    result.csv += "\n";
    ++result.items;
  }
  return result;
}

}  // namespace tributary
