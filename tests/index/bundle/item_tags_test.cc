#include "index/bundle/item_tags.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "index/bundle/bundle.h"
#include "tests/index/bundle/tiny_bundle.h"

namespace tributary {
namespace {

using ::testing::ElementsAre;

TEST(ItemTags, AreTheTransposeOfTheBundle) {
  const auto bundle = Bundle::Open(WriteTinyBundle(MakeTestDir(), 1));
  ASSERT_TRUE(bundle.ok()) << bundle.status();
  const AttributeColumn* const column = (*bundle)->FindAttribute("tags");
  ASSERT_NE(column, nullptr);
  const ItemTags tags(*column);
  std::vector<std::string> by_item;
  for (Row item = 0; item < 6; ++item) {
    std::string& text = by_item.emplace_back();
    for (const uint32_t code : tags.Of(item)) {
      text += std::string(column->Text(code)) + " ";
    }
  }
  EXPECT_THAT(by_item, ElementsAre("new toys ", "sale ", "new sale toys ",
                                   "toys ", "", "new "));
  EXPECT_EQ(tags.size_bytes(), 8 * 4 + 7 * 8);
}

}  // namespace
}  // namespace tributary
