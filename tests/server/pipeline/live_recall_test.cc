#include "server/pipeline/live_recall.h"

#include <gtest/gtest.h>

#include <latch>

#include "server/pipeline/pipeline.h"
#include "server/pipeline/server_config.h"
#include "tests/server/pipeline/scripted_retriever.h"

namespace tributary {
namespace {

v1::LiveRecall Config(double share, uint32_t queue_length = 64) {
  v1::LiveRecall config;
  config.set_sample_share(share);
  config.set_queue_length(queue_length);
  return config;
}

int CountSampled(double share, int requests) {
  ServerMetrics metrics;
  LiveRecall live_recall(Config(share), &metrics);
  int sampled = 0;
  for (int i = 0; i < requests; ++i) sampled += live_recall.ShouldSample();
  return sampled;
}

TEST(LiveRecall, SamplesTheConfiguredShare) {
  EXPECT_EQ(CountSampled(0, 1000), 0);
  EXPECT_EQ(CountSampled(0.01, 1000), 10);
  EXPECT_EQ(CountSampled(0.3, 1000), 300);
  EXPECT_EQ(CountSampled(1, 1000), 1000);
}

TEST(LiveRecall, ComparesEachDepthWithTheExactAnswer) {
  // The retriever misses rows 0 and 50 of the exact top 200.
  std::vector<Row> found = Rows(1, 300);
  std::erase(found, 50);
  const auto bundle =
      ServeScripted({{"behavior", {.rows = found, .exact_rows = Rows(0, 300)}},
                     {"content", {.rows = Rows(0, 300)}}},
                    {.retrievers = {"behavior", "content"}});
  ServerMetrics metrics;
  metrics.MadeResident(bundle->bundle().manifest());
  v1::ServerConfig config;
  config.set_bundles("b");
  config.mutable_defaults()->set_deadline_ms(60'000);
  LiveRecall live_recall(Config(1), &metrics);
  const Pipeline pipeline(CompleteServerConfig(config).value(), nullptr,
                          &metrics, &live_recall);
  v1::RetrieveRequest request;
  request.set_k(200);
  v1::RetrieveResponse response;
  ASSERT_TRUE(
      pipeline.Retrieve(bundle, request, SteadyTime::max(), &response).ok());
  live_recall.Drain();

  EXPECT_EQ(metrics.live_recall_samples.value(), 1);
  const auto& behavior = metrics.ForRetriever("behavior").live_recall;
  EXPECT_EQ(behavior[0].expected(), 20);
  EXPECT_EQ(behavior[0].hits(), 19);
  EXPECT_EQ(behavior[1].expected(), 100);
  EXPECT_EQ(behavior[1].hits(), 98);
  EXPECT_EQ(behavior[2].expected(), 200);
  EXPECT_EQ(behavior[2].hits(), 198);
  // content does not approximate.
  EXPECT_EQ(metrics.ForRetriever("content").live_recall[0].expected(), 0);

  // A depth beyond what was asked is not measured.
  request.set_k(50);
  ASSERT_TRUE(
      pipeline.Retrieve(bundle, request, SteadyTime::max(), &response).ok());
  live_recall.Drain();
  EXPECT_EQ(behavior[0].expected(), 40);
  EXPECT_EQ(behavior[1].expected(), 100);
  EXPECT_EQ(behavior[2].expected(), 250);
}

TEST(LiveRecall, SearchesWithTheRequestsQueryAndNoDeadline) {
  ServerMetrics metrics;
  LiveRecall live_recall(Config(1), &metrics);
  const auto bundle =
      ServeScripted({{"behavior", {.exact_rows = Rows(0, 100)}}},
                    {.retrievers = {"behavior"}});
  metrics.MadeResident(bundle->bundle().manifest());
  auto sample = [&] {
    std::vector<Row> excluded = Rows(0, 10);
    RetrieverQuery query;
    query.excluded = excluded;
    query.deadline = {};  // passed long ago
    auto made = std::make_unique<RecallSample>(bundle, query);
    made->sources.push_back({0, 20, Rows(10, 30)});
    return made;
  }();
  live_recall.Offer(std::move(sample));
  live_recall.Drain();
  // Exact, without the excluded: rows 10 to 29.
  EXPECT_EQ(metrics.ForRetriever("behavior").live_recall[0].hits(), 20);
}

TEST(LiveRecall, DropsAndCountsSamplesThatDoNotFitIntoTheQueue) {
  ServerMetrics metrics;
  LiveRecall live_recall(Config(1, 2), &metrics);
  std::latch measuring(1), release(1);
  const auto bundle = ServeScripted({}, {.retrievers = {"behavior"}});
  const auto offer = [&](std::shared_ptr<const ServingBundle> held) {
    live_recall.Offer(
        std::make_unique<RecallSample>(std::move(held), RetrieverQuery()));
  };
  // A sample whose bundle blocks the measuring thread in its destructor.
  auto blocking = ServeScripted({{"behavior",
                                  {.on_destroyed =
                                       [&] {
                                         measuring.count_down();
                                         release.wait();
                                       }}}},
                                {.retrievers = {"behavior"}});
  offer(std::move(blocking));
  measuring.wait();
  offer(bundle);
  offer(bundle);
  EXPECT_EQ(metrics.live_recall_dropped.value(), 0);
  offer(bundle);
  EXPECT_EQ(metrics.live_recall_dropped.value(), 1);
  release.count_down();
  live_recall.Drain();
  EXPECT_EQ(metrics.live_recall_samples.value(), 3);
}

}  // namespace
}  // namespace tributary
