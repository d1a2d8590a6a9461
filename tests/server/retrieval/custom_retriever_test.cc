// A kind of retriever that is not built in, as the example has it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "examples/custom_retriever/newest_retriever.h"
#include "server/retrieval/retriever.h"
#include "tests/index/bundle/tiny_bundle.h"

namespace tributary {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;

class CustomRetrieverTest : public testing::Test {
 protected:
  CustomRetrieverTest() {
    registry_.Register("newest", NewestRetriever::Create);
    spec_.set_name("fresh");
    spec_.set_kind("newest");
  }

  const std::shared_ptr<const Bundle> bundle_ =
      *Bundle::Open(WriteTinyBundle(MakeTestDir(), 1));
  RetrieverRegistry registry_ = RetrieverRegistry::BuiltIn();
  v1::RetrieverSpec spec_;
};

TEST_F(CustomRetrieverTest, IsMadeAndAskedLikeABuiltInOne) {
  (*spec_.mutable_settings())["half_life_items"] = "1";
  const auto retriever = registry_.Make(*bundle_, spec_);
  ASSERT_TRUE(retriever.ok()) << retriever.status();
  const std::vector<Row> excluded = {4};
  std::vector<ScoredRow> proposals;
  const auto ask =
      (*retriever)->Retrieve({.excluded = excluded}, 3, &proposals);
  ASSERT_TRUE(ask.ok()) << ask.status();
  EXPECT_EQ(*ask, Ask::kAnswered);
  EXPECT_THAT(proposals, ElementsAre(ScoredRow{5, 1}, ScoredRow{3, 0.25},
                                     ScoredRow{2, 0.125}));
}

TEST_F(CustomRetrieverTest, ReachesEveryItem) {
  const auto retriever = registry_.Make(*bundle_, spec_);
  ASSERT_TRUE(retriever.ok()) << retriever.status();
  ReachableItems items(bundle_->items().size());
  EXPECT_TRUE((*retriever)->AddReachable(&items));
  EXPECT_EQ(items.unreachable(), 0);
}

TEST_F(CustomRetrieverTest, RefusesASettingThatItDoesNotKnow) {
  (*spec_.mutable_settings())["half_live_items"] = "1";
  EXPECT_THAT(
      std::string(registry_.Make(*bundle_, spec_).status().message()),
      AllOf(HasSubstr("retrievers[\"fresh\"]: settings[\"half_live_items\"]"),
            HasSubstr("half_life_items")));
}

TEST_F(CustomRetrieverTest, IsNotBuiltIn) {
  EXPECT_THAT(
      std::string(RetrieverRegistry::BuiltIn()
                      .Make(*bundle_, spec_)
                      .status()
                      .message()),
      HasSubstr("retrievers[\"fresh\"].kind: \"newest\" is not a registered "
                "kind"));
}

}  // namespace
}  // namespace tributary
