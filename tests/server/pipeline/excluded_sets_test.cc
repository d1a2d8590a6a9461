// Sets of items that requests exclude by name, through the whole pipeline,
// against what one gets by looking at every item.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <filesystem>
#include <random>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "fmt/format.h"
#include "google/protobuf/text_format.h"
#include "index/bundle/row_set.h"
#include "server/pipeline/pipeline.h"
#include "server/pipeline/server_config.h"
#include "server/pipeline/violations.h"
#include "tests/index/bundle/tiny_bundle.h"
#include "tests/server/pipeline/scripted_retriever.h"

namespace tributary {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::StartsWith;

class ExcludedSetsTest : public testing::Test {
 protected:
  static v1::ServerConfig Config() {
    v1::ServerConfig config;
    config.set_bundles("b");
    config.mutable_defaults()->set_deadline_ms(60'000);
    return CompleteServerConfig(config).value();
  }
  void ServeTiny() {
    const auto opened = Bundle::Open(WriteTinyBundle(MakeTestDir(), 1));
    ASSERT_TRUE(opened.ok()) << opened.status();
    auto serving = ServingBundle::Open(*opened, RetrieverRegistry::BuiltIn());
    ASSERT_TRUE(serving.ok()) << serving.status();
    bundle_ = *std::move(serving);
  }
  void Put(const std::string& name, const std::vector<Row>& rows) {
    RowSet others(bundle_->bundle().items().size());
    for (const Row row : rows) others.Add(row);
    others.Complement();
    bundle_->item_sets().Put(
        name, std::make_shared<const ExcludedItems>(others, rows.size()));
  }
  absl::Status Retrieve(const std::string& text) {
    v1::RetrieveRequest request;
    EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(text, &request))
        << text;
    metrics_.MadeResident(bundle_->bundle().manifest());
    return pipeline_.Retrieve(bundle_, request, SteadyTime::max(), &response_);
  }
  std::string Keys(const std::string& text) {
    const absl::Status status = Retrieve(text);
    EXPECT_TRUE(status.ok()) << status;
    std::string keys;
    for (const std::string& key : response_.item_keys()) keys += key;
    return keys;
  }
  std::string From(const std::string& source, const std::string& filter) {
    return Keys(fmt::format(
        "include_seen: true user_id: 10 k: 6 "
        "quotas {{ key: '{}' value {{ target: 6 }} }} filter {{ {} }}",
        source, filter));
  }

