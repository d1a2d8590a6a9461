// Items as the query: what a vector retriever, neighbours and categories make
// of liked and unliked items and of weights of recent ones.
#include "server/retrieval/liked_items.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "index/search/faiss_searcher.h"
#include "server/retrieval/category_retriever.h"
#include "server/retrieval/neighbor_retriever.h"
#include "server/retrieval/vector_retriever.h"
#include "tests/index/bundle/tiny_bundle.h"
#include "tests/index/search/space_bundle.h"
#include "tests/index/tower/tower_bundle.h"

namespace tributary {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Pointwise;

using Weighted = std::vector<WeightedRow>;

std::unique_ptr<Retriever> MakeVector(const Bundle& bundle,
                                      const std::string& space) {
  v1::RetrieverSpec spec;
  spec.set_space(space);
  auto retriever = VectorRetriever::Create(bundle, spec);
  EXPECT_TRUE(retriever.ok()) << retriever.status();
  return *std::move(retriever);
}

// The proposals; none stands for kNoQuery.
std::vector<ScoredRow> Propose(const Retriever& retriever,
                               const RetrieverQuery& query, uint32_t n = 6) {
  std::vector<ScoredRow> proposals = {{77, 77}};
  const auto ask = retriever.Retrieve(query, n, &proposals);
  EXPECT_TRUE(ask.ok()) << ask.status();
  EXPECT_EQ(*ask, proposals.empty() ? Ask::kNoQuery : Ask::kAnswered);
  return proposals;
}

// The products of the space's vectors with a vector, best first.
std::vector<ScoredRow> Products(const EmbeddingSpace& space,
                                const std::vector<double>& vector) {
  std::vector<ScoredRow> products;
  std::vector<float> item(space.items.dim());
  for (uint64_t i = 0; i < space.items.size(); ++i) {
    space.items.Read(i, item);
    double product = 0;
    for (size_t d = 0; d < item.size(); ++d) product += vector[d] * item[d];
    products.push_back({space.items.row(i), static_cast<float>(product)});
  }
  std::sort(products.begin(), products.end(), Better);
  return products;
}

MATCHER(IsNearly, "") {
  const auto& [a, b] = arg;
  return a.row == b.row && std::abs(a.score - b.score) < 1e-5;
}

// The tiny bundle: see VectorRetrieverTest. Row 5 has no vector.
class LikedItemsTest : public testing::Test {
 protected:
  std::vector<ScoredRow> Retrieve(const RetrieverQuery& query) {
    return Propose(*taste_, query);
  }
  std::vector<ScoredRow> Expected(double x, double y) {
    return Products(bundle_->spaces()[0], {x, y});
  }

