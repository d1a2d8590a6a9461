// Requests with caps, from the plan to the reply.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <map>
#include <memory>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "fmt/core.h"
#include "google/protobuf/text_format.h"
#include "server/pipeline/pipeline.h"
#include "server/pipeline/server_config.h"
#include "server/pipeline/violations.h"
#include "tests/index/bundle/tiny_bundle.h"
#include "tests/server/pipeline/scripted_retriever.h"

namespace tributary {
namespace {

using std::chrono::milliseconds;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr char kOnlyBehavior[] =
    "quotas { key: 'behavior' value { target: 0 } } ";
constexpr char kPopularityByRank[] =
    "quotas { key: 'popularity' value { target: 0 } } fusion { policy: RRF } ";

class CappedRequestsTest : public testing::Test {
 protected:
  static v1::ServerConfig Config() {
    v1::ServerConfig config;
    config.set_bundles("b");
    config.mutable_defaults()->set_deadline_ms(60'000);
    return CompleteServerConfig(config).value();
  }
  static v1::RetrieveRequest Request(const std::string& text) {
    v1::RetrieveRequest request;
    EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(text, &request));
    return request;
  }
  absl::Status Retrieve(const std::string& text,
                        const RetrieveOptions& options = {}) {
    asks_ = 0;
    return pipeline_.Retrieve(bundle_, Request(text), options, &response_);
  }
  void ServeTiny() {
    const auto opened = Bundle::Open(WriteTinyBundle(MakeTestDir(), 1));
    ASSERT_TRUE(opened.ok()) << opened.status();
    auto serving = ServingBundle::Open(*opened, RetrieverRegistry::BuiltIn());
    ASSERT_TRUE(serving.ok()) << serving.status();
    bundle_ = *std::move(serving);
  }
  // Serves a bundle in which behavior proposes rows 0, 1, 2, ..., and item
  // `row` has the shop codes[row], of ten.
  void ServeShops(std::vector<uint8_t> codes, uint32_t proposed = 1000) {
    Script behavior = {.rows = Rows(0, proposed)};
    behavior.on_retrieve = [this](const RetrieverQuery&) {
      ++asks_;
      if (pause_.count() > 0) std::this_thread::sleep_for(pause_);
    };
    bundle_ =
        ServeScripted({{"behavior", behavior}},
                      {.attributes = {{.name = "shop",
                                       .values = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9},
                                       .codes = std::move(codes)}}});
  }
  // The first `same` items are of shop 0, the others of the ten in turns.
  static std::vector<uint8_t> FirstFromOneShop(uint32_t same) {
    std::vector<uint8_t> codes(kScriptedItems);
    for (uint32_t row = same; row < kScriptedItems; ++row) {
      codes[row] = static_cast<uint8_t>(row % 10);
    }
    return codes;
  }
  std::vector<uint64_t> Ids() const {
    return {response_.item_ids().begin(), response_.item_ids().end()};
  }
  uint32_t Asked() const { return response_.source_reports(0).asked(); }

