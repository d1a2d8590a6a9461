#include "index/assemble/write_attributes.h"

#include <algorithm>
#include <numeric>
#include <string>
#include <utility>
#include <vector>

#include "fmt/format.h"
#include "index/bundle/row_set.h"
#include "status/status_macros.h"

namespace tributary {
namespace {

bool IsTextual(v1::AttributeType type) {
  return type == v1::CATEGORY || type == v1::TAGS;
}

// The codes of values that have a bitmap, ascending.
std::vector<uint32_t> FrequentCodes(const AttributeData& attribute,
                                    uint64_t n_items) {
  std::vector<uint32_t> frequent;
  const auto add = [&](uint32_t code, uint64_t uses) {
    if (uses > 0 &&
        uses >= (n_items + kItemsPerFrequent - 1) / kItemsPerFrequent) {
      frequent.push_back(code);
    }
  };
  if (attribute.spec.type() == v1::TAGS) {
    for (uint32_t code = 0; code < attribute.spec.values(); ++code) {
      add(code, attribute.offsets[code + 1] - attribute.offsets[code]);
    }
  } else if (attribute.spec.type() < v1::TAGS) {
    const std::vector<uint64_t> uses = CountCodes(attribute, n_items);
    for (uint32_t code = 0; code < uses.size(); ++code) add(code, uses[code]);
  }
  return frequent;
}

// The bitmaps of these values, one after the other.
std::vector<uint64_t> MakeBitmaps(const AttributeData& attribute,
                                  uint64_t n_items,
                                  const std::vector<uint32_t>& frequent) {
  const size_t words = RowSet::Words(n_items);
  std::vector<uint64_t> bitmaps(frequent.size() * words);
  const auto add = [&](size_t place, Row item) {
    bitmaps[place * words + item / 64] |= uint64_t{1} << (item % 64);
  };
  if (attribute.spec.type() == v1::TAGS) {
    for (size_t place = 0; place < frequent.size(); ++place) {
      const uint32_t code = frequent[place];
      for (uint64_t i = attribute.offsets[code];
           i < attribute.offsets[code + 1]; ++i) {
        add(place, attribute.items[i]);
      }
    }
    return bitmaps;
  }
  for (uint64_t i = 0; i < n_items; ++i) {
    const Row item = static_cast<Row>(i);
    const uint32_t code = CodeOf(attribute, n_items, item);
    const auto found = std::lower_bound(frequent.begin(), frequent.end(), code);
    if (found == frequent.end() || *found != code) continue;
    add(static_cast<size_t>(found - frequent.begin()), item);
  }
  return bitmaps;
}

absl::Status WriteDictionary(const AttributeData& attribute,
                             const std::string& stem, BundleWriter* writer) {
  const v1::AttributeType type = attribute.spec.type();
  if (type == v1::BOOLEAN) return absl::OkStatus();
  if (IsTextual(type)) {
    return writer->AddKeys(
        stem, {.kind = v1::UTF8, .ids = {}, .strings = attribute.texts});
  }
  const std::string file = stem + ".values.npy";
  return type == v1::NUMBER
             ? writer->AddArray<double>(file, attribute.numbers)
             : writer->AddArray<int64_t>(file, attribute.integers);
}

// The union of two ascending lists. Sets (*of_old)[i] and (*of_fresh)[i] to the
// places of their values there. `old` has values(), and value(i).
template <typename T, typename Value>
std::vector<T> JoinDictionaries(uint32_t n_old, const Value& old_value,
                                const std::vector<T>& fresh,
                                std::vector<uint32_t>* of_old,
                                std::vector<uint32_t>* of_fresh) {
  std::vector<T> joined;
  joined.reserve(n_old + fresh.size());
  of_old->resize(n_old);
  of_fresh->resize(fresh.size());
  uint32_t old = 0;
  uint32_t next = 0;
  while (old < n_old || next < fresh.size()) {
    const auto place = static_cast<uint32_t>(joined.size());
    const bool take_old =
        next == fresh.size() || (old < n_old && old_value(old) <= fresh[next]);
    const bool take_fresh =
        old == n_old || (next < fresh.size() && fresh[next] <= old_value(old));
    joined.push_back(take_old ? T(old_value(old)) : fresh[next]);
    if (take_old) (*of_old)[old++] = place;
    if (take_fresh) (*of_fresh)[next++] = place;
  }
  return joined;
}

// Where the values of both have gone.
struct JoinedCodes {
  std::vector<uint32_t> of_old;
  std::vector<uint32_t> of_fresh;
};

JoinedCodes JoinValues(const AttributeColumn& column,
                       const AttributeData& fresh, AttributeData* joined) {
  JoinedCodes codes;
  const uint32_t n = column.values();
  switch (column.type()) {
    case v1::BOOLEAN:
      codes = {.of_old = {0, 1}, .of_fresh = {0, 1}};
      joined->spec.set_values(2);
      break;
    case v1::INTEGER:
    case v1::TIME:
      joined->integers = JoinDictionaries(
          n, [&](uint32_t i) { return column.integers()[i]; }, fresh.integers,
          &codes.of_old, &codes.of_fresh);
      joined->spec.set_values(joined->integers.size());
      break;
    case v1::NUMBER:
      joined->numbers = JoinDictionaries(
          n, [&](uint32_t i) { return column.Number(i); }, fresh.numbers,
          &codes.of_old, &codes.of_fresh);
      joined->spec.set_values(joined->numbers.size());
      break;
    default:
      joined->texts = JoinDictionaries(
          n, [&](uint32_t i) { return column.Text(i); }, fresh.texts,
          &codes.of_old, &codes.of_fresh);
      joined->spec.set_values(joined->texts.size());
  }
  return codes;
}

void JoinTags(const AttributeColumn& column, const AttributeData& fresh,
              const RowMap& map, const JoinedCodes& codes,
              AttributeData* joined) {
  // By value of the joined dictionary: its codes in both, or kNoRow.
  const uint64_t values = joined->spec.values();
  std::vector<uint32_t> old_code(values, kNoRow);
  std::vector<uint32_t> fresh_code(values, kNoRow);
  for (uint32_t i = 0; i < codes.of_old.size(); ++i) {
    old_code[codes.of_old[i]] = i;
  }
  for (uint32_t i = 0; i < codes.of_fresh.size(); ++i) {
    fresh_code[codes.of_fresh[i]] = i;
  }
  joined->offsets = {0};
  for (uint64_t value = 0; value < values; ++value) {
    const auto begin = static_cast<ptrdiff_t>(joined->items.size());
    if (old_code[value] != kNoRow) {
      for (const Row row : column.ItemsWith(old_code[value])) {
        joined->items.push_back(map.OfOld(row));
      }
    }
    const auto middle = static_cast<ptrdiff_t>(joined->items.size());
    if (fresh_code[value] != kNoRow) {
      const uint32_t code = fresh_code[value];
      for (uint64_t i = fresh.offsets[code]; i < fresh.offsets[code + 1]; ++i) {
        joined->items.push_back(map.OfNew(fresh.items[i]));
      }
    }
    // The map is monotonic, so that both parts ascend.
    std::inplace_merge(joined->items.begin() + begin,
                       joined->items.begin() + middle, joined->items.end());
    joined->offsets.push_back(joined->items.size());
  }
}

void JoinCodes(const AttributeColumn& column, const AttributeData& fresh,
               const RowMap& map, JoinedCodes codes, AttributeData* joined) {
  const auto missing = static_cast<uint32_t>(joined->spec.values());
  codes.of_old.push_back(missing);
  codes.of_fresh.push_back(missing);
  std::vector<uint32_t> all(map.size(), missing);
  for (uint64_t i = 0; i < map.n_old(); ++i) {
    const Row row = static_cast<Row>(i);
    all[map.OfOld(row)] = codes.of_old[column.CodeOf(row)];
  }
  for (uint64_t i = 0; i < map.n_new(); ++i) {
    const Row place = static_cast<Row>(i);
    all[map.OfNew(place)] = codes.of_fresh[CodeOf(fresh, map.n_new(), place)];
  }
  joined->codes = PackCodes(all, missing);
}

}  // namespace

absl::Status WriteAttribute(const AttributeData& attribute, uint64_t n_items,
                            BundleWriter* writer, v1::Manifest* manifest) {
  // Neither is looked at again when bitmaps are made.
  const bool fits =
      attribute.spec.type() == v1::TAGS
          ? std::ranges::all_of(attribute.items,
                                [&](Row row) { return row < n_items; })
          : attribute.codes.size() ==
                n_items * CodeBytes(attribute.spec.values());
  if (!fits) {
    return absl::InternalError(
        fmt::format("attribute {}: its values are not those of {} items",
                    attribute.spec.name(), n_items));
  }
  v1::Attribute& spec = *manifest->add_attributes();
  spec = attribute.spec;
  const std::string stem = fmt::format("attribute.{}", spec.name());
  RETURN_IF_ERROR(WriteDictionary(attribute, stem, writer));
  if (spec.type() == v1::TAGS) {
    RETURN_IF_ERROR(
        writer->AddArray<Row>(stem + ".items.npy", attribute.items));
    RETURN_IF_ERROR(writer->AddArray<uint64_t>(stem + ".items.offsets.npy",
                                               attribute.offsets));
  } else {
    RETURN_IF_ERROR(writer->AddArray<uint8_t>(stem + ".codes.npy",
                                              attribute.codes, n_items));
  }
  const std::vector<uint32_t> frequent = FrequentCodes(attribute, n_items);
  spec.set_frequent(static_cast<uint32_t>(frequent.size()));
  if (frequent.empty()) return absl::OkStatus();
  RETURN_IF_ERROR(writer->AddArray<uint32_t>(stem + ".frequent.npy", frequent));
  return writer->AddArray<uint64_t>(stem + ".bitmaps.npy",
                                    MakeBitmaps(attribute, n_items, frequent),
                                    RowSet::Words(n_items));
}

AttributeData JoinAttribute(const AttributeColumn& column,
                            const AttributeData& fresh, const RowMap& map) {
  AttributeData joined;
  joined.spec = column.spec();
  joined.spec.set_present(column.spec().present() + fresh.spec.present());
  joined.spec.set_uses(column.spec().uses() + fresh.spec.uses());
  JoinedCodes codes = JoinValues(column, fresh, &joined);
  if (column.type() == v1::TAGS) {
    JoinTags(column, fresh, map, codes, &joined);
  } else {
    JoinCodes(column, fresh, map, std::move(codes), &joined);
  }
  return joined;
}

}  // namespace tributary
