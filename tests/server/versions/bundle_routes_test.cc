#include "server/versions/bundle_routes.h"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>
#include <vector>

#include "tests/server/pipeline/scripted_retriever.h"

namespace tributary {
namespace {

constexpr int kThreads = 40;

// Runs `check` on enough threads that each shard is used by one.
template <typename Check>
void OnManyThreads(Check check) {
  std::vector<std::thread> threads;
  for (int i = 0; i < kThreads; ++i) threads.emplace_back(check);
  for (std::thread& thread : threads) thread.join();
}

void SetActive(BundleRoutes* routes,
               const std::shared_ptr<const ServingBundle>& bundle) {
  RoutingTable table;
  table.resident = {bundle};
  table.active = bundle->bundle().version();
  routes->Set(table);
}

TEST(BundleRoutes, EveryThreadUsesTheLatestTable) {
  BundleRoutes routes;
  OnManyThreads([&] { EXPECT_EQ(routes.Take(0), nullptr); });
  for (const uint64_t version : {1, 2}) {
    const auto bundle = ServeScripted({}, {.version = version});
    SetActive(&routes, bundle);
    OnManyThreads([&] { EXPECT_EQ(routes.Take(0).get(), bundle.get()); });
  }
}

TEST(BundleRoutes, ATakenBundleCountsAsAReferenceUntilItIsReleased) {
  BundleRoutes routes;
  const auto before = ServeScripted({}, {.version = 1});
  SetActive(&routes, before);
  auto taken = routes.Take(0);
  const auto again = taken;
  SetActive(&routes, ServeScripted({}, {.version = 2}));
  EXPECT_EQ(before.use_count(), 2);
  taken = nullptr;
  EXPECT_EQ(before.use_count(), 2);
  EXPECT_EQ(again->bundle().version(), 1);
}

TEST(BundleRoutes, TakesWhileItIsSet) {
  const auto first = ServeScripted({}, {.version = 1});
  const auto second = ServeScripted({}, {.version = 2});
  BundleRoutes routes;
  SetActive(&routes, first);
  std::atomic<bool> done = false;
  std::thread setter([&] {
    for (int i = 0; !done; ++i) SetActive(&routes, i % 2 == 0 ? second : first);
  });
  OnManyThreads([&] {
    for (int i = 0; i < 100; ++i) {
      const auto taken = routes.Take(0);
      ASSERT_TRUE(taken.get() == first.get() || taken.get() == second.get());
    }
  });
  done = true;
  setter.join();
  SetActive(&routes, second);
  EXPECT_EQ(first.use_count(), 1);
}

}  // namespace
}  // namespace tributary
