// Requests with user_features, from the check to the reply, on a bundle whose
// tower takes a city and an age. Expected scores come from the bundle's own
// computation.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <memory>
#include <string>
#include <vector>

#include "fmt/core.h"
#include "google/protobuf/text_format.h"
#include "google/rpc/error_details.pb.h"
#include "server/pipeline/owned_query.h"
#include "server/pipeline/pipeline.h"
#include "server/pipeline/server_config.h"
#include "server/pipeline/violations.h"
#include "tests/index/tower/feature_tower_bundle.h"

namespace tributary {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr char kParis[] =
    "user_features { key: 'city' value { categories: 'paris' } } ";
constexpr char kAtlantis[] =
    "user_features { key: 'city' value { categories: 'atlantis' } } ";

// Items 0 to 4 have the vectors (1, 5), (2, 4), (3, 3), (4, 2), (5, 1).
class UserFeaturesTest : public testing::Test {
 protected:
  static std::shared_ptr<const ServingBundle> Serve(
      const TowerBundle& description) {
    auto serving =
        ServingBundle::Open(description.Open(), RetrieverRegistry::BuiltIn());
    EXPECT_TRUE(serving.ok()) << serving.status();
    return *std::move(serving);
  }
  static v1::ServerConfig Config() {
    v1::ServerConfig config;
    config.set_bundles("b");
    config.mutable_defaults()->set_deadline_ms(60'000);
    config.mutable_limits()->set_max_where_bytes(200);
    return CompleteServerConfig(config).value();
  }
  static v1::RetrieveRequest Request(const std::string& text) {
    v1::RetrieveRequest request;
    EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(text, &request))
        << text;
    return request;
  }
  const v1::RetrieveResponse& Retrieve(const v1::RetrieveRequest& request) {
    const absl::Status status =
        pipeline_.Retrieve(bundle_, request, SteadyTime::max(), &response_);
    EXPECT_TRUE(status.ok()) << status;
    return response_;
  }
  // The source's own scores by row; 0 for an item that is not proposed.
  std::vector<float> Scores(const std::string& text) {
    Retrieve(Request("k: 6 view: FULL include_seen: true " + text));
    std::vector<float> scores(5, 0);
    for (int i = 0; i < response_.item_ids_size(); ++i) {
      scores[response_.item_ids(i)] = response_.source_reports(0).raw_scores(i);
    }
    return scores;
  }
  static testing::Matcher<std::vector<float>> ScoresBy(
      const std::vector<float>& query) {
    std::vector<float> scores;
    for (int i = 0; i < 5; ++i) {
      const auto x = static_cast<float>(i);
      scores.push_back(query[0] * (x + 1) + query[1] * (5 - x));
    }
    return testing::Pointwise(testing::FloatNear(1e-4F), scores);
  }
  absl::Status StatusOf(const v1::RetrieveRequest& request) {
    return pipeline_.Retrieve(bundle_, request, SteadyTime::max(), &response_);
  }
  std::string Error(const std::string& text) {
    const absl::Status status = StatusOf(Request(text));
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << text;
    EXPECT_TRUE(status.GetPayload(kBadRequestPayload).has_value()) << text;
    return std::string(status.message());
  }

