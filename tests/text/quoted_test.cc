#include "text/quoted.h"

#include <cstdint>
#include <random>
#include <string>

#include "gtest/gtest.h"
#include "text/utf8.h"

namespace tributary {
namespace {

TEST(Quoted, KeepsWhatCanBePrinted) {
  EXPECT_EQ(Quoted(""), "\"\"");
  EXPECT_EQ(Quoted("Am\xC3\xA9lie \xE2\x82\xAC"),
            "\"Am\xC3\xA9lie \xE2\x82\xAC\"");
}

TEST(Quoted, IsOneLineThatTellsWhereItEnds) {
  EXPECT_EQ(Quoted("a\nb\tc\r\x1b[31m"), "\"a\\nb\\tc\\x0d\\x1b[31m\"");
  EXPECT_EQ(Quoted("say \"a\\b\""), "\"say \\\"a\\\\b\\\"\"");
  EXPECT_EQ(Quoted(std::string_view("a\0b", 3)), "\"a\\x00b\"");
}

TEST(Quoted, EscapesWhatTurnsTheDirectionOfWriting) {
  EXPECT_EQ(Quoted("a\xE2\x80\xAE"
                   "b"),
            "\"a\\xe2\\x80\\xaeb\"");
  EXPECT_EQ(Quoted("a\xE2\x81\xA7"
                   "b"),
            "\"a\\xe2\\x81\\xa7b\"");
  EXPECT_EQ(Quoted("a\xC2\x85"), "\"a\\xc2\\x85\"");
  EXPECT_EQ(Quoted("\xC2\xA0\xE2\x80\x93"), "\"\xC2\xA0\xE2\x80\x93\"");
}

TEST(Quoted, EscapesBytesThatAreNotUtf8) {
  EXPECT_EQ(Quoted("Am\xE9lie\xFF"), "\"Am\\xe9lie\\xff\"");
}

TEST(Quoted, CutsBetweenCharacters) {
  EXPECT_EQ(Quoted("abc", 3), "\"abc\"");
  EXPECT_EQ(Quoted("abcd", 3), "\"abc...\"");
  EXPECT_EQ(Quoted("\xE2\x82\xAC\xE2\x82\xAC", 1), "\"\xE2\x82\xAC...\"");
}

TEST(Printable, EscapesAsQuotedDoesButKeepsQuotes) {
  EXPECT_EQ(Printable("a \"b\\c\"\n"), "a \"b\\c\"\\n");
  EXPECT_EQ(Printable("\xFF"
                      "abc",
                      2),
            "\\xffa...");
}

TEST(CutUtf8, CutsBetweenCharacters) {
  EXPECT_EQ(CutUtf8("abc", 3), "abc");
  EXPECT_EQ(CutUtf8("abc", 2), "ab");
  EXPECT_EQ(CutUtf8("a\xE2\x82\xAC", 3), "a");
  EXPECT_EQ(CutUtf8("a\xE2\x82\xAC", 4), "a\xE2\x82\xAC");
  EXPECT_EQ(CutUtf8("\xE2\x82\xAC", 0), "");
}

TEST(Quoted, IsUtf8OfBoundedLengthForAllBytes) {
  std::mt19937 random(7);
  for (int round = 0; round < 2000; ++round) {
    std::string text(random() % 200, '\0');
    // Half of them mostly bytes that begin or continue a character.
    for (char& c : text) {
      c = static_cast<char>(round % 2 == 0 ? random() : 0x80 + random() % 128);
    }
    const std::string quoted = Quoted(text, 40);
    EXPECT_TRUE(IsUtf8(quoted)) << quoted;
    EXPECT_LE(quoted.size(), 40 * 16 + 5);
    for (const char c : quoted) EXPECT_GE(static_cast<uint8_t>(c), 0x20);
  }
}

}  // namespace
}  // namespace tributary