  ServerMetrics metrics_;
  WorkerPool pool_{2, 16};
  Pipeline pipeline_{Config(), &pool_, &metrics_, nullptr};
  std::shared_ptr<const ServingBundle> bundle_;
  v1::RetrieveResponse response_;
  int asks_ = 0;
  milliseconds pause_{0};
};

TEST_F(CappedRequestsTest, ItemsWithoutAValueAreOneGroup) {
  ServeTiny();
  const std::string text = std::string("k: 6 ") + kPopularityByRank;
  ASSERT_TRUE(Retrieve(text + "caps { attribute: 'brand' max: 1 }").ok());
  EXPECT_THAT(response_.item_keys(), ElementsAre("f", "e", "d", "c"));
  ASSERT_EQ(response_.caps_size(), 1);
  EXPECT_EQ(response_.caps(0).attribute(), "brand");
  EXPECT_EQ(response_.caps(0).rejected(), 2);
  // e and c have no year and no time.
  ASSERT_TRUE(Retrieve(text + "caps { attribute: 'created_at' max: 1 } "
                              "caps { attribute: 'in_stock' max: 2 }")
                  .ok());
  EXPECT_THAT(response_.item_keys(), ElementsAre("f", "e", "d", "c"));
  EXPECT_EQ(response_.caps(0).rejected(), 2);
  EXPECT_EQ(response_.caps(1).rejected(), 1);
  // The next request of the thread has none.
  ASSERT_TRUE(Retrieve(text).ok());
  EXPECT_EQ(response_.item_keys_size(), 6);
  EXPECT_THAT(response_.caps(), IsEmpty());
  EXPECT_EQ(metrics_.capped.value(), 2);
  EXPECT_EQ(metrics_.cap_rejections.value(), 5);
}

TEST_F(CappedRequestsTest, AnItemIsInTheGroupOfEachOfItsTags) {
  ServeTiny();
  const std::string text = std::string("k: 6 ") + kPopularityByRank;
  ASSERT_TRUE(Retrieve(text + "caps { attribute: 'tags' max: 1 }").ok());
  // f (new), e (none), d (toys), c (new, sale, toys), b (sale), a (new, toys).
  EXPECT_THAT(response_.item_keys(), ElementsAre("f", "e", "d", "b"));
  EXPECT_EQ(response_.caps(0).attribute(), "tags");
  EXPECT_EQ(response_.caps(0).rejected(), 2);
  ASSERT_TRUE(Retrieve(text + "caps { attribute: 'tags' max: 2 }").ok());
  // c fills new and toys.
  EXPECT_THAT(response_.item_keys(), ElementsAre("f", "e", "d", "c", "b"));
  // Beside a cap of one value.
  ASSERT_TRUE(Retrieve(text + "caps { attribute: 'tags' max: 2 } "
                              "caps { attribute: 'brand' max: 1 }")
                  .ok());
  EXPECT_THAT(response_.item_keys(), ElementsAre("f", "e", "d", "c"));
  EXPECT_EQ(response_.caps(0).rejected(), 1);
  EXPECT_EQ(response_.caps(1).rejected(), 2);
}

TEST_F(CappedRequestsTest, AQuotaThatCapsCutShortHasTheCauseCapped) {
  ServeShops(FirstFromOneShop(500), /*proposed=*/100);
  const std::string text =
      "caps { attribute: 'shop' max: 4 } k: 10 "
      "quotas { key: 'behavior' value { target: 10 } } ";
  ASSERT_TRUE(Retrieve(text).ok());
  EXPECT_EQ(response_.source_reports(0).shortfall(), 6);
  EXPECT_EQ(response_.source_reports(0).cause(), v1::CAPPED);
  // Without caps it would be short, too: it has five.
  ServeShops(FirstFromOneShop(500), /*proposed=*/5);
  ASSERT_TRUE(Retrieve(text).ok());
  EXPECT_EQ(response_.source_reports(0).shortfall(), 6);
  EXPECT_EQ(response_.source_reports(0).cause(), v1::EXHAUSTED);
  // A list that another source filled.
  bundle_ =
      ServeScripted({{"behavior", {.rows = Rows(0, 100)}},
                     {"popularity", {.rows = Rows(500, 700)}}},
                    {.attributes = {{.name = "shop",
                                     .values = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9},
                                     .codes = FirstFromOneShop(500)}}});
  ASSERT_TRUE(
      Retrieve(text + "quotas { key: 'popularity' value { target: 0 } }").ok());
  EXPECT_EQ(response_.item_ids_size(), 10);
  EXPECT_EQ(response_.source_reports(0).name(), "behavior");
  EXPECT_EQ(response_.source_reports(0).cause(), v1::CAPPED);
  EXPECT_EQ(response_.source_reports(1).cause(), v1::NO_SHORTFALL);
}

TEST_F(CappedRequestsTest, SourcesAreAskedForMoreUntilTheListIsFull) {
  ServeShops(FirstFromOneShop(100));
  ASSERT_TRUE(Retrieve(std::string("k: 10 caps { attribute: 'shop' max: 2 } ") +
                       kOnlyBehavior)
                  .ok());
  EXPECT_THAT(Ids(), ElementsAre(1000, 1001, 1101, 1102, 1103, 1104, 1105, 1106,
                                 1107, 1108));
  EXPECT_EQ(asks_, 5);
  EXPECT_EQ(Asked(), 160);
  EXPECT_EQ(response_.source_reports(0).proposed(), 160);
  EXPECT_EQ(metrics_.asked_deeper.value(), 1);
  // Rows 2 to 99, and 100.
  EXPECT_EQ(response_.caps(0).rejected(), 99);
}

