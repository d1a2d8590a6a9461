#include "index/filter/code_kernel.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <random>
#include <string>
#include <vector>

#include "fmt/format.h"
#include "index/bundle/npy.h"
#include "index/bundle/row_set.h"
#include "tests/index/bundle/tiny_bundle.h"
#include "tests/index/search/each_target.h"

namespace tributary {
namespace {

// A column of integers with so many values, whose dictionary nobody reads.
class CodesOf {
 public:
  CodesOf(uint64_t values, const std::vector<uint32_t>& codes)
      : dir_(MakeTestDir()) {
    spec_.set_name("x");
    spec_.set_type(v1::INTEGER);
    spec_.set_values(values);
    const auto dictionary = dir_ / "attribute.x.values.npy";
    const std::string header = FormatNpyHeader(Dtype::kInt64, 1, values, 1);
    OverwriteFile(dictionary, header);
    // Sparse.
    std::filesystem::resize_file(dictionary,
                                 header.size() + values * sizeof(int64_t));
    const uint32_t width = CodeBytes(values);
    std::string bytes = FormatNpyHeader(Dtype::kUint8, 2, width, codes.size());
    for (uint32_t b = 0; b < width; ++b) {
      for (const uint32_t code : codes) {
        bytes.push_back(static_cast<char>(code >> (8 * (width - 1 - b))));
      }
    }
    OverwriteFile(dir_ / "attribute.x.codes.npy", bytes);
    auto column = AttributeColumn::Open(dir_, spec_, codes.size());
    EXPECT_TRUE(column.ok()) << column.status();
    column_ = *std::move(column);
  }
  ~CodesOf() { std::filesystem::remove_all(dir_); }
  CodesOf(const CodesOf&) = delete;
  CodesOf& operator=(const CodesOf&) = delete;

  const AttributeColumn& column() const { return column_; }

 private:
  const std::filesystem::path dir_;
  v1::Attribute spec_;
  AttributeColumn column_;
};

// Numbers that have bytes in common with each other, up to `values`.
uint32_t DrawCode(uint32_t values, std::mt19937* random) {
  const uint32_t middle = values / 2;
  const auto draw = static_cast<uint32_t>((*random)());
  switch (draw % 4) {
    case 0:
      return draw / 4 % (values + 1);
    case 1:
      return std::min(values, middle + draw / 4 % 5);
    case 2:
      return std::min(values, middle ^ (1U << (draw / 4 % 24)));
    default:
      return values - std::min(values, draw / 4 % 3);
  }
}

std::vector<CodeRange> DrawRanges(uint32_t values, std::mt19937* random) {
  std::vector<CodeRange> ranges = {{0, values}, {0, 0}, {values, values}};
  for (int i = 0; i < 12; ++i) {
    uint32_t begin = DrawCode(values, random);
    uint32_t end = i % 3 == 0 ? begin + 1 : DrawCode(values, random);
    if (begin > end) std::swap(begin, end);
    ranges.push_back({std::min(begin, values), std::min(end, values)});
  }
  return ranges;
}

void ExpectEqualsALoop(const AttributeColumn& column, CodeRange range) {
  RowSet expected(column.n_items());
  for (Row item = 0; item < column.n_items(); ++item) {
    const uint32_t code = column.CodeOf(item);
    if (code >= range.begin && code < range.end) expected.Add(item);
  }
  // Nothing, all, and every third word and item.
  for (const int before : {0, 1, 2}) {
    RowSet set(column.n_items());
    for (Row item = 0; item < column.n_items(); ++item) {
      if (before == 1 || (before == 2 && item / 64 % 3 == 0 && item % 3 == 0)) {
        set.Add(item);
      }
    }
    for (const CodeAction action :
         {CodeAction::kMark, CodeAction::kKeep, CodeAction::kDrop}) {
      RowSet wanted(column.n_items());
      for (Row item = 0; item < column.n_items(); ++item) {
        const bool in = expected.Has(item);
        const bool was = set.Has(item);
        if (action == CodeAction::kMark   ? was || in
            : action == CodeAction::kKeep ? was && in
                                          : was && !in) {
          wanted.Add(item);
        }
      }
      RowSet applied = set;
      ApplyCodes(action, column, range, applied.mutable_words());
      ASSERT_EQ(applied, wanted)
          << range.begin << " to " << range.end << " of " << column.values()
          << ", " << column.n_items() << " items, action "
          << static_cast<int>(action) << " on set " << before;
    }
  }
}

TEST(ApplyCodes, EqualsALoopOverTheCodes) {
  std::mt19937 random(1);
  uint32_t widths = 0;
  for (const uint32_t values :
       {0U, 1U, 2U, 254U, 255U, 256U, 257U, 65535U, 65536U, 100'000U,
        (1U << 24) - 1, 1U << 24, (1U << 24) + 77}) {
    for (const size_t items : {0, 1, 63, 64, 65, 127, 128, 1000}) {
      std::vector<uint32_t> codes(items);
      for (uint32_t& code : codes) code = DrawCode(values, &random);
      const CodesOf made(values, codes);
      widths |= 1U << made.column().code_bytes();
      const auto ranges = DrawRanges(values, &random);
      ForEachTarget([&] {
        for (const CodeRange range : ranges) {
          ASSERT_NO_FATAL_FAILURE(ExpectEqualsALoop(made.column(), range));
        }
      });
    }
  }
  EXPECT_EQ(widths, 0b11110) << "widths of 1 to 4 bytes";
}

// A file that was not verified may have codes that no value has.
TEST(ApplyCodes, CodesBeyondTheValuesAreMissing) {
  const CodesOf made(10, {9, 10, 11, 255});
  ForEachTarget([&] {
    RowSet set(4);
    ApplyCodes(CodeAction::kMark, made.column(), {0, 10}, set.mutable_words());
    EXPECT_EQ(set.words()[0], 1);
  });
}

}  // namespace
}  // namespace tributary
