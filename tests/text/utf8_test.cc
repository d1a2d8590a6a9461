#include "text/utf8.h"

#include "gtest/gtest.h"

namespace tributary {
namespace {

TEST(Utf8, TellsUtf8FromLatin1) {
  EXPECT_TRUE(IsUtf8("Am\xC3\xA9lie \xE2\x82\xAC \xF0\x9F\x8E\xAC"));
  EXPECT_FALSE(IsUtf8("Am\xE9lie"));
  EXPECT_FALSE(IsUtf8("\xC0\xAF"));          // overlong
  EXPECT_FALSE(IsUtf8("\xED\xA0\x80"));      // surrogate
  EXPECT_FALSE(IsUtf8("\xF4\x90\x80\x80"));  // above U+10FFFF
  EXPECT_FALSE(IsUtf8("\xE2\x82"));          // cut off
  EXPECT_EQ(ToUtf8("Am\xE9lie"), "Am\xC3\xA9lie");
  EXPECT_EQ(ToUtf8("Am\xC3\xA9lie"), "Am\xC3\xA9lie");
}

}  // namespace
}  // namespace tributary
