// Requests for pages, and requests with profiles, from the plan to the reply.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "google/protobuf/text_format.h"
#include "server/pipeline/pipeline.h"
#include "server/pipeline/profile_trial.h"
#include "server/pipeline/server_config.h"
#include "tests/index/bundle/tiny_bundle.h"
#include "tests/server/pipeline/scripted_retriever.h"

namespace tributary {
namespace {

using ::testing::ElementsAre;
using ::testing::ElementsAreArray;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::StartsWith;

// Popularity proposes f, e, d, c, b, a.
constexpr char kByRank[] =
    "k: 6 quotas { key: 'popularity' value { target: 0 } } ";

v1::ServerConfig Config(const std::string& text = "") {
  v1::ServerConfig config;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(
      "bundles: 'b' defaults { deadline_ms: 60000 } " + text, &config));
  return CompleteServerConfig(config).value();
}

v1::RetrieveRequest Request(const std::string& text) {
  v1::RetrieveRequest request;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(text, &request));
  return request;
}

class PagedRequestsTest : public testing::Test {
 protected:
  void SetUp() override {
    const auto opened = Bundle::Open(WriteTinyBundle(MakeTestDir(), 1));
    ASSERT_TRUE(opened.ok()) << opened.status();
    auto serving = ServingBundle::Open(*opened, RetrieverRegistry::BuiltIn());
    ASSERT_TRUE(serving.ok()) << serving.status();
    bundle_ = *std::move(serving);
  }
  absl::Status Retrieve(const Pipeline& pipeline,
                        const v1::RetrieveRequest& request,
                        RetrieveOptions options = SteadyTime::max()) {
    return pipeline.Retrieve(bundle_, request, options, &response_);
  }
  // Asks for page after page, and returns all their items.
  std::vector<std::string> AllPages(const Pipeline& pipeline,
                                    v1::RetrieveRequest request) {
    std::vector<std::string> items;
    do {
      const absl::Status status = Retrieve(pipeline, request);
      EXPECT_TRUE(status.ok()) << status;
      items.insert(items.end(), response_.item_keys().begin(),
                   response_.item_keys().end());
      request.set_page_token(response_.next_page_token());
    } while (!response_.next_page_token().empty());
    return items;
  }

  ServerMetrics metrics_;
  WorkerPool pool_{1, 4};
  Pipeline pipeline_{Config(), &pool_, &metrics_, nullptr};
  std::shared_ptr<const ServingBundle> bundle_;
  v1::RetrieveResponse response_;
};

TEST_F(PagedRequestsTest, PagesAreTheListInParts) {
  v1::RetrieveRequest request =
      Request(std::string(kByRank) +
              "view: FULL boosts { where: 'in_stock' factor: 4 }");
  ASSERT_TRUE(Retrieve(pipeline_, request).ok());
  EXPECT_EQ(response_.next_page_token(), "");
  const v1::RetrieveResponse whole = response_;
  for (const uint32_t size : {1U, 2U, 4U, 6U, 100U}) {
    request.set_page_size(size);
    EXPECT_THAT(AllPages(pipeline_, request),
                ElementsAreArray(whole.item_keys()));
  }
  // All columns are those of the page.
  request.set_page_size(2);
  request.clear_page_token();
  ASSERT_TRUE(Retrieve(pipeline_, request).ok());
  request.set_page_token(response_.next_page_token());
  ASSERT_TRUE(Retrieve(pipeline_, request).ok());
  EXPECT_THAT(response_.scores(),
              ElementsAre(whole.scores(2), whole.scores(3)));
  EXPECT_THAT(response_.factors(),
              ElementsAre(whole.factors(2), whole.factors(3)));
  EXPECT_THAT(response_.source_reports(0).ranks(),
              ElementsAre(whole.source_reports(0).ranks(2),
                          whole.source_reports(0).ranks(3)));
  EXPECT_GT(metrics_.pages_continued.value(), 0U);
}

TEST_F(PagedRequestsTest, AgesAreCountedToTheTimeOfTheFirstPage) {
  // Half-lives so short that the order of c, which has no time, would differ
  // between two calls, if ages grew between them.
  const v1::RetrieveRequest request =
      Request(std::string(kByRank) +
              "page_size: 2 decay { attribute: 'created_at' half_life_days: "
              "1e-7 floor: 0 }");
  EXPECT_EQ(AllPages(pipeline_, request).size(), 6U);
}

