// In the steady state a request allocates nothing, from the decoded request to
// the encoded reply. Counts the calls of operator new on one thread.
#include <gtest/gtest.h>

#include <chrono>
#include <cstdlib>
#include <memory>
#include <new>
#include <string>

#include "fmt/core.h"
#include "google/protobuf/text_format.h"
#include "server/pipeline/pipeline.h"
#include "server/pipeline/reply_encoding.h"
#include "server/pipeline/server_config.h"
#include "server/pipeline/stage_times.h"
#include "server/service/call_trace.h"
#include "server/versions/bundle_routes.h"
#include "tests/index/bundle/tiny_bundle.h"
#include "tests/index/tower/feature_tower_bundle.h"
#include "tests/server/pipeline/scripted_retriever.h"

namespace {

thread_local bool counting = false;
thread_local int allocations = 0;

void* Allocate(size_t size, size_t alignment) {
  if (counting) ++allocations;
  // aligned_alloc needs a multiple of the alignment, and not 0.
  const size_t rounded = (size / alignment + 1) * alignment;
  if (void* const memory = std::aligned_alloc(alignment, rounded)) {
    return memory;
  }
  throw std::bad_alloc();
}

}  // namespace

// The operators for arrays and the nothrow ones call these.
void* operator new(size_t size) {
  return Allocate(size, __STDCPP_DEFAULT_NEW_ALIGNMENT__);
}
void* operator new(size_t size, std::align_val_t alignment) {
  return Allocate(size, static_cast<size_t>(alignment));
}
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, size_t) noexcept { std::free(memory); }
void operator delete(void* memory, std::align_val_t) noexcept {
  std::free(memory);
}
void operator delete(void* memory, size_t, std::align_val_t) noexcept {
  std::free(memory);
}

