// Filters on attributes through the whole pipeline: in every source, in the
// report, and when too few items pass.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "fmt/format.h"
#include "google/protobuf/text_format.h"
#include "google/rpc/error_details.pb.h"
#include "index/search/faiss_build.h"
#include "server/pipeline/live_recall.h"
#include "server/pipeline/pipeline.h"
#include "server/pipeline/server_config.h"
#include "server/pipeline/violations.h"
#include "tests/index/bundle/tiny_bundle.h"
#include "tests/index/filter/attributed_items.h"
#include "tests/index/search/coded_bundle.h"

namespace tributary {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::IsSubsetOf;
using ::testing::StartsWith;

// Proposes the rows from 0 on, whether they pass or not, as a retriever does
// that was written before there were filters.
class CarelessRetriever : public Retriever {
 public:
  explicit CarelessRetriever(const Bundle& bundle) : bundle_(bundle) {}

  absl::StatusOr<Ask> Retrieve(
      const RetrieverQuery& query, uint32_t n,
      std::vector<ScoredRow>* proposals) const override {
    proposals->clear();
    for (Row row = 0; row < bundle_.items().size() && proposals->size() < n;
         ++row) {
      if (std::ranges::binary_search(query.excluded, row)) continue;
      proposals->push_back({row, 1 - static_cast<float>(row) / 10000});
    }
    return Ask::kAnswered;
  }
  absl::StatusOr<Ask> RetrieveExact(
      const RetrieverQuery& query, uint32_t n,
      std::vector<ScoredRow>* proposals) const override {
    return Retrieve(query, n, proposals);
  }

 private:
  const Bundle& bundle_;
};

RetrieverRegistry Registry() {
  RetrieverRegistry registry = RetrieverRegistry::BuiltIn();
  registry.Register("careless",
                    [](const Bundle& bundle, const v1::RetrieverSpec&)
                        -> absl::StatusOr<std::unique_ptr<Retriever>> {
                      return std::make_unique<CarelessRetriever>(bundle);
                    });
  return registry;
}

v1::RetrieverSpec Spec(const std::string& text) {
  v1::RetrieverSpec spec;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(text, &spec));
  return spec;
}

// The tiny bundle with a retriever of every kind.
std::shared_ptr<const Bundle> WriteTiny() {
  const auto tiny = *Bundle::Open(WriteTinyBundle(MakeTestDir(), 1));
  v1::Manifest manifest = tiny->manifest();
  for (const char* spec :
       {"name: 'joint' kind: 'neighbors' table: 'joint' max_history: 10",
        "name: 'kind' kind: 'category_popularity' max_history: 10",
        "name: 'careless' kind: 'careless'"}) {
    *manifest.add_retrievers() = Spec(spec);
  }
  return RewriteBundle(*tiny, manifest,
                       [](BundleWriter*) { return absl::OkStatus(); });
}

// Without filters of other tests.
std::shared_ptr<const ServingBundle> ServeTiny() {
  static const std::shared_ptr<const Bundle> bundle = WriteTiny();
  return *ServingBundle::Open(bundle, Registry());
}

class FilterTest : public testing::Test {
 protected:
  static v1::ServerConfig Config() {
    v1::ServerConfig config;
    config.set_bundles("b");
    config.mutable_defaults()->set_deadline_ms(60'000);
    config.mutable_limits()->set_max_k(5000);
    config.mutable_limits()->set_max_filter_terms(6);
    config.mutable_limits()->set_max_where_bytes(100);
    config.mutable_limits()->set_max_key_bytes(20);
    return CompleteServerConfig(config).value();
  }

  absl::Status Retrieve(const std::string& text) {
    v1::RetrieveRequest request;
    EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(text, &request))
        << text;
    metrics_.MadeResident(bundle_->bundle().manifest());
    return pipeline_.Retrieve(bundle_, request, SteadyTime::max(), &response_);
  }
  // The keys that are returned, in their order.
  std::string Keys(const std::string& text) {
    const absl::Status status = Retrieve(text);
    EXPECT_TRUE(status.ok()) << status;
    std::string keys;
    for (const std::string& key : response_.item_keys()) keys += key;
    return keys;
  }
  // From one source alone.
  std::string From(const std::string& source, const std::string& where,
                   const std::string& rest = "k: 6") {
    return Keys(fmt::format(
        "include_seen: true quotas {{ key: '{}' value {{ target: 6 }} }} "
        "filter {{ where: '{}' }} {}",
        source, where, rest));
  }
  // The message of INVALID_ARGUMENT, of which the payload has all fields.
  std::string Error(const std::string& text) {
    const absl::Status status = Retrieve(text);
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << text;
    google::rpc::BadRequest details;
    const auto payload = status.GetPayload(kBadRequestPayload);
    EXPECT_TRUE(payload.has_value()) << status;
    std::string joined;
    if (payload) {
      EXPECT_TRUE(details.ParseFromString(std::string(*payload)));
    }
    for (const auto& violation : details.field_violations()) {
      joined += (joined.empty() ? "" : "; ") + violation.field() + ": " +
                violation.description();
    }
    EXPECT_EQ(joined, status.message());
    return joined;
  }

