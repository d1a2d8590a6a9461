#include "index/bundle/vector_table.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <vector>

#include "index/bundle/bundle_writer.h"
#include "tests/index/bundle/tiny_bundle.h"

namespace tributary {
namespace {

// A table in which these rows have vectors, of dimension 1.
VectorTable TableOf(const std::vector<uint32_t>& rows) {
  auto writer = BundleWriter::Create(MakeTestDir(), 1);
  EXPECT_TRUE(writer.ok());
  const std::vector<float> values(rows.size(), 1.0F);
  EXPECT_TRUE(writer->AddArray<float>("s.npy", values, 1).ok());
  EXPECT_TRUE(writer->AddArray<uint32_t>("s.rows.npy", rows).ok());
  const auto dir = writer->Finish({});
  EXPECT_TRUE(dir.ok()) << dir.status();
  const uint64_t table_rows = rows.empty() ? 0 : uint64_t{rows.back()} + 1;
  auto table = VectorTable::Open(*dir, "s", true, rows.size(), 1, table_rows);
  EXPECT_TRUE(table.ok()) << table.status();
  return *std::move(table);
}

void ExpectFindsExactly(const std::vector<uint32_t>& rows) {
  const VectorTable table = TableOf(rows);
  const uint32_t end = rows.empty() ? 3 : rows.back() + 3;
  for (uint32_t row = 0; row < end; ++row) {
    const auto at = std::lower_bound(rows.begin(), rows.end(), row);
    const bool has_vector = at != rows.end() && *at == row;
    const auto found = table.Find(row);
    ASSERT_EQ(found.has_value(), has_vector) << row;
    if (has_vector) {
      ASSERT_EQ(*found, at - rows.begin());
    }
  }
  EXPECT_EQ(table.Find(kNoRow), std::nullopt);
}

TEST(VectorTable, FindsExactlyTheRowsThatHaveVectors) {
  std::mt19937 random(1);
  for (const uint32_t share : {1U, 50U, 99U, 100U}) {
    for (const uint32_t n : {1U, 2U, 7U, 64U, 500U}) {
      std::vector<uint32_t> rows;
      for (uint32_t row = 0; row < n; ++row) {
        if (random() % 100 < share) rows.push_back(row);
      }
      if (!rows.empty()) ExpectFindsExactly(rows);
    }
  }
  ExpectFindsExactly({0});
  ExpectFindsExactly({1'000});
  ExpectFindsExactly({0, 1, 2, 900, 901});
}

TEST(VectorTable, StaysWithinATableThatIsNotAscending) {
  const VectorTable table = TableOf({9, 3, 3, 0});
  for (uint32_t row = 0; row < 20; ++row) table.Find(row);
  EXPECT_EQ(table.Find(20), std::nullopt);
}

}  // namespace
}  // namespace tributary
