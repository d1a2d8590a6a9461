#include "server/retrieval/popularity_retriever.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "google/protobuf/text_format.h"
#include "index/bundle/bundle_writer.h"
#include "tests/index/bundle/tiny_bundle.h"

namespace tributary {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

// The tiny bundle's lists: "all" is rows 5 to 0 with scores 6 to 1; that of
// segment 1, "plan=gold", is rows 0 and 5 with scores 9 and 8.
class PopularityRetrieverTest : public testing::Test {
 protected:
  std::vector<ScoredRow> Retrieve(const RetrieverQuery& query, uint32_t n,
                                  bool by_segment = true) {
    v1::RetrieverSpec spec;
    spec.add_lists("all");
    spec.set_by_segment(by_segment);
    const auto retriever = PopularityRetriever::Create(*bundle_, spec);
    EXPECT_TRUE(retriever.ok()) << retriever.status();
    std::vector<ScoredRow> proposals = {{77, 77}};
    const auto ask = (*retriever)->Retrieve(query, n, &proposals);
    EXPECT_TRUE(ask.ok()) << ask.status();
    EXPECT_EQ(*ask, Ask::kAnswered);
    return proposals;
  }

  std::shared_ptr<const Bundle> bundle_ =
      *Bundle::Open(WriteTinyBundle(MakeTestDir(), 1));
};

TEST_F(PopularityRetrieverTest, ProposesTheListInItsOrder) {
  EXPECT_THAT(Retrieve({}, 3),
              ElementsAre(ScoredRow{5, 6}, ScoredRow{4, 5}, ScoredRow{3, 4}));
  EXPECT_THAT(Retrieve({}, 0), IsEmpty());
}

TEST_F(PopularityRetrieverTest, PassesOverExcludedItems) {
  const std::vector<Row> excluded = {1, 4, 5};
  EXPECT_THAT(Retrieve({.excluded = excluded}, 10),
              ElementsAre(ScoredRow{3, 4}, ScoredRow{2, 3}, ScoredRow{0, 1}));
  // The next request is not affected.
  EXPECT_THAT(Retrieve({}, 1), ElementsAre(ScoredRow{5, 6}));
}

TEST_F(PopularityRetrieverTest, ReadsTheSegmentsListFirstAndNothingTwice) {
  EXPECT_THAT(Retrieve({.segment = 1}, 4),
              ElementsAre(ScoredRow{0, 9}, ScoredRow{5, 8}, ScoredRow{4, 5},
                          ScoredRow{3, 4}));
  // A segment that has no list.
  EXPECT_THAT(Retrieve({.segment = 2}, 1), ElementsAre(ScoredRow{5, 6}));
}

TEST_F(PopularityRetrieverTest, IgnoresSegmentsUnlessItsSpecSaysSo) {
  EXPECT_THAT(Retrieve({.segment = 1}, 1, /*by_segment=*/false),
              ElementsAre(ScoredRow{5, 6}));
}

TEST(PopularityRetriever, LowersScoresWhereListsMeet) {
  const std::vector<uint64_t> keys = {1, 2, 3};
  const std::vector<Row> day = {0}, ever = {2, 0, 1};
  const std::vector<float> day_scores = {7}, ever_scores = {90, 80, 5};
  auto writer = BundleWriter::Create(MakeTestDir(), 1);
  ASSERT_TRUE(writer.ok()) << writer.status();
  ASSERT_TRUE(writer->AddKeys("items", {v1::UINT64, keys, {}}).ok());
  ASSERT_TRUE(writer->AddArray<Row>("popularity.day.npy", day).ok());
  ASSERT_TRUE(
      writer->AddArray<float>("popularity.day.scores.npy", day_scores).ok());
  ASSERT_TRUE(writer->AddArray<Row>("popularity.ever.npy", ever).ok());
  ASSERT_TRUE(
      writer->AddArray<float>("popularity.ever.scores.npy", ever_scores).ok());
  v1::Manifest manifest;
  ASSERT_TRUE(google::protobuf::TextFormat::ParseFromString(
      R"pb(items { kind: UINT64 count: 3 }
           popularity { name: "day" count: 1 }
           popularity { name: "ever" count: 3 }
           retrievers {
             name: "p"
             kind: "popularity"
             lists: [ "day", "ever" ]
           })pb",
      &manifest));
  const auto bundle = Bundle::Open(*writer->Finish(manifest));
  ASSERT_TRUE(bundle.ok()) << bundle.status();
  const auto retriever = PopularityRetriever::Create(
      **bundle, (*bundle)->manifest().retrievers(0));
  std::vector<ScoredRow> proposals;
  ASSERT_TRUE((*retriever)->Retrieve({}, 9, &proposals).ok());
  EXPECT_THAT(proposals,
              ElementsAre(ScoredRow{0, 7}, ScoredRow{2, 7}, ScoredRow{1, 5}));
}

}  // namespace
}  // namespace tributary
