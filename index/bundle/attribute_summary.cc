#include "index/bundle/attribute_summary.h"

#include <algorithm>
#include <numeric>
#include <vector>

#include "fmt/format.h"
#include "text/quoted.h"

namespace tributary {
namespace {

constexpr size_t kValuesNamed = 3;
constexpr size_t kLongestValue = 24;

// "40 %", of which the smallest that is not none is "< 1 %", and only all of
// them are "100 %".
std::string Share(uint64_t part, uint64_t all) {
  if (part == all) return "100 %";
  const double share =
      100.0 * static_cast<double>(part) / static_cast<double>(all);
  if (share < 1) return "< 1 %";
  return fmt::format("{:.0f} %", std::min(share, 99.0));
}

std::string MostFrequent(const v1::Attribute& spec, uint64_t n_items,
                         std::span<const uint64_t> uses,
                         const std::function<std::string(uint32_t)>& text) {
  std::vector<uint32_t> codes(uses.size());
  std::iota(codes.begin(), codes.end(), 0);
  const size_t named = std::min(codes.size(), kValuesNamed);
  std::partial_sort(codes.begin(),
                    codes.begin() + static_cast<ptrdiff_t>(named), codes.end(),
                    [&](uint32_t a, uint32_t b) {
                      return uses[a] != uses[b] ? uses[a] > uses[b] : a < b;
                    });
  std::string values;
  for (size_t i = 0; i < named; ++i) {
    const uint32_t code = codes[i];
    if (uses[code] == 0) continue;
    const std::string value = spec.type() == v1::BOOLEAN
                                  ? text(code)
                                  : Quoted(text(code), kLongestValue);
    values += fmt::format("{}{} {}", values.empty() ? "" : ", ", value,
                          Share(uses[code], n_items));
  }
  if (named < codes.size()) values += ", ...";
  return values;
}

}  // namespace

std::string DescribeAttribute(
    const v1::Attribute& spec, uint64_t n_items, std::span<const uint64_t> uses,
    const std::function<std::string(uint32_t)>& text) {
  if (spec.present() == 0) return "no item has a value";
  std::string described;
  if (spec.type() != v1::BOOLEAN) {
    described = fmt::format("{} {}", spec.values(),
                            spec.values() == 1 ? "value" : "values");
  }
  if (spec.type() <= v1::TAGS) {
    described += described.empty() ? "" : ": ";
    described += MostFrequent(spec, n_items, uses, text);
  } else if (spec.values() == 1) {
    described += fmt::format(": {}", text(0));
  } else {
    described += fmt::format(", {} to {}", text(0),
                             text(static_cast<uint32_t>(spec.values() - 1)));
  }
  if (spec.present() == n_items) return described;
  return fmt::format("{}; {} of the items have none", described,
                     Share(n_items - spec.present(), n_items));
}

std::string DescribeAttribute(const AttributeColumn& column) {
  std::vector<uint64_t> uses;
  if (column.type() == v1::TAGS) {
    for (uint32_t code = 0; code < column.values(); ++code) {
      uses.push_back(column.ItemsWith(code).size());
    }
  } else if (column.type() < v1::TAGS) {
    uses.resize(uint64_t{column.values()} + 1);
    for (uint64_t item = 0; item < column.n_items(); ++item) {
      ++uses[column.CodeOf(static_cast<Row>(item))];
    }
    uses.pop_back();
  }
  return DescribeAttribute(
      column.spec(), column.n_items(), uses,
      [&](uint32_t code) { return column.ValueText(code); });
}

}  // namespace tributary