  std::shared_ptr<const Bundle> bundle_ =
      *Bundle::Open(WriteTinyBundle(MakeTestDir(), 1));
  std::unique_ptr<Retriever> taste_ = MakeVector(*bundle_, "taste");
};

TEST_F(LikedItemsTest, WithoutAUserTheSumIsTheQuery) {
  // (1, 5) and (5, 1), each 1 long, the second one three times.
  const double length = std::sqrt(26);
  const Weighted liked = {{0, 1}, {4, 3}, {5, 100}};
  EXPECT_THAT(Retrieve({.liked = liked}),
              Pointwise(IsNearly(), Expected(16 / length, 8 / length)));
}

TEST_F(LikedItemsTest, UnlikedItemsAreSubtracted) {
  const double length = std::sqrt(26);
  const Weighted liked = {{0, 2}};
  const Weighted unliked = {{4, .5}};
  EXPECT_THAT(Retrieve({.liked = liked, .unliked = unliked}),
              Pointwise(IsNearly(), Expected(-.5 / length, 9.5 / length)));
  EXPECT_THAT(Retrieve({.unliked = unliked}),
              Pointwise(IsNearly(), Expected(-2.5 / length, -.5 / length)));
}

TEST_F(LikedItemsTest, AUsersVectorCountsOne) {
  // User 0 has (1, 0); the history of row 2 is (3, 3).
  const double length = std::sqrt(26);
  const Weighted liked = {{0, 2}};
  EXPECT_THAT(Retrieve({.user = 0, .liked = liked}),
              Pointwise(IsNearly(), Expected(1 + 2 / length, 10 / length)));
  const std::vector<Row> history = {2};
  const double half = std::sqrt(.5);
  EXPECT_THAT(
      Retrieve({.user = 0, .history = history, .liked = liked}),
      Pointwise(IsNearly(), Expected(half + 2 / length, half + 10 / length)));
}

TEST_F(LikedItemsTest, ARequestsVectorCountsOneAndKeepsItsWeight) {
  const double length = std::sqrt(26);
  const Weighted liked = {{0, 1}};
  const std::vector<float> values = {30, 40};
  const std::vector<SpaceVector> vectors = {{"taste", values, 2}};
  EXPECT_THAT(Retrieve({.liked = liked, .vectors = vectors}),
              Pointwise(IsNearly(), Expected(2 * (.6 + 1 / length),
                                             2 * (.8 + 5 / length))));
}

TEST_F(LikedItemsTest, ItemsWithoutAVectorChangeNothing) {
  const Weighted without = {{5, 7}};
  EXPECT_THAT(Retrieve({.liked = without}), IsEmpty());
  EXPECT_EQ(Retrieve({.user = 0, .liked = without, .unliked = without}),
            Retrieve({.user = 0}));
}

TEST_F(LikedItemsTest, ASumOfZerosIsNoQuery) {
  const Weighted some = {{0, 1.1F}, {3, .3F}};
  EXPECT_THAT(Retrieve({.liked = some, .unliked = some}), IsEmpty());
  // The direction of (1, 5), but for the rounding of floats.
  const std::vector<float> values = {.1F, .5F};
  const std::vector<SpaceVector> vectors = {{"taste", values}};
  const Weighted same = {{0, 1}};
  EXPECT_THAT(Retrieve({.unliked = same, .vectors = vectors}), IsEmpty());
}

TEST(LikedItems, WhereAQueryIsZeroTheSumAloneIsSearchedFor) {
  SpaceBundle description{.item_count = 2, .dim = 2};
  description.items = {1, 0, 0, 1};
  const auto bundle = description.Open();
  const auto retriever = MakeVector(*bundle, "space");
  const std::vector<float> zero = {0, 0};
  const std::vector<SpaceVector> vectors = {{"space", zero}};
  const Weighted liked = {{1, 3}};
  EXPECT_THAT(Propose(*retriever, {.liked = liked, .vectors = vectors}),
              ElementsAre(ScoredRow{1, 3}, ScoredRow{0, 0}));
}

TEST(LikedItems, ACosineSpaceNormalisesTheSum) {
  SpaceBundle description{.item_count = 2, .dim = 2};
  description.items = {1, 0, 0, 1};
  description.spec.set_metric(v1::COSINE);
  const auto bundle = description.Open();
  const Weighted liked = {{0, 3}, {1, 4}};
  EXPECT_THAT(Propose(*MakeVector(*bundle, "space"), {.liked = liked}),
              ElementsAre(ScoredRow{1, 0.8F}, ScoredRow{0, 0.6F}));
}

TEST(LikedItems, AreAddedToEachInterestOfATower) {
  TowerBundle description;
  description.tower().set_interests(2);
  description.arrays["w"] = {{1, 0, 0, 0, 0, 0, 0, 1}, 2};
  description.arrays["b"] = {{0, 0, 0, 0}};
  auto& linear = description.AddLayer(v1::Layer::LINEAR);
  linear.set_weights("w.npy");
  linear.set_bias("b.npy");
  const auto bundle = description.Open();
  const auto taste = MakeVector(*bundle, "taste");
  // Row 4 of the history is (4, 4): interests (4, 0) and (0, 4), or (1, 0) and
  // (0, 1). Row 2 is (3, 3).
  const std::vector<Row> history = {4};
  const Weighted liked = {{2, 1}};
  const double half = std::sqrt(.5);
  const auto first = Products(bundle->spaces()[0], {1 + half, half});
  const auto proposals = Propose(*taste, {.history = history, .liked = liked});
  EXPECT_EQ(proposals[0].row, 0);
  EXPECT_EQ(proposals[1].row, 4);
  EXPECT_NEAR(proposals[1].score, first[0].score, 1e-5);
  // Without user and history there is the sum alone.
  EXPECT_THAT(
      Propose(*taste, {.liked = liked}),
      Pointwise(IsNearly(), Products(bundle->spaces()[0], {half, half})));
}

TEST(LikedItems, ATowerIsGivenItemsOfAWeightAboveZero) {
  TowerBundle description;
  description.rows["seen.rows"] = {1, 0};
  const auto bundle = description.Open();
  const auto taste = MakeVector(*bundle, "taste");
  const std::vector<Row> all = {2, 3};
  const std::vector<float> weights = {.1F, 0};
  const std::vector<Row> counting = {2};
  EXPECT_EQ(
      Propose(*taste, {.user = 0, .history = all, .history_weights = weights}),
      Propose(*taste, {.user = 0, .history = counting}));
  // A stored item with a weight of 0 does not count either.
  const std::vector<Row> stored = {2, 0};
  const std::vector<Row> left = {1, 2};
  EXPECT_EQ(Propose(*taste,
                    {.user = 0, .history = stored, .history_weights = weights}),
            Propose(*taste, {.history = left}));
}

TEST_F(LikedItemsTest, AMeanIsWeighted) {
  const std::vector<Row> history = {0, 4, 5};
  const std::vector<float> weights = {3, 1, 7};
  // (3 (1, 5) + (5, 1)) / 4.
  EXPECT_THAT(Retrieve({.history = history, .history_weights = weights}),
              Pointwise(IsNearly(), Expected(2, 4)));
  const std::vector<float> one = {0, 1000, 0};
  EXPECT_THAT(Retrieve({.history = history, .history_weights = one}),
              Pointwise(IsNearly(), Expected(5, 1)));
  // Without a weight there is no history.
  const std::vector<float> none = {0, 0, 0};
  EXPECT_THAT(Retrieve({.history = history, .history_weights = none}),
              IsEmpty());
  EXPECT_EQ(Retrieve({.user = 0, .history = history, .history_weights = none}),
            Retrieve({.user = 0}));
}

// Sources that go by a history.
class LikedHistoryTest : public LikedItemsTest {
 protected:
  static v1::RetrieverSpec Spec() {
    v1::RetrieverSpec spec;
    spec.set_table("joint");
    spec.set_decay(1);
    spec.set_max_history(10);
    return spec;
  }
  std::vector<ScoredRow> Neighbors(const RetrieverQuery& query) {
    return Propose(**NeighborRetriever::Create(*bundle_, Spec()), query);
  }
  std::vector<ScoredRow> Categories(const RetrieverQuery& query) {
    return Propose(**CategoryRetriever::Create(*bundle_, Spec()), query);
  }
};

TEST_F(LikedHistoryTest, ALikedItemIsTheNewestRecentOne) {
  const std::vector<Row> recent = {4};
  const std::vector<Row> both = {4, 2};
  const Weighted liked = {{2, 1}};
  for (const Row user : {Row{0}, kNoRow}) {
    const RetrieverQuery as_liked = {
        .user = user, .history = recent, .liked = liked};
    const RetrieverQuery as_recent = {.user = user, .history = both};
    EXPECT_EQ(Neighbors(as_liked), Neighbors(as_recent));
    EXPECT_EQ(Categories(as_liked), Categories(as_recent));
  }
  EXPECT_EQ(Neighbors({.unliked = liked}), std::vector<ScoredRow>());
}

TEST_F(LikedHistoryTest, WeightsMultiply) {
  // e: f 2; b: a 1, c .5, d .25. b is the newer one.
  const std::vector<Row> recent = {4};
  const std::vector<float> weights = {.5F};
  const Weighted liked = {{1, 4}};
  EXPECT_THAT(
      Neighbors(
          {.history = recent, .history_weights = weights, .liked = liked}),
      ElementsAre(ScoredRow{0, 4}, ScoredRow{2, 2}, ScoredRow{3, 1},
                  ScoredRow{5, .5F}));
  const std::vector<float> zero = {0};
  EXPECT_THAT(Neighbors({.history = recent, .history_weights = zero}),
              IsEmpty());
  EXPECT_THAT(Categories({.history = recent, .history_weights = zero}),
              IsEmpty());
}

TEST_F(LikedHistoryTest, WeightsShareOutCategories) {
  // Shares of the categories are those of the weights: an item that counts
  // three times is like three items without decay.
  v1::RetrieverSpec spec = Spec();
  spec.set_decay(0);
  const auto retriever = *CategoryRetriever::Create(*bundle_, spec);
  std::vector<Row> of_one, of_another;
  for (Row row = 0; row < 6; ++row) {
    const auto categories = bundle_->Categories(row);
    if (categories.size() != 1) continue;
    (categories[0] == 1 ? of_one : of_another).push_back(row);
  }
  ASSERT_GE(of_one.size(), 1);
  ASSERT_GE(of_another.size(), 1);
  const std::vector<Row> history = {of_one[0], of_another[0]};
  const auto score_of = [&](float first, float second) {
    const std::vector<float> weights = {first, second};
    std::vector<float> scores(6);
    for (const ScoredRow& proposal : Propose(
             *retriever, {.history = history, .history_weights = weights})) {
      scores[proposal.row] = proposal.score;
    }
    return scores;
  };
  // a is in the list of the first category only, with .5.
  EXPECT_FLOAT_EQ(score_of(1, 1)[0], .25F);
  EXPECT_FLOAT_EQ(score_of(3, 1)[0], .375F);
  EXPECT_FLOAT_EQ(score_of(0, 1)[0], 0);
  EXPECT_FLOAT_EQ(score_of(500, 0)[0], .5F);
}

// Several vectors of a space, against the definition: an item's score is the
// best of weight times product. Of a space with an approximate index, it is
// RetrieveExact that must agree.
TEST(SeveralVectors, TheListIsThatOfTheBestScoreOfEachItem) {
  constexpr uint32_t kDim = 6;
  constexpr uint64_t kItems = 300;
  for (const v1::Metric metric : {v1::INNER_PRODUCT, v1::COSINE}) {
    SpaceBundle description{.item_count = kItems, .dim = kDim};
    description.items = RandomVectors(kItems, kDim, 5);
    if (metric == v1::COSINE) {
      for (uint64_t i = 0; i < kItems; ++i) {
        float* const item = &description.items[i * kDim];
        double square = 0;
        for (uint32_t d = 0; d < kDim; ++d) square += item[d] * item[d];
        for (uint32_t d = 0; d < kDim; ++d) {
          item[d] = static_cast<float>(item[d] / std::sqrt(square));
        }
      }
    }
    description.spec.set_metric(metric);
    const bool is_approximate = metric == v1::INNER_PRODUCT;
    if (is_approximate) {
      description.spec.mutable_index()->set_kind("faiss");
      description.spec.mutable_index()->set_nprobe(1);
      description.write_index = [&](const std::filesystem::path& path) {
        return FaissSearcher::Train("IVF10,Flat", description.items, kDim)
            ->Write(path);
      };
    }
    const auto bundle = description.Open();
    const auto retriever = MakeVector(*bundle, "space");
    for (uint32_t round = 0; round < 40; ++round) {
      const size_t count = 1 + round % 5;
      const auto given = RandomVectors(count, kDim, 100 + round);
      std::vector<SpaceVector> vectors;
      std::vector<float> best(kItems, -std::numeric_limits<float>::infinity());
      for (size_t v = 0; v < count; ++v) {
        const auto weight = static_cast<float>(1 << (round + v) % 4);
        const std::span<const float> values(&given[v * kDim], kDim);
        vectors.push_back({"space", values, weight});
        double length = 1;
        if (metric == v1::COSINE) {
          double square = 0;
          for (const double x : values) square += x * x;
          length = std::sqrt(square);
        }
        for (const ScoredRow& product :
             Products(bundle->spaces()[0], {values.begin(), values.end()})) {
          best[product.row] =
              std::max(best[product.row],
                       static_cast<float>(weight * product.score / length));
        }
      }
      std::vector<ScoredRow> expected;
      const std::vector<Row> excluded = {3, 77};
      for (Row row = 0; row < kItems; ++row) {
        if (row != 3 && row != 77) expected.push_back({row, best[row]});
      }
      std::sort(expected.begin(), expected.end(), Better);
      const uint32_t n = 1 + round * 3;
      expected.resize(n);
      const RetrieverQuery query = {.vectors = vectors, .excluded = excluded};
      std::vector<ScoredRow> found;
      if (is_approximate) {
        ASSERT_TRUE(retriever->RetrieveExact(query, n, &found).ok());
      } else {
        found = Propose(*retriever, query, n);
      }
      ASSERT_EQ(found.size(), n);
      for (size_t i = 0; i < n; ++i) {
        ASSERT_EQ(found[i].row, expected[i].row) << round << " at " << i;
        ASSERT_NEAR(found[i].score, expected[i].score, 1e-4);
      }
    }
  }
}

}  // namespace
}  // namespace tributary