  ServerMetrics metrics_;
  WorkerPool pool_{1, 4};
  const Pipeline pipeline_{Config(), &pool_, &metrics_, nullptr};
  std::shared_ptr<const ServingBundle> bundle_ = ServeTiny();
  v1::RetrieveResponse response_;
};

TEST_F(FilterTest, ActsInEverySource) {
  const std::string user = "k: 6 user_id: 10";
  EXPECT_EQ(From("popularity", ""), "fedcba");
  EXPECT_EQ(From("popularity", "in_stock"), "eca");
  EXPECT_EQ(From("popularity", "NOT in_stock : *"), "d");
  // User 20's segment has the list a, f.
  EXPECT_EQ(From("popularity", "brand : *", "k: 6 user_id: 20"), "afecb");
  EXPECT_EQ(From("taste", "", user), "edcba");
  EXPECT_EQ(From("taste", "in_stock", user), "eca");
  EXPECT_EQ(From("taste", "tags : toys", user), "dca");
  // The neighbours of a and b: c 1, a 1, b 1, d .25.
  EXPECT_EQ(From("joint", "", user), "abcd");
  EXPECT_EQ(From("joint", "tags : toys", user), "acd");
  EXPECT_EQ(From("joint", "year < 1999", user), "c");
  // Films: a .5, b .25, c .25.
  EXPECT_EQ(From("kind", "", user), "abc");
  EXPECT_EQ(From("kind", "NOT brand = acme", user), "b");
  EXPECT_EQ(From("careless", ""), "abcdef");
}

TEST_F(FilterTest, ARetrieverThatDoesNotKnowFiltersLeaksNothing) {
  EXPECT_EQ(From("careless", "in_stock"), "ace");
  EXPECT_EQ(From("careless", "NOT brand : *"), "d");
}

TEST_F(FilterTest, ShortListsHaveTheCauseFiltered) {
  EXPECT_EQ(Keys("k: 4 user_id: 30 filter { where: 'year = 2020' } quotas { "
                 "key: 'popularity' value { target: 4 } }"),
            "fb");
  ASSERT_EQ(response_.source_reports_size(), 1);
  const v1::SourceReport& report = response_.source_reports(0);
  EXPECT_EQ(report.asked(), 4);
  EXPECT_EQ(report.proposed(), 2);
  EXPECT_EQ(report.shortfall(), 2);
  EXPECT_EQ(report.cause(), v1::FILTERED);
  // Exclusions are no filter.
  EXPECT_EQ(Keys("k: 4 filter { exclude_item_keys: ['a', 'b', 'c'] } quotas { "
                 "key: 'popularity' value { target: 4 } }"),
            "fed");
  EXPECT_EQ(response_.source_reports(0).cause(), v1::EXHAUSTED);
  EXPECT_FALSE(response_.has_filter());
}

TEST_F(FilterTest, ExclusionsActBesideIt) {
  EXPECT_EQ(Keys("k: 4 filter { where: 'in_stock' exclude_item_keys: ['c', "
                 "'f'] } quotas { key: 'popularity' value { target: 4 } }"),
            "ea");
  // The count is of the filter alone.
  EXPECT_EQ(response_.filter().passing_items(), 3);
}

TEST_F(FilterTest, TextAndMessageMustBothPass) {
  EXPECT_EQ(Keys("k: 4 filter { where: 'in_stock' predicate { term { "
                 "attribute: 'brand' equals { text: 'acme' } } } } quotas { "
                 "key: 'popularity' value { target: 4 } }"),
            "ca");
  EXPECT_EQ(response_.filter().passing_items(), 2);
  EXPECT_EQ(Keys("k: 4 filter { predicate { term { attribute: 'brand' "
                 "equals { text: 'bolt' } } } } quotas { key: 'popularity' "
                 "value { target: 4 } }"),
            "fb");
}