TEST_F(CappedRequestsTest, SourcesAreNotAskedForMoreForEver) {
  ServeShops(FirstFromOneShop(500));
  ASSERT_TRUE(Retrieve(std::string("k: 10 caps { attribute: 'shop' max: 2 } ") +
                       kOnlyBehavior)
                  .ok());
  EXPECT_THAT(Ids(), ElementsAre(1000, 1001));
  EXPECT_EQ(asks_, 5);
  EXPECT_EQ(Asked(), 160);
}

TEST_F(CappedRequestsTest, ASourceThatHasNoMoreIsNotAskedAgain) {
  ServeShops(FirstFromOneShop(100), /*proposed=*/15);
  ASSERT_TRUE(Retrieve(std::string("k: 10 caps { attribute: 'shop' max: 2 } ") +
                       kOnlyBehavior)
                  .ok());
  EXPECT_THAT(Ids(), ElementsAre(1000, 1001));
  EXPECT_EQ(asks_, 2);
  EXPECT_EQ(Asked(), 20);
}

TEST_F(CappedRequestsTest, NothingMoreIsAskedForThanTheFilterLetsPass) {
  std::vector<uint8_t> codes(kScriptedItems, 1);
  std::fill_n(codes.begin(), 15, 0);
  ServeShops(codes);
  ASSERT_TRUE(Retrieve(std::string("k: 10 caps { attribute: 'shop' max: 2 } "
                                   "filter { where: 'shop < 1' } ") +
                       kOnlyBehavior)
                  .ok());
  EXPECT_THAT(Ids(), ElementsAre(1000, 1001));
  EXPECT_EQ(asks_, 2);
  EXPECT_EQ(Asked(), 15);
}

TEST_F(CappedRequestsTest, AListThatIsAsLongAsCapsAllowIsLongEnough) {
  std::vector<uint8_t> codes(kScriptedItems);
  for (uint32_t row = 0; row < 11; ++row) {
    codes[row] = static_cast<uint8_t>(row);
  }
  ServeShops(codes);
  ASSERT_TRUE(
      Retrieve(std::string("k: 100 caps { attribute: 'shop' max: 1 } ") +
               kOnlyBehavior)
          .ok());
  EXPECT_EQ(Ids().size(), 11);
  EXPECT_EQ(asks_, 1);
}

TEST_F(CappedRequestsTest, WithoutCapsSourcesAreAskedOnce) {
  ServeShops(FirstFromOneShop(100), /*proposed=*/10);
  ASSERT_TRUE(Retrieve(std::string("k: 10 ") + kOnlyBehavior).ok());
  EXPECT_EQ(asks_, 1);
  ASSERT_TRUE(Retrieve(std::string("k: 20 ") + kOnlyBehavior).ok());
  EXPECT_EQ(asks_, 1);
}

TEST_F(CappedRequestsTest, UnderOverloadSourcesAreAskedOnce) {
  ServeShops(FirstFromOneShop(100));
  RetrieveOptions options;
  options.level = v1::LESS_EFFORT;
  ASSERT_TRUE(Retrieve(std::string("k: 10 caps { attribute: 'shop' max: 2 } ") +
                           kOnlyBehavior,
                       options)
                  .ok());
  EXPECT_THAT(Ids(), ElementsAre(1000, 1001));
  EXPECT_EQ(asks_, 1);
}

TEST_F(CappedRequestsTest, AfterTheDeadlineTheListStaysAsItIs) {
  ServeShops(FirstFromOneShop(100));
  pause_ = milliseconds(60);
  const SteadyTime deadline =
      std::chrono::steady_clock::now() + milliseconds(50);
  ASSERT_TRUE(Retrieve(std::string("k: 10 caps { attribute: 'shop' max: 2 } ") +
                           kOnlyBehavior,
                       deadline)
                  .ok());
  EXPECT_THAT(Ids(), ElementsAre(1000, 1001));
  EXPECT_EQ(asks_, 1);
  EXPECT_EQ(Asked(), 10);
  EXPECT_FALSE(response_.degraded());
}