namespace tributary {
namespace {

// Requests until buffers have their capacity.
constexpr int kWarmUp = 3;
// Too long for a std::string to hold inline.
constexpr char kLongLabel[] = "a-label-that-no-string-holds-inline";

v1::RetrieveRequest Request(const std::string& text) {
  v1::RetrieveRequest request;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(text, &request));
  return request;
}

class AllocationTest : public testing::Test {
 protected:
  static v1::ServerConfig Config() {
    v1::ServerConfig config;
    config.set_bundles("b");
    config.mutable_defaults()->set_deadline_ms(60'000);
    return CompleteServerConfig(config).value();
  }

  static v1::ServerConfig TracedConfig() {
    v1::ServerConfig config = Config();
    config.mutable_tracing()->set_otlp_endpoint("127.0.0.1:1");
    config.mutable_tracing()->set_sample_share(0);
    config.mutable_tracing()->set_slow_ms(3'600'000);
    config.mutable_slow_calls()->set_threshold_ms(3'600'000);
    return config;
  }

  // The allocations of one request after a few equal ones. Its reply is in
  // reply_.
  int CountAllocations(const std::shared_ptr<const ServingBundle>& bundle,
                       const std::string& text) {
    metrics_.MadeResident(bundle->bundle().manifest());
    const v1::RetrieveRequest request = Request(text);
    const RoutedBundle from = {bundle, LabelName(kLongLabel)};
    const auto encode = [this](const Reply& reply) {
      EncodeReply(reply, &reply_);
      return absl::OkStatus();
    };
    for (int i = 0; i <= kWarmUp; ++i) {
      allocations = 0;
      counting = i == kWarmUp;
      // As the services do: the call is begun, noted and ended.
      trace_.Begin(&tracer_, &method_, {}, std::chrono::steady_clock::now());
      RetrieveOptions options(SteadyTime::max());
      options.stages = trace_.stages();
      const absl::Status status =
          pipeline_.Retrieve(from, request, options, encode);
      const bool noted =
          options.stages != nullptr && options.stages->replied != SteadyTime();
      const std::string told = trace_.End(status);
      counting = false;
      EXPECT_TRUE(noted);
      EXPECT_EQ(told, "");
      EXPECT_TRUE(status.ok()) << status;
    }
    return allocations;
  }

  ServerMetrics metrics_;
  // Spans are made for none of these calls, and none of them is slow.
  const std::unique_ptr<SpanExporter> exporter_ =
      *SpanExporter::Create(TracedConfig().tracing());
  CallTracer tracer_{TracedConfig(), exporter_.get(), &metrics_};
  const CallMethod method_ = {.rpc_service = "tributary.v1.Retrieval",
                              .rpc_method = "Retrieve"};
  CallTrace trace_;
  WorkerPool pool_{1, 4};
  const Pipeline pipeline_{Config(), &pool_, &metrics_, nullptr};
  std::string reply_;
};

TEST_F(AllocationTest, TheCounterCounts) {
  counting = true;
  delete new int(1);
  std::string(100, 'x').append("y");
  counting = false;
  EXPECT_GE(allocations, 2);
}

TEST_F(AllocationTest, PlanFusionAndReplyAllocateNothing) {
  const Scripts scripts = {{"behavior", {.rows = Rows(0, 500)}},
                           {"content", {.rows = Rows(250, 750)}},
                           {"popularity", {.rows = Rows(500, 1000)}}};
  for (const v1::KeyKind kind : {v1::UINT64, v1::UTF8}) {
    const auto bundle =
        ServeScripted(scripts, {.item_keys = kind, .user_keys = kind});
    for (const char* policy : {"QUOTA", "RRF", "WEIGHTED", "INTERLEAVE"}) {
      const std::string text = fmt::format(
          "user_key: '1' k: 500 fusion {{ policy: {} }} "
          "filter {{ exclude_item_keys: ['1007', '1008', 'nothing'] }}",
          policy);
      EXPECT_EQ(CountAllocations(bundle, text), 0) << policy;
      v1::RetrieveResponse response;
      ASSERT_TRUE(response.ParseFromString(reply_));
      EXPECT_EQ(response.scores_size(), 500);
      EXPECT_EQ(response.bundle_label(), kLongLabel);
    }
  }
}

// Neither for a user with live events, nor for one without.
TEST_F(AllocationTest, LiveEventsAllocateNothing) {
  const auto bundle =
      ServingBundle::Open(
          Bundle::Open(WriteTinyBundle(MakeTestDir(), 1)).value(),
          RetrieverRegistry::BuiltIn())
          .value();
  UserEvents events;
  v1::Change change;
  change.set_number(1);
  change.set_item("c");
  change.mutable_event()->set_user("10");
  ASSERT_TRUE(events.Apply(change));
  change.mutable_event()->set_user("somebody whom the bundle does not know");
  ASSERT_TRUE(events.Apply(change));
  BundleOverlay overlay;
  overlay.events = BundleEvents::Update(
      nullptr, bundle->bundle(), events,
      std::vector<std::string>{"10", change.event().user()});
  bundle->changes().Put(
      std::make_shared<const BundleOverlay>(std::move(overlay)));
  for (const char* const user :
       {"user_id: 10", "user_id: 20", "user_id: 77",
        "user_key: 'somebody whom the bundle does not know'"}) {
    EXPECT_EQ(CountAllocations(bundle, fmt::format("{} k: 3", user)), 0)
        << user;
  }
}

TEST_F(AllocationTest, RoutingAllocatesNothing) {
  auto buckets = std::make_shared<std::array<uint8_t, kUserBuckets>>();
  buckets->fill(1);
  RoutingTable table;
  table.resident = {ServeScripted({}, {.version = 1}),
                    ServeScripted({}, {.version = 2})};
  table.active = 1;
  table.labels = {{LabelName(kLongLabel), 2}};
  table.buckets = buckets;
  BundleRoutes routes;
  routes.Set(table);
  const v1::RetrieveRequest request = Request("user_id: 18446744073709551615");
  allocations = 0;
  counting = true;
  const auto routed = routes.Take(request);
  counting = false;
  EXPECT_EQ(allocations, 0);
  ASSERT_TRUE(routed.ok());
  EXPECT_EQ(routed->label.view(), kLongLabel);
}

TEST_F(AllocationTest, CapsBoostsAndDecayAllocateNothing) {
  std::vector<uint8_t> codes(kScriptedItems);
  for (uint32_t row = 400; row < kScriptedItems; ++row) {
    codes[row] = static_cast<uint8_t>(row % 4);
  }
  const Scripts scripts = {{"behavior", {.rows = Rows(0, 1000)}},
                           {"content", {.rows = Rows(0, 500)}},
                           {"popularity", {.rows = Rows(0, 300)}}};
  const auto bundle = ServeScripted(
      scripts,
      {.attributes = {{.name = "shop", .values = {1, 2, 3}, .codes = codes},
                      {.name = "made",
                       .type = v1::TIME,
                       .values = {1704067200000, 1749988800000, 1767225600000},
                       .codes = codes}}});
  for (const char* policy : {"QUOTA", "RRF", "WEIGHTED", "INTERLEAVE"}) {
    const std::string text = fmt::format(
        "user_key: '1' k: 500 view: BASIC fusion {{ policy: {} }} "
        "caps {{ attribute: 'shop' max: 130 }} "
        "caps {{ attribute: 'made' max: 200 }} "
        "boosts {{ where: 'shop = 2 OR shop = 3' factor: 1.5 }} "
        "boosts {{ predicate {{ term {{ attribute: 'made' exists: true }} }} "
        "factor: 0.5 }} "
        "decay {{ attribute: 'made' half_life_days: 30 }}",
        policy);
    EXPECT_EQ(CountAllocations(bundle, text), 0) << policy;
    v1::RetrieveResponse response;
    ASSERT_TRUE(response.ParseFromString(reply_));
    EXPECT_EQ(response.caps_size(), 2);
    // Sources were asked for more.
    EXPECT_GT(response.source_reports(0).asked(), 500);
  }
}

TEST_F(AllocationTest, DiversityAllocatesNothing) {
  std::vector<uint8_t> codes(kScriptedItems);
  for (uint32_t row = 400; row < kScriptedItems; ++row) {
    codes[row] = static_cast<uint8_t>(row % 4);
  }
  const Scripts scripts = {{"behavior", {.rows = Rows(0, 1000)}},
                           {"content", {.rows = Rows(0, 500)}},
                           {"popularity", {.rows = Rows(0, 300)}}};
  const auto bundle = ServeScripted(
      scripts,
      {.attributes = {{.name = "shop", .values = {1, 2, 3}, .codes = codes}}});
  for (const char* policy : {"QUOTA", "RRF", "WEIGHTED", "INTERLEAVE"}) {
    for (const char* more :
         {"", "caps { attribute: 'shop' max: 30 }",
          "boosts { where: 'shop = 2 OR shop = 3' factor: 1.5 }"}) {
      const std::string text = fmt::format(
          "user_key: '1' k: 100 view: BASIC fusion {{ policy: {} }} "
          "diversity {{ space: 'taste' lambda: 0.7 }} {}",
          policy, more);
      EXPECT_EQ(CountAllocations(bundle, text), 0) << policy << more;
      v1::RetrieveResponse response;
      ASSERT_TRUE(response.ParseFromString(reply_));
      EXPECT_EQ(response.scores_size(), 100);
      EXPECT_GE(response.source_reports(0).asked(), 400);
    }
  }
}

TEST_F(AllocationTest, RetrieversAllocateNothing) {
  const auto dir = WriteTinyBundle(MakeTestDir(), 1);
  std::string manifest = ReadFile(dir / "manifest.json");
  const std::string begin = "\"retrievers\": [";
  ASSERT_NE(manifest.find(begin), std::string::npos);
  manifest.insert(manifest.find(begin) + begin.size(),
                  R"({"name": "joint", "kind": "neighbors", "table": "joint",
          "maxHistory": 10},
         {"name": "kind", "kind": "category_popularity", "maxHistory": 10},)");
  OverwriteFile(dir / "manifest.json", manifest);
  const auto opened = Bundle::Open(dir);
  ASSERT_TRUE(opened.ok()) << opened.status();
  const auto bundle =
      ServingBundle::Open(*opened, RetrieverRegistry::BuiltIn());
  ASSERT_TRUE(bundle.ok()) << bundle.status();
  const std::string quotas =
      "quotas { key: 'joint' value { target: 2 } } "
      "quotas { key: 'kind' value { target: 2 } } "
      "quotas { key: 'taste' value { target: 2 } } "
      "quotas { key: 'popularity' value { target: 2 } } ";
  for (const Row row : {4, 5}) {
    RowSet others((*opened)->items().size());
    others.Add(row);
    others.Complement();
    (*bundle)->item_sets().Put(row == 4 ? "e" : "f",
                               std::make_shared<ExcludedItems>(others, 1));
  }
  EXPECT_EQ(CountAllocations(*bundle, "user_id: 10 k: 4 " + quotas +
                                          "filter { exclude_sets: 'f' }"),
            0);
  // Filters are found where the first request left them.
  for (const std::string filter :
       {"", "filter { where: 'in_stock AND NOT brand = nothing' }",
        "filter { where: 'tags : *' predicate { term { attribute: 'year' "
        "exists: true } } }",
        "filter { exclude_sets: ['f', 'e'] where: 'tags : *' } "
        "caps { attribute: 'tags' max: 2 }"}) {
    for (const std::string user :
         {"user_id: 10", "user_id: 20", "recent_item_keys: ['a', 'e']",
          // The sets leave nothing but what it has seen or named.
          "user_id: 10 include_seen: true like { item_key: 'c' weight: 2 } "
          "unlike { item_key: 'd' }",
          "like { item_key: 'f' } recent_item_keys: ['b', 'a'] "
          "recent_item_weights: [0.5, 2]",
          "user_id: 10 queries { space: 'taste' values: [1, 0] } "
          "queries { space: 'taste' values: [0, 1] weight: 2 }",
          "user_id: 10 include_seen: true "
          "diversity { space: 'taste' lambda: 0.5 }"}) {
      EXPECT_EQ(CountAllocations(*bundle, user + " k: 4 " + quotas + filter), 0)
          << user << " " << filter;
      v1::RetrieveResponse response;
      ASSERT_TRUE(response.ParseFromString(reply_));
      EXPECT_EQ(response.source_reports_size(), 4);
      EXPECT_GT(response.scores_size(), 0);
      EXPECT_EQ(response.has_filter(), !filter.empty());
    }
  }
}

TEST_F(AllocationTest, UserFeaturesAllocateNothing) {
  const auto bundle = ServingBundle::Open(FeatureTowerBundle().Open(),
                                          RetrieverRegistry::BuiltIn());
  ASSERT_TRUE(bundle.ok()) << bundle.status();
  const std::string quotas = "k: 4 quotas { key: 'taste' value { target: 4 } }";
  const std::string features =
      "user_features { key: 'city' value { categories: ['a city that no string "
      "holds inline', 'rome', 'paris'] } } "
      "user_features { key: 'age' value { number: 30 } } ";
  for (const char* user : {"", "user_id: 10 ", "user_id: 99 "}) {
    EXPECT_EQ(CountAllocations(*bundle, user + features + quotas), 0) << user;
    v1::RetrieveResponse response;
    ASSERT_TRUE(response.ParseFromString(reply_));
    EXPECT_GT(response.scores_size(), 0);
    EXPECT_FALSE(response.cold_start());
  }
  EXPECT_EQ(CountAllocations(*bundle, "user_id: 10 " + quotas), 0);
}

}  // namespace
}  // namespace tributary
