#include "tests/index/filter/attributed_items.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <random>
#include <utility>

#include "absl/time/time.h"
#include "fmt/format.h"
#include "index/bundle/attribute_column.h"
#include "index/bundle/bundle_writer.h"
#include "index/bundle/row_set.h"
#include "tests/index/bundle/tiny_bundle.h"

namespace tributary {
namespace {

constexpr int64_t kDayMs = 86'400'000;

// The items that have each value of an attribute.
template <typename T>
using RowsOf = std::map<T, std::vector<Row>>;

void Check(const absl::Status& status) { ASSERT_TRUE(status.ok()) << status; }

// Writes the files that all types have in common.
template <typename T>
void AddCodes(const RowsOf<T>& values, size_t n_items, v1::Attribute* spec,
              BundleWriter* writer) {
  const auto missing = static_cast<uint32_t>(values.size());
  std::vector<uint32_t> codes(n_items, missing);
  uint32_t code = 0;
  for (const auto& [value, rows] : values) {
    for (const Row row : rows) codes[row] = code;
    ++code;
  }
  const uint32_t width = CodeBytes(missing);
  std::vector<uint8_t> bytes;
  for (uint32_t b = 0; b < width; ++b) {
    for (const uint32_t of_item : codes) {
      bytes.push_back(static_cast<uint8_t>(of_item >> (8 * (width - 1 - b))));
    }
  }
  Check(writer->AddArray<uint8_t>(
      fmt::format("attribute.{}.codes.npy", spec->name()), bytes, n_items));
}

template <typename T>
void AddBitmaps(const RowsOf<T>& values, size_t n_items, v1::Attribute* spec,
                BundleWriter* writer) {
  std::vector<uint32_t> frequent;
  std::vector<uint64_t> bitmaps;
  uint32_t code = 0;
  for (const auto& [value, rows] : values) {
    if (rows.size() * kItemsPerFrequent >= n_items) {
      frequent.push_back(code);
      RowSet set(n_items);
      for (const Row row : rows) set.Add(row);
      bitmaps.insert(bitmaps.end(), set.words().begin(), set.words().end());
    }
    ++code;
  }
  spec->set_frequent(frequent.size());
  if (frequent.empty()) return;
  const std::string prefix = fmt::format("attribute.{}.", spec->name());
  Check(writer->AddArray<uint32_t>(prefix + "frequent.npy", frequent));
  Check(writer->AddArray<uint64_t>(prefix + "bitmaps.npy", bitmaps,
                                   RowSet::Words(n_items)));
}

template <typename T>
void SetCounts(const RowsOf<T>& values, uint64_t present, v1::Attribute* spec) {
  spec->set_values(values.size());
  spec->set_present(present);
  uint64_t uses = 0;
  for (const auto& [value, rows] : values) uses += rows.size();
  spec->set_uses(uses);
}

void AddTexts(const RowsOf<std::string>& values, const v1::Attribute& spec,
              BundleWriter* writer) {
  KeyList keys{v1::UTF8, {}, {}};
  for (const auto& [value, rows] : values) keys.strings.push_back(value);
  Check(writer->AddKeys("attribute." + spec.name(), keys));
}

// `of` gives an item's value.
template <typename T>
void AddColumn(const std::vector<AttributedItem>& items, const char* name,
               v1::AttributeType type,
               const std::function<std::optional<T>(const AttributedItem&)>& of,
               BundleWriter* writer, v1::Manifest* manifest) {
  RowsOf<T> values;
  if constexpr (std::is_same_v<T, bool>) values = {{false, {}}, {true, {}}};
  uint64_t present = 0;
  for (size_t i = 0; i < items.size(); ++i) {
    const std::optional<T> value = of(items[i]);
    if (!value.has_value()) continue;
    values[*value].push_back(static_cast<Row>(i));
    ++present;
  }
  v1::Attribute* const spec = manifest->add_attributes();
  spec->set_name(name);
  spec->set_type(type);
  spec->set_column(name);
  SetCounts(values, present, spec);
  AddCodes(values, items.size(), spec, writer);
  if constexpr (std::is_same_v<T, std::string>) {
    AddTexts(values, *spec, writer);
  } else if constexpr (!std::is_same_v<T, bool>) {
    std::vector<T> dictionary;
    for (const auto& [value, rows] : values) dictionary.push_back(value);
    Check(writer->AddArray<T>(fmt::format("attribute.{}.values.npy", name),
                              dictionary));
  }
  if (type == v1::BOOLEAN || type == v1::CATEGORY) {
    AddBitmaps(values, items.size(), spec, writer);
  }
}

void AddTags(const std::vector<AttributedItem>& items, BundleWriter* writer,
             v1::Manifest* manifest) {
  RowsOf<std::string> values;
  uint64_t present = 0;
  for (size_t i = 0; i < items.size(); ++i) {
    present += items[i].tags.empty() ? 0 : 1;
    for (const std::string& tag : items[i].tags) {
      values[tag].push_back(static_cast<Row>(i));
    }
  }
  v1::Attribute* const spec = manifest->add_attributes();
  spec->set_name("tags");
  spec->set_type(v1::TAGS);
  spec->set_column("tags");
  SetCounts(values, present, spec);
  AddTexts(values, *spec, writer);
  std::vector<Row> all;
  std::vector<uint64_t> offsets = {0};
  for (const auto& [value, rows] : values) {
    all.insert(all.end(), rows.begin(), rows.end());
    offsets.push_back(all.size());
  }
  Check(writer->AddArray<Row>("attribute.tags.items.npy", all));
  Check(
      writer->AddArray<uint64_t>("attribute.tags.items.offsets.npy", offsets));
  AddBitmaps(values, items.size(), spec, writer);
}

// Compares an item's value with one of the predicate: below 0, 0 or above 0.
// A long double holds every int64 and every double.
int Compare(long double a, long double b) { return a < b ? -1 : a > b ? 1 : 0; }

std::optional<int> CompareValue(const AttributedItem& item,
                                std::string_view attribute,
                                const v1::AttributeValue& value) {
  const long double number = value.has_integer()
                                 ? static_cast<long double>(value.integer())
                                 : static_cast<long double>(value.number());
  if (attribute == "in_stock" && item.in_stock) {
    return *item.in_stock == value.flag() ? 0 : 1;
  }
  if (attribute == "brand" && item.brand) {
    return item.brand->compare(value.text());
  }
  if (attribute == "year" && item.year) {
    return Compare(static_cast<long double>(*item.year), number);
  }
  if (attribute == "price" && item.price) return Compare(*item.price, number);
  if (attribute == "created_at" && item.created_at) {
    absl::CivilDay day;
    EXPECT_TRUE(absl::ParseCivilTime(value.text(), &day)) << value.text();
    return Compare(
        static_cast<long double>(*item.created_at),
        static_cast<long double>((day - absl::CivilDay(1970, 1, 1)) * kDayMs));
  }
  return std::nullopt;
}

bool Equals(const AttributedItem& item, const std::string& attribute,
            const v1::AttributeValue& value) {
  if (attribute == "tags") return item.tags.contains(value.text());
  return CompareValue(item, attribute, value) == 0;
}

bool Has(const AttributedItem& item, const std::string& attribute) {
  if (attribute == "in_stock") return item.in_stock.has_value();
  if (attribute == "brand") return item.brand.has_value();
  if (attribute == "tags") return !item.tags.empty();
  if (attribute == "year") return item.year.has_value();
  if (attribute == "price") return item.price.has_value();
  return item.created_at.has_value();
}

bool Within(const AttributedItem& item, const std::string& attribute,
            const v1::ValueRange& range) {
  if (!Has(item, attribute)) return false;
  const auto compare = [&](const v1::AttributeValue& limit) {
    return CompareValue(item, attribute, limit).value();
  };
  return (!range.has_at_least() || compare(range.at_least()) >= 0) &&
         (!range.has_above() || compare(range.above()) > 0) &&
         (!range.has_at_most() || compare(range.at_most()) <= 0) &&
         (!range.has_below() || compare(range.below()) < 0);
}

bool PassesTerm(const AttributedItem& item, const v1::Term& term) {
  const std::string& attribute = term.attribute();
  const auto equals = [&](const v1::AttributeValue& value) {
    return Equals(item, attribute, value);
  };
  switch (term.test_case()) {
    case v1::Term::kEquals:
      return equals(term.equals());
    case v1::Term::kAnyOf:
      return std::ranges::any_of(term.any_of().values(), equals);
    case v1::Term::kAllOf:
      return std::ranges::all_of(term.all_of().values(), equals);
    case v1::Term::kRange:
      return Within(item, attribute, term.range());
    case v1::Term::kExists:
      return Has(item, attribute) == term.exists();
    default:
      ADD_FAILURE() << term.DebugString();
      return false;
  }
}

}  // namespace

std::vector<AttributedItem> DrawItems(size_t count, uint32_t seed) {
  std::mt19937 random(seed);
  // Small numbers are more frequent.
  const auto skewed = [&](uint32_t below) {
    return (random() % below) * (random() % below) / below;
  };
  std::vector<AttributedItem> items(count);
  for (AttributedItem& item : items) {
    if (random() % 8 > 0) item.in_stock = random() % 3 > 0;
    if (random() % 8 > 0) item.brand = fmt::format("b{}", skewed(300));
    for (uint32_t i = random() % 4; i > 0; --i) {
      item.tags.insert(fmt::format("t{}", skewed(80)));
    }
    if (random() % 8 > 0) item.year = 1900 + static_cast<int64_t>(skewed(900));
    if (random() % 8 > 0) item.price = (skewed(70000) - 50.0) / 4;
    if (random() % 8 > 0) {
      item.created_at = static_cast<int64_t>(skewed(400)) * kDayMs / 2 - kDayMs;
    }
  }
  return items;
}

void AddAttributes(const std::vector<AttributedItem>& items,
                   BundleWriter* writer, v1::Manifest* manifest) {
  using Item = AttributedItem;
  AddColumn<bool>(
      items, "in_stock", v1::BOOLEAN, [](const Item& i) { return i.in_stock; },
      writer, manifest);
  AddColumn<std::string>(
      items, "brand", v1::CATEGORY, [](const Item& i) { return i.brand; },
      writer, manifest);
  AddTags(items, writer, manifest);
  AddColumn<int64_t>(
      items, "year", v1::INTEGER, [](const Item& i) { return i.year; }, writer,
      manifest);
  AddColumn<double>(
      items, "price", v1::NUMBER, [](const Item& i) { return i.price; }, writer,
      manifest);
  AddColumn<int64_t>(
      items, "created_at", v1::TIME, [](const Item& i) { return i.created_at; },
      writer, manifest);
}

std::shared_ptr<const Bundle> OpenBundleOf(
    const std::vector<AttributedItem>& items) {
  auto writer = BundleWriter::Create(MakeTestDir(), 1);
  EXPECT_TRUE(writer.ok()) << writer.status();
  KeyList keys{v1::UINT64, {}, {}};
  for (size_t i = 0; i < items.size(); ++i) keys.ids.push_back(i);
  Check(writer->AddKeys("items", keys));
  v1::Manifest manifest;
  manifest.mutable_items()->set_kind(v1::UINT64);
  manifest.mutable_items()->set_count(items.size());
  // Every bundle has one.
  v1::RetrieverSpec* const retriever = manifest.add_retrievers();
  retriever->set_name("none");
  retriever->set_kind("none");
  AddAttributes(items, &*writer, &manifest);
  const auto dir = writer->Finish(manifest);
  EXPECT_TRUE(dir.ok()) << dir.status();
  const auto bundle = Bundle::Open(*dir);
  EXPECT_TRUE(bundle.ok()) << bundle.status();
  for (const AttributeColumn& column : (*bundle)->attributes()) {
    EXPECT_TRUE(column.CheckValues().ok()) << column.CheckValues();
  }
  return *bundle;
}

std::vector<std::string> AttributeNames() {
  return {"in_stock", "brand", "tags", "year", "price", "created_at"};
}

void CopyAttribute(const std::string& attribute, const AttributedItem& from,
                   AttributedItem* to) {
  if (attribute == "in_stock") to->in_stock = from.in_stock;
  if (attribute == "brand") to->brand = from.brand;
  if (attribute == "tags") to->tags = from.tags;
  if (attribute == "year") to->year = from.year;
  if (attribute == "price") to->price = from.price;
  if (attribute == "created_at") to->created_at = from.created_at;
}

v1::Change SetAttribute(const std::string& key, const std::string& attribute,
                        const AttributedItem& item) {
  v1::Change change;
  change.set_item(key);
  google::protobuf::Value value;
  if (!Has(item, attribute)) {
    value.set_null_value(google::protobuf::NULL_VALUE);
  } else if (attribute == "in_stock") {
    value.set_bool_value(*item.in_stock);
  } else if (attribute == "brand") {
    value.set_string_value(*item.brand);
  } else if (attribute == "tags") {
    for (const std::string& tag : item.tags) {
      value.mutable_list_value()->add_values()->set_string_value(tag);
    }
  } else if (attribute == "year") {
    value.set_number_value(static_cast<double>(*item.year));
  } else if (attribute == "price") {
    value.set_number_value(*item.price);
  } else {
    value.set_string_value(std::string(absl::FormatTime(
        "%Y-%m-%dT%H:%M:%E*SZ", absl::FromUnixMillis(*item.created_at),
        absl::UTCTimeZone())));
  }
  (*change.mutable_set()->mutable_attributes()->mutable_fields())[attribute] =
      value;
  return change;
}

bool Passes(const AttributedItem& item, const v1::Predicate& predicate) {
  const auto passes = [&](const v1::Predicate& one) {
    return Passes(item, one);
  };
  switch (predicate.condition_case()) {
    case v1::Predicate::kAll:
      return std::ranges::all_of(predicate.all().predicates(), passes);
    case v1::Predicate::kAny:
      return std::ranges::any_of(predicate.any().predicates(), passes);
    case v1::Predicate::kNegated:
      return !passes(predicate.negated());
    default:
      return PassesTerm(item, predicate.term());
  }
}

}  // namespace tributary