TEST_F(PagedRequestsTest, LaterPagesAreAnsweredAsTheFirstUnderOverload) {
  v1::RetrieveRequest request = Request(std::string(kByRank) + "page_size: 2");
  ASSERT_TRUE(Retrieve(pipeline_, request).ok());
  request.set_page_token(response_.next_page_token());
  RetrieveOptions overload = SteadyTime::max();
  overload.level = v1::LESS_EFFORT;
  ASSERT_TRUE(Retrieve(pipeline_, request, overload).ok());
  EXPECT_EQ(response_.service_level(), v1::FULL_SERVICE);
  EXPECT_THAT(response_.item_keys(), ElementsAre("d", "c"));
}

TEST_F(PagedRequestsTest, AListThatChangedAborts) {
  Script script = {.rows = {0, 1, 2, 3, 4, 5}};
  bundle_ = ServeScripted({{"popularity", script}});
  v1::RetrieveRequest request =
      Request("k: 6 page_size: 2 quotas { key: 'popularity' value {} }");
  ASSERT_TRUE(Retrieve(pipeline_, request).ok());
  request.set_page_token(response_.next_page_token());
  std::swap(script.rows[0], script.rows[1]);
  bundle_ = ServeScripted({{"popularity", script}});
  const absl::Status status = Retrieve(pipeline_, request);
  EXPECT_EQ(status.code(), absl::StatusCode::kAborted) << status;
}

TEST_F(PagedRequestsTest, AProfileAppliesByName) {
  const Pipeline pipeline(
      Config("profiles { name: 'stock' where: 'in_stock' k: 2 }"), &pool_,
      &metrics_, nullptr);
  const std::string quota = "quotas { key: 'popularity' value { target: 0 } } ";
  ASSERT_TRUE(Retrieve(pipeline, Request(quota + "profile: 'stock'")).ok());
  EXPECT_THAT(response_.item_keys(), ElementsAre("e", "c"));
  EXPECT_EQ(response_.profile(), "stock");
  // What the request says goes before, but filters add up.
  ASSERT_TRUE(Retrieve(pipeline, Request(quota + "profile: 'stock' k: 6 filter "
                                                 "{ where: 'brand = acme' }"))
                  .ok());
  EXPECT_THAT(response_.item_keys(), ElementsAre("c", "a"));
  ASSERT_TRUE(Retrieve(pipeline, Request(kByRank)).ok());
  EXPECT_EQ(response_.item_keys_size(), 6);
  EXPECT_EQ(response_.profile(), "");
  EXPECT_THAT(metrics_.Text(),
              HasSubstr("tributary_answer_seconds_count{label=\"stable\","
                        "profile=\"stock\"} 2"));
}

TEST_F(PagedRequestsTest, LaterPagesHaveTheProfileOfTheFirst) {
  const Pipeline by_share(
      Config("profiles { name: 'stock' where: 'in_stock' share: 1 }"), &pool_,
      nullptr, nullptr);
  const Pipeline without_share(
      Config("profiles { name: 'stock' where: 'in_stock' share: 0 }"), &pool_,
      nullptr, nullptr);
  v1::RetrieveRequest request = Request(
      std::string(kByRank) + "user_id: 77 include_seen: true page_size: 2");
  ASSERT_TRUE(Retrieve(by_share, request).ok());
  EXPECT_EQ(response_.profile(), "stock");
  EXPECT_THAT(response_.item_keys(), ElementsAre("e", "c"));
  request.set_page_token(response_.next_page_token());
  ASSERT_TRUE(Retrieve(without_share, request).ok());
  EXPECT_EQ(response_.profile(), "stock");
  EXPECT_THAT(response_.item_keys(), ElementsAre("a"));

  request.clear_page_token();
  ASSERT_TRUE(Retrieve(without_share, request).ok());
  request.set_page_token(response_.next_page_token());
  ASSERT_TRUE(Retrieve(by_share, request).ok());
  EXPECT_EQ(response_.profile(), "");
  EXPECT_THAT(response_.item_keys(), ElementsAre("d", "c"));
}

TEST_F(PagedRequestsTest, AProfileThatTheBundleCannotAnswerSaysSo) {
  const v1::ServerConfig config = Config(
      "profiles { name: 'good' } profiles { name: 'bad' boosts { where: "
      "'prize < 3' factor: 2 } }");
  const Pipeline pipeline(config, &pool_, nullptr, nullptr);
  const absl::Status status = Retrieve(pipeline, Request("profile: 'bad'"));
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(status.message()), StartsWith("boosts[0].where: "));
  EXPECT_THAT(std::string(status.message()),
              EndsWith("(with the profile \"bad\")"));

  const std::vector<UnusableProfile> unusable = TryProfiles(config, *bundle_);
  ASSERT_EQ(unusable.size(), 1U);
  EXPECT_EQ(unusable[0].name, "bad");
  EXPECT_THAT(unusable[0].error, StartsWith("boosts[0].where: "));
}

}  // namespace
}  // namespace tributary