  const Pipeline pipeline_{Config(), nullptr, nullptr, nullptr};
  std::shared_ptr<const ServingBundle> bundle_ = Serve(FeatureTowerBundle());
  v1::RetrieveResponse response_;
};

TEST_F(UserFeaturesTest, ReplaceWhatIsStoredOfTheUser) {
  EXPECT_THAT(Scores("user_id: 20"), ScoresBy(QueryOf(UserTwenty())));
  EXPECT_THAT(
      Scores("user_id: 20 user_features { key: 'age' value { number: "
             "40 } }"),
      ScoresBy(QueryOf({.id = -2, .cities = {"paris", "rome"}, .age = 40})));
  // A value without a member is missing.
  EXPECT_THAT(Scores("user_id: 20 user_features { key: 'city' value {} }"),
              ScoresBy(QueryOf({.id = -2})));
  EXPECT_THAT(Scores(std::string("user_id: 20 ") + kAtlantis),
              ScoresBy(QueryOf({.id = -2})));
  // History rows 2 and 1 are (2, 0) and (0, 1); the newest weighs more.
  const double norm = std::sqrt(1 + 1.0 / 4);
  EXPECT_THAT(Scores(std::string(kParis) + "recent_item_ids: [1, 2]"),
              ScoresBy(QueryOf({.cities = {"paris"}}, {2 / norm, .5 / norm})));
}

TEST_F(UserFeaturesTest, AKnownValueIsNoColdStart) {
  EXPECT_THAT(Scores(std::string("user_id: 99 ") + kParis),
              ScoresBy(QueryOf({.cities = {"paris"}})));
  EXPECT_FALSE(response_.cold_start());
  Retrieve(Request(std::string("user_id: 99 ") + kAtlantis));
  EXPECT_TRUE(response_.cold_start());
  EXPECT_EQ(response_.source_reports(0).cause(), v1::NO_QUERY);
  // Of the request before, nothing is left.
  Retrieve(Request("user_id: 99"));
  EXPECT_TRUE(response_.cold_start());
  Retrieve(Request(std::string("user_id: 10 ") + kAtlantis));
  EXPECT_FALSE(response_.cold_start());
}

TEST_F(UserFeaturesTest, VectorsOfTheRequestReplaceWhatTheTowerWouldMake) {
  EXPECT_THAT(Scores(std::string(kParis) +
                     "vectors { key: 'taste' value { values: [1, 0] } }"),
              ScoresBy({1, 0}));
}

TEST_F(UserFeaturesTest, LikedItemsAreAddedToWhatTheTowerMakes) {
  std::vector<float> query = QueryOf({.cities = {"paris"}});
  const float length = std::hypot(query[0], query[1]);
  const float liked = std::hypot(3.0F, 3.0F);
  for (float& value : query) value = value / length + 3 / liked;
  EXPECT_THAT(Scores(std::string(kParis) + "like { item_id: 2 }"),
              ScoresBy(query));
}

TEST_F(UserFeaturesTest, AStoredVectorDoesNotStandInTheirWay) {
  FeatureTowerBundle description;
  description.manifest.mutable_spaces(0)->set_user_vectors(1);
  description.arrays["taste.users"] = {{1, 0}, 2};
  description.rows["taste.users.rows"] = {0};
  bundle_ = Serve(description);
  EXPECT_THAT(Scores("user_id: 10"), ScoresBy({1, 0}));
  // The stored history counts, rows 0 and 1: (1, 0), and the newer (0, 1).
  const double norm = std::sqrt(1 + 1.0 / 4);
  EXPECT_THAT(
      Scores("user_id: 10 user_features { key: 'age' value { number: 3 } }"),
      ScoresBy(QueryOf({.id = 1, .cities = {"paris"}, .age = 3},
                       {.5 / norm, 1 / norm})));
}

TEST_F(UserFeaturesTest, ATowerReadsTheMemberThatItTakes) {
  // "7" is no city.
  EXPECT_THAT(Scores("user_features { key: 'age' value { categories: '7' "
                     "number: 7 } }"),
              ScoresBy(QueryOf({.age = 7})));
}

TEST_F(UserFeaturesTest, ErrorsNameTheFeatureAndWhatIsTaken) {
  EXPECT_THAT(Error("user_features { key: 'agee' value { number: 3 } }"),
              AllOf(HasSubstr("user_features[\"agee\"]: no tower of version 1 "
                              "takes it; did you mean \"age\"?"),
                    HasSubstr("\"city\" (categories), \"age\" (a number)")));
  EXPECT_THAT(Error("user_features { key: '' value { number: 3 } }"),
              AllOf(HasSubstr("user_features[\"\"]: no tower"),
                    Not(HasSubstr("did you mean"))));
  EXPECT_THAT(Error("user_features { key: 'age' value { categories: 'x' } }"),
              HasSubstr("user_features[\"age\"]: categories are given, but "
                        "version 1 takes it as a number"));
  EXPECT_THAT(Error("user_features { key: 'city' value { number: 3 } }"),
              HasSubstr("user_features[\"city\"]: a number is given, but "
                        "version 1 takes it as categories"));
  for (const char* number : {"nan", "inf", "-inf", "1e300", "-2e15"}) {
    EXPECT_THAT(
        Error(fmt::format(
            "user_features {{ key: 'age' value {{ number: {} }} }}", number)),
        HasSubstr("user_features[\"age\"].number: "));
  }
  // All that is wrong is said at once.
  EXPECT_THAT(Error("user_features { key: 'age' value { categories: 'x' } } "
                    "user_features { key: 'city' value { number: 3 } } k: "
                    "1000000"),
              AllOf(HasSubstr("[\"age\"]"), HasSubstr("[\"city\"]"),
                    HasSubstr("limits.max_k")));
}

TEST_F(UserFeaturesTest, TheirNumberAndTheirTextAreBounded) {
  v1::RetrieveRequest many;
  for (int i = 0; i < 65; ++i) {
    (*many.mutable_user_features())[std::to_string(i)].set_number(1);
  }
  EXPECT_EQ(StatusOf(many).message(),
            "user_features: 65 features, at most 64 are allowed");
  v1::RetrieveRequest wide;
  v1::FeatureValue& city = (*wide.mutable_user_features())["city"];
  for (int i = 0; i < 49; ++i) city.add_categories("rome");
  EXPECT_TRUE(StatusOf(wide).ok());
  city.add_categories("rome");
  EXPECT_EQ(StatusOf(wide).message(),
            "user_features: 204 bytes of names and categories in all, "
            "limits.max_where_bytes is 200");
}

TEST_F(UserFeaturesTest, ABundleWithoutThemSaysSo) {
  TowerBundle description;
  bundle_ = Serve(description);
  EXPECT_THAT(Error(kParis),
              HasSubstr("user_features[\"city\"]: no tower of version 1 takes "
                        "it; none of its towers was trained with features of "
                        "users"));
}

TEST_F(UserFeaturesTest, APageTokenIsOfItsFeatures) {
  v1::RetrieveRequest request = Request(std::string(kParis) + "page_size: 2");
  Retrieve(request);
  const std::vector<uint64_t> first(response_.item_ids().begin(),
                                    response_.item_ids().end());
  request.set_page_token(response_.next_page_token());
  Retrieve(request);
  EXPECT_EQ(response_.item_ids_size(), 2);
  EXPECT_EQ(std::count(first.begin(), first.end(), response_.item_ids(0)), 0);
  (*request.mutable_user_features())["city"].set_categories(0, "rome");
  EXPECT_THAT(std::string(StatusOf(request).message()),
              HasSubstr("page_token"));
}

TEST(OwnedQuery, KeepsFeaturesWhenTheRequestIsGone) {
  std::vector<std::string> texts = {"a-name-that-no-string-holds-inline",
                                    "a-category-that-no-string-holds-inline",
                                    "b", "c"};
  std::vector<std::string_view> categories(texts.begin() + 1, texts.end());
  std::vector<UserFeature> features = {{texts[0], categories, 2},
                                       {texts[2], {}, 3}};
  const OwnedQuery owned({.user_features = features});
  features[0] = {};
  categories.assign(3, "overwritten");
  for (std::string& text : texts) text.assign(text.size(), 'x');
  const auto copy = owned.view().user_features;
  ASSERT_EQ(copy.size(), 2);
  EXPECT_EQ(copy[0].name, "a-name-that-no-string-holds-inline");
  EXPECT_THAT(
      copy[0].categories,
      testing::ElementsAre("a-category-that-no-string-holds-inline", "b", "c"));
  EXPECT_EQ(copy[0].number, 2);
  EXPECT_EQ(copy[1].name, "b");
  EXPECT_TRUE(copy[1].categories.empty());
  EXPECT_EQ(copy[1].number, 3);
}

}  // namespace
}  // namespace tributary
