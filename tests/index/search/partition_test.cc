#include "index/search/partition.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "index/search/nearest.h"
#include "tests/index/search/sample_vectors.h"
#include "tests/index/search/space_bundle.h"

namespace tributary {
namespace {

using ::testing::AllOf;
using ::testing::Each;
using ::testing::HasSubstr;
using ::testing::Lt;
using ::testing::SizeIs;

Partition Divide(const std::vector<float>& values, uint32_t dim, uint32_t lists,
                 uint32_t threads = 1) {
  auto partition = DivideIntoLists(values, dim, lists, threads);
  EXPECT_TRUE(partition.ok()) << partition.status();
  return *std::move(partition);
}

double MeanSquareDistance(const std::vector<float>& values, uint32_t dim,
                          const Partition& partition) {
  double sum = 0;
  for (size_t i = 0; i < values.size(); ++i) {
    const double off =
        double{values[i]} -
        partition.centroids[partition.list_of[i / dim] * dim + i % dim];
    sum += off * off;
  }
  return sum / static_cast<double>(partition.list_of.size());
}

TEST(DivideIntoLists, PutsEveryVectorIntoTheListOfItsNearestCentroid) {
  const auto values = RandomVectors(3000, 5, 1);
  const Partition partition = Divide(values, 5, 40);
  ASSERT_THAT(partition.centroids, SizeIs(40 * 5));
  std::vector<uint32_t> nearest(3000);
  FindNearest(values, partition.centroids, 5, 1, nearest.data());
  EXPECT_EQ(partition.list_of, nearest);
}

TEST(DivideIntoLists, FindsClustersThatLieApart) {
  // Twenty clusters, each around ten times its number on the first axis.
  auto values = RandomVectors(2000, 4, 1);
  for (size_t i = 0; i < 2000; ++i) {
    values[i * 4] = values[i * 4] * 0.01f + static_cast<float>(i % 20 * 10);
  }
  const Partition partition = Divide(values, 4, 20);
  // The variance is 3 within clusters and 3300 in all. A list that holds two
  // clusters would add 25 for those.
  EXPECT_LT(MeanSquareDistance(values, 4, partition), 20);
}

TEST(DivideIntoLists, IsTheSameForAnyNumberOfThreads) {
  const auto values = MixtureVectors(5000, 16, 30, 1);
  const Partition one = Divide(values, 16, 50, 1);
  for (const uint32_t threads : {2, 3}) {
    const Partition more = Divide(values, 16, 50, threads);
    EXPECT_EQ(more.centroids, one.centroids);
    EXPECT_EQ(more.list_of, one.list_of);
  }
}

TEST(DivideIntoLists, GivesEachVectorAListOfItsOwnIfThereAreAsMany) {
  const auto values = RandomVectors(100, 8, 1);
  const Partition partition = Divide(values, 8, 100);
  EXPECT_THAT(
      std::set<uint32_t>(partition.list_of.begin(), partition.list_of.end()),
      SizeIs(100));
  EXPECT_LT(MeanSquareDistance(values, 8, partition), 1e-12);
}

TEST(DivideIntoLists, TakesVectorsThatAreEqualOrZero) {
  for (const float value : {0.0f, 2.5f}) {
    const std::vector<float> values(300 * 4, value);
    const Partition partition = Divide(values, 4, 10);
    EXPECT_THAT(partition.list_of, Each(Lt(10)));
    EXPECT_LT(MeanSquareDistance(values, 4, partition), 1e-4);
  }
}

TEST(DivideIntoLists, SplitsTheLargestListForOneThatIsEmpty) {
  // Every tenth vector is zero, and all centroids begin there.
  auto values = RandomVectors(1000, 2, 1);
  for (size_t i = 0; i < 1000; i += 10) values[2 * i] = values[2 * i + 1] = 0;
  const Partition partition = Divide(values, 2, 100);
  // With a single list it would be about 2.
  EXPECT_LT(MeanSquareDistance(values, 2, partition), 0.1);
}

TEST(DivideIntoLists, OfOneVectorIsThatVector) {
  const Partition partition = Divide({1, 2, 3}, 3, 1);
  EXPECT_EQ(partition.centroids, (std::vector<float>{1, 2, 3}));
  EXPECT_EQ(partition.list_of, std::vector<uint32_t>{0});
}

TEST(DivideIntoLists, RefusesMoreListsThanVectorsAndNone) {
  for (const uint32_t lists : {0, 6}) {
    const auto partition = DivideIntoLists(RandomVectors(5, 2, 1), 2, lists, 1);
    EXPECT_EQ(partition.status().code(), absl::StatusCode::kInvalidArgument);
    EXPECT_THAT(std::string(partition.status().message()),
                AllOf(HasSubstr("5 vectors"),
                      HasSubstr(std::to_string(lists) + " lists")));
  }
}

}  // namespace
}  // namespace tributary
