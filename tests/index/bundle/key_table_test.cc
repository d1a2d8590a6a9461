#include "index/bundle/key_table.h"

#include <gtest/gtest.h>

#include "index/bundle/bundle.h"
#include "tests/index/bundle/tiny_bundle.h"

namespace tributary {
namespace {

class KeyTableTest : public testing::Test {
 protected:
  void SetUp() override {
    auto bundle = Bundle::Open(WriteTinyBundle(MakeTestDir(), 1));
    ASSERT_TRUE(bundle.ok()) << bundle.status();
    bundle_ = *bundle;
  }

  std::shared_ptr<const Bundle> bundle_;
};

TEST_F(KeyTableTest, FindsEveryStringAndNothingElse) {
  const KeyTable& items = bundle_->items();
  for (Row row = 0; row < items.size(); ++row) {
    EXPECT_EQ(items.Find(items.string(row)), row);
    EXPECT_EQ(items.text(row), std::string(1, static_cast<char>('a' + row)));
  }
  for (const char* missing : {"", "A", "aa", "bb", "g", "z"}) {
    EXPECT_EQ(items.Find(missing), kNoRow) << missing;
  }
}

TEST_F(KeyTableTest, FindsEveryIntegerAndNothingElse) {
  const KeyTable& users = bundle_->users();
  for (Row row = 0; row < users.size(); ++row) {
    EXPECT_EQ(users.Find(users.id(row)), row);
    EXPECT_EQ(users.Find(users.text(row)), row);
  }
  for (const uint64_t missing : {0, 9, 11, 25, 31}) {
    EXPECT_EQ(users.Find(missing), kNoRow) << missing;
  }
}

TEST_F(KeyTableTest, FindsIntegersByTheirCanonicalDecimalFormOnly) {
  EXPECT_EQ(bundle_->users().Find("10"), 0);
  for (const char* text :
       {"", "010", "+10", "10 ", "10x", "-1", "18446744073709551616"}) {
    EXPECT_EQ(bundle_->users().Find(text), kNoRow) << text;
  }
}

TEST_F(KeyTableTest, LooksUpIntegersAsTextAmongStrings) {
  EXPECT_EQ(bundle_->items().Find(uint64_t{7}), kNoRow);
}

TEST(ParseDecimalKey, TakesTheWholeRangeOfUint64) {
  uint64_t id = 1;
  EXPECT_TRUE(ParseDecimalKey("0", &id));
  EXPECT_EQ(id, 0);
  EXPECT_TRUE(ParseDecimalKey("18446744073709551615", &id));
  EXPECT_EQ(id, ~uint64_t{0});
}

}  // namespace
}  // namespace tributary