TEST_F(FilterTest, ReportsWhatPassesAndValuesThatNoItemHas) {
  ASSERT_TRUE(Retrieve("k: 2 filter { where: 'brand : (acme OR acne)' }").ok());
  EXPECT_EQ(response_.filter().passing_items(), 2);
  EXPECT_THAT(response_.filter().unknown_values(), ElementsAre("brand: acne"));
  EXPECT_THAT(response_.filter().relaxed(), IsEmpty());
  // A filter that passes nothing is no error.
  EXPECT_EQ(Keys("k: 2 filter { where: 'brand = acne' }"), "");
  EXPECT_TRUE(response_.has_filter());
  EXPECT_EQ(response_.filter().passing_items(), 0);
  EXPECT_FALSE(response_.degraded());
}

TEST_F(FilterTest, RelaxesOneAttributeAfterTheOtherUntilEnoughPass) {
  const std::string popular =
      " quotas { key: 'popularity' value { target: 1 } }";
  const auto relaxed = [&](uint32_t k) {
    return Keys(fmt::format("k: {} filter {{ where: 'brand = acme AND year = "
                            "1999 AND price < 20' "
                            "when_short: RELAX relax: ['year', 'created_at', "
                            "'brand', 'price'] }}",
                            k) +
                popular);
  };
  EXPECT_EQ(relaxed(1), "a");
  EXPECT_THAT(response_.filter().relaxed(), IsEmpty());
  EXPECT_EQ(response_.filter().passing_items(), 1);
  EXPECT_EQ(relaxed(2), "ca");
  EXPECT_THAT(response_.filter().relaxed(), ElementsAre("year"));
  EXPECT_EQ(response_.filter().passing_items(), 2);
  // The filter says nothing of created_at.
  EXPECT_EQ(relaxed(3), "eca");
  EXPECT_THAT(response_.filter().relaxed(), ElementsAre("year", "brand"));
  EXPECT_EQ(relaxed(4), "fedc");
  EXPECT_THAT(response_.filter().relaxed(),
              ElementsAre("year", "brand", "price"));
  EXPECT_EQ(response_.filter().passing_items(), 6);
  EXPECT_EQ(metrics_.filters_relaxed.value(), 3);
  // Relaxed filters are kept, too.
  const uint64_t misses = metrics_.filter_misses.value();
  EXPECT_EQ(relaxed(2), "ca");
  EXPECT_EQ(metrics_.filter_misses.value(), misses);
  // What is not named stays.
  EXPECT_EQ(Keys("k: 6 filter { where: 'brand = acme AND year = 1999' "
                 "when_short: RELAX relax: 'year' }" +
                 popular),
            "ca");
  EXPECT_EQ(response_.source_reports(0).cause(), v1::NO_SHORTFALL);
}

TEST_F(FilterTest, RelaxesTextAndMessageTogetherWhateverTheirSize) {
  // Each is within the limits of depth and terms; both together are not.
  std::string message = "term { attribute: 'year' equals { integer: 1 } }";
  for (int i = 1; i < 31; ++i) message = "negated { " + message + " }";
  message = "all { predicates { " + message +
            " } predicates { term { attribute: 'brand' any_of { values { text: "
            "'acme' } values { text: 'core' } values { text: 'bolt' } } } } }";
  EXPECT_EQ(Keys("k: 4 filter { where: 'in_stock AND tags : (new OR sale OR "
                 "toys OR x)' predicate { " +
                 message +
                 " } when_short: RELAX relax: ['in_stock', 'tags', 'year'] } "
                 "quotas { key: 'popularity' value { target: 4 } }"),
            "fecb");
  EXPECT_THAT(response_.filter().relaxed(),
              ElementsAre("in_stock", "tags", "year"));
}

TEST_F(FilterTest, FailsWhenTooFewPassIfItIsAskedTo) {
  const std::string filter = "filter { where: 'in_stock' when_short: FAIL }";
  EXPECT_TRUE(Retrieve("k: 3 " + filter).ok());
  EXPECT_EQ(Retrieve("k: 4 " + filter),
            absl::FailedPreconditionError(
                "filter: 3 items pass, fewer than k, 4, and when_short is "
                "FAIL"));
}

