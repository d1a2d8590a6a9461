#include "index/search/count_bits.h"

#include <gtest/gtest.h>

#include <bit>
#include <random>
#include <span>
#include <vector>

#include "tests/index/search/each_target.h"

namespace tributary {
namespace {

TEST(CountBits, EqualsALoopOverTheWords) {
  std::mt19937_64 random(1);
  for (const size_t size : {0, 1, 2, 7, 8, 15, 16, 17, 31, 33, 64, 1001}) {
    std::vector<uint64_t> words(size);
    uint64_t expected = 0;
    for (uint64_t& word : words) {
      word = random() & random();
      expected += static_cast<uint64_t>(std::popcount(word));
    }
    const auto exact = ExactCopy(words);
    ForEachTarget([&] {
      EXPECT_EQ(CountBits({exact.get(), size}), expected) << size;
    });
  }
}

}  // namespace
}  // namespace tributary
