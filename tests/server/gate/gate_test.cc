// MeasureGate and Decide on bundles on disk.
#include "server/gate/gate.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <set>
#include <string>

#include "server/gate/gate_config.h"
#include "server/gate/gate_report.h"
#include "tests/index/bundle/tiny_bundle.h"
#include "tests/server/gate/gate_world.h"

namespace tributary {
namespace {

using testing::AllOf;
using testing::Contains;
using testing::DoubleNear;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Pair;
using testing::UnorderedElementsAre;

// Names and subjects of the failed checks.
using Failures = std::set<std::pair<std::string, std::string>>;

v1::Gate Thresholds() {
  v1::Gate gate;
  // Shorter than the catalogue.
  gate.set_n(40);
  return *CompleteGate(gate);
}

std::shared_ptr<const Bundle> Open(const std::filesystem::path& dir) {
  auto bundle = Bundle::Open(dir);
  EXPECT_TRUE(bundle.ok()) << bundle.status();
  return *std::move(bundle);
}

GateMeasurements Measure(
    const Bundle* old_bundle, const Bundle& new_bundle,
    const RetrieverRegistry& registry = RetrieverRegistry::BuiltIn()) {
  auto measured =
      MeasureGate(old_bundle, new_bundle, registry, Thresholds(), [](auto) {});
  EXPECT_TRUE(measured.ok()) << measured.status();
  return measured.value_or(GateMeasurements());
}

class GateTest : public testing::Test {
 protected:
  // Compares it with a normal version.
  v1::GateReport Judge(const GateWorld& next) {
    return Judge(GateWorld{.noise_seed = 2}, next);
  }
  v1::GateReport Judge(const GateWorld& before, const GateWorld& next) {
    old_ = Open(before.Write(MakeTestDir(), 1));
    new_ = Open(next.Write(MakeTestDir(), 2));
    measured_ = Measure(old_.get(), *new_);
    return Decide(measured_, Thresholds());
  }
  static Failures FailuresOf(const v1::GateReport& report) {
    Failures failures;
    for (const v1::GateCheck& check : report.checks()) {
      if (check.verdict() != v1::GateCheck::FAILED) continue;
      failures.emplace(check.name(), check.subject());
    }
    EXPECT_EQ(failures.empty(), report.passed());
    EXPECT_EQ(failures.empty(), GateReasons(report).empty());
    return failures;
  }

