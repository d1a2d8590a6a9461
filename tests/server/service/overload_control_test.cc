#include "server/service/overload_control.h"

#include <vector>

#include "gtest/gtest.h"
#include "server/pipeline/server_config.h"

namespace tributary {
namespace {

using std::chrono::microseconds;
using std::chrono::milliseconds;
using std::chrono::seconds;

// Two threads, 30 ms of waiting, 100 requests.
v1::ServerConfig TestConfig() {
  v1::ServerConfig config;
  config.set_bundles("b");
  config.mutable_execution()->set_request_threads(2);
  config.mutable_limits()->set_max_concurrent_requests(100);
  config.mutable_overload()->set_max_wait_ms(30);
  return *CompleteServerConfig(config);
}

class OverloadControlTest : public testing::Test {
 protected:
  CallTerms Call(Criticality criticality = Criticality::kInteractive,
                 uint32_t requests = 1) const {
    CallTerms call;
    call.arrived = now_;
    call.criticality = criticality;
    call.requests = requests;
    call.units = 1000.0 * requests;
    return call;
  }

  // A call that waits and takes so long; false when it is refused.
  bool Serve(microseconds wait, microseconds service) {
    const CallTerms call = Call();
    if (control_.Admit(call, now_).has_value()) return false;
    now_ += wait;
    control_.Start(call, now_);
    now_ += service;
    control_.Finish(call, service, now_);
    return true;
  }

  // Measures that a call of 1000 units takes 1 ms.
  void Measure() {
    for (int i = 0; i < 2000; ++i) Serve(microseconds(0), milliseconds(1));
  }

  // Windows of 100 ms in which calls wait and take so long.
  void ServeFor(milliseconds duration, microseconds wait,
                microseconds service = milliseconds(1)) {
    for (const SteadyTime end = now_ + duration; now_ < end;) {
      Serve(wait, service);
    }
  }