// Whoever asks for as many without caps, and leaves out what would exceed a
// cap, gets the beginning of the capped list.
TEST_F(CappedRequestsTest, TheListIsTheGreedyOneOfTheListWithoutCaps) {
  std::mt19937 random(5);
  const auto below = [&](size_t bound) { return random() % bound; };
  const std::string text =
      "quotas { key: 'behavior' value { target: 0 } } "
      "quotas { key: 'content' value { target: 0 } } "
      "quotas { key: 'popularity' value { target: 0 } } "
      "fusion { policy: RRF weights { key: 'behavior' value: 3 } "
      "weights { key: 'content' value: 2 } "
      "weights { key: 'popularity' value: 1 } } ";
  int deeper = 0;
  std::vector<uint8_t> codes(kScriptedItems);
  for (int round = 0; round < 64; ++round) {
    if (round % 8 == 0) {
      const size_t skew = 1 + below(11);
      for (uint8_t& code : codes) {
        code = static_cast<uint8_t>(std::min(below(11), below(skew)));
      }
      std::vector<Row> shuffled = Rows(0, 1000);
      std::shuffle(shuffled.begin(), shuffled.end(), random);
      Scripts scripts = {{"behavior", {.rows = Rows(0, 1000)}},
                         {"content", {.rows = shuffled}}};
      shuffled.resize(below(1000));
      scripts["popularity"].rows = shuffled;
      bundle_ = ServeScripted(
          scripts, {.attributes = {{.name = "shop",
                                    .values = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9},
                                    .codes = codes}}});
    }
    const size_t k = 1 + below(60);
    const size_t max = 1 + below(20);
    ASSERT_TRUE(Retrieve(fmt::format("{} k: {} caps {{ attribute: 'shop' "
                                     "max: {} }}",
                                     text, k, max))
                    .ok());
    const std::vector<uint64_t> capped = Ids();
    uint32_t asked = 0;
    for (const v1::SourceReport& report : response_.source_reports()) {
      asked = std::max(asked, report.asked());
    }
    deeper += asked > k;
    ASSERT_TRUE(Retrieve(fmt::format("{} k: {}", text, asked)).ok());
    std::map<uint8_t, size_t> of_shop;
    std::vector<uint64_t> greedy;
    for (const uint64_t id : Ids()) {
      size_t& count = of_shop[codes[id - 1000]];
      if (greedy.size() == k || count == max) continue;
      ++count;
      greedy.push_back(id);
    }
    ASSERT_GE(capped.size(), greedy.size());
    ASSERT_LE(capped.size(), k);
    ASSERT_TRUE(std::equal(greedy.begin(), greedy.end(), capped.begin()))
        << round;
  }
  EXPECT_GT(deeper, 10);
}

TEST_F(CappedRequestsTest, ErrorsNameTheFieldAndTheNearestAttribute) {
  ServeTiny();
  const absl::Status status = Retrieve(
      "caps { attribute: 'brnad' max: 3 } caps { attribute: 'price' max: 1 } "
      "caps { attribute: 'price' } caps { attribute: '' max: 1 }");
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  const std::string message(status.message());
  EXPECT_THAT(message, HasSubstr("caps[0].attribute: \"brnad\" is no attribute "
                                 "of version 1; did you mean \"brand\"?"));
  EXPECT_THAT(message, HasSubstr("caps[1].attribute: \"price\" is number"));
  EXPECT_THAT(message, HasSubstr("caps[2].max: 0, expected at least 1"));
  EXPECT_THAT(message, HasSubstr("caps[2].attribute: \"price\" is number"));
  EXPECT_THAT(message, HasSubstr("caps[3].attribute: \"\" is no attribute"));
  EXPECT_TRUE(status.GetPayload(kBadRequestPayload).has_value());

  std::string many;
  for (int i = 0; i < 9; ++i) many += "caps { attribute: 'brand' max: 1 } ";
  EXPECT_THAT(std::string(Retrieve(many).message()),
              HasSubstr("caps: 9 caps, at most 8 are allowed"));

  bundle_ = ServeScripted({});
  EXPECT_THAT(
      std::string(Retrieve("caps { attribute: 'brand' max: 1 }").message()),
      HasSubstr("which has none"));
}

}  // namespace
}  // namespace tributary
