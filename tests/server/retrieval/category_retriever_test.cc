#include "server/retrieval/category_retriever.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "tests/index/bundle/tiny_bundle.h"

namespace tributary {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

// The tiny bundle: rows a to f are 0 to 5. Films: a .5, b .25, c .25; books:
// d .75, c .25; c is in both categories, e and f in none. User 0 has seen a, b.
class CategoryRetrieverTest : public testing::Test {
 protected:
  std::vector<ScoredRow> Retrieve(const RetrieverQuery& query, uint32_t n,
                                  double decay = 0,
                                  Ask expected = Ask::kAnswered) {
    v1::RetrieverSpec spec;
    spec.set_decay(decay);
    spec.set_max_history(10);
    const auto retriever = CategoryRetriever::Create(*bundle_, spec);
    EXPECT_TRUE(retriever.ok()) << retriever.status();
    std::vector<ScoredRow> proposals = {{77, 77}};
    const auto ask = (*retriever)->Retrieve(query, n, &proposals);
    EXPECT_TRUE(ask.ok()) << ask.status();
    EXPECT_EQ(*ask, expected);
    return proposals;
  }

  std::shared_ptr<const Bundle> bundle_ =
      *Bundle::Open(WriteTinyBundle(MakeTestDir(), 1));
};

TEST_F(CategoryRetrieverTest, ProposesWhatIsPopularInTheHistorysCategory) {
  const std::vector<Row> excluded = {0};
  EXPECT_THAT(Retrieve({.user = 0, .excluded = excluded}, 10),
              ElementsAre(ScoredRow{1, .25}, ScoredRow{2, .25}));
  EXPECT_THAT(Retrieve({.user = 0}, 1), ElementsAre(ScoredRow{0, .5}));
}

TEST_F(CategoryRetrieverTest, MixesCategoriesByTheirShareOfTheHistory) {
  // Half of c is a film and half a book: films 2.5, books .5 of 3.
  const std::vector<Row> recent = {2};
  EXPECT_THAT(Retrieve({.user = 0, .history = recent}, 10),
              ElementsAre(ScoredRow{0, .5f * (2.5f / 3)}, ScoredRow{2, .25f},
                          ScoredRow{1, .25f * (2.5f / 3)},
                          ScoredRow{3, .75f * (.5f / 3)}));
}

TEST_F(CategoryRetrieverTest, WeighsItemsByHowLongAgoTheyWere) {
  // d is the newest; a has a weight of a thousandth.
  const std::vector<Row> recent = {0, 3};
  EXPECT_THAT(Retrieve({.history = recent}, 1, /*decay=*/10),
              ElementsAre(ScoredRow{3, .75f * (1024.0f / 1025)}));
}

TEST_F(CategoryRetrieverTest, HasNoQueryWithoutAHistoryInCategories) {
  EXPECT_THAT(Retrieve({}, 10, 0, Ask::kNoQuery), IsEmpty());
  EXPECT_THAT(Retrieve({.user = 2}, 10, 0, Ask::kNoQuery), IsEmpty());
  const std::vector<Row> recent = {4, 5};
  EXPECT_THAT(Retrieve({.history = recent}, 10, 0, Ask::kNoQuery), IsEmpty());
}

TEST_F(CategoryRetrieverTest, NamesTheSettingThatIsWrong) {
  const auto made = CategoryRetriever::Create(*bundle_, v1::RetrieverSpec());
  EXPECT_EQ(made.status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(made.status().message()), HasSubstr("maxHistory"));
}

}  // namespace
}  // namespace tributary
