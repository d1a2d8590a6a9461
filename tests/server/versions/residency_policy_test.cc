#include "server/versions/residency_policy.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>

namespace tributary {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

// Of 10 bytes each.
ResidencyView View(std::initializer_list<uint64_t> resident) {
  ResidencyView view;
  for (const uint64_t version : resident) view.resident[version] = 10;
  view.max_bytes = 1000;
  return view;
}

TEST(DecideResidency, KeepsActivePreviousAndLabelledVersions) {
  ResidencyView view = View({1, 2, 3, 4, 5});
  view.active = 5;
  view.served = {4, 3};
  view.labelled = {1};
  EXPECT_THAT(DecideResidency(view).unload, ElementsAre(2, 3));
  view.keep = 2;
  EXPECT_THAT(DecideResidency(view).unload, ElementsAre(2));
  view.keep = 0;
  EXPECT_THAT(DecideResidency(view).unload, ElementsAre(2, 3, 4));
}

TEST(DecideResidency, KeepsTheLastTwoStagedIncludingTheIncomingOne) {
  ResidencyView view = View({1, 2, 3, 9});
  view.active = 9;
  view.staged = {3, 1, 2};
  EXPECT_THAT(DecideResidency(view).unload, ElementsAre(3));
  view.incoming = 4;
  EXPECT_THAT(DecideResidency(view).unload, ElementsAre(1, 3));
}

TEST(DecideResidency, UnloadsStagedVersionsFirstThenTheOldestPrevious) {
  ResidencyView view = View({1, 2, 3, 4});
  view.active = 4;
  view.served = {3, 2};
  view.keep = 2;
  view.staged = {1};
  view.max_bytes = 39;
  EXPECT_THAT(DecideResidency(view).unload, ElementsAre(1));
  view.max_bytes = 29;
  EXPECT_THAT(DecideResidency(view).unload, ElementsAre(1, 2));
  view.max_bytes = 10;
  EXPECT_THAT(DecideResidency(view).unload, ElementsAre(1, 2, 3));
  EXPECT_TRUE(DecideResidency(view).fits);
}

TEST(DecideResidency, ReportsAnIncomingVersionThatDoesNotFit) {
  ResidencyView view = View({1, 2, 3});
  view.active = 3;
  view.served = {2};
  view.labelled = {1};
  view.incoming = 4;
  view.incoming_bytes = 80;
  view.max_bytes = 100;
  ResidencyDecision decision = DecideResidency(view);
  EXPECT_TRUE(decision.fits);
  EXPECT_EQ(decision.needed_bytes, 100);
  EXPECT_THAT(decision.unload, ElementsAre(2));
  view.incoming_bytes = 81;
  decision = DecideResidency(view);
  EXPECT_FALSE(decision.fits);
  EXPECT_EQ(decision.needed_bytes, 101);
}

TEST(DecideResidency, AVersionThatIsAllThreeCountsOnce) {
  ResidencyView view = View({1});
  view.active = 1;
  view.labelled = {1};
  view.max_bytes = 10;
  EXPECT_EQ(DecideResidency(view).needed_bytes, 10);
  EXPECT_TRUE(DecideResidency(view).fits);
  EXPECT_THAT(DecideResidency(view).unload, IsEmpty());
}

TEST(BytesForBundles, IsTheAvailableMemoryPlusThatOfBundles) {
  ProcessMemory memory;
  EXPECT_EQ(BytesForBundles(memory, 7), std::numeric_limits<uint64_t>::max());
  // The machine counts file pages, the bundles' among them, as available.
  memory.machine = {.total = 100, .available = 60};
  EXPECT_EQ(BytesForBundles(memory, 7), 60);
  memory.container = {.total = 50, .available = 20};
  EXPECT_EQ(BytesForBundles(memory, 7), 27);
  EXPECT_EQ(BytesForBundles(memory, 40), 50);
}

}  // namespace
}  // namespace tributary
