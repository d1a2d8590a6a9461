#include "server/process/free_memory.h"

#include <gtest/gtest.h>

#include <chrono>
#include <cstring>
#include <memory>
#include <thread>
#include <vector>

#ifndef __SANITIZE_ADDRESS__  // Which has an allocator of its own.

namespace tributary {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr size_t kBlockBytes = 16 << 10;
constexpr size_t kBlocks = 8192;  // 128 MiB.
constexpr uint64_t kMebibyte = uint64_t{1} << 20;

using Blocks = std::vector<std::unique_ptr<char[]>>;

// What a request of many megabytes leaves: the last block lives on, so that the
// allocator alone does not return what lies before it.
std::unique_ptr<char[]> TakeAndFreeAllButTheLast() {
  std::unique_ptr<char[]> last;
  // An arena of its own, as a thread of the server has.
  std::thread([&last] {
    Blocks blocks;
    for (size_t i = 0; i < kBlocks; ++i) {
      blocks.push_back(std::make_unique<char[]>(kBlockBytes));
      std::memset(blocks.back().get(), 1, kBlockBytes);
    }
    last = std::move(blocks.back());
  }).join();
  return last;
}

bool FallsBelow(uint64_t bytes) {
  const auto end = steady_clock::now() + std::chrono::seconds(20);
  while (steady_clock::now() < end) {
    if (ResidentHeapBytes() < bytes) return true;
    std::this_thread::sleep_for(milliseconds(5));
  }
  return false;
}

TEST(FreeMemoryTest, ReturnsWhatLargeRequestsLeaveAgainAndAgain) {
  const uint64_t before = ResidentHeapBytes();
  ASSERT_GT(before, 0U);
  const FreeMemory free_memory(
      {.grown_bytes = 16 * kMebibyte, .interval = milliseconds(10)});
  for (int round = 0; round < 3; ++round) {
    const auto kept = TakeAndFreeAllButTheLast();
    EXPECT_TRUE(FallsBelow(before + 32 * kMebibyte))
        << "round " << round << ": " << ResidentHeapBytes() / kMebibyte
        << " MiB, at first " << before / kMebibyte;
  }
}

TEST(FreeMemoryTest, TheAllocatorAloneKeepsIt) {
  const uint64_t before = ResidentHeapBytes();
  const auto kept = TakeAndFreeAllButTheLast();
  EXPECT_GT(ResidentHeapBytes(), before + 64 * kMebibyte)
      << "glibc returns it by itself now: FreeMemory is not needed any more";
}

}  // namespace
}  // namespace tributary

#endif  // __SANITIZE_ADDRESS__
