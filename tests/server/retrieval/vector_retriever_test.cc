#include "server/retrieval/vector_retriever.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "index/search/faiss_searcher.h"
#include "tests/index/bundle/tiny_bundle.h"
#include "tests/index/search/space_bundle.h"
#include "tests/index/tower/tower_bundle.h"

namespace tributary {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

std::unique_ptr<Retriever> Make(const Bundle& bundle,
                                const std::string& space) {
  v1::RetrieverSpec spec;
  spec.set_space(space);
  auto retriever = VectorRetriever::Create(bundle, spec);
  EXPECT_TRUE(retriever.ok()) << retriever.status();
  return *std::move(retriever);
}

// The tiny bundle's space "taste": rows 0 to 4 have vectors (1, 5), (2, 4),
// (3, 3), (4, 2), (5, 1); users 0 and 1 have (1, 0) and (0, 1); user 0 has seen
// rows 0 and 1. Histories are encoded by their mean.
class VectorRetrieverTest : public testing::Test {
 protected:
  // The proposals. For kNoQuery, checks that there are none.
  std::vector<ScoredRow> Retrieve(const RetrieverQuery& query, uint32_t n = 2) {
    std::vector<ScoredRow> proposals = {{77, 77}};
    const auto ask = taste_->Retrieve(query, n, &proposals);
    EXPECT_TRUE(ask.ok()) << ask.status();
    EXPECT_EQ(*ask, proposals.empty() ? Ask::kNoQuery : Ask::kAnswered);
    return proposals;
  }

