#include "server/recording/siphash.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace tributary {
namespace {

// The key of the paper: the bytes 0 to 15.
constexpr SipKey kPaperKey = {0x0706050403020100, 0x0f0e0d0c0b0a0908};

std::string Ascending(size_t length) {
  std::string bytes;
  for (size_t i = 0; i < length; ++i) bytes += static_cast<char>(i);
  return bytes;
}

// Appendix A of the paper, and the reference implementation's vectors.
TEST(SipHash, IsThatOfThePaper) {
  EXPECT_EQ(SipHash(kPaperKey, Ascending(15)), 0xa129ca6149be45e5);
  EXPECT_EQ(SipHash(kPaperKey, ""), 0x726fdb47dd0e0e31);
  EXPECT_EQ(SipHash(kPaperKey, Ascending(1)), 0x74f839c593dc67fd);
  EXPECT_EQ(SipHash(kPaperKey, Ascending(8)), 0x93f5f5799a932462);
}

TEST(SipHash, DependsOnTheKey) {
  EXPECT_NE(SipHash(kPaperKey, "user"), SipHash({1, 2}, "user"));
  EXPECT_NE(RandomSipKey(), RandomSipKey());
}

}  // namespace
}  // namespace tributary