  std::shared_ptr<const Bundle> old_;
  std::shared_ptr<const Bundle> new_;
  GateMeasurements measured_;
};

TEST_F(GateTest, ARetrainedVersionPasses) {
  const auto report = Judge({.noise_seed = 3, .fingerprint = "g"});
  EXPECT_THAT(FailuresOf(report), IsEmpty()) << GateTable(report);
  EXPECT_EQ(report.version(), 2);
  EXPECT_EQ(report.old_version(), 1);
  EXPECT_EQ(report.queries(), 100);
  EXPECT_EQ(report.asked_for(), "users");
}

TEST_F(GateTest, ItemsWithOneAnothersVectorsFailByOverlapThoughRecallIsGood) {
  const auto report = Judge({.items_mixed_up = true});
  EXPECT_THAT(FailuresOf(report), ElementsAre(Pair("overlap", "taste")));
}

TEST_F(GateTest, UsersWithOneAnothersVectorsFailByOverlap) {
  const auto report = Judge({.users_mixed_up = true});
  EXPECT_THAT(FailuresOf(report), ElementsAre(Pair("overlap", "taste")));
}

TEST_F(GateTest, MoreThanHalfOfTheItemsGoneFails) {
  const auto report = Judge({.items = 190, .popular = 190});
  EXPECT_THAT(FailuresOf(report), Contains(Pair("count", "items")));
  EXPECT_THAT(FailuresOf(Judge({.items = 210, .popular = 200})), IsEmpty());
}

TEST_F(GateTest, MostUsersGoneFails) {
  EXPECT_THAT(FailuresOf(Judge({.users = 40})),
              ElementsAre(Pair("count", "users")));
}

TEST_F(GateTest, VectorsAHundredTimesAsLongFail) {
  const auto report = Judge({.scale = 100});
  EXPECT_THAT(FailuresOf(report),
              UnorderedElementsAre(Pair("norm", "taste items"),
                                   Pair("norm", "taste users")));
}

TEST_F(GateTest, AnEmptiedPopularityListFails) {
  const auto report = Judge({.popular = 0});
  EXPECT_THAT(FailuresOf(report), Contains(Pair("length", "popularity")));
}

TEST_F(GateTest, AShortenedPopularityListFails) {
  // 40 are asked for, and the list has 30.
  EXPECT_THAT(FailuresOf(Judge({.popular = 30})),
              ElementsAre(Pair("length", "popularity")));
  EXPECT_THAT(FailuresOf(Judge({.popular = 33})), IsEmpty());
}

TEST_F(GateTest, AnIndexThatFindsTooLittleFailsWithoutAnOldVersion) {
  new_ = Open(GateWorld{.factory = "IVF20,Flat"}.Write(MakeTestDir(), 2));
  const auto report = Decide(Measure(nullptr, *new_), Thresholds());
  EXPECT_THAT(FailuresOf(report), ElementsAre(Pair("recall", "taste")));
  EXPECT_THAT(GateReasons(report), HasSubstr("recall of taste is 0."));
}

TEST_F(GateTest, AFullScanHasAllRecall) {
  new_ = Open(GateWorld{.factory = "Flat"}.Write(MakeTestDir(), 2));
  const auto measured = Measure(nullptr, *new_);
  EXPECT_EQ(measured.new_version.sources[0].recall, 1);
  EXPECT_FALSE(measured.new_version.sources[1].recall.has_value());
}

TEST_F(GateTest, ItemsWithoutVectorBeyondTheListsAreUnreachable) {
  new_ = Open(
      GateWorld{.popular = 150, .item_vectors = 100}.Write(MakeTestDir(), 2));
  const auto measured = Measure(nullptr, *new_);
  EXPECT_THAT(measured.new_version.unreachable, DoubleNear(250.0 / 400, 1e-9));
  EXPECT_THAT(FailuresOf(Decide(measured, Thresholds())),
              ElementsAre(Pair("unreachable", "items")));
}

// Proposes item 399 alone, and says so in AddReachable or not.
class OneItem : public Retriever {
 public:
  explicit OneItem(bool says_so) : says_so_(says_so) {}

  absl::StatusOr<Ask> Retrieve(
      const RetrieverQuery& /*query*/, uint32_t /*n*/,
      std::vector<ScoredRow>* proposals) const override {
    proposals->assign(1, {399, 1});
    return Ask::kAnswered;
  }
  bool AddReachable(ReachableItems* items) const override {
    if (says_so_) items->Add(399);
    return says_so_;
  }

