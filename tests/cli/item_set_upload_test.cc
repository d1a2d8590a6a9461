#include "cli/item_set_upload.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sstream>
#include <string>
#include <vector>

#include "fmt/format.h"

namespace tributary {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class SendItemSetTest : public testing::Test {
 protected:
  absl::Status Send(const std::string& text, size_t accepted = 1000) {
    parts_.clear();
    std::istringstream lines(text);
    return SendItemSet(lines, "keys.txt", "s",
                       [&](const v1::PutItemSetRequest& part) {
                         parts_.push_back(part);
                         return parts_.size() < accepted;
                       });
  }

  std::vector<v1::PutItemSetRequest> parts_;
};

TEST_F(SendItemSetTest, ReadsAKeyFromEachLine) {
  ASSERT_TRUE(Send("a\n\nb c\r\n 17").ok());
  ASSERT_EQ(parts_.size(), 1);
  EXPECT_EQ(parts_[0].name(), "s");
  EXPECT_THAT(parts_[0].item_keys(), ElementsAre("a", "b c", " 17"));
}

TEST_F(SendItemSetTest, AnEmptyFileIsAnEmptySet) {
  ASSERT_TRUE(Send("").ok());
  ASSERT_EQ(parts_.size(), 1);
  EXPECT_EQ(parts_[0].name(), "s");
  EXPECT_THAT(parts_[0].item_keys(), IsEmpty());
}

TEST_F(SendItemSetTest, ManyKeysComeInParts) {
  std::string text;
  for (int i = 100'000; i < 150'000; ++i) text += fmt::format("{}\n", i);
  ASSERT_TRUE(Send(text).ok());
  ASSERT_GT(parts_.size(), 2);
  int next = 100'000;
  for (size_t i = 0; i < parts_.size(); ++i) {
    EXPECT_EQ(parts_[i].name(), i == 0 ? "s" : "");
    EXPECT_LT(parts_[i].ByteSizeLong(), 1 << 20);
    for (const std::string& key : parts_[i].item_keys()) {
      ASSERT_EQ(key, std::to_string(next++));
    }
  }
  EXPECT_EQ(next, 150'000);
  // Whoever takes no more gets no more.
  ASSERT_TRUE(Send(text, 2).ok());
  EXPECT_EQ(parts_.size(), 2);
}

TEST_F(SendItemSetTest, ErrorsNameFileAndLine) {
  EXPECT_THAT(std::string(Send("a\n\xff\n").message()),
              HasSubstr("keys.txt: line 2 is not UTF-8"));
}

}  // namespace
}  // namespace tributary