  std::shared_ptr<const Bundle> bundle_ =
      *Bundle::Open(WriteTinyBundle(MakeTestDir(), 1));
  std::unique_ptr<Retriever> taste_ = Make(*bundle_, "taste");
};

TEST_F(VectorRetrieverTest, SearchesWithTheUsersVector) {
  EXPECT_THAT(Retrieve({.user = 0}),
              ElementsAre(ScoredRow{4, 5}, ScoredRow{3, 4}));
  EXPECT_THAT(Retrieve({.user = 1}),
              ElementsAre(ScoredRow{0, 5}, ScoredRow{1, 4}));
}

TEST_F(VectorRetrieverTest, PrefersTheRequestsHistoryToTheUsersVector) {
  // The mean of (1, 5) and (3, 3) is (2, 4); row 5 has no vector.
  const std::vector<Row> history = {0, 5, 2};
  EXPECT_THAT(Retrieve({.user = 0, .history = history}),
              ElementsAre(ScoredRow{0, 22}, ScoredRow{1, 20}));
}

TEST_F(VectorRetrieverTest, PrefersTheRequestsVectorOfItsSpaceToAllElse) {
  const std::vector<Row> history = {0};
  const std::vector<float> given = {0, 2};
  const std::vector<float> foreign = {9, 9, 9};
  const std::vector<SpaceVector> vectors = {{"other", foreign},
                                            {"taste", given}};
  EXPECT_THAT(Retrieve({.user = 0, .history = history, .vectors = vectors}),
              ElementsAre(ScoredRow{0, 10}, ScoredRow{1, 8}));
}

TEST_F(VectorRetrieverTest, GoesOnWhenNoItemOfTheHistoryHasAVector) {
  const std::vector<Row> history = {5};
  EXPECT_THAT(Retrieve({.user = 0, .history = history}, 1),
              ElementsAre(ScoredRow{4, 5}));
}

TEST_F(VectorRetrieverTest, HasNoQueryForStrangersAndUsersWithNothing) {
  EXPECT_THAT(Retrieve({}), IsEmpty());
  EXPECT_THAT(Retrieve({.user = 2}), IsEmpty());
}

TEST_F(VectorRetrieverTest, HasNoQueryInAZeroVector) {
  const std::vector<float> zero = {0, 0};
  const std::vector<SpaceVector> vectors = {{"taste", zero}};
  EXPECT_THAT(Retrieve({.user = 0, .vectors = vectors}), IsEmpty());
}

TEST_F(VectorRetrieverTest, ProposesNothingThatIsExcluded) {
  const std::vector<Row> excluded = {1, 4, 5};
  EXPECT_THAT(Retrieve({.user = 0, .excluded = excluded}, 9),
              ElementsAre(ScoredRow{3, 4}, ScoredRow{2, 3}, ScoredRow{0, 1}));
}

TEST_F(VectorRetrieverTest, PassesTheDeadlineOn) {
  std::vector<ScoredRow> proposals;
  const auto ask =
      taste_->Retrieve({.user = 0, .deadline = SteadyTime()}, 2, &proposals);
  EXPECT_EQ(ask.status().code(), absl::StatusCode::kDeadlineExceeded);
}

TEST_F(VectorRetrieverTest, IsExactAlreadyWhereTheIndexIsFlat) {
  std::vector<ScoredRow> proposals;
  const auto ask = taste_->RetrieveExact({.user = 0}, 2, &proposals);
  EXPECT_EQ(ask.status().code(), absl::StatusCode::kUnimplemented);
}

TEST(VectorRetriever, NormalisesQueriesOfCosineSpaces) {
  SpaceBundle description{.item_count = 2, .dim = 2};
  description.items = {1, 0, 0, 1};
  description.spec.set_metric(v1::COSINE);
  const auto bundle = description.Open();
  const std::vector<float> given = {3, 4};
  const std::vector<SpaceVector> vectors = {{"space", given}};
  std::vector<ScoredRow> proposals;
  ASSERT_TRUE(Make(*bundle, "space")
                  ->Retrieve({.vectors = vectors}, 2, &proposals)
                  .ok());
  EXPECT_THAT(proposals, ElementsAre(ScoredRow{1, 0.8f}, ScoredRow{0, 0.6f}));
}

TEST(VectorRetriever, MakesNoMeanWhereTheSpaceHasNoHistoryEncoder) {
  SpaceBundle description{.item_count = 2, .dim = 2};
  description.items = {1, 0, 0, 1};
  const auto bundle = description.Open();
  const std::vector<Row> history = {0};
  std::vector<ScoredRow> proposals;
  EXPECT_EQ(
      *Make(*bundle, "space")->Retrieve({.history = history}, 2, &proposals),
      Ask::kNoQuery);
}

TEST(VectorRetriever, AnswersExactlyWhereTheIndexIsApproximate) {
  SpaceBundle description{.item_count = 1000, .dim = 8};
  description.items = RandomVectors(1000, 8, 1);
  description.spec.mutable_index()->set_kind("faiss");
  description.spec.mutable_index()->set_nprobe(1);
  description.write_index = [&](const std::filesystem::path& path) {
    return FaissSearcher::Train("IVF20,Flat", description.items, 8)
        ->Write(path);
  };
  const auto bundle = description.Open();
  const auto retriever = Make(*bundle, "space");
  const auto given = RandomVectors(1, 8, 2);
  const std::vector<SpaceVector> vectors = {{"space", given}};
  const RetrieverQuery query{.vectors = vectors};
  std::vector<ScoredRow> flat;
  ASSERT_TRUE(MakeFlatIndex(bundle->spaces()[0].items)
                  ->Search(given, 20, {}, SteadyTime::max(), &flat)
                  .ok());
  std::vector<ScoredRow> proposals;
  ASSERT_TRUE(retriever->RetrieveExact(query, 20, &proposals).ok());
  EXPECT_EQ(proposals, flat);
  ASSERT_TRUE(retriever->Retrieve(query, 20, &proposals).ok());
  EXPECT_NE(proposals, flat) << "one list of 20 cannot hold them all";
}

// The best proposal for a query; row kNoRow when there is none.
ScoredRow Best(const Bundle& bundle, const RetrieverQuery& query) {
  std::vector<ScoredRow> proposals;
  const auto ask = Make(bundle, "taste")->Retrieve(query, 1, &proposals);
  EXPECT_TRUE(ask.ok()) << ask.status();
  EXPECT_EQ(*ask == Ask::kNoQuery, proposals.empty());
  return proposals.empty() ? ScoredRow{kNoRow, 0} : proposals[0];
}

float Scaled(double sum, double weight) {
  return static_cast<float>(sum / std::sqrt(1 + weight * weight));
}

TEST(VectorRetriever, AppendsTheRequestsHistoryToTheStoredOneForATower) {
  TowerBundle description;
  description.rows["seen.rows"] = {1, 0};
  const auto bundle = description.Open();
  const std::vector<Row> history = {2};
  // Row 0 last, (1, 0), and half of row 1, (0, 1): best is row 4, (5, 1).
  const ScoredRow stored = Best(*bundle, {.user = 0});
  EXPECT_EQ(stored.row, 4);
  EXPECT_FLOAT_EQ(stored.score, Scaled(5.5, 0.5));
  // (2, 0) + (1, 0) / 2 + (0, 1) / 3.
  const ScoredRow joined = Best(*bundle, {.user = 0, .history = history});
  EXPECT_EQ(joined.row, 4);
  EXPECT_NEAR(joined.score, (12.5 + 1.0 / 3) / std::sqrt(1 + 1.0 / 4 + 1.0 / 9),
              1e-5);
  // An unknown user has only the request's history.
  EXPECT_EQ(Best(*bundle, {.history = history}), (ScoredRow{4, 10}));
  const std::vector<Row> unknown = {5};
  EXPECT_EQ(Best(*bundle, {.history = unknown}).row, kNoRow);
  EXPECT_EQ(Best(*bundle, {.user = 0, .history = unknown}), stored);
  EXPECT_EQ(Best(*bundle, {.user = 2}).row, kNoRow);
}

TEST(VectorRetriever, AStoredVectorComesBeforeTheStoredHistory) {
  TowerBundle description;
  description.manifest.mutable_spaces(0)->set_user_vectors(1);
  description.arrays["taste.users"] = {{0, 1}, 2};
  description.rows["taste.users.rows"] = {0};
  const auto bundle = description.Open();
  EXPECT_EQ(Best(*bundle, {.user = 0}), (ScoredRow{0, 5}));
  const std::vector<Row> history = {2};
  EXPECT_EQ(Best(*bundle, {.user = 0, .history = history}).row, 4);
}

TEST(VectorRetriever, AnItemCountsWithTheInterestThatItSuitsBest) {
  TowerBundle description;
  description.tower().set_interests(2);
  description.arrays["w"] = {{1, 0, 0, 0, 0, 0, 0, 1}, 2};
  description.arrays["b"] = {{0, 0, 0, 0}};
  auto& linear = description.AddLayer(v1::Layer::LINEAR);
  linear.set_weights("w.npy");
  linear.set_bias("b.npy");
  const auto bundle = description.Open();
  // Row 4 of the history is (4, 4): interests (4, 0) and (0, 4).
  const std::vector<Row> history = {4};
  const std::vector<Row> excluded = {1};
  std::vector<ScoredRow> proposals;
  ASSERT_TRUE(
      Make(*bundle, "taste")
          ->Retrieve({.history = history, .excluded = excluded}, 3, &proposals)
          .ok());
  EXPECT_THAT(proposals, ElementsAre(ScoredRow{0, 20}, ScoredRow{4, 20},
                                     ScoredRow{3, 16}));
}

TEST(VectorRetriever, RefusesATowerThatDoesNotFit) {
  TowerBundle description;
  description.AddLayer(v1::Layer::APPEND_ONE);
  const auto bundle = description.Open();
  v1::RetrieverSpec spec;
  spec.set_space("taste");
  EXPECT_EQ(VectorRetriever::Create(*bundle, spec).status().code(),
            absl::StatusCode::kInvalidArgument);
}

}  // namespace
}  // namespace tributary