 private:
  const bool says_so_;
};

RetrieverRegistry WithOneItem(bool says_so) {
  RetrieverRegistry registry = RetrieverRegistry::BuiltIn();
  registry.Register("one_item", [says_so](const Bundle&, const auto&) {
    return std::make_unique<OneItem>(says_so);
  });
  return registry;
}

// Of 400 items, 100 have vectors, and retriever "own" proposes one more.
const GateWorld kOwnKind{
    .popular = 50, .item_vectors = 100, .own_kind = "one_item"};

TEST_F(GateTest, AnotherKindCountsByWhatItSaysItReaches) {
  new_ = Open(kOwnKind.Write(MakeTestDir(), 2));
  auto measured = Measure(nullptr, *new_, WithOneItem(true));
  EXPECT_THAT(measured.new_version.unreachable, DoubleNear(299.0 / 400, 1e-9));
  EXPECT_THAT(measured.new_version.silent_sources, IsEmpty());
  EXPECT_THAT(FailuresOf(Decide(measured, Thresholds())),
              ElementsAre(Pair("unreachable", "items")));

  measured = Measure(nullptr, *new_, WithOneItem(false));
  EXPECT_THAT(measured.new_version.unreachable, DoubleNear(300.0 / 400, 1e-9));
  EXPECT_THAT(measured.new_version.silent_sources, ElementsAre("own"));
  EXPECT_THAT(FailuresOf(Decide(measured, Thresholds())), IsEmpty());
}

TEST_F(GateTest, AKindThatTheRegistryDoesNotKnowFailsAndIsNamed) {
  new_ = Open(kOwnKind.Write(MakeTestDir(), 2));
  const auto report = Decide(Measure(nullptr, *new_), Thresholds());
  EXPECT_THAT(FailuresOf(report), Contains(Pair("source", "own")));
  EXPECT_THAT(GateReasons(report),
              HasSubstr("\"one_item\" is not a registered kind"));
}

// Proposes the first n items; more than 350 in the wrong order.
class WrongWhenDeep : public Retriever {
 public:
  absl::StatusOr<Ask> Retrieve(
      const RetrieverQuery& query, uint32_t n,
      std::vector<ScoredRow>* proposals) const override {
    proposals->clear();
    for (Row row = 0; row < n; ++row) {
      if (std::binary_search(query.excluded.begin(), query.excluded.end(),
                             row)) {
        continue;
      }
      proposals->push_back({row, n > 350 ? 1.0F * row : -1.0F * row});
    }
    return Ask::kAnswered;
  }
};

TEST_F(GateTest, SourcesAreAskedForAsManyItemsAsRequestsMayAskFor) {
  new_ = Open(kOwnKind.Write(MakeTestDir(), 2));
  RetrieverRegistry registry = RetrieverRegistry::BuiltIn();
  registry.Register("one_item", [](const Bundle&, const auto&) {
    return std::make_unique<WrongWhenDeep>();
  });
  const auto measured =
      MeasureGate(nullptr, *new_, registry, Thresholds(), [](auto) {});
  EXPECT_TRUE(absl::IsDataLoss(measured.status())) << measured.status();
  EXPECT_THAT(std::string(measured.status().message()),
              AllOf(HasSubstr("source own: the source proposes row"),
                    HasSubstr("at rank 2")));
}

TEST_F(GateTest, AnOldVersionsUnknownKindIsNoFaultOfTheNewOne) {
  old_ = Open(GateWorld{.own_kind = "one_item"}.Write(MakeTestDir(), 1));
  new_ = Open(GateWorld{.noise_seed = 3}.Write(MakeTestDir(), 2));
  const auto report = Decide(Measure(old_.get(), *new_), Thresholds());
  EXPECT_THAT(FailuresOf(report), IsEmpty()) << GateTable(report);
  EXPECT_THAT(GateTable(report), HasSubstr("is not a registered kind"));
}

TEST_F(GateTest, WithoutUsersItemsAreAskedForAndGoldenQueriesOfTheSameSpace) {
  const GateWorld before{.users = 0, .golden_queries = true};
  auto report =
      Judge(before, {.users = 0, .noise_seed = 3, .golden_queries = true});
  EXPECT_EQ(report.asked_for(), "items");
  EXPECT_THAT(FailuresOf(report), IsEmpty()) << GateTable(report);

  report = Judge(before,
                 {.users = 0, .items_mixed_up = true, .golden_queries = true});
  EXPECT_THAT(FailuresOf(report), ElementsAre(Pair("overlap", "taste")));
}

TEST_F(GateTest, ACatalogueOfOtherItemsFails) {
  old_ = Open(GateWorld().Write(MakeTestDir(), 1));
  new_ = Open(WriteTinyBundle(MakeTestDir(), 2));
  const auto report = Decide(Measure(old_.get(), *new_), Thresholds());
  EXPECT_THAT(FailuresOf(report), Contains(Pair("overlap", "items")));
  EXPECT_THAT(FailuresOf(report), Contains(Pair("source", "taste")).Times(0));
}

TEST_F(GateTest, MeasurementsAreTheSameEveryTime) {
  const auto once = Judge({.noise_seed = 3});
  EXPECT_EQ(Judge({.noise_seed = 3}).SerializeAsString(),
            once.SerializeAsString());
}

TEST_F(GateTest, TheTableSaysWhatFailed) {
  const std::string table = GateTable(Judge({.scale = 100}));
  EXPECT_THAT(table, HasSubstr("version 2 against 1, 100 queries for users"));
  EXPECT_THAT(table, HasSubstr("\nFAILED: norm of taste items is 100"));
}

}  // namespace
}  // namespace tributary