TEST_F(FilterTest, EachErrorIsAViolationWithItsPath) {
  struct Case {
    std::string filter;
    std::string error;
  };
  const std::string is_short =
      "filter.relax: empty, but when_short is RELAX: expected the attributes "
      "whose terms may be dropped";
  std::string many;
  for (int i = 0; i < 17; ++i) many += " relax: 'year'";
  const std::vector<Case> cases = {
      {"where: 'in_stock ='",
       "filter.where: at byte 10: the filter ends here, expected a value"},
      {"where: 'in_stok'",
       "filter.where: at byte 0: \"in_stok\" is no attribute of version 1; did "
       "you mean \"in_stock\"?"},
      {"where: 'year = x AND brand : *'",
       "filter.where: at byte 0: \"year\" is integer, and \"x\" is not; "
       "expected a whole number, such as 12"},
      {"where: 'year : (1 OR 2 OR 3 OR 4 OR 5 OR 6 OR 7)'",
       "filter.where: at byte 0: more than 6 terms, which is "
       "limits.max_filter_terms"},
      {"where: '" + std::string(101, ' ') + "'",
       "filter.where: 101 bytes, limits.max_where_bytes is 100"},
      {"where: ' '",
       "filter.where: at byte 1: the filter ends here, expected an attribute"},
      {"where: 'brand = abcdefghijklmnopqrstu'",
       "filter.where: at byte 0: 21 bytes, limits.max_key_bytes is 20"},
      {"predicate {}",
       "filter.predicate: one of all, any, negated and term must be set"},
      {"predicate { term { attribute: 'tag' exists: true } }",
       "filter.predicate.term.attribute: \"tag\" is no attribute of version 1; "
       "did you mean \"tags\"?"},
      {"where: 'in_stock' when_short: RELAX", is_short},
      {"where: 'in_stock' relax: 'year'",
       "filter.relax: given, but when_short is not RELAX"},
      {"where: 'in_stock' when_short: FAIL relax: 'year'",
       "filter.relax: given, but when_short is not RELAX"},
      {"where: 'in_stock' when_short: RELAX relax: 'year' relax: 'yaer'",
       "filter.relax[1]: \"yaer\" is no attribute of version 1; did you mean "
       "\"year\"?"},
      {"where: 'in_stock' when_short: RELAX" + many,
       "filter.relax: 17 attributes, expected at most 16"},
      {"when_short: FAIL",
       "filter.when_short: given, but neither filter.where nor "
       "filter.predicate is"},
      {"relax: 'year'",
       "filter.when_short: given, but neither filter.where nor "
       "filter.predicate is"},
      // All of them at once.
      {"where: '" + std::string(101, ' ') + "' when_short: RELAX",
       "filter.where: 101 bytes, limits.max_where_bytes is 100; " + is_short},
  };
  for (const auto& [filter, error] : cases) {
    EXPECT_EQ(Error("filter { " + filter + " }"), error) << filter;
  }
  v1::RetrieveRequest request;
  request.mutable_filter()->set_where("in_stock");
  request.mutable_filter()->set_when_short(static_cast<v1::Shortage>(9));
  EXPECT_EQ(Error(request.DebugString()),
            "filter.when_short: 9 is no known way");
  // The next request has no filter left of it.
  EXPECT_EQ(Keys("k: 6 quotas { key: 'popularity' value { target: 6 } }"),
            "fedcba");
  EXPECT_FALSE(response_.has_filter());
}

TEST_F(FilterTest, AVeryLongNameIsRefusedAtOnce) {
  v1::RetrieveRequest request;
  request.mutable_filter()->mutable_predicate()->mutable_term()->set_attribute(
      std::string(4 << 20, 'x'));
  const absl::Status status =
      pipeline_.Retrieve(bundle_, request, SteadyTime::max(), &response_);
  EXPECT_THAT(std::string(status.message()),
              AllOf(StartsWith("filter.predicate.term.attribute: \"xxx"),
                    HasSubstr("...\" is no attribute")));
  EXPECT_LT(status.message().size(), 300);
}

TEST_F(FilterTest, CountsRequestsByTheShareOfItemsThatPass) {
  const auto counts = [&] {
    uint64_t all = 0;
    for (const auto& share : metrics_.filter_shares) all += share.value();
    return all;
  };
  ASSERT_TRUE(Retrieve("k: 1").ok());
  EXPECT_EQ(counts(), 0);
  ASSERT_TRUE(Retrieve("k: 1 filter { where: 'in_stock' }").ok());
  ASSERT_TRUE(Retrieve("k: 1 filter { where: 'in_stock' }").ok());
  ASSERT_TRUE(Retrieve("k: 1 filter { where: 'year = 1' }").ok());
  EXPECT_EQ(metrics_.filter_hits.value(), 1);
  EXPECT_EQ(metrics_.filter_misses.value(), 2);
  EXPECT_EQ(metrics_.filter_seconds.Read().sample_count, 3);
  EXPECT_EQ(counts(), 3);
}

