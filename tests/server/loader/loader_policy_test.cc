#include "server/loader/loader_policy.h"

#include <gtest/gtest.h>

#include "tests/server/loader/print_action.h"

namespace tributary {
namespace {

using Kind = LoaderAction::Kind;
using Action = LoaderAction;

// Version 2 is active and CURRENT, 1 is the previous one; nothing is to be
// done.
LoaderView Settled() {
  return {.current = 2,
          .followed = true,
          .on_host = {1, 2},
          .server = ServerView{.active = 2, .previous = 1, .resident = {1, 2}}};
}

// The same, after version 3 was published.
LoaderView Published() {
  LoaderView view = Settled();
  view.current = 3;
  view.followed = false;
  return view;
}

TEST(LoaderPolicy, DoesNothingWhenAllIsDone) {
  EXPECT_EQ(Decide(Settled()), Action());
}

TEST(LoaderPolicy, FetchesThenTriesThenStagesThenActivates) {
  LoaderView view = Published();
  EXPECT_EQ(Decide(view), (Action{Kind::kFetch, 3}));
  view.on_host.insert(3);
  EXPECT_EQ(Decide(view), (Action{Kind::kGate, 3}));
  view.gate_checked = true;
  EXPECT_EQ(Decide(view), (Action{Kind::kStage, 3}));
  view.server->resident.insert(3);
  EXPECT_EQ(Decide(view), (Action{Kind::kActivate, 3}));
}

TEST(LoaderPolicy, ActivatesTheFirstVersionOfAnEmptyServer) {
  LoaderView view = {.current = 1, .on_host = {}, .server = ServerView()};
  EXPECT_EQ(Decide(view), (Action{Kind::kFetch, 1}));
  view.on_host = {1};
  EXPECT_EQ(Decide(view), (Action{Kind::kGate, 1}));
  view.gate_checked = true;
  EXPECT_EQ(Decide(view), (Action{Kind::kStage, 1}));
  view.server->resident = {1};
  EXPECT_EQ(Decide(view), (Action{Kind::kActivate, 1}));
}

TEST(LoaderPolicy, FetchesWhileTheServerIsAway) {
  LoaderView view = Published();
  view.server.reset();
  EXPECT_EQ(Decide(view), (Action{Kind::kFetch, 3}));
  view.on_host.insert(3);
  EXPECT_EQ(Decide(view), Action());
}

TEST(LoaderPolicy, DoesNothingWithoutACurrent) {
  LoaderView view = Settled();
  view.current = 0;
  view.followed = false;
  view.on_host = {1, 2, 3};
  view.server->active = 3;
  EXPECT_EQ(Decide(view), Action());
}

TEST(LoaderPolicy, FollowsCurrentBackToAnOlderVersionOnlyIfTold) {
  LoaderView view = Settled();
  view.current = 1;
  view.followed = false;
  EXPECT_TRUE(IsHeldBack(view));
  EXPECT_EQ(Decide(view), Action());
  view.allow_older = true;
  EXPECT_FALSE(IsHeldBack(view));
  EXPECT_EQ(Decide(view), (Action{Kind::kActivate, 1}));
}

TEST(LoaderPolicy, HoldsBackWhatIsOlderThanAnyThatWasActiveHere) {
  LoaderView view = Published();
  view.highest = 4;
  EXPECT_EQ(Decide(view), Action());
  // Nor when no version is active: a restart must not help an attacker.
  view.server = ServerView();
  EXPECT_EQ(Decide(view), Action());
  view.server.reset();
  EXPECT_EQ(Decide(view), Action());
  view.highest = 3;
  EXPECT_EQ(Decide(view), (Action{Kind::kFetch, 3}));
}

TEST(LoaderPolicy, FollowsAnythingOnAFreshHost) {
  LoaderView view = {.current = 1, .on_host = {}, .server = ServerView()};
  EXPECT_FALSE(IsHeldBack(view));
}

TEST(LoaderPolicy,
     GivesAServerTheFollowedVersionAgainThoughANewerOneWasActive) {
  LoaderView view = Settled();
  view.highest = 3;
  view.server = ServerView();
  EXPECT_EQ(Decide(view), (Action{Kind::kGate, 2}));
}

TEST(LoaderPolicy, HasNothingToHoldBackWhenCurrentServes) {
  LoaderView view = Settled();
  view.highest = 9;
  view.followed = false;
  EXPECT_FALSE(IsHeldBack(view));
}

TEST(LoaderPolicy, DoesNotUndoARollback) {
  LoaderView view = Settled();
  view.server->active = 1;
  view.server->previous = 2;
  EXPECT_EQ(Decide(view), Action());
}

TEST(LoaderPolicy, FollowsTheNextCurrentAfterARollback) {
  LoaderView view = Published();
  view.server->active = 1;
  view.server->previous = 2;
  EXPECT_EQ(Decide(view), (Action{Kind::kFetch, 3}));
}

TEST(LoaderPolicy, GivesAServerThatLostEverythingItsVersionAgain) {
  LoaderView view = Settled();
  view.server = ServerView();
  EXPECT_EQ(Decide(view), (Action{Kind::kGate, 2}));
  view.gate_checked = true;
  EXPECT_EQ(Decide(view), (Action{Kind::kStage, 2}));
}

TEST(LoaderPolicy, TriesAVersionThatSomebodyElseStaged) {
  LoaderView view = Published();
  view.on_host.insert(3);
  view.server->resident.insert(3);
  EXPECT_EQ(Decide(view), (Action{Kind::kGate, 3}));
}

TEST(LoaderPolicy, TriesAnOlderVersionThatIsNotInMemoryAnyMore) {
  LoaderView view = Settled();
  view.server->active = 9;
  view.server->resident = {9};
  view.current = 1;
  view.followed = false;
  view.allow_older = true;
  EXPECT_EQ(Decide(view), (Action{Kind::kGate, 1}));
}

TEST(LoaderPolicy, DoesNotRetryARefusedVersion) {
  LoaderView view = Published();
  view.refused = true;
  view.server->last_refused = 3;
  EXPECT_EQ(Decide(view), Action());
}

TEST(LoaderPolicy, ReportsARefusalUntilTheServerKnows) {
  LoaderView view = Published();
  view.refused = true;
  EXPECT_EQ(Decide(view), (Action{Kind::kReport, 3}));
  view.server->last_refused = 2;
  EXPECT_EQ(Decide(view), (Action{Kind::kReport, 3}));
  view.server.reset();
  EXPECT_EQ(Decide(view), Action());
}

TEST(LoaderPolicy, DeletesARefusedVersionSoThatARepairedOneCanBeFetched) {
  LoaderView view = Published();
  view.refused = true;
  view.server->last_refused = 3;
  view.on_host.insert(3);
  EXPECT_EQ(Decide(view), (Action{Kind::kDelete, 3}));
  view.server->resident.insert(3);
  EXPECT_EQ(Decide(view), Action());
}

TEST(LoaderPolicy, DeletesWhatIsOlderThanThePreviousOnceTheServerLetItGo) {
  LoaderView view = Settled();
  view.current = view.server->active = 3;
  view.server->previous = 2;
  view.server->resident = {1, 2, 3};
  view.on_host = {1, 2, 3};
  // The server decides what it keeps in memory: somebody staged version 1.
  EXPECT_EQ(Decide(view), Action());
  view.server->resident = {2, 3};
  EXPECT_EQ(Decide(view), (Action{Kind::kDelete, 1}));
  view.on_host = {2, 3};
  EXPECT_EQ(Decide(view), Action());
}

TEST(LoaderPolicy, DoesNotDeleteTheVersionToRollBackTo) {
  LoaderView view = Settled();
  view.current = view.server->active = 9;
  view.server->previous = 1;
  view.server->resident = {1, 9};
  view.on_host = {1, 8, 9};
  for (const uint32_t keep : {0, 1, 2}) {
    view.keep = keep;
    const Action action = Decide(view);
    EXPECT_NE(action.version, 1) << keep;
    EXPECT_EQ(action, keep == 0 ? (Action{Kind::kDelete, 8}) : Action());
  }
}

TEST(LoaderPolicy, LeavesWhatTheServerWantsInItsMemoryAndOnTheHost) {
  LoaderView view = Settled();
  view.current = view.server->active = 9;
  view.server->previous = 8;
  view.server->resident = {3, 7, 8, 9};
  view.server->wanted = {2, 3, 7};  // 2: a label's, not yet resident again
  view.on_host = {2, 3, 7, 8, 9};
  view.keep = 0;
  EXPECT_EQ(Decide(view), Action());
  view.server->wanted = {3, 7};
  EXPECT_EQ(Decide(view), (Action{Kind::kDelete, 2}));
}

TEST(LoaderPolicy, KeepsSoManyVersionsOnTheHost) {
  LoaderView view = Settled();
  view.current = view.server->active = 5;
  view.server->previous = 4;
  view.server->resident = {4, 5};
  view.on_host = {1, 2, 3, 4, 5};
  view.keep = 3;
  EXPECT_EQ(Decide(view), (Action{Kind::kDelete, 1}));
  view.keep = 4;
  EXPECT_EQ(Decide(view), Action());
}

TEST(LoaderPolicy, LeavesVersionsNewerThanTheActiveOneAlone) {
  LoaderView view = Settled();
  view.on_host = {1, 2, 7, 8};
  view.server->resident = {1, 2, 7};
  EXPECT_EQ(Decide(view), Action());
}

TEST(LoaderPolicy, LeavesCurrentAloneWhateverServes) {
  LoaderView view = Settled();
  view.current = 1;
  view.server->active = 3;
  view.server->previous = 2;
  view.server->resident = {1, 2, 3};
  view.on_host = {1, 2, 3};
  view.keep = 0;
  EXPECT_EQ(Decide(view), Action());
  view.server->resident = {2, 3};
  EXPECT_EQ(Decide(view), Action());
}

TEST(LoaderPolicy, DeletesNothingWhileNothingIsActive) {
  LoaderView view = Settled();
  view.server = ServerView();
  view.refused = true;
  view.server->last_refused = 2;
  view.on_host = {1};
  EXPECT_EQ(Decide(view), Action());
}

TEST(LoaderPolicy, DeletesNothingOldWhileTheServerIsAway) {
  LoaderView view = Settled();
  view.on_host = {1, 2, 3, 4};
  view.current = 4;
  view.server.reset();
  EXPECT_EQ(Decide(view), Action());
}

TEST(LoaderPolicy, DoesSomethingElseWhenAnActionJustFailed) {
  LoaderView view = Published();
  view.on_host = {16, 1, 2};
  view.server->active = 16;
  view.server->previous = 2;
  view.server->resident = {2, 16};
  view.keep = 0;
  view.current = 17;
  view.failed = {Kind::kFetch, 17};
  EXPECT_EQ(Decide(view), (Action{Kind::kDelete, 1}));
  view.on_host = {16, 2};
  EXPECT_EQ(Decide(view), (Action{Kind::kFetch, 17}));
}

}  // namespace
}  // namespace tributary
