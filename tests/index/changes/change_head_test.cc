#include "index/changes/change_head.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "fmt/format.h"

namespace tributary {
namespace {

using testing::HasSubstr;

ChangeHead Example() {
  ChangeHead head;
  head.through = 12;
  head.at_ms = 1764535000123;
  head.chain = std::string(64, 'a');
  head.segments = {{1, 8, 400, std::string(64, '1')},
                   {9, 12, 200, std::string(64, '2')}};
  return head;
}

std::string ErrorOf(const std::string& text) {
  const auto head = ParseChangeHead(text, "HEAD");
  EXPECT_EQ(head.status().code(), absl::StatusCode::kDataLoss) << text;
  return std::string(head.status().message());
}

std::string Replaced(std::string text, const std::string& from,
                     const std::string& to) {
  const size_t at = text.find(from);
  EXPECT_NE(at, std::string::npos) << from;
  return text.replace(at, from.size(), to);
}

TEST(ChangeHeadTest, IsReadAsItWasWritten) {
  ChangeHead head = Example();
  for (const std::string& signature :
       {std::string(), std::string(64, '\x7f')}) {
    head.signature = signature;
    const auto read = ParseChangeHead(head.Text(), "HEAD");
    ASSERT_TRUE(read.ok()) << read.status();
    EXPECT_EQ(read->through, 12U);
    EXPECT_EQ(read->at_ms, 1764535000123);
    EXPECT_EQ(read->chain, head.chain);
    EXPECT_EQ(read->segments, head.segments);
    EXPECT_EQ(read->signature, signature);
    EXPECT_EQ(read->SignedText(), head.SignedText());
  }
  EXPECT_EQ(head.segments[1].Name(), "9-12.2222222222222222.segment");
}

TEST(ChangeHeadTest, ThatOfAnEmptyLogIsReadToo) {
  const auto read = ParseChangeHead(ChangeHead().Text(), "HEAD");
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_EQ(read->through, 0U);
}

TEST(ChangeHeadTest, RefusesWhateverIsNotOne) {
  const std::string text = Example().Text();
  EXPECT_THAT(ErrorOf(""), HasSubstr("newline"));
  EXPECT_THAT(ErrorOf("hello\n"), HasSubstr("first line"));
  EXPECT_THAT(ErrorOf(Replaced(text, "changes 1", "changes 2")),
              HasSubstr("first line"));
  EXPECT_THAT(ErrorOf(Replaced(text, "through 12", "through x")),
              HasSubstr("through"));
  EXPECT_THAT(ErrorOf(Replaced(text, "through 12", "through 13")),
              HasSubstr("end with change 12, not 13"));
  EXPECT_THAT(ErrorOf(Replaced(text, "segment 9", "segment 10")),
              HasSubstr("10-12.2222222222222222.segment comes after change 8"));
  EXPECT_THAT(ErrorOf(Replaced(text, "segment 9", "segment 8")),
              HasSubstr("there twice"));
  EXPECT_THAT(ErrorOf(Replaced(text, "segment 9 12", "segment 9 8")),
              HasSubstr("comes after change 8"));
  EXPECT_THAT(ErrorOf(Replaced(text, "22", "2Z")), HasSubstr("not a segment"));
  EXPECT_THAT(ErrorOf(Replaced(text, " 200 ", " 99999999999 ")),
              HasSubstr("not a segment"));
  EXPECT_THAT(ErrorOf(Replaced(text, "chain a", "chain A")),
              HasSubstr("chain"));
  EXPECT_THAT(ErrorOf(text + "signature 00\n"), HasSubstr("128"));
  EXPECT_THAT(ErrorOf(text + "signature " + std::string(128, '0') + "\nmore\n"),
              HasSubstr("last line"));
  EXPECT_THAT(ErrorOf(text + "\n"), HasSubstr("not a segment"));
}

ChangeHead WithSnapshot() {
  ChangeHead head = Example();
  head.segments.erase(head.segments.begin());
  head.snapshot = {
      8,
      std::string(64, 'b'),
      {{3, 90, std::string(64, '3')}, {2, 70, std::string(64, '4')}}};
  return head;
}

TEST(ChangeHeadTest, OneWithASnapshotIsReadAsItWasWritten) {
  const ChangeHead head = WithSnapshot();
  const auto read = ParseChangeHead(head.Text(), "HEAD");
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_EQ(read->snapshot.through, 8U);
  EXPECT_EQ(read->snapshot.chain, head.snapshot.chain);
  EXPECT_EQ(read->snapshot.parts, head.snapshot.parts);
  EXPECT_EQ(read->snapshot.count(), 5U);
  EXPECT_EQ(read->segments, head.segments);
  EXPECT_EQ(read->Text(), head.Text());
  EXPECT_EQ(head.snapshot.parts[0].Name(8), "8.3333333333333333.snapshot");
}

TEST(ChangeHeadTest, RefusesASnapshotThatIsNone) {
  const std::string text = WithSnapshot().Text();
  EXPECT_THAT(ErrorOf(Replaced(text, "snapshot 8 ", "snapshot 7 ")),
              HasSubstr("comes after change 7"));
  EXPECT_THAT(ErrorOf(Replaced(text, "snapshot 8 ", "snapshot 0 ")),
              HasSubstr("expected snapshot"));
  EXPECT_THAT(ErrorOf(Replaced(text, "snapshot 8 b", "snapshot 8 B")),
              HasSubstr("expected snapshot"));
  EXPECT_THAT(ErrorOf(Replaced(text, "part 3 ", "part 7 ")),
              HasSubstr("more changes than there were"));
  EXPECT_THAT(ErrorOf(Replaced(text, "part 3 ", "part 0 ")),
              HasSubstr("expected part"));
  EXPECT_THAT(ErrorOf(Replaced(text, " 90 ", " 99999999999 ")),
              HasSubstr("expected part"));
  EXPECT_THAT(ErrorOf(Replaced(text, "part 2", "port 2")),
              HasSubstr("not a segment"));
}

TEST(ChangeHeadTest, ReadersOfBrokersAreReadAsTheyWereWritten) {
  ChangeHead head = WithSnapshot();
  head.readers[std::string(64, 'a')] = std::string(64, 'b');
  head.readers[std::string(64, 'c')] = std::string(64, 'd');
  const std::string text = head.Text();
  const auto read = ParseChangeHead(text, "HEAD");
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_EQ(read->readers, head.readers);
  EXPECT_EQ(read->Text(), text);
  EXPECT_THAT(ErrorOf(Replaced(text, "reader c", "reader C")),
              HasSubstr("expected reader"));
  EXPECT_THAT(ErrorOf(Replaced(text, "reader " + std::string(64, 'c'),
                               "reader " + std::string(64, 'a'))),
              HasSubstr("expected reader"));
  for (size_t i = 2; i <= kMaxChangeReaders; ++i) {
    head.readers[fmt::format("{:064x}", i)] = std::string(64, 'e');
  }
  EXPECT_THAT(ErrorOf(head.Text()), HasSubstr("more than 64 lines"));
}

TEST(ChangeHeadTest, EveryCutIsRefused) {
  for (const std::string& text : {Example().Text(), WithSnapshot().Text()})
    for (size_t size = 0; size < text.size(); ++size) {
      EXPECT_FALSE(ParseChangeHead(text.substr(0, size), "HEAD").ok()) << size;
    }
}

}  // namespace
}  // namespace tributary
