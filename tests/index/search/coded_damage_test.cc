// Files of the kinds scan and ivf with damaged values, as a version with right
// hashes may have them: each is refused, or searches as it should.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <random>
#include <string>
#include <vector>

#include "index/search/vector_index.h"
#include "tests/index/bundle/tiny_bundle.h"
#include "tests/index/search/coded_bundle.h"
#include "tests/index/search/run_in_child.h"

namespace tributary {
namespace {

constexpr uint32_t kDim = 8;
constexpr uint64_t kVectors = 400;
constexpr int kDamages = 2000;
constexpr int kDamagesPerProcess = 500;

struct Tally {
  int refused;
  int accepted;
  int wrong;
  // The damage at work, to be named after a crash.
  char at[160];
};

bool IsGoodList(const std::vector<ScoredRow>& hits,
                std::span<const Row> excluded, size_t size) {
  std::vector<Row> rows;
  for (const ScoredRow& hit : hits) {
    const bool known = hit.row < kVectors;
    if (!known || !std::isfinite(hit.score) ||
        std::binary_search(excluded.begin(), excluded.end(), hit.row)) {
      return false;
    }
    rows.push_back(hit.row);
  }
  std::sort(rows.begin(), rows.end());
  return hits.size() == size &&
         std::is_sorted(hits.begin(), hits.end(), Better) &&
         std::adjacent_find(rows.begin(), rows.end()) == rows.end();
}

bool SearchesRightly(const VectorIndex& index) {
  const std::vector<Row> excluded = {0, 7, 8, kVectors - 1};
  const auto queries = RandomVectors(10, kDim, 2);
  std::vector<ScoredRow> hits;
  for (size_t i = 0; i < 10; ++i) {
    const std::span<const float> query(&queries[i * kDim], kDim);
    const std::span<const Row> excludes =
        i % 2 == 0 ? std::span<const Row>(excluded) : std::span<const Row>();
    const uint32_t n = i % 3 == 0 ? 500 : 20;
    const size_t size = std::min<size_t>(n, kVectors - excludes.size());
    const auto status =
        index.Search(query, n, excludes, SteadyTime::max(), &hits);
    if (!status.ok() || !IsGoodList(hits, excludes, size)) return false;
  }
  return true;
}

// Changes a byte of the data, or a number to one that it may not be.
std::string Damaged(std::string bytes, const std::string& name,
                    std::mt19937_64* random, Tally* tally) {
  constexpr uint32_t kNumbers[] = {0,          1,          kVectors,
                                   63,         64,         0x7f7fffff /* max */,
                                   0xff7fffff, 0x7f800000, 0x7fc00000,
                                   0xffffffff, 0xfffffffe, 0x80000000 /* -0 */};
  const auto header = DescribeNpy(std::as_bytes(std::span(bytes)), name);
  const size_t begin = header->data_offset;
  const size_t entry =
      (*random)() %
      std::max<size_t>(1, (bytes.size() - begin) / sizeof(uint32_t));
  const size_t at = begin + entry * sizeof(uint32_t);
  const uint32_t number = (*random)() % 2 == 0
                              ? kNumbers[(*random)() % std::size(kNumbers)]
                              : static_cast<uint32_t>((*random)());
  std::snprintf(tally->at, sizeof(tally->at), "%s entry %zu = %u", name.c_str(),
                entry, number);
  std::memcpy(&bytes[at], &number, std::min(sizeof(number), bytes.size() - at));
  return bytes;
}

void TryDamaged(const std::filesystem::path& dir,
                const std::vector<std::string>& names, uint64_t seed,
                Tally* tally) {
  std::mt19937_64 random(seed);
  for (int i = 0; i < kDamagesPerProcess; ++i) {
    const std::string& name = names[random() % names.size()];
    const std::string whole = ReadFile(dir / name);
    OverwriteFile(dir / name, Damaged(whole, name, &random, tally));
    const auto bundle = Bundle::Open(dir);
    auto index = bundle.ok() ? OpenIndex(**bundle, (*bundle)->spaces()[0])
                             : bundle.status();
    const absl::Status status =
        index.ok() ? (*index)->CheckContents() : index.status();
    ++(status.ok() ? tally->accepted : tally->refused);
    if (status.ok() && !SearchesRightly(**index)) {
      ++tally->wrong;
      std::fprintf(stderr, "wrong answers: %s\n", tally->at);
    }
    OverwriteFile(dir / name, whole);
  }
}

class CodedDamage : public testing::TestWithParam<uint32_t> {};

TEST_P(CodedDamage, IsRefusedOrHarmless) {
  SpaceBundle description{.item_count = kVectors, .dim = kDim};
  description.items = RandomVectors(kVectors, kDim, 1);
  AddCodedIndex(GetParam(), {20, 2, 60}, &description);
  const auto bundle = description.Open();
  std::vector<std::string> names;
  for (const v1::FileEntry& file : bundle->manifest().files()) {
    if (file.name().find(".ivf.") != std::string::npos) {
      names.push_back(file.name());
    }
  }
  EXPECT_EQ(names.size(), 7);
  const auto tally = MakeShared<Tally>();
  for (int i = 0; i < kDamages / kDamagesPerProcess; ++i) {
    EXPECT_EQ(
        RunInChild([&] { TryDamaged(bundle->dir(), names, i, tally.get()); }),
        "")
        << " at " << tally->at;
  }
  EXPECT_EQ(tally->wrong, 0);
  EXPECT_GT(tally->refused, kDamages / 5);
  std::printf("counted: %u lists: %d of %d damaged files refused\n", GetParam(),
              tally->refused, tally->refused + tally->accepted);
}

INSTANTIATE_TEST_SUITE_P(Lists, CodedDamage, testing::Values(1, 8));

}  // namespace
}  // namespace tributary
