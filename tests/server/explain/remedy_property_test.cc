// On random bundles, for random requests and items: whatever remedy is offered,
// the pipeline returns the item when it is sent; where none is, the sentence
// says why; and what is said of an item agrees with the pipeline's own reply.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <random>
#include <string>
#include <vector>

#include "fmt/core.h"
#include "google/protobuf/util/message_differencer.h"
#include "server/explain/explain.h"
#include "server/pipeline/pipeline.h"
#include "server/pipeline/server_config.h"
#include "tests/server/explain/random_bundle.h"

namespace tributary {
namespace {

using ::testing::AnyOf;
using ::testing::EndsWith;
using ::testing::HasSubstr;

constexpr uint32_t kMaxK = 300;
constexpr uint32_t kBundles = 6;
constexpr uint32_t kRequests = 14;
constexpr uint32_t kItemsAsked = 6;

v1::ServerConfig Config() {
  v1::ServerConfig config;
  config.set_bundles("b");
  config.mutable_defaults()->set_deadline_ms(60'000);
  config.mutable_limits()->set_max_k(kMaxK);
  config.mutable_defaults()->set_k(20);
  v1::Profile* const cheap = config.add_profiles();
  cheap->set_name("cheap");
  cheap->set_where("price < 800");
  cheap->set_k(15);
  v1::Profile* const stock = config.add_profiles();
  stock->set_name("stock");
  stock->set_where("in_stock AND year >= 1950");
  v1::Cap* const cap = stock->add_caps();
  cap->set_attribute("brand");
  cap->set_max(3);
  return CompleteServerConfig(config).value();
}

class Draw {
 public:
  explicit Draw(uint32_t seed) : random_(seed) {}

  uint32_t Below(uint32_t n) { return static_cast<uint32_t>(random_() % n); }
  bool OneIn(uint32_t n) { return Below(n) == 0; }
  std::string Item() { return fmt::format("i{:03}", Below(kRandomItems)); }

  v1::RetrieveRequest Request() {
    v1::RetrieveRequest request;
    if (!OneIn(8)) request.set_user_id(Below(kRandomUsers));
    if (!OneIn(6)) request.set_k(1 + Below(40));
    if (OneIn(4)) request.set_profile(OneIn(2) ? "cheap" : "stock");
    if (!OneIn(3)) AddQuotas(&request);
    if (OneIn(3)) {
      request.mutable_fusion()->set_policy(
          static_cast<v1::Fusion::Policy>(1 + Below(4)));
    }
    for (uint32_t i = OneIn(3) ? Below(4) : 0; i > 0; --i) {
      request.add_recent_item_keys(Item());
    }
    request.set_include_seen(OneIn(5));
    for (uint32_t i = OneIn(3) ? Below(60) : 0; i > 0; --i) {
      request.mutable_filter()->add_exclude_item_keys(Item());
    }
    if (OneIn(2)) request.mutable_filter()->set_where(Where());
    if (request.filter().where().empty()) return Shaped(request);
    if (OneIn(4)) {
      request.mutable_filter()->set_when_short(v1::RELAX);
      request.mutable_filter()->add_relax("price");
    }
    return Shaped(request);
  }

 private:
  void AddQuotas(v1::RetrieveRequest* request) {
    uint32_t left = std::min(request->k(), 15U);
    for (const char* name :
         {"behavior", "content", "popularity", "neighbors"}) {
      if (OneIn(2)) continue;
      v1::Quota& quota = (*request->mutable_quotas())[name];
      quota.set_target(Below(std::max(request->k(), 10U) + 10));
      if (OneIn(4)) {
        quota.set_min(std::min(Below(quota.target() + 1), left));
        left -= quota.min();
      }
      if (OneIn(4)) quota.set_max(quota.target() + Below(5));
    }
  }

  std::string Where() {
    const std::vector<std::string> terms = {
        fmt::format("price < {}", Below(3000)),
        fmt::format("year >= {}", 1900 + Below(300)),
        fmt::format("brand = b{}", Below(20)),
        fmt::format("brand != b{}", Below(5)),
        fmt::format("tags : t{}", Below(20)),
        fmt::format("tags : (t{} OR t{})", Below(20), Below(20)),
        "in_stock",
        "NOT (in_stock AND price : *)",
        fmt::format("NOT (tags : t{} OR year < 1950)", Below(9)),
        "created_at > \"1970-02-01\"",
        "(price : * OR brand = b1 AND in_stock)"};
    std::string where;
    for (uint32_t i = 1 + Below(3); i > 0; --i) {
      if (!where.empty()) where += OneIn(3) ? " OR " : " AND ";
      where += terms[Below(static_cast<uint32_t>(terms.size()))];
    }
    return where;
  }

  v1::RetrieveRequest Shaped(v1::RetrieveRequest request) {
    for (const char* attribute : {"brand", "in_stock", "year"}) {
      if (!OneIn(5)) continue;
      v1::Cap* const cap = request.add_caps();
      cap->set_attribute(attribute);
      cap->set_max(1 + Below(4));
    }
    if (OneIn(4)) {
      v1::Boost* const boost = request.add_boosts();
      boost->set_where(Where());
      boost->set_factor(OneIn(2) ? 3 : 0.2);
    }
    if (OneIn(5)) {
      request.mutable_decay()->set_attribute("created_at");
      request.mutable_decay()->set_half_life_days(30);
      request.mutable_decay()->set_at("1970-09-01");
    }
    return request;
  }

  std::mt19937 random_;
};

class RemedyPropertyTest : public testing::Test {
 protected:
  v1::RetrieveResponse Send(v1::RetrieveRequest request) {
    request.set_view(v1::FULL);
    v1::RetrieveResponse response;
    const absl::Status status =
        pipeline_.Retrieve(bundle_, request, {}, &response);
    EXPECT_TRUE(status.ok()) << status << request.ShortDebugString();
    return response;
  }

  // The place of the key in the reply; -1 if it is not there.
  static int PlaceOf(const v1::RetrieveResponse& response,
                     const std::string& key) {
    const auto found = std::ranges::find(response.item_keys(), key);
    return found == response.item_keys().end()
               ? -1
               : static_cast<int>(found - response.item_keys().begin());
  }

  // What is said of an item of the list is what the reply says of it.
  static void ExpectAgreement(const v1::RetrieveResponse& response,
                              const v1::ItemExplanation& item) {
    const int place = PlaceOf(response, item.item_key());
    EXPECT_EQ(item.verdict() == v1::IN_THE_LIST, place >= 0);
    EXPECT_EQ(item.rank(), static_cast<uint32_t>(place + 1));
    if (place < 0) return;
    EXPECT_EQ(static_cast<float>(item.fused_score()), response.scores(place));
    if (response.factors_size() > 0) {
      EXPECT_EQ(static_cast<float>(item.factor()), response.factors(place));
    }
    ASSERT_EQ(item.sources_size(), response.source_reports_size());
    for (int s = 0; s < item.sources_size(); ++s) {
      const v1::SourceReport& report = response.source_reports(s);
      EXPECT_EQ(item.sources(s).name(), report.name());
      EXPECT_EQ(item.sources(s).asked(), report.asked());
      EXPECT_EQ(item.sources(s).proposed_rank(), report.ranks(place));
    }
  }

  // Where k alone is raised, one less does not do: the change is the least.
  void ExpectLeastK(const v1::RetrieveRequest& request,
                    const v1::ItemExplanation& item) {
    v1::RetrieveRequest other = item.remedy();
    other.set_k(request.k());
    if (!google::protobuf::util::MessageDifferencer::Equals(other, request)) {
      return;
    }
    ++least_ks_;
    other.set_k(item.remedy().k() - 1);
    EXPECT_LT(PlaceOf(Send(other), item.item_key()), 0);
  }

  void CountSources(const v1::ItemExplanation& item) {
    for (const v1::SourceExplanation& source : item.sources()) {
      missed_ += source.missed_by_index() ? 1 : 0;
      if (source.missed_by_index()) {
        EXPECT_EQ(source.name(), "content");
      } else if (source.proposed_rank() > 0 && source.name() != "content") {
        // Only the index of "content" is approximate.
        EXPECT_EQ(source.proposed_rank(), source.exact_rank());
      }
      EXPECT_GE(source.contribution(), 0);
      EXPECT_EQ(source.proposed_rank() == 0 ? source.contribution() : 0, 0);
    }
  }

  int other_profiles_ = 0;
  int least_ks_ = 0;
  int missed_ = 0;
  const v1::ServerConfig config_ = Config();
  const Explainer explainer_{config_};
  const Pipeline pipeline_{config_, nullptr, nullptr, nullptr};
  std::shared_ptr<const ServingBundle> bundle_;
};

TEST_F(RemedyPropertyTest,
       ARemedyBringsItsItemInAndASentenceSaysWhyThereIsNone) {
  std::map<v1::Verdict, int> verdicts;
  std::map<v1::Verdict, int> remedied;
  for (uint32_t seed = 1; seed <= kBundles; ++seed) {
    bundle_ = ServeRandomBundle(seed);
    Draw draw(seed);
    for (uint32_t i = 0; i < kRequests; ++i) {
      v1::ExplainRequest request;
      *request.mutable_request() = draw.Request();
      SCOPED_TRACE(fmt::format("seed {} request {}: {}", seed, i,
                               request.request().ShortDebugString()));
      const v1::RetrieveResponse response = Send(request.request());
      for (uint32_t j = 0; j < kItemsAsked; ++j) {
        request.add_item_keys(draw.Item());
      }
      // Some whose verdict is another.
      if (!response.item_keys().empty()) {
        request.add_item_keys(response.item_keys(0));
      }
      if (request.request().filter().exclude_item_keys_size() > 0) {
        request.add_item_keys(request.request().filter().exclude_item_keys(0));
      }
      const auto seen = bundle_->bundle().Seen(0);
      request.add_item_keys(bundle_->bundle().items().text(seen[0]));
      const auto explained =
          explainer_.Explain({bundle_, LabelName()}, request, {});
      ASSERT_TRUE(explained.ok()) << explained.status();
      ASSERT_EQ(explained->items_size(), request.item_keys_size());
      EXPECT_EQ(explained->candidates(),
                static_cast<uint32_t>(response.item_keys_size()));
      for (const v1::ItemExplanation& item : explained->items()) {
        SCOPED_TRACE(item.ShortDebugString());
        ExpectAgreement(response, item);
        CountSources(item);
        ++verdicts[item.verdict()];
        if (item.verdict() == v1::IN_THE_LIST) {
          EXPECT_FALSE(item.has_remedy());
          continue;
        }
        if (item.has_remedy()) {
          ++remedied[item.verdict()];
          other_profiles_ +=
              item.remedy().profile() != request.request().profile() ? 1 : 0;
          EXPECT_GE(PlaceOf(Send(item.remedy()), item.item_key()), 0);
          EXPECT_THAT(item.sentence(), EndsWith(" would bring it in."));
          ExpectLeastK(request.request(), item);
          EXPECT_FALSE(google::protobuf::util::MessageDifferencer::Equals(
              item.remedy(), request.request()));
        } else {
          EXPECT_THAT(item.sentence(),
                      AnyOf(HasSubstr("limits.max_k"),
                            HasSubstr("no quota or k would change that"),
                            HasSubstr("changes that were tried")));
        }
      }
    }
  }
  EXPECT_GT(other_profiles_, 10);
  EXPECT_GT(least_ks_, 20);
  EXPECT_GT(missed_, 2);
  // The draws reach each verdict, and most items that are missing have a
  // remedy.
  for (const v1::Verdict verdict :
       {v1::IN_THE_LIST, v1::SEEN, v1::EXCLUDED, v1::DOES_NOT_PASS,
        v1::NOT_PROPOSED, v1::KEPT_OUT_BY_CAP, v1::BELOW_K}) {
    EXPECT_GT(verdicts[verdict], 3) << v1::Verdict_Name(verdict);
    if (verdict == v1::IN_THE_LIST) continue;
    EXPECT_GT(remedied[verdict], verdicts[verdict] / 2)
        << v1::Verdict_Name(verdict);
    fmt::print("{}: {} of {} have a remedy\n", v1::Verdict_Name(verdict),
               remedied[verdict], verdicts[verdict]);
  }
}

}  // namespace
}  // namespace tributary
