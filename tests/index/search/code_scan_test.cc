#include "index/search/code_scan.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <random>
#include <vector>

#include "tests/index/search/each_target.h"

namespace tributary {
namespace {

using ::testing::IsEmpty;
using ::testing::SizeIs;

// Items with random codes, and random tables.
class Coded {
 public:
  Coded(uint32_t pairs, uint32_t blocks, uint32_t seed, int max_entry)
      : pairs_(pairs), random_(seed) {
    codes_.resize(size_t{blocks} * pairs * kBlockItems);
    for (uint8_t& code : codes_) code = static_cast<uint8_t>(random_());
    tables_.resize(size_t{pairs} * 2 * kCodewords);
    for (uint8_t& entry : tables_) {
      entry = static_cast<uint8_t>(random_() % (max_entry + 1));
    }
    own_codes_ = ExactCopy(codes_);
    own_tables_ = ExactCopy(tables_);
  }

  CodeScan scan(const uint64_t* excluded = nullptr) const {
    return {own_codes_.get(), own_tables_.get(), pairs_, excluded};
  }

  // The definition of a score: the sum of the entries that the codes select.
  int Sum(uint32_t slot) const {
    const uint32_t block = slot / kBlockItems;
    const uint32_t item = slot % kBlockItems;
    const uint32_t byte = item < 32 ? 2 * item : 2 * (item - 32) + 1;
    int sum = 0;
    for (uint32_t p = 0; p < pairs_; ++p) {
      const uint8_t code = codes_[(block * pairs_ + p) * kBlockItems + byte];
      sum += tables_[2 * p * kCodewords + code % 16];
      sum += tables_[(2 * p + 1) * kCodewords + code / 16];
    }
    return sum;
  }

  float Score(uint32_t slot, int bias) const {
    return static_cast<float>(std::clamp(Sum(slot) + bias, -32768, 32767));
  }