// What a careless exact search finds and does not pass, nobody could find.
TEST_F(FilterTest, LiveRecallIsOfWhatPasses) {
  v1::LiveRecall config;
  config.set_sample_share(1);
  config.set_queue_length(8);
  LiveRecall live_recall(config, &metrics_);
  const Pipeline pipeline(Config(), &pool_, &metrics_, &live_recall);
  metrics_.MadeResident(bundle_->bundle().manifest());
  v1::RetrieveRequest request;
  request.set_k(6);
  request.mutable_filter()->set_where("in_stock");
  (*request.mutable_quotas())["careless"].set_target(6);
  ASSERT_TRUE(
      pipeline.Retrieve(bundle_, request, SteadyTime::max(), &response_).ok());
  live_recall.Drain();
  EXPECT_EQ(metrics_.live_recall_samples.value(), 1);
  const auto& recall = metrics_.ForRetriever("careless").live_recall[2];
  EXPECT_EQ(recall.expected(), 3);
  EXPECT_EQ(recall.hits(), 3);
}

constexpr uint32_t kItems = 1200;
constexpr uint32_t kDim = 8;

// Items with attributes, a space whose index is of some kind, neighbours, two
// categories, and a list of popular items.
struct World {
  std::vector<AttributedItem> items;
  std::shared_ptr<const ServingBundle> bundle;
};

SpaceBundle SpaceWithIndex(const std::string& kind) {
  SpaceBundle space{.item_count = kItems, .dim = kDim};
  // Every fifth row has no vector.
  for (Row row = 0; row < kItems; ++row) {
    if (row % 5 != 4) space.rows.push_back(row);
  }
  space.items = RandomVectors(space.rows.size(), kDim, 3);
  if (kind == "scan" || kind == "ivf") {
    AddCodedIndex(kind == "scan" ? 1 : 20,
                  {.n = 50, .probes = kind == "scan" ? 1U : 3U, .reranked = 80},
                  &space);
  } else if (kind == "faiss") {
    const auto file = MakeTestDir() / "built.index";
    const auto queries = RandomVectors(20, kDim, 4);
    const auto spec = BuildFaissIndex(
        {space.items, kDim, "IVF16,Flat", .9, 50, queries}, file);
    EXPECT_TRUE(spec.ok()) << spec.status();
    *space.spec.mutable_index() = *spec;
    space.write_index = [file](const std::filesystem::path& path) {
      std::filesystem::copy_file(file, path);
      return absl::OkStatus();
    };
  }
  return space;
}

World MakeWorld(const std::string& kind) {
  World world{DrawItems(kItems, 9), nullptr};
  const auto space = SpaceWithIndex(kind).Open();
  v1::Manifest manifest = space->manifest();
  manifest.clear_retrievers();
  EXPECT_TRUE(google::protobuf::TextFormat::MergeFromString(
      "retrievers { name: 'taste' kind: 'vector' space: 'space' }"
      "retrievers { name: 'popularity' kind: 'popularity' lists: 'all' }"
      "retrievers { name: 'joint' kind: 'neighbors' table: 'joint' "
      "max_history: 10 }"
      "retrievers { name: 'kind' kind: 'category_popularity' max_history: 10 }"
      "popularity { name: 'all' count: 400 }"
      "popularity { name: 'c=1' count: 60 category: 1 }"
      "popularity { name: 'c=2' count: 60 category: 2 }"
      "neighbors { name: 'joint' width: 30 }",
      &manifest));
  const auto add = [&](BundleWriter* writer) {
    AddAttributes(world.items, writer, &manifest);
    const auto write_list = [&](const std::string& name, Row first, Row step,
                                size_t count) {
      std::vector<Row> rows;
      std::vector<float> scores;
      for (Row i = 0; i < count; ++i) {
        rows.push_back((first + i * step) % kItems);
        scores.push_back(static_cast<float>(count - i));
      }
      EXPECT_TRUE(
          writer->AddArray<Row>("popularity." + name + ".npy", rows).ok());
      EXPECT_TRUE(
          writer->AddArray<float>("popularity." + name + ".scores.npy", scores)
              .ok());
    };
    write_list("all", 5, 7, 400);
    write_list("c=1", 0, 2, 60);
    write_list("c=2", 1, 2, 60);
    std::vector<uint16_t> categories;
    std::vector<Row> neighbors;
    std::vector<float> scores;
    for (Row row = 0; row < kItems; ++row) {
      categories.push_back(static_cast<uint16_t>(1 + row % 2));
      for (Row i = 1; i <= 30; ++i) {
        neighbors.push_back((row + i * 11) % kItems);
        scores.push_back(1.0F / static_cast<float>(i));
      }
    }
    EXPECT_TRUE(
        writer->AddArray<uint16_t>("items.categories.npy", categories, 1).ok());
    EXPECT_TRUE(
        writer->AddArray<Row>("neighbors.joint.rows.npy", neighbors, 30).ok());
    return writer->AddArray<float>("neighbors.joint.scores.npy", scores, 30);
  };
  const auto bundle = RewriteBundle(*space, manifest, add);
  auto served = ServingBundle::Open(bundle, RetrieverRegistry::BuiltIn());
  EXPECT_TRUE(served.ok()) << served.status();
  world.bundle = *std::move(served);
  return world;
}