  ServerMetrics metrics_;
  WorkerPool pool_{1, 4};
  const Pipeline pipeline_{Config(), &pool_, &metrics_, nullptr};
  std::shared_ptr<const ServingBundle> bundle_;
  v1::RetrieveResponse response_;
};

TEST_F(ExcludedSetsTest, ActInEverySourceAndBesideConditions) {
  ServeTiny();
  Put("ac", {0, 2});
  Put("f", {5});
  Put("none", {});
  EXPECT_EQ(From("popularity", "exclude_sets: 'ac'"), "fedb");
  EXPECT_EQ(From("taste", "exclude_sets: 'ac'"), "edb");
  EXPECT_EQ(From("taste", "exclude_sets: 'none'"), "edcba");
  EXPECT_FALSE(response_.has_filter());
  EXPECT_EQ(From("popularity", "exclude_sets: ['f', 'ac', 'f']"), "edb");
  EXPECT_EQ(From("popularity", "exclude_sets: 'ac' where: 'in_stock'"), "e");
  // The report is about the condition, as its comment says.
  EXPECT_EQ(response_.filter().passing_items(), 3);
  EXPECT_EQ(From("popularity", "exclude_sets: 'ac' exclude_item_keys: 'e'"),
            "fdb");
  EXPECT_EQ(From("popularity", ""), "fedcba");
  EXPECT_EQ(metrics_.filter_misses.value(), 1);
}

TEST_F(ExcludedSetsTest, ShortListsHaveTheCauseFiltered) {
  ServeTiny();
  Put("most", {0, 1, 2, 3, 4});
  EXPECT_EQ(From("popularity", "exclude_sets: 'most'"), "f");
  EXPECT_EQ(response_.source_reports(0).shortfall(), 5);
  EXPECT_EQ(response_.source_reports(0).cause(), v1::FILTERED);
}

TEST_F(ExcludedSetsTest, TooFewAreCountedWithoutSets) {
  ServeTiny();
  Put("ac", {0, 2});
  EXPECT_EQ(Keys("k: 3 filter { where: 'in_stock' when_short: FAIL "
                 "exclude_sets: 'ac' } quotas { key: 'popularity' value { "
                 "target: 3 } }"),
            "e");
}

TEST_F(ExcludedSetsTest, ASetThatWasReplacedNeverAnswersAgain) {
  ServeTiny();
  for (const std::string filter :
       {"exclude_sets: 's'", "exclude_sets: 's' where: 'brand : *'"}) {
    for (int round = 0; round < 3; ++round) {
      for (const Row row : {0, 1, 2}) {
        Put("s", {row});
        const std::string key(1, static_cast<char>('a' + row));
        for (int again = 0; again < 2; ++again) {
          EXPECT_THAT(From("popularity", filter), Not(HasSubstr(key)));
          EXPECT_EQ(response_.item_keys_size(), filter.size() > 20 ? 4 : 5);
        }
      }
    }
  }
  bundle_->item_sets().Remove("s");
  EXPECT_FALSE(Retrieve("filter { exclude_sets: 's' }").ok());
}

TEST_F(ExcludedSetsTest, ErrorsNameTheSetAndTheNearest) {
  ServeTiny();
  const auto error = [&](const std::string& filter) {
    const absl::Status status = Retrieve("filter { " + filter + " }");
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
    EXPECT_TRUE(status.GetPayload(kBadRequestPayload).has_value());
    return std::string(status.message());
  };
  EXPECT_EQ(error("exclude_sets: 'x'"),
            "filter.exclude_sets[0]: there is no item set \"x\"; there are "
            "none: `tributary control put-set` makes one (docs/filters.md)");
  Put("sold-out", {1});
  EXPECT_EQ(error("exclude_sets: ['sold-out', 'soldout']"),
            "filter.exclude_sets[1]: there is no item set \"soldout\"; did you "
            "mean \"sold-out\"?");
  EXPECT_EQ(error("exclude_sets: ''"),
            "filter.exclude_sets[0]: there is no item set \"\"");
  EXPECT_THAT(error(fmt::format("exclude_sets: '{}'", std::string(9000, 'x'))),
              StartsWith("filter.exclude_sets[0]: there is no item set \"xxx"));
  std::string many;
  for (int i = 0; i < 9; ++i) many += "exclude_sets: 'sold-out' ";
  EXPECT_EQ(error(many), "filter.exclude_sets: 9 sets, at most 8 are allowed");
}

// Random sets and conditions, against a walk over all items.
TEST_F(ExcludedSetsTest, TheListHasEveryOtherItem) {
  std::mt19937 random(7);
  std::vector<uint8_t> codes(kScriptedItems);
  for (uint8_t& code : codes) code = static_cast<uint8_t>(random() % 11);
  bundle_ =
      ServeScripted({{"behavior", {.rows = Rows(0, 1000)}}},
                    {.attributes = {{.name = "shop",
                                     .values = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9},
                                     .codes = codes}}});
  std::vector<std::set<Row>> sets(12);
  for (int round = 0; round < 300; ++round) {
    // Now and then one is replaced.
    for (size_t s = 0; s < sets.size(); ++s) {
      if (round > 0 && random() % 20 != 0) continue;
      sets[s].clear();
      for (auto n = random() % 800; n > 0; --n) {
        sets[s].insert(static_cast<Row>(random() % kScriptedItems));
      }
      Put(fmt::format("s{}", s), {sets[s].begin(), sets[s].end()});
    }
    std::string filter;
    std::set<size_t> named;
    for (auto n = random() % 4; n > 0; --n) {
      const size_t s = random() % sets.size();
      named.insert(s);
      filter += fmt::format("exclude_sets: 's{}' ", s);
    }
    const bool has_where = random() % 2 == 0;
    const int64_t below = static_cast<int64_t>(random() % 10);
    if (has_where) filter += fmt::format("where: 'shop < {}'", below);
    ASSERT_TRUE(Retrieve(fmt::format("k: 1000 quotas {{ key: 'behavior' value "
                                     "{{ target: 1000 }} }} filter {{ {} }}",
                                     filter))
                    .ok());
    std::set<uint64_t> expected;
    uint64_t passing = 0;
    for (Row row = 0; row < kScriptedItems; ++row) {
      if (has_where && codes[row] >= below) continue;
      ++passing;
      bool excluded = false;
      for (const size_t s : named) excluded |= sets[s].contains(row);
      if (!excluded) expected.insert(1000 + row);
    }
    ASSERT_EQ(std::set<uint64_t>(response_.item_ids().begin(),
                                 response_.item_ids().end()),
              expected)
        << filter;
    ASSERT_EQ(response_.has_filter(), has_where);
    ASSERT_EQ(response_.filter().passing_items(), has_where ? passing : 0);
  }
}

// A set is one of two, whole, whoever replaces it meanwhile.
TEST_F(ExcludedSetsTest, RequestsSeeTheOldSetOrTheNewOne) {
  bundle_ = ServeScripted({{"behavior", {.rows = Rows(0, 1000)}}});
  Put("s", Rows(0, 500));
  std::atomic<bool> stop{false};
  std::atomic<int> answered{0};
  std::vector<std::thread> callers;
  for (int i = 0; i < 3; ++i) {
    callers.emplace_back([&] {
      v1::RetrieveRequest request;
      request.set_k(1000);
      (*request.mutable_quotas())["behavior"].set_target(1000);
      request.mutable_filter()->add_exclude_sets("s");
      v1::RetrieveResponse response;
      while (!stop) {
        ASSERT_TRUE(
            pipeline_.Retrieve(bundle_, request, SteadyTime::max(), &response)
                .ok());
        ASSERT_EQ(response.item_ids_size(), 500);
        const bool low = response.item_ids(0) < 1500;
        for (const uint64_t id : response.item_ids()) {
          ASSERT_EQ(id < 1500, low);
        }
        ++answered;
      }
    });
  }
  for (int swap = 0; swap < 2000 || answered < 100; ++swap) {
    Put("s", swap % 2 == 0 ? Rows(500, 1000) : Rows(0, 500));
  }
  stop = true;
  for (std::thread& caller : callers) caller.join();
}

}  // namespace
}  // namespace tributary