 private:
  const uint32_t pairs_;
  std::mt19937 random_;
  std::vector<uint8_t> codes_;
  std::vector<uint8_t> tables_;
  std::unique_ptr<uint8_t[]> own_codes_;
  std::unique_ptr<uint8_t[]> own_tables_;
};

std::map<uint32_t, float> Taken(Survivors& survivors) {
  std::map<uint32_t, float> taken;
  for (size_t i = 0; i < survivors.list.size(); ++i) {
    const bool is_new =
        taken.emplace(survivors.list.ids()[i], survivors.list.scores()[i])
            .second;
    EXPECT_TRUE(is_new) << "slot " << survivors.list.ids()[i] << " twice";
  }
  return taken;
}

std::map<uint32_t, float> ExpectedOf(const Coded& coded, const BlockRun& run) {
  std::map<uint32_t, float> expected;
  const uint32_t first = run.first_block * kBlockItems;
  for (uint32_t i = 0; i < run.items; ++i) {
    expected[first + i] = coded.Score(first + i, run.bias);
  }
  return expected;
}

TEST(ScanCodes, AddsTheEntriesThatTheCodesSelectForAnyNumberOfPairs) {
  ForEachTarget([] {
    for (uint32_t pairs = 1; pairs <= kMaxCodes / 2; ++pairs) {
      const Coded coded(pairs, 3, pairs, kMaxEntry);
      Survivors survivors;
      survivors.Reset(1000);
      const BlockRun run{.first_block = 1,
                         .blocks = 2,
                         .items = 2 * kBlockItems,
                         .bias = static_cast<int16_t>(-100 * int(pairs))};
      ScanCodes(coded.scan(), run, 0, &survivors);
      ASSERT_EQ(Taken(survivors), ExpectedOf(coded, run)) << pairs << " pairs";
    }
  });
}

TEST(ScanCodes, CarriesNothingBetweenItemsWhenEveryEntryIsTheHighest) {
  ForEachTarget([] {
    for (const uint32_t pairs : {1, 2, 3, 64, 127, 128}) {
      Coded coded(pairs, 1, 1, kMaxEntry);
      const std::vector<uint8_t> highest(pairs * 2 * kCodewords, kMaxEntry);
      CodeScan scan = coded.scan();
      scan.tables = highest.data();
      for (const int bias : {-32767, -32512, 0, 200, 255, 256, 32767}) {
        Survivors survivors;
        survivors.Reset(100);
        ScanCodes(scan, {0, 1, kBlockItems, static_cast<int16_t>(bias)}, 0,
                  &survivors);
        const auto taken = Taken(survivors);
        ASSERT_THAT(taken, SizeIs(kBlockItems));
        const int sum = static_cast<int>(pairs) * 2 * kMaxEntry;
        for (const auto& [slot, score] : taken) {
          ASSERT_EQ(score, std::min(sum + bias, 32767)) << "slot " << slot;
        }
      }
    }
  });
}

TEST(ScanCodes, TakesNoMoreItemsThanTheLastBlockHas) {
  ForEachTarget([] {
    const Coded coded(3, 2, 7, kMaxEntry);
    for (uint32_t items = 1; items <= 2 * kBlockItems; ++items) {
      const BlockRun run{.first_block = 0,
                         .blocks = (items + kBlockItems - 1) / kBlockItems,
                         .items = items,
                         .bias = 0};
      Survivors survivors;
      survivors.Reset(1000);
      ScanCodes(coded.scan(), run, 0, &survivors);
      ASSERT_EQ(Taken(survivors), ExpectedOf(coded, run)) << items << " items";
    }
  });
}

TEST(ScanCodes, SkipsExcludedItems) {
  ForEachTarget([] {
    constexpr uint32_t kBlocks = 8;
    const Coded coded(5, kBlocks, 8, kMaxEntry);
    const std::vector<uint64_t> excluded = {0,
                                            ~uint64_t{0},
                                            1,
                                            uint64_t{1} << 63,
                                            0xFFFFFFFF00000000,
                                            0x10000001,
                                            0xAAAAAAAAAAAAAAAA,
                                            5};
    const BlockRun run{0, kBlocks, kBlocks * kBlockItems - 30, -50};
    auto expected = ExpectedOf(coded, run);
    std::erase_if(expected, [&](const auto& entry) {
      const uint32_t slot = entry.first;
      return (excluded[slot / kBlockItems] >> (slot % kBlockItems) & 1) != 0;
    });
    Survivors survivors;
    survivors.Reset(1000);
    ScanCodes(coded.scan(excluded.data()), run, 0, &survivors);
    EXPECT_EQ(Taken(survivors), expected);
  });
}

TEST(ScanCodes, TakesOnlyWhatIsAboveTheThreshold) {
  ForEachTarget([] {
    // Few different scores, so that some are equal to each threshold.
    const Coded coded(2, 4, 9, 3);
    const BlockRun run{0, 4, 4 * kBlockItems, -4};
    for (int threshold = -5; threshold <= 8; ++threshold) {
      auto expected = ExpectedOf(coded, run);
      std::erase_if(expected, [&](const auto& e) {
        return e.second <= static_cast<float>(threshold);
      });
      Survivors survivors;
      survivors.Reset(1000);
      survivors.threshold = static_cast<float>(threshold);
      ScanCodes(coded.scan(), run, 0, &survivors);
      ASSERT_EQ(Taken(survivors), expected) << "threshold " << threshold;
      if (threshold == 8) {
        EXPECT_THAT(expected, IsEmpty());
      }
    }
  });
}

// Scans `blocks` blocks in runs of `run_blocks` and checks that the best `keep`
// survive.
void ExpectKeepsTheBest(const Coded& coded, uint32_t blocks,
                        uint32_t run_blocks, uint32_t keep) {
  Survivors survivors;
  survivors.Reset(keep);
  std::vector<float> all;
  for (uint32_t block = 0; block < blocks; block += run_blocks) {
    const BlockRun run{block, run_blocks, run_blocks * kBlockItems, -1000};
    ScanCodes(coded.scan(), run, block + run_blocks, &survivors);
    for (const auto& [slot, score] : ExpectedOf(coded, run)) {
      all.push_back(score);
    }
  }
  const auto taken = Taken(survivors);
  ASSERT_LE(taken.size(), survivors.limit + kBlockItems);
  std::vector<float> scores;
  for (const auto& [slot, score] : taken) {
    ASSERT_EQ(score, all[slot]);
    scores.push_back(score);
  }
  std::sort(scores.rbegin(), scores.rend());
  std::vector<float> best = all;
  std::sort(best.rbegin(), best.rend());
  best.resize(keep);
  ASSERT_GE(scores.size(), keep);
  scores.resize(keep);
  ASSERT_EQ(scores, best);
  // No item that was dropped is above the threshold.
  for (uint32_t slot = 0; slot < all.size(); ++slot) {
    if (!taken.contains(slot)) {
      ASSERT_LE(all[slot], survivors.threshold);
    }
  }
}

TEST(ScanCodes, KeepsTheBestOfMoreThanItsLimit) {
  ForEachTarget([] {
    const Coded coded(8, 200, 10, kMaxEntry);
    for (const uint32_t run_blocks : {1, 8, 200}) {
      for (const uint32_t keep : {1, 10, 500, 5000}) {
        ASSERT_NO_FATAL_FAILURE(
            ExpectKeepsTheBest(coded, 200, run_blocks, keep))
            << run_blocks << " blocks a run, keep " << keep;
      }
    }
  });
}

TEST(ScanCodes, KeepsEnoughWhenAllScoresAreEqual) {
  ForEachTarget([] {
    ASSERT_NO_FATAL_FAILURE(ExpectKeepsTheBest(Coded(2, 64, 11, 0), 64, 4, 10));
    ASSERT_NO_FATAL_FAILURE(
        ExpectKeepsTheBest(Coded(2, 64, 11, 1), 64, 64, 100));
  });
}

TEST(CodeByte, IsTheByteThatTheScanReads) {
  std::vector<bool> used(kBlockItems);
  for (uint32_t item = 0; item < kBlockItems; ++item) {
    EXPECT_EQ(CodeByte(item), item < 32 ? 2 * item : 2 * item - 63);
    used[CodeByte(item)] = true;
  }
  EXPECT_EQ(std::count(used.begin(), used.end(), true), kBlockItems);
}

}  // namespace
}  // namespace tributary
