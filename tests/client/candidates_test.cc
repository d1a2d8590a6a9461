#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <utility>

#include "client/retrieval_client.h"
#include "google/protobuf/text_format.h"

namespace tributary {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

v1::RetrieveResponse Parse(const char* text) {
  v1::RetrieveResponse response;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(text, &response));
  return response;
}

constexpr char kTwoSources[] = R"pb(
  item_keys: [ "x", "y", "z" ]
  scores: [ 3, 2, 1 ]
  sources: [ 1, 3, 2 ]
  source_reports { name: "behavior" }
  source_reports { name: "popularity" }
)pb";

TEST(Candidates, TurnsColumnsIntoRows) {
  const auto response = Parse(kTwoSources);
  const auto candidates = Candidates(response);
  ASSERT_TRUE(candidates.ok()) << candidates.status();
  ASSERT_THAT(*candidates, SizeIs(3));
  EXPECT_EQ((*candidates)[0].key, "x");
  EXPECT_EQ((*candidates)[0].score, 3);
  ASSERT_THAT((*candidates)[0].proposals, SizeIs(1));
  EXPECT_EQ((*candidates)[0].proposals[0].source, "behavior");
  EXPECT_EQ((*candidates)[0].proposals[0].rank, 0);
  ASSERT_THAT((*candidates)[1].proposals, SizeIs(2));
  EXPECT_EQ((*candidates)[1].proposals[1].source, "popularity");
  EXPECT_EQ((*candidates)[2].key, "z");
  ASSERT_THAT((*candidates)[2].proposals, SizeIs(1));
  EXPECT_EQ((*candidates)[2].proposals[0].source, "popularity");
}

TEST(Candidates, GivesIntegerKeysAsNumberAndText) {
  const auto response =
      Parse(R"pb(
        item_ids: 18446744073709551615 scores: 1 sources: 0
      )pb");
  const auto candidates = Candidates(response);
  ASSERT_TRUE(candidates.ok()) << candidates.status();
  EXPECT_EQ((*candidates)[0].id, 18446744073709551615u);
  EXPECT_EQ((*candidates)[0].key, "18446744073709551615");
  EXPECT_THAT((*candidates)[0].proposals, IsEmpty());
}

TEST(Candidates, GivesRanksAndRawScoresOfAFullView) {
  const auto response = Parse(R"pb(
    item_ids: [ 5, 6 ]
    scores: [ 2, 1 ]
    sources: [ 2, 1 ]
    source_reports {
      name: "a"
      ranks: [ 0, 4 ]
      raw_scores: [ 0, 0.5 ]
    }
    source_reports {
      name: "b"
      ranks: [ 1, 0 ]
      raw_scores: [ 9, 0 ]
    }
  )pb");
  const auto candidates = Candidates(response);
  ASSERT_TRUE(candidates.ok()) << candidates.status();
  EXPECT_EQ((*candidates)[0].proposals[0].rank, 1);
  EXPECT_EQ((*candidates)[0].proposals[0].raw_score, 9);
  EXPECT_EQ((*candidates)[1].proposals[0].rank, 4);
  EXPECT_EQ((*candidates)[1].proposals[0].raw_score, 0.5);
}

TEST(Candidates, GivesFactors) {
  auto response = Parse(R"pb(
    item_ids: [ 5, 6 ]
    scores: [ 2, 1 ]
    sources: [ 0, 0 ]
    factors: [ 4, 0.5 ]
  )pb");
  const auto candidates = Candidates(response);
  ASSERT_TRUE(candidates.ok()) << candidates.status();
  EXPECT_EQ((*candidates)[0].factor, 4);
  EXPECT_EQ((*candidates)[1].factor, 0.5);
  response.clear_factors();
  EXPECT_EQ((*Candidates(response))[1].factor, 1);
}

TEST(Candidates, KnowsAllThirtyTwoSources) {
  v1::RetrieveResponse response =
      Parse(R"pb(
        item_ids: 5 scores: 2 sources: 0x80000000
      )pb");
  for (int i = 0; i < 32; ++i) {
    response.add_source_reports()->set_name(std::to_string(i));
  }
  const auto candidates = Candidates(response);
  ASSERT_TRUE(candidates.ok()) << candidates.status();
  ASSERT_THAT((*candidates)[0].proposals, SizeIs(1));
  EXPECT_EQ((*candidates)[0].proposals[0].source, "31");
}

TEST(Candidates, AreEmptyForAnEmptyResponse) {
  const v1::RetrieveResponse response;
  const auto candidates = Candidates(response);
  ASSERT_TRUE(candidates.ok()) << candidates.status();
  EXPECT_THAT(*candidates, IsEmpty());
}

// They would view a response that no longer exists.
template <typename Response>
constexpr bool kHasCandidates = requires(Response response) {
  Candidates(std::forward<Response>(response));
};
static_assert(kHasCandidates<const v1::RetrieveResponse&>);
static_assert(!kHasCandidates<v1::RetrieveResponse>);
static_assert(!kHasCandidates<const v1::RetrieveResponse>);

TEST(Candidates, ReportsDataLossWhenColumnsDisagree) {
  const auto expect_error = [](const v1::RetrieveResponse& response,
                               const char* column) {
    const auto status = Candidates(response).status();
    EXPECT_TRUE(absl::IsDataLoss(status)) << status;
    EXPECT_THAT(std::string(status.message()), HasSubstr(column));
  };
  auto response = Parse(kTwoSources);
  response.mutable_item_keys()->RemoveLast();
  expect_error(response, "item_keys");
  response = Parse(kTwoSources);
  response.add_item_ids(1);
  expect_error(response, "item_ids");
  response = Parse(kTwoSources);
  response.mutable_sources()->RemoveLast();
  expect_error(response, "sources");
  response = Parse(kTwoSources);
  response.add_factors(1);
  expect_error(response, "factors");
  response = Parse(kTwoSources);
  response.mutable_source_reports(1)->add_ranks(1);
  expect_error(response, "ranks");
  response = Parse(kTwoSources);
  response.set_sources(2, 4);
  expect_error(response, "sources[2]");
}

}  // namespace
}  // namespace tributary
