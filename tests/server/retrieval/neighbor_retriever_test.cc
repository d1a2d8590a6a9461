#include "server/retrieval/neighbor_retriever.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <random>
#include <string>

#include "server/retrieval/score_table.h"
#include "tests/index/bundle/tiny_bundle.h"

namespace tributary {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::StartsWith;

// The tiny bundle's table: rows a to f are 0 to 5. a: b 1, c .5; b: a 1, c .5,
// d .25; c: a .5, b .5, e -1; e: f 2; d and f have none. User 0 has seen a, b.
class NeighborRetrieverTest : public testing::Test {
 protected:
  static v1::RetrieverSpec Spec(double decay = 0, uint32_t max_history = 10) {
    v1::RetrieverSpec spec;
    spec.set_table("joint");
    spec.set_decay(decay);
    spec.set_max_history(max_history);
    return spec;
  }

  std::vector<ScoredRow> Retrieve(const RetrieverQuery& query, uint32_t n,
                                  const v1::RetrieverSpec& spec = Spec(),
                                  Ask expected = Ask::kAnswered) {
    const auto retriever = NeighborRetriever::Create(*bundle_, spec);
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

TEST_F(NeighborRetrieverTest, AddsUpTheListsOfTheHistory) {
  // The stored history is a, b.
  EXPECT_THAT(Retrieve({.user = 0}, 10),
              ElementsAre(ScoredRow{0, 1}, ScoredRow{1, 1}, ScoredRow{2, 1},
                          ScoredRow{3, .25}));
  EXPECT_THAT(Retrieve({.user = 0}, 1), ElementsAre(ScoredRow{0, 1}));
  EXPECT_THAT(Retrieve({.user = 0}, 0), IsEmpty());
}

TEST_F(NeighborRetrieverTest, PassesOverExcludedItems) {
  const std::vector<Row> excluded = {0, 1, 5};
  EXPECT_THAT(Retrieve({.user = 0, .excluded = excluded}, 10),
              ElementsAre(ScoredRow{2, 1}, ScoredRow{3, .25}));
  // The next request is not affected.
  EXPECT_THAT(Retrieve({.user = 0}, 1), ElementsAre(ScoredRow{0, 1}));
}

TEST_F(NeighborRetrieverTest, WeighsItemsByHowLongAgoTheyWere) {
  // b is the newest; a has one newer item and a weight of 2^-2.
  EXPECT_THAT(Retrieve({.user = 0}, 10, Spec(2)),
              ElementsAre(ScoredRow{0, 1}, ScoredRow{2, .625},
                          ScoredRow{1, .25}, ScoredRow{3, .25}));
}

TEST_F(NeighborRetrieverTest, AppendsTheRequestsItemsToTheStoredOnes) {
  // a occurs again, after b and e.
  const std::vector<Row> recent = {4, 0};
  EXPECT_THAT(
      Retrieve({.user = 0, .history = recent}, 10, Spec(1)),
      ElementsAre(ScoredRow{1, 1}, ScoredRow{5, 1}, ScoredRow{2, .5f + .5f / 3},
                  ScoredRow{0, 1.0f / 3}, ScoredRow{3, .25f / 3}));
  // An unknown user has only the request's history.
  EXPECT_THAT(Retrieve({.history = recent}, 1), ElementsAre(ScoredRow{5, 2}));
}

TEST_F(NeighborRetrieverTest, UsesTheNewestItemsOnly) {
  EXPECT_THAT(
      Retrieve({.user = 0}, 10, Spec(0, 1)),
      ElementsAre(ScoredRow{0, 1}, ScoredRow{2, .5}, ScoredRow{3, .25}));
}

TEST_F(NeighborRetrieverTest, DoesNotProposeWhatTheHistorySpeaksAgainst) {
  const std::vector<Row> recent = {2};
  EXPECT_THAT(Retrieve({.history = recent}, 10),
              ElementsAre(ScoredRow{0, .5}, ScoredRow{1, .5}));
}

TEST_F(NeighborRetrieverTest, HasNoQueryWithoutItemsThatHaveNeighbors) {
  EXPECT_THAT(Retrieve({}, 10, Spec(), Ask::kNoQuery), IsEmpty());
  EXPECT_THAT(Retrieve({.user = 2}, 10, Spec(), Ask::kNoQuery), IsEmpty());
  const std::vector<Row> recent = {3, 5};
  EXPECT_THAT(Retrieve({.history = recent}, 10, Spec(), Ask::kNoQuery),
              IsEmpty());
}

TEST_F(NeighborRetrieverTest, NamesTheSettingThatIsWrong) {
  const auto message = [&](const v1::RetrieverSpec& spec) {
    const auto made = NeighborRetriever::Create(*bundle_, spec);
    EXPECT_EQ(made.status().code(), absl::StatusCode::kInvalidArgument);
    return std::string(made.status().message());
  };
  EXPECT_THAT(message(Spec(0, 0)), StartsWith("maxHistory: 0"));
  EXPECT_THAT(message(Spec(0, 1001)), StartsWith("maxHistory: 1001"));
  EXPECT_THAT(message(Spec(-1)), StartsWith("decay: -1"));
  EXPECT_THAT(message(Spec(std::numeric_limits<double>::quiet_NaN())),
              StartsWith("decay: "));
  v1::RetrieverSpec other = Spec();
  other.set_table("other");
  EXPECT_THAT(message(other), StartsWith("table: \"other\""));
}

TEST(ScoreTable, AddsUpAsAMapDoes) {
  ScoreTable table;
  std::mt19937 random(1);
  for (const size_t rows : {10, 5000, 3, 700}) {
    table.Clear(rows);
    std::map<Row, float> expected;
    for (int i = 0; i < 20000; ++i) {
      // So far apart that they collide in a table of any size.
      const Row row = static_cast<Row>(random() % rows) * 65536;
      const float score = static_cast<float>(random() % 8);
      table.Add(row, score);
      expected[row] += score;
    }
    table.Drop(65536);
    expected[65536] = 0;
    table.Drop(7);  // was not added
    std::vector<ScoredRow> all;
    table.Best(10000, &all);
    std::erase_if(expected,
                  [](const auto& entry) { return entry.second == 0; });
    ASSERT_EQ(all.size(), expected.size());
    for (const ScoredRow& entry : all) {
      EXPECT_EQ(entry.score, expected.at(entry.row));
    }
    std::vector<ScoredRow> best;
    table.Best(2, &best);
    EXPECT_THAT(best, ElementsAre(all[0], all[1]));
  }
}

}  // namespace
}  // namespace tributary