  SteadyTime now_ = SteadyTime(seconds(1000));
  OverloadControl control_{TestConfig()};
};

TEST_F(OverloadControlTest, EstimatesTheWaitFromWhatWaits) {
  Measure();
  EXPECT_EQ(control_.ExpectedWait(Criticality::kInteractive).count(), 0);
  for (int i = 0; i < 4; ++i) EXPECT_FALSE(control_.Admit(Call(), now_));
  // 4 ms of work for two threads.
  EXPECT_NEAR(control_.ExpectedWait(Criticality::kInteractive).count(), 2e6,
              1e4);
}

TEST_F(OverloadControlTest, RefusesACallThatWouldWaitTooLong) {
  Measure();
  int admitted = 0;
  while (!control_.Admit(Call(), now_).has_value()) ++admitted;
  // 30 ms times two threads, 1 ms each.
  EXPECT_NEAR(admitted, 61, 1);
  EXPECT_EQ(control_.Admit(Call(), now_), Refusal::kWait);
}

TEST_F(OverloadControlTest, LongCallsMayWaitAsLongAs24OfThemTake) {
  for (int i = 0; i < 2000; ++i) Serve(microseconds(0), milliseconds(10));
  int admitted = 0;
  while (!control_.Admit(Call(), now_).has_value()) ++admitted;
  EXPECT_NEAR(admitted, 49, 1);
}

// A page of a list that was begun before the overload.
TEST_F(OverloadControlTest, ACallWithALevelOfItsOwnCountsAsWhatItDoes) {
  Measure();
  CallTerms page = Call();
  page.fixed_level = v1::LESS_EFFORT;
  EXPECT_EQ(control_.ChargedUnits(page), page.units);
  ServeFor(milliseconds(500), milliseconds(29), microseconds(10));
  ASSERT_EQ(control_.level(), v1::POPULARITY_ONLY);
  EXPECT_EQ(control_.ChargedUnits(Call()), Call().units);
  EXPECT_EQ(control_.ChargedUnits(page), 4 * page.units);
  page.fixed_level = v1::FULL_SERVICE;
  EXPECT_EQ(control_.ChargedUnits(page), 8 * page.units);

  // How many calls in a row are admitted until one is refused.
  const auto admitted = [this](CallTerms call) {
    OverloadControl control = control_;
    call.arrived = now_;
    call.units = control.ChargedUnits(call);
    int count = 0;
    while (!control.Admit(call, now_).has_value()) ++count;
    return count;
  };
  EXPECT_GT(admitted(Call()), 50);
  EXPECT_LE(admitted(page), admitted(Call()) / 8);
}

TEST_F(OverloadControlTest, RefusesACallThatWouldWaitPastItsDeadline) {
  Measure();
  for (int i = 0; i < 10; ++i) control_.Admit(Call(), now_);
  CallTerms call = Call();
  call.deadline = now_ + milliseconds(4);
  EXPECT_EQ(control_.Admit(call, now_), Refusal::kDeadline);
  call.deadline = now_ + milliseconds(6);
  EXPECT_EQ(control_.Admit(call, now_), std::nullopt);
}

TEST_F(OverloadControlTest, BatchesDoNotDelayOthersAndMayWaitLonger) {
  Measure();
  for (int i = 0; i < 40; ++i) {
    EXPECT_FALSE(control_.Admit(Call(Criticality::kBatch), now_)) << i;
  }
  EXPECT_EQ(control_.ExpectedWait(Criticality::kInteractive).count(), 0);
  EXPECT_GT(control_.ExpectedWait(Criticality::kBatch), milliseconds(15));
  EXPECT_FALSE(control_.Admit(Call(), now_).has_value());
}

TEST_F(OverloadControlTest, ABatchCountsAsManyAsItHas) {
  EXPECT_FALSE(control_.Admit(Call(Criticality::kBatch, 40), now_));
  EXPECT_EQ(control_.in_progress(), 40);
  // Batches have half of the limit.
  EXPECT_EQ(control_.Admit(Call(Criticality::kBatch, 40), now_),
            Refusal::kLimit);
  EXPECT_FALSE(control_.Admit(Call(Criticality::kInteractive, 60), now_));
  EXPECT_EQ(control_.Admit(Call(), now_), Refusal::kLimit);
}

TEST_F(OverloadControlTest, ACallLargerThanTheLimitIsAdmittedAlone) {
  const CallTerms large = Call(Criticality::kBatch, 500);
  EXPECT_FALSE(control_.Admit(large, now_).has_value());
  EXPECT_EQ(control_.Admit(Call(), now_), Refusal::kLimit);
  control_.Start(large, now_);
  control_.Finish(large, milliseconds(500), now_);
  EXPECT_EQ(control_.in_progress(), 0);
  EXPECT_FALSE(control_.Admit(Call(), now_).has_value());
}

TEST_F(OverloadControlTest, WhatIsDroppedNoLongerCounts) {
  const CallTerms call = Call();
  control_.Admit(call, now_);
  EXPECT_EQ(control_.waiting(), 1);
  control_.Drop(call);
  EXPECT_EQ(control_.waiting(), 0);
  EXPECT_EQ(control_.in_progress(), 0);
  EXPECT_EQ(control_.ExpectedWait(Criticality::kInteractive).count(), 0);
}

TEST_F(OverloadControlTest, TheLimitFallsWhileCallsWaitAndRisesAgain) {
  ServeFor(seconds(1), microseconds(0));
  EXPECT_EQ(control_.limit(), 100);
  ServeFor(seconds(20), milliseconds(50));
  const uint32_t low = control_.limit();
  EXPECT_LT(low, 20);
  EXPECT_GE(low, 4);  // twice the threads
  // Calls that touch the limit without waiting raise it.
  std::vector<CallTerms> held;
  for (int window = 0; window < 400; ++window) {
    while (held.size() < control_.limit() - 1) {
      held.push_back(Call());
      held.back().units = 0;
      if (control_.Admit(held.back(), now_).has_value()) {
        held.pop_back();
        break;
      }
    }
    now_ += milliseconds(1);
    Serve(microseconds(0), milliseconds(60));
  }
  EXPECT_GT(control_.limit(), 2 * low);
}

TEST_F(OverloadControlTest, AFixedLimitStays) {
  v1::ServerConfig config = TestConfig();
  config.mutable_overload()->set_adaptive_limit(false);
  control_ = OverloadControl(config);
  ServeFor(seconds(5), milliseconds(50));
  EXPECT_EQ(control_.limit(), 100);
}

TEST_F(OverloadControlTest, DegradesStepByStepAndRecovers) {
  ServeFor(seconds(1), microseconds(0));
  EXPECT_EQ(control_.level(), v1::FULL_SERVICE);
  ServeFor(milliseconds(150), milliseconds(25));
  EXPECT_EQ(control_.level(), v1::LESS_EFFORT);
  ServeFor(milliseconds(100), milliseconds(25));
  EXPECT_EQ(control_.level(), v1::FEWER_SOURCES);
  ServeFor(seconds(2), milliseconds(25));
  EXPECT_EQ(control_.level(), v1::POPULARITY_ONLY);
  ServeFor(milliseconds(1200), microseconds(0));
  EXPECT_EQ(control_.level(), v1::FEWER_SOURCES);
  ServeFor(seconds(3), microseconds(0));
  EXPECT_EQ(control_.level(), v1::FULL_SERVICE);
}

TEST_F(OverloadControlTest, HoldsALevelLongerThatHadToBeRaisedAgain) {
  const auto calm_until_full = [&] {
    const SteadyTime begin = now_;
    while (control_.level() != v1::FULL_SERVICE) {
      ServeFor(milliseconds(100), microseconds(0));
    }
    return now_ - begin;
  };
  ServeFor(milliseconds(200), milliseconds(25));
  const auto first = calm_until_full();
  ServeFor(milliseconds(200), milliseconds(25));
  EXPECT_GT(calm_until_full(), first + milliseconds(500));
}

TEST_F(OverloadControlTest, TakesOnlyTheConfiguredSteps) {
  v1::ServerConfig config = TestConfig();
  config.mutable_overload()->clear_degrade();
  config.mutable_overload()->add_degrade("popularity");
  control_ = OverloadControl(config);
  ServeFor(milliseconds(300), milliseconds(25));
  EXPECT_EQ(control_.level(), v1::POPULARITY_ONLY);
  config.mutable_overload()->set_degrade(0, "none");
  control_ = OverloadControl(config);
  ServeFor(seconds(2), milliseconds(25));
  EXPECT_EQ(control_.level(), v1::FULL_SERVICE);
}

}  // namespace
}  // namespace tributary
