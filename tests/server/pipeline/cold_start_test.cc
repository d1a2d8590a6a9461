// Which sources can answer depends on what is known about a user. These tests
// use a real bundle and the built-in retrievers.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "google/protobuf/text_format.h"
#include "server/pipeline/pipeline.h"
#include "server/pipeline/server_config.h"
#include "tests/index/bundle/tiny_bundle.h"

namespace tributary {
namespace {

using ::testing::ElementsAre;
using ::testing::UnorderedElementsAre;

v1::ServerConfig Config() {
  v1::ServerConfig config;
  config.set_bundles("b");
  config.mutable_defaults()->set_deadline_ms(60'000);
  v1::QuotaShare* taste = config.mutable_defaults()->add_quotas();
  taste->set_retriever("taste");
  taste->set_share(0.5);
  v1::QuotaShare* popularity = config.mutable_defaults()->add_quotas();
  popularity->set_retriever("popularity");
  popularity->set_share(0.5);
  return CompleteServerConfig(config).value();
}

// The tiny bundle has items a to f; all but f have vectors (1, 5) to (5, 1).
class ColdStartTest : public testing::Test {
 protected:
  const v1::RetrieveResponse& Retrieve(const std::string& text) {
    v1::RetrieveRequest request;
    EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(text, &request));
    const absl::Status status =
        pipeline_.Retrieve(bundle_, request, SteadyTime::max(), &response_);
    EXPECT_TRUE(status.ok()) << status;
    return response_;
  }

  const Pipeline pipeline_{Config(), nullptr, nullptr, nullptr};
  const std::shared_ptr<const ServingBundle> bundle_ =
      ServingBundle::Open(
          Bundle::Open(WriteTinyBundle(MakeTestDir(), 1)).value(),
          RetrieverRegistry::BuiltIn())
          .value();
  v1::RetrieveResponse response_;
};

TEST_F(ColdStartTest, PopularityFillsTheListOfAnUnknownUser) {
  for (const char* user : {"user_id: 99", "user_key: 'nobody'", ""}) {
    Retrieve(std::string(user) + " k: 4");
    EXPECT_THAT(response_.item_keys(), ElementsAre("f", "e", "d", "c")) << user;
    EXPECT_TRUE(response_.cold_start()) << user;
    EXPECT_FALSE(response_.degraded());
    const v1::SourceReport& taste = response_.source_reports(0);
    EXPECT_EQ(taste.name(), "taste");
    EXPECT_EQ(taste.cause(), v1::NO_QUERY);
    EXPECT_EQ(taste.shortfall(), 2);
  }
}

TEST_F(ColdStartTest, AKnownUserWithoutVectorIsNoColdStart) {
  Retrieve("user_id: 30 k: 4");
  EXPECT_THAT(response_.item_keys(), ElementsAre("f", "e", "d", "c"));
  EXPECT_FALSE(response_.cold_start());
  EXPECT_EQ(response_.source_reports(0).cause(), v1::NO_QUERY);
}

TEST_F(ColdStartTest, AHistoryInTheRequestIsAQuery) {
  // After e, at (5, 1), the nearest are d, c and b. e itself is excluded.
  Retrieve(
      "k: 3 recent_item_keys: 'e' quotas { key: 'taste' value "
      "{ target: 3 } }");
  EXPECT_THAT(response_.item_keys(), ElementsAre("d", "c", "b"));
  EXPECT_FALSE(response_.cold_start());
}

TEST_F(ColdStartTest, AVectorInTheRequestIsAQuery) {
  Retrieve(
      "k: 2 vectors { key: 'taste' value { values: [ 1, 0 ] } }"
      " quotas { key: 'taste' value { target: 2 } }");
  EXPECT_THAT(response_.item_keys(), ElementsAre("e", "d"));
  EXPECT_FALSE(response_.cold_start());
}

TEST_F(ColdStartTest, AKnownUserGetsNothingSeen) {
  Retrieve("user_id: 10 k: 6");
  EXPECT_THAT(response_.item_keys(), UnorderedElementsAre("c", "d", "e", "f"));
  EXPECT_FALSE(response_.cold_start());
  Retrieve("user_id: 10 k: 6 include_seen: true");
  EXPECT_EQ(response_.item_keys_size(), 6);
}

TEST_F(ColdStartTest, ASegmentReadsItsOwnPopularity) {
  const std::string quota =
      " k: 2 quotas { key: 'popularity' value { target: 2 } }";
  EXPECT_THAT(Retrieve("user_id: 20" + quota).item_keys(),
              ElementsAre("a", "f"));
  EXPECT_THAT(Retrieve("segment: 'plan=gold'" + quota).item_keys(),
              ElementsAre("a", "f"));
  EXPECT_THAT(Retrieve("user_id: 20 segment: 'plan=?'" + quota).item_keys(),
              ElementsAre("f", "e"));
}

}  // namespace
}  // namespace tributary