class FilteredLists : public FilterTest,
                      public testing::WithParamInterface<const char*> {
 protected:
  std::set<uint64_t> Ids(const v1::RetrieveRequest& request) {
    const absl::Status status = pipeline_.Retrieve(
        world_.bundle, request, SteadyTime::max(), &response_);
    EXPECT_TRUE(status.ok()) << status;
    const std::set<uint64_t> ids(response_.item_ids().begin(),
                                 response_.item_ids().end());
    EXPECT_EQ(ids.size(), response_.item_ids_size()) << "an item twice";
    return ids;
  }

  const World world_ = MakeWorld(GetParam());
};

// For one source, and for all together: whatever the filter, the list has all
// that could be in it.
TEST_P(FilteredLists, AreFullAndPass) {
  const std::vector<std::string> filters = {
      "in_stock",
      "NOT in_stock",
      "brand = b0",
      "brand : (b1 OR b2 OR b3)",
      "tags : (t0 AND t1)",
      "year < 1950 AND price < 3000",
      "created_at > 1970-02-01 OR tags : t2",
      "price = 0 OR NOT price : *",
      "year = 1",
      "NOT brand : *",
  };
  std::mt19937 random(4);
  bool short_list = false;
  bool full_list = false;
  for (const std::string source :
       {"taste", "popularity", "joint", "kind", "all"}) {
    for (int round = 0; round < 40; ++round) {
      v1::RetrieveRequest request;
      for (const char* name : {"taste", "popularity", "joint", "kind"}) {
        if (source != "all" && source != name) continue;
        (*request.mutable_quotas())[name].set_target(1);
      }
      for (int i = 0; i < 3; ++i) {
        request.add_recent_item_ids(random() % kItems);
      }
      for (const float x : RandomVectors(1, kDim, random())) {
        (*request.mutable_vectors())["space"].add_values(x);
      }
      request.mutable_filter()->add_exclude_item_ids(random() % kItems);
      request.set_k(kItems);
      const std::set<uint64_t> proposable = Ids(request);

      const std::string& where = filters[random() % filters.size()];
      request.set_k(1 + random() % 60);
      request.mutable_filter()->set_where(where);
      const auto parsed = ParseWhere(where);
      ASSERT_TRUE(parsed.ok()) << parsed.status();
      const auto passes = [&](uint64_t id) {
        return Passes(world_.items[id], parsed->predicate);
      };
      const auto could_be =
          static_cast<uint64_t>(std::ranges::count_if(proposable, passes));
      const std::set<uint64_t> ids = Ids(request);
      for (const uint64_t id : ids) {
        EXPECT_TRUE(passes(id)) << id << ": " << where;
      }
      EXPECT_THAT(ids, IsSubsetOf(proposable));
      EXPECT_EQ(ids.size(), std::min<uint64_t>(request.k(), could_be))
          << source << ", k " << request.k() << ": " << where;
      short_list |= ids.size() < request.k();
      full_list |= ids.size() == request.k();
      EXPECT_EQ(response_.filter().passing_items(),
                std::ranges::count_if(world_.items, [&](const auto& item) {
                  return Passes(item, parsed->predicate);
                }));
    }
  }
  EXPECT_TRUE(short_list);
  EXPECT_TRUE(full_list);
}

INSTANTIATE_TEST_SUITE_P(Kinds, FilteredLists,
                         testing::Values("flat", "scan", "ivf", "faiss"),
                         [](const auto& kind) {
                           return std::string(kind.param);
                         });

}  // namespace
}  // namespace tributary
