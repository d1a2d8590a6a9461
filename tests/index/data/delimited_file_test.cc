#include "index/data/delimited_file.h"

#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/index/data/data_files.h"

namespace tributary {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

using Records = std::vector<std::vector<std::string>>;

class DelimitedFileTest : public testing::Test {
 protected:
  absl::StatusOr<Records> Read(std::string_view text,
                               DelimitedFile::Format format) {
    path_ = MakeTestDir() / "records";
    OverwriteFile(path_, text);
    auto file = DelimitedFile::Open(path_, format, &malformed_);
    if (!file.ok()) return file.status();
    if (auto status = file->ReadHeader(); !status.ok()) return status;
    Records records;
    for (;;) {
      const auto more = file->Next();
      if (!more.ok()) return more.status();
      if (!*more) return records;
      auto& record = records.emplace_back();
      for (size_t i = 0; i < file->size(); ++i) {
        record.emplace_back(file->field(i));
      }
    }
  }

  std::vector<std::string> Malformed() {
    DataSet data;
    malformed_.MoveTo(&data);
    return data.malformed;
  }

  std::filesystem::path path_;
  MalformedLines malformed_{2};
};

constexpr auto Csv = [] {
  return DelimitedFile::Format{.separator = ",", .quoted = true};
};

TEST_F(DelimitedFileTest, ReadsQuotedFieldsAsRfc4180SaysIt) {
  const auto records = Read(
      "a,b\r\n\"x, y\",\"say \"\"hi\"\"\"\r\n\"two\nlines\", plain \n", Csv());
  ASSERT_TRUE(records.ok()) << records.status();
  EXPECT_THAT(*records, ElementsAre(ElementsAre("x, y", "say \"hi\""),
                                    ElementsAre("two\nlines", "plain")));
}

TEST_F(DelimitedFileTest, TakesSeparatorsOfSeveralSigns) {
  const auto records = Read("a::b\n1::Up: a film\n", {.separator = "::"});
  ASSERT_TRUE(records.ok()) << records.status();
  EXPECT_THAT(*records, ElementsAre(ElementsAre("1", "Up: a film")));
}

TEST_F(DelimitedFileTest, PassesOverByteOrderMarkAndEmptyLines) {
  const auto records = Read(
      "\xEF\xBB\xBF"
      "a\n\n1\n \n2",
      {.separator = ","});
  ASSERT_TRUE(records.ok()) << records.status();
  EXPECT_THAT(*records, ElementsAre(ElementsAre("1"), ElementsAre("2")));
}

TEST_F(DelimitedFileTest, NamesTheLineOfEveryMalformedRecord) {
  const auto records =
      Read("a,b\n\"1\n2\",x\n1,2,3\n4,5\n\"6\"7,8\n9,9\n", Csv());
  ASSERT_TRUE(records.ok()) << records.status();
  EXPECT_EQ(records->size(), 3);
  EXPECT_THAT(Malformed(),
              ElementsAre(path_.string() + ":4: 3 fields, expected 2",
                          path_.string() + ":6: text after a quoted field"));
}

TEST_F(DelimitedFileTest, AnOpenQuoteCostsItsOwnLineOnly) {
  const auto records = Read("a,b\n\"1,2\n3,4\n5,6\n", Csv());
  ASSERT_TRUE(records.ok()) << records.status();
  EXPECT_EQ(records->size(), 2);
  EXPECT_THAT(Malformed(), ElementsAre(HasSubstr(":2: a quoted field is not")));
}

TEST_F(DelimitedFileTest, AnOpenQuoteDoesNotSwallowRecordsUpToAStrayQuote) {
  const auto records = Read(
      "id,title,brand\n1,\"Lamp,Ikea\n2,Desk,Vitra\n3,21\" screen,Dell\n"
      "4,\"two\nlines\",Ikea\n",
      Csv());
  ASSERT_TRUE(records.ok()) << records.status();
  EXPECT_THAT(*records, ElementsAre(ElementsAre("2", "Desk", "Vitra"),
                                    ElementsAre("3", "21\" screen", "Dell"),
                                    ElementsAre("4", "two\nlines", "Ikea")));
  EXPECT_THAT(Malformed(),
              ElementsAre(AllOf(HasSubstr(":2: a quoted field is not closed"),
                                HasSubstr("on line 4"))));
}

TEST_F(DelimitedFileTest, TextOfSeveralLinesMayHaveSeparatorsInIt) {
  const auto records = Read(
      "id,text\n1,\"One, two.\nThree, four.\nFive\"\n2,\"a\nb, c\"\n", Csv());
  ASSERT_TRUE(records.ok()) << records.status();
  EXPECT_THAT(*records,
              ElementsAre(ElementsAre("1", "One, two.\nThree, four.\nFive"),
                          ElementsAre("2", "a\nb, c")));
}

TEST_F(DelimitedFileTest, SaysThatABackslashEscapesNothing) {
  const auto records =
      Read("a,b\n1,\"say \\\"hi\\\" twice\"\n2,3\n4,5\n", Csv());
  ASSERT_TRUE(records.ok()) << records.status();
  EXPECT_EQ(records->size(), 2);
  EXPECT_THAT(Malformed(), ElementsAre(HasSubstr("a backslash before it")));
}

TEST_F(DelimitedFileTest, RecognisesTheSeparatorFromHeaderAndLines) {
  const DelimitedFile::Format any{.separator = "", .quoted = true};
  for (const std::string separator : {",", ";", "\t", "|", "::"}) {
    const auto records =
        Read("a" + separator + "b\n\"x,;\"" + separator + "1,5|2\n", any);
    if (separator == "," || separator == "|") continue;
    ASSERT_TRUE(records.ok()) << separator << records.status();
    EXPECT_THAT(*records, ElementsAre(ElementsAre("x,;", "1,5|2")))
        << separator;
  }
  EXPECT_THAT(*Read("a,b\n1,2\n", any), ElementsAre(ElementsAre("1", "2")));
  EXPECT_THAT(*Read("a|b\n1|2\n", any), ElementsAre(ElementsAre("1", "2")));
  EXPECT_THAT(*Read("only\nx;y\n", any), ElementsAre(ElementsAre("x;y")));
}

TEST_F(DelimitedFileTest, TakesTheSeparatorThatASpreadsheetNames) {
  const DelimitedFile::Format any{.separator = "", .quoted = true};
  EXPECT_THAT(*Read("sep=;\r\na,b;c\r\n1;2\r\n", any),
              ElementsAre(ElementsAre("1", "2")));
  EXPECT_THAT(*Read("\"sep=|\"\na|b\n1|2\n", any),
              ElementsAre(ElementsAre("1", "2")));
  EXPECT_EQ(Read("sep=,\na,b\n1\n1,2\n3,4\n", any)->size(), 2);
  EXPECT_THAT(Malformed(), ElementsAre(HasSubstr(":3: 1 fields")));
}

TEST_F(DelimitedFileTest, ReadsLinesThatEndInCarriageReturnsOnly) {
  EXPECT_THAT(*Read("a,b\r1,2\r\r3,\"4\"\r", Csv()),
              ElementsAre(ElementsAre("1", "2"), ElementsAre("3", "4")));
}

TEST_F(DelimitedFileTest, KeepsBlanksForThoseWhoAskAndReadsAgain) {
  path_ = MakeTestDir() / "records";
  OverwriteFile(path_, "a,b\n x ,\" y \"\n1\n");
  auto file = DelimitedFile::Open(path_, Csv(), &malformed_);
  ASSERT_TRUE(file.ok() && file->ReadHeader().ok());
  for (int pass = 0; pass < 2; ++pass) {
    ASSERT_TRUE(*file->Next());
    EXPECT_EQ(file->field(0), "x");
    EXPECT_EQ(file->verbatim(0), " x ");
    EXPECT_EQ(file->field(1), " y ");
    EXPECT_FALSE(*file->Next());
    EXPECT_EQ(malformed_.count(), 1);
    file->Rewind();
  }
}

TEST_F(DelimitedFileTest, MoreMalformedLinesThanTheLimitAreDataLoss) {
  const auto records = Read("a,b\n1\n2\n3\n", Csv());
  EXPECT_EQ(records.status().code(), absl::StatusCode::kDataLoss);
  EXPECT_THAT(std::string(records.status().message()),
              HasSubstr(":2: 1 fields, expected 2"));
}

TEST_F(DelimitedFileTest, AnEmptyFileHasNoHeader) {
  EXPECT_EQ(Read("", Csv()).status().code(), absl::StatusCode::kNotFound);
}

TEST(MalformedLines, AreLimitedFileByFileAndNamedUpToTen) {
  MalformedLines malformed(8);
  for (uint64_t i = 1; i <= 8; ++i) {
    EXPECT_TRUE(malformed.Add("a", i, "bad").ok());
    EXPECT_TRUE(malformed.Add("b", i, "bad").ok());
  }
  EXPECT_EQ(malformed.Add("a", 9, "bad").code(), absl::StatusCode::kDataLoss);
  DataSet data;
  malformed.MoveTo(&data);
  EXPECT_EQ(data.malformed_lines, 17);
  EXPECT_EQ(data.malformed.size(), 10);
  EXPECT_EQ(data.malformed[1], "b:1: bad");
}

TEST(MalformedLines, AShareOfTheRecordsIsALimitToo) {
  MalformedLines malformed(100, 0.5);
  for (uint64_t i = 1; i <= 3; ++i) {
    EXPECT_TRUE(malformed.Add("a", i, "bad").ok());
  }
  EXPECT_TRUE(malformed.CheckShare("a", 6).ok());
  EXPECT_TRUE(malformed.CheckShare("b", 0).ok());
  const absl::Status status = malformed.CheckShare("a", 5);
  EXPECT_EQ(status.code(), absl::StatusCode::kDataLoss);
  EXPECT_THAT(std::string(status.message()),
              HasSubstr("3 of 5 records are malformed, the first one: a:1"));
}

}  // namespace
}  // namespace tributary
