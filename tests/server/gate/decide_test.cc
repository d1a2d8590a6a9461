// Each rule of the gate, with measurements at its thresholds.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "server/gate/gate.h"
#include "server/gate/gate_config.h"
#include "server/gate/gate_report.h"

namespace tributary {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

VersionMeasurement Version(uint64_t number) {
  return {.version = number,
          .items = 1000,
          .users = 500,
          .unreachable = 0.1,
          .silent_sources = {},
          .covered_items = 400,
          .spaces = {{"taste", "f", {{"taste items", 2, 0}}}},
          .sources = {{"taste", 100, 0.99}, {"popularity", 100, {}}},
          .failed_sources = {}};
}

// Two versions with equal measurements.
GateMeasurements Same() {
  return {.new_version = Version(2),
          .old_version = Version(1),
          .overlaps = {{"taste", 1, 0.2, 0.2, 0.1}},
          .known_items = 1,
          .queries = 10,
          .asked_for = "users"};
}

std::vector<std::string> Failures(const GateMeasurements& measured) {
  const v1::GateReport report = Decide(measured, *CompleteGate({}));
  std::vector<std::string> failures;
  for (const v1::GateCheck& check : report.checks()) {
    if (check.verdict() == v1::GateCheck::FAILED) {
      failures.push_back(check.name() + " " + check.subject());
    }
  }
  EXPECT_EQ(report.passed(), failures.empty());
  return failures;
}

TEST(Decide, WhatIsAsItWasPasses) { EXPECT_THAT(Failures(Same()), IsEmpty()); }

TEST(Decide, RecallMustBeGoodWhateverItWas) {
  GateMeasurements measured = Same();
  measured.new_version.sources[0].recall = 0.9;
  EXPECT_THAT(Failures(measured), IsEmpty());
  measured.new_version.sources[0].recall = 0.899;
  EXPECT_THAT(Failures(measured), ElementsAre("recall taste"));
  measured.old_version.reset();
  EXPECT_THAT(Failures(measured), ElementsAre("recall taste"));
}

TEST(Decide, TooManyItemsOutOfReachFailWhateverItWas) {
  GateMeasurements measured = Same();
  measured.new_version.unreachable = 0.51;
  EXPECT_THAT(Failures(measured), ElementsAre("unreachable items"));
  measured.old_version.reset();
  EXPECT_THAT(Failures(measured), ElementsAre("unreachable items"));
}

TEST(Decide, TooManyVectorsThatAreZeroFail) {
  GateMeasurements measured = Same();
  measured.new_version.spaces[0].norms[0].zero_share = 0.5;
  EXPECT_THAT(Failures(measured), IsEmpty());
  measured.new_version.spaces[0].norms[0].zero_share = 0.51;
  EXPECT_THAT(Failures(measured), ElementsAre("zeros taste items"));
}

TEST(Decide, CountsMayHalveOrDouble) {
  GateMeasurements measured = Same();
  measured.new_version.items = 500;
  measured.new_version.users = 1000;
  EXPECT_THAT(Failures(measured), IsEmpty());
  measured.new_version.items = 499;
  measured.new_version.users = 1001;
  EXPECT_THAT(Failures(measured), ElementsAre("count items", "count users"));
}

TEST(Decide, UsersThatAreNewAreNoRatio) {
  GateMeasurements measured = Same();
  measured.old_version->users = 0;
  EXPECT_THAT(Failures(measured), IsEmpty());
  std::swap(measured.old_version->users, measured.new_version.users);
  EXPECT_THAT(Failures(measured), ElementsAre("count users"));
}

TEST(Decide, CoverageMayHalve) {
  GateMeasurements measured = Same();
  measured.new_version.covered_items = 200;
  EXPECT_THAT(Failures(measured), IsEmpty());
  measured.new_version.covered_items = 199;
  EXPECT_THAT(Failures(measured), ElementsAre("coverage items in lists"));
}

TEST(Decide, ListsMustStayNearlyAsLong) {
  GateMeasurements measured = Same();
  measured.new_version.sources[1].mean_length = 80;
  EXPECT_THAT(Failures(measured), IsEmpty());
  measured.new_version.sources[1].mean_length = 79;
  EXPECT_THAT(Failures(measured), ElementsAre("length popularity"));
}

TEST(Decide, ASourceMustNotDisappear) {
  GateMeasurements measured = Same();
  measured.new_version.sources.pop_back();
  EXPECT_THAT(Failures(measured), ElementsAre("source popularity"));
}

TEST(Decide, ASourceThatCannotBeMadeFailsOnceAndSaysWhy) {
  GateMeasurements measured = Same();
  measured.new_version.sources.pop_back();
  measured.new_version.failed_sources = {{"popularity", "no such kind"}};
  EXPECT_THAT(Failures(measured), ElementsAre("source popularity"));
  measured.old_version.reset();
  EXPECT_THAT(Failures(measured), ElementsAre("source popularity"));
  EXPECT_EQ(GateReasons(Decide(measured, *CompleteGate({}))),
            "source of popularity: no such kind");
}

TEST(Decide, ASourceOfTheOldVersionThatCannotBeMadeIsNoted) {
  GateMeasurements measured = Same();
  measured.old_version->sources.pop_back();
  measured.old_version->failed_sources = {{"popularity", "no such kind"}};
  EXPECT_THAT(Failures(measured), IsEmpty());
  EXPECT_THAT(GateTable(Decide(measured, *CompleteGate({}))),
              HasSubstr("not compared with the old version: no such kind"));
}

TEST(Decide, AnUpperBoundOfUnreachableItemsIsSaidToBeOne) {
  GateMeasurements measured = Same();
  measured.new_version.silent_sources = {"mine"};
  const std::string note = "at most: mine cannot say which items";
  EXPECT_THAT(Failures(measured), IsEmpty());
  EXPECT_THAT(GateTable(Decide(measured, *CompleteGate({}))), HasSubstr(note));
  // The bound is too high, but the items may be reachable.
  measured.new_version.unreachable = 0.51;
  EXPECT_THAT(Failures(measured), IsEmpty());
  EXPECT_THAT(GateTable(Decide(measured, *CompleteGate({}))),
              HasSubstr("<= 0.5  note (" + note));
}

TEST(Decide, ANewSourceIsNoted) {
  GateMeasurements measured = Same();
  measured.old_version->sources.pop_back();
  EXPECT_THAT(Failures(measured), IsEmpty());
}

TEST(Decide, OverlapCountsBeyondThatOfOtherUsersLists) {
  GateMeasurements measured = Same();
  measured.overlaps[0].overlap = 0.22;
  EXPECT_THAT(Failures(measured), IsEmpty());
  measured.overlaps[0].overlap = 0.21;
  EXPECT_THAT(Failures(measured), ElementsAre("overlap taste"));
}

TEST(Decide, WhatEverybodyIsToldAlikeCountsBeyondChance) {
  GateMeasurements measured = Same();
  measured.overlaps[0] = {"taste", 0.9, 0.9, 1, 0.1};
  EXPECT_THAT(Failures(measured), IsEmpty());
  measured.overlaps[0] = {"taste", 0.11, 0.11, 1, 0.1};
  EXPECT_THAT(Failures(measured), ElementsAre("overlap taste"));
}

TEST(Decide, ListsOfTheWholeCatalogueSayNothing) {
  GateMeasurements measured = Same();
  measured.overlaps[0] = {"taste", 1, 1, 1, 1};
  EXPECT_THAT(Failures(measured), IsEmpty());
}

TEST(Decide, ACatalogueOfUnknownItemsFails) {
  GateMeasurements measured = Same();
  measured.known_items = 0.01;
  EXPECT_THAT(Failures(measured), ElementsAre("overlap items"));
}

TEST(Decide, NormsMayGrowAndShrinkTenfold) {
  GateMeasurements measured = Same();
  double& norm = measured.new_version.spaces[0].norms[0].mean;
  for (const double fine : {0.2, 20.0}) {
    norm = fine;
    EXPECT_THAT(Failures(measured), IsEmpty()) << fine;
  }
  for (const double wrong : {0.19, 20.1, 0.0}) {
    norm = wrong;
    EXPECT_THAT(Failures(measured), ElementsAre("norm taste items")) << wrong;
  }
}

TEST(Decide, AnotherFingerprintIsNoted) {
  GateMeasurements measured = Same();
  measured.new_version.spaces[0].fingerprint = "g";
  const v1::GateReport report = Decide(measured, *CompleteGate({}));
  EXPECT_TRUE(report.passed());
  EXPECT_EQ(report.checks().rbegin()->name(), "fingerprint");
  EXPECT_EQ(report.checks().rbegin()->verdict(), v1::GateCheck::NOTED);
}

TEST(Decide, ThresholdsAreTheConfigurations) {
  v1::Gate gate = *CompleteGate({});
  gate.set_min_recall(1);
  EXPECT_FALSE(Decide(Same(), gate).passed());
  EXPECT_EQ(Decide(Same(), gate).thresholds().min_recall(), 1);
}

TEST(Decide, KeysMustStayNumbersOrText) {
  GateMeasurements measured = Same();
  measured.old_version->item_keys = v1::UINT64;
  measured.old_version->user_keys = v1::UTF8;
  measured.new_version.item_keys = v1::UINT64;
  measured.new_version.user_keys = v1::UTF8;
  EXPECT_THAT(Failures(measured), IsEmpty());
  measured.new_version.item_keys = v1::UTF8;
  EXPECT_THAT(Failures(measured), ElementsAre("keys items"));
  measured.new_version.user_keys = v1::UINT64;
  EXPECT_THAT(Failures(measured), ElementsAre("keys items", "keys users"));
  // A version without users has no keys of them.
  measured.new_version.user_keys = v1::KEY_KIND_UNSPECIFIED;
  measured.new_version.users = 0;
  const v1::GateReport report = Decide(measured, *CompleteGate({}));
  for (const v1::GateCheck& check : report.checks()) {
    EXPECT_FALSE(check.name() == "keys" && check.subject() == "users");
  }
  measured.old_version.reset();
  EXPECT_THAT(Failures(measured), IsEmpty());
}

}  // namespace
}  // namespace tributary
