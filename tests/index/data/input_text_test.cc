#include "index/data/input_text.h"

#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/index/bundle/tiny_bundle.h"
#include "tests/index/data/compressed.h"

namespace tributary {
namespace {

using ::testing::HasSubstr;

// What was read, "ENCODING: text", or the error.
std::string Read(std::string_view bytes, std::string_view encoding = "auto") {
  const auto path = MakeTestDir() / "input";
  OverwriteFile(path, bytes);
  const auto input = InputText::Open(path, encoding);
  if (!input.ok()) return std::string(input.status().message());
  return input->encoding() + ": " + std::string(input->text());
}

std::string Utf16(std::u16string_view text, bool big_endian) {
  std::string bytes;
  for (const char16_t c : text) {
    const char low = static_cast<char>(c & 0xFF);
    const char high = static_cast<char>(c >> 8);
    bytes += big_endian ? high : low;
    bytes += big_endian ? low : high;
  }
  return bytes;
}

TEST(InputText, RecognisesEncodings) {
  EXPECT_EQ(Read("user,item\n"), "ASCII: user,item\n");
  EXPECT_EQ(Read("prix_été"), "UTF-8: prix_été");
  EXPECT_EQ(Read("\xEF\xBB\xBFü"), "UTF-8 with a byte order mark: ü");
  EXPECT_EQ(Read("prix_\xE9t\xE9"), "Windows-1252: prix_été");
  // The euro sign and quotes are what latin-1 does not have; 0x81 is nothing.
  EXPECT_EQ(Read("\x80 \x93x\x94 \x81"), "Windows-1252: € “x” \xC2\x81");
  EXPECT_EQ(Read(""), "ASCII: ");
}

TEST(InputText, RecognisesUtf16WithAndWithoutAMark) {
  for (const bool big_endian : {false, true}) {
    const std::string text = Utf16(u"user,item\nKöln,北京 😀\n", big_endian);
    const std::string mark = Utf16(u"\xFEFF", big_endian);
    EXPECT_EQ(Read(mark + text), "UTF-16: user,item\nKöln,北京 😀\n");
    EXPECT_EQ(Read(Utf16(u"user,item\nu1,i1\n", big_endian)),
              "UTF-16: user,item\nu1,i1\n");
  }
  EXPECT_THAT(Read(Utf16(u"\xFEFFuser", false) + "\xD8"),
              HasSubstr("begins no character"));
}

TEST(InputText, AByteThatIsWrongDoesNotMakeUtf8Latin1) {
  // Cut in the middle of a character, as `head -c` does.
  EXPECT_EQ(Read("été, hiver, \xC3"), "UTF-8: été, hiver, \xC3");
}

TEST(InputText, TakesTheEncodingThatIsStated) {
  EXPECT_EQ(Read("\xC3\xA9", "windows-1252"), "Windows-1252: Ã©");
  EXPECT_EQ(Read("\xE9", "utf-8"), "UTF-8: \xE9");
}

TEST(InputText, DecompressesGzipAndZstd) {
  const std::string text(3'000'000, 'x');
  for (const std::string& bytes : {Gzip(text), Zstd(text)}) {
    EXPECT_EQ(Read(bytes).size(), text.size() + 7);
    EXPECT_THAT(Read(bytes.substr(0, bytes.size() - 5)),
                HasSubstr("damaged or cut short"));
  }
  // Two members, as `cat a.gz b.gz` makes them.
  EXPECT_EQ(Read(Gzip("a\n") + Gzip("b\n")), "ASCII: a\nb\n");
  EXPECT_EQ(Read(Zstd("a\n") + Zstd("b\n")), "ASCII: a\nb\n");
  EXPECT_EQ(Read(Gzip("\xEF\xBB\xBFprix_été")),
            "UTF-8 with a byte order mark: prix_été");
  std::string damaged = Gzip("some text that is long enough");
  damaged[damaged.size() - 6] ^= 1;
  EXPECT_THAT(Read(damaged), HasSubstr("the gzip data are damaged"));
}

TEST(InputText, RefusesFilesOfOtherProgramsAndSaysWhatToDo) {
  EXPECT_THAT(Read("PAR1abcd"), HasSubstr("Parquet file, which is not read; "
                                          "write it as csv"));
  EXPECT_THAT(Read("ARROW1\0\0"), HasSubstr("Arrow"));
  EXPECT_THAT(Read("PK\x03\x04..."), HasSubstr("Excel"));
  EXPECT_THAT(Read("\x93NUMPY\x01"), HasSubstr("NumPy"));
  EXPECT_THAT(Read("BZh9"), HasSubstr("bzip2"));
}

}  // namespace
}  // namespace tributary
