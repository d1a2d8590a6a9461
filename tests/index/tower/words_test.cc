#include "index/tower/words.h"

#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "index/data/random.h"
#include "text/utf8.h"

namespace tributary {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::ElementsAreArray;
using ::testing::IsEmpty;

std::vector<std::string> Words(std::string_view text) {
  std::vector<std::string> words;
  VisitWords(text, [&](std::string_view word) { words.emplace_back(word); });
  return words;
}

std::vector<std::string> ByteWords(std::string_view text) {
  std::vector<std::string> words;
  VisitByteWords(text,
                 [&](std::string_view word) { words.emplace_back(word); });
  return words;
}

TEST(VisitWords, AsciiTextHasTheWordsItAlwaysHad) {
  EXPECT_THAT(Words("A bright LAMP, a lamp-stand's 3rd 4x4_box"),
              ElementsAre("a", "bright", "lamp", "a", "lamp", "stand", "s",
                          "3rd", "4x4", "box"));
  EXPECT_THAT(Words(" ,.- "), IsEmpty());
  Random random(1);
  for (int i = 0; i < 2000; ++i) {
    std::string text;
    for (int c = 0; c < 30; ++c) {
      text += static_cast<char>(1 + random.Below(127));
    }
    // What makes the other words run: a character that is no part of any.
    EXPECT_THAT(Words(text + " \u2014 "), ElementsAreArray(ByteWords(text)));
    EXPECT_THAT(Words(text), ElementsAreArray(ByteWords(text)));
  }
}

TEST(VisitWords, EqualWordsAreEqualHoweverTheyAreWritten) {
  EXPECT_THAT(Words("Café"), ElementsAre("café"));
  EXPECT_THAT(Words("CAFE\u0301"), ElementsAre("café"));
  EXPECT_THAT(Words("ＣＡＦÉ"), ElementsAre("café"));
  EXPECT_THAT(Words("STRASSE Straße"), ElementsAre("strasse", "strasse"));
  EXPECT_THAT(Words("ΛΌΓΟΣ λόγος"), ElementsAre("λόγοσ", "λόγοσ"));
  EXPECT_THAT(Words("ﬁne soft\u00ADware"), ElementsAre("fine", "software"));
  EXPECT_THAT(Words("Москва—ЛЕНИНГРАД"), ElementsAre("москва", "ленинград"));
  EXPECT_THAT(Words("“Привет”, мир…"), ElementsAre("привет", "мир"));
  EXPECT_THAT(Words("서울 도서관"), ElementsAre("서울", "도서관"));
  EXPECT_THAT(Words("हिन्दी में"), ElementsAre("हिन्दी", "में"));
}

TEST(VisitWords, ScriptsWithoutBlanksGiveCharactersAndPairs) {
  EXPECT_THAT(Words("红色裙"), ElementsAre("红", "色", "红色", "裙", "色裙"));
  EXPECT_THAT(Words("红。色"), ElementsAre("红", "色"));
  EXPECT_THAT(Words("iPhone手机 5G"),
              ElementsAre("iphone", "手", "机", "手机", "5g"));
  // Half-width katakana with a sound mark of its own.
  EXPECT_THAT(Words("ｶﾞラ"), ElementsAre("ガ", "ラ", "ガラ"));
  // Marks belong to their character.
  EXPECT_THAT(Words("น้ำดี"), ElementsAre("น้ํ", "า", "น้ํา", "ดี", "าดี"));
  EXPECT_THAT(Words("ສະ"), ElementsAre("ສ", "ະ", "ສະ"));
  EXPECT_THAT(Words("ខ្មែ"), Contains("ខ្មែ"));
}

TEST(VisitWords, TextThatIsNotUtf8IsLatin1) {
  EXPECT_THAT(Words("\xC9T\xC9"), ElementsAre("été"));
}

// Otherwise a bundle of these words would be taken for an older one.
TEST(VisitWords, EachOfItsWordsIsAWord) {
  Random random(2);
  const std::vector<std::string> pieces = {
      "a",      "Z",      "é",  "E\u0301", "\u0301", "ß",  "ﬁ",  "½", "①", "北",
      "京",     "の",     "カ", "ｶﾞ",      "ー",     "น้ำ", "เ",  "ດ", "ក្", "မ",
      "\u200D", "\u3099", "K",  "ſ",       "İ",      "ǅ",  "Ω",  "ᾳ", "́ͅ",  " ",
      "-",      "・",     "😀",  "한",      "ㅎ",     "ﷺ",  "々", "〇"};
  for (int i = 0; i < 20000; ++i) {
    std::string text;
    for (int c = 0; c < 6; ++c) text += pieces[random.Below(pieces.size())];
    for (const std::string& word : Words(text)) {
      EXPECT_TRUE(IsUtf8(word));
      EXPECT_TRUE(IsUnicodeWord(word)) << text << ": " << word;
    }
  }
}

TEST(IsUnicodeWord, TellsWordsOfOlderRules) {
  EXPECT_TRUE(IsUnicodeWord("schöner"));
  for (const char* older : {"Österreich", "红色连衣裙", "“hello”", "ｃafé"}) {
    EXPECT_THAT(ByteWords(older), ElementsAre(older));
    EXPECT_FALSE(IsUnicodeWord(older)) << older;
  }
}

}  // namespace
}  // namespace tributary
