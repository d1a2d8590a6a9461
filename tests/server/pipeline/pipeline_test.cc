#include "server/pipeline/pipeline.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <future>
#include <latch>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "google/protobuf/arena.h"
#include "google/protobuf/text_format.h"
#include "server/pipeline/server_config.h"
#include "tests/server/pipeline/scripted_retriever.h"

namespace tributary {
namespace {

using std::chrono::milliseconds;
using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::Gt;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

constexpr uint32_t kLongUs = 1000;  // above inline_below_us

class PipelineTest : public testing::Test {
 protected:
  static v1::ServerConfig Config() {
    v1::ServerConfig config;
    config.set_bundles("b");
    config.mutable_limits()->set_max_batch(3);
    // Other tests than those of the deadline must not meet it on a slow
    // machine.
    config.mutable_defaults()->set_deadline_ms(60'000);
    return CompleteServerConfig(config).value();
  }
  static v1::RetrieveRequest Request(const std::string& text) {
    v1::RetrieveRequest request;
    EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(text, &request));
    return request;
  }
  absl::Status Retrieve(const std::string& text,
                        SteadyTime deadline = SteadyTime::max()) {
    metrics_.MadeResident(bundle_->bundle().manifest());
    return pipeline_.Retrieve(bundle_, Request(text), deadline, &response_);
  }
  // Three sources whose lists overlap.
  static Scripts Overlapping() {
    return {{"behavior", {.rows = Rows(0, 500)}},
            {"content", {.rows = Rows(250, 750)}},
            {"popularity", {.rows = Rows(500, 1000)}}};
  }
  const v1::SourceReport& Report(const std::string& name) {
    for (const v1::SourceReport& report : response_.source_reports()) {
      if (report.name() == name) return report;
    }
    ADD_FAILURE() << "no source " << name;
    static const v1::SourceReport none;
    return none;
  }

  ServerMetrics metrics_;
  WorkerPool pool_{2, 16};
  Pipeline pipeline_{Config(), &pool_, &metrics_, nullptr};
  std::shared_ptr<const ServingBundle> bundle_ = ServeScripted(Overlapping());
  v1::RetrieveResponse response_;
};

TEST_F(PipelineTest, ColumnsAgree) {
  ASSERT_TRUE(Retrieve("user_id: 1 k: 400 view: FULL").ok());
  ASSERT_EQ(response_.item_ids_size(), 400);
  EXPECT_EQ(response_.item_keys_size(), 0);
  ASSERT_EQ(response_.scores_size(), 400);
  ASSERT_EQ(response_.sources_size(), 400);
  EXPECT_EQ(response_.bundle_version(), 1);
  const std::set<uint64_t> unique(response_.item_ids().begin(),
                                  response_.item_ids().end());
  EXPECT_EQ(unique.size(), 400);
  EXPECT_THAT(response_.sources(), Each(Gt(0)));
  ASSERT_EQ(response_.source_reports_size(), 3);
  for (int s = 0; s < 3; ++s) {
    const v1::SourceReport& report = response_.source_reports(s);
    ASSERT_EQ(report.ranks_size(), 400);
    ASSERT_EQ(report.raw_scores_size(), 400);
    // behavior proposes rows from 2 on (0 and 1 are seen), content from 250 on.
    const uint64_t first = s == 0 ? 1002 : s == 1 ? 1250 : 1500;
    for (int i = 0; i < 400; ++i) {
      const bool proposed = (response_.sources(i) >> s & 1) != 0;
      ASSERT_EQ(report.ranks(i) > 0, proposed);
      if (!proposed) continue;
      ASSERT_EQ(report.ranks(i), response_.item_ids(i) - first + 1);
      ASSERT_EQ(report.raw_scores(i),
                1 - static_cast<float>(report.ranks(i) - 1) / 10000);
    }
  }
}

TEST_F(PipelineTest, EverySourceAccountsForItsQuota) {
  ASSERT_TRUE(Retrieve("k: 400").ok());
  EXPECT_EQ(Report("behavior").target(), 240);
  EXPECT_EQ(Report("content").target(), 120);
  EXPECT_EQ(Report("popularity").target(), 40);
  for (const v1::SourceReport& report : response_.source_reports()) {
    EXPECT_EQ(report.asked(), 400);
    EXPECT_EQ(report.proposed(), 400);
    EXPECT_EQ(report.admitted(), report.target());
    EXPECT_EQ(report.shortfall(), 0);
    EXPECT_EQ(report.cause(), v1::NO_SHORTFALL);
    EXPECT_EQ(report.ranks_size(), 0);
  }
  EXPECT_FALSE(response_.degraded());
  EXPECT_TRUE(response_.cold_start());
}

TEST_F(PipelineTest, StringCataloguesGetStringKeys) {
  bundle_ = ServeScripted(Overlapping(), {.item_keys = v1::UTF8});
  google::protobuf::Arena arena;
  auto* response =
      google::protobuf::Arena::CreateMessage<v1::RetrieveResponse>(&arena);
  ASSERT_TRUE(pipeline_
                  .Retrieve(bundle_,
                            Request("k: 2 quotas { key: 'content' value "
                                    "{ target: 2 } }"),
                            SteadyTime::max(), response)
                  .ok());
  EXPECT_THAT(response->item_keys(), ElementsAre("1250", "1251"));
  EXPECT_EQ(response->item_ids_size(), 0);
}

TEST_F(PipelineTest, ReportsTheCauseOfAShortfall) {
  Scripts scripts = Overlapping();
  scripts["behavior"].no_query = true;
  scripts["popularity"].rows = Rows(0, 5);
  bundle_ = ServeScripted(scripts);
  ASSERT_TRUE(Retrieve("k: 100").ok());
  EXPECT_EQ(Report("behavior").cause(), v1::NO_QUERY);
  EXPECT_EQ(Report("behavior").shortfall(), 60);
  EXPECT_EQ(Report("content").cause(), v1::NO_SHORTFALL);
  EXPECT_EQ(Report("popularity").cause(), v1::EXHAUSTED);
  EXPECT_EQ(Report("popularity").shortfall(), 5);
  EXPECT_EQ(response_.item_ids_size(), 100);
  EXPECT_FALSE(response_.degraded());

  ASSERT_TRUE(Retrieve("k: 10 quotas { key: 'content' value { target: 10 } }"
                       "quotas { key: 'popularity' value { target: 4 } }")
                  .ok());
  EXPECT_EQ(Report("popularity").cause(), v1::LIST_FULL);
  EXPECT_EQ(Report("popularity").shortfall(), 4);
}

TEST_F(PipelineTest, AFailingSourceCostsOnlyItsQuota) {
  Scripts scripts = Overlapping();
  scripts["behavior"].error = absl::InternalError("broken");
  bundle_ = ServeScripted(scripts);
  ASSERT_TRUE(Retrieve("user_id: 1 k: 200").ok());
  EXPECT_EQ(response_.item_ids_size(), 200);
  EXPECT_TRUE(response_.degraded());
  EXPECT_EQ(Report("behavior").cause(), v1::FAILED);
  EXPECT_EQ(Report("behavior").shortfall(), 120);
  EXPECT_EQ(Report("behavior").proposed(), 0);
  EXPECT_EQ(Report("content").cause(), v1::NO_SHORTFALL);
}

TEST_F(PipelineTest, ALateSourceIsAbandonedAndCostsOnlyItsQuota) {
  std::latch release(1), abandoned_done(1);
  Scripts scripts = Overlapping();
  scripts["behavior"].expected_us = kLongUs;
  scripts["behavior"].on_retrieve = [&](const RetrieverQuery& query) {
    release.wait();
    // The request has ended; what the task reads must still exist.
    EXPECT_THAT(query.history, ElementsAre(7, 8));
    EXPECT_THAT(query.excluded, ElementsAre(0, 1, 7, 8));
    EXPECT_EQ(query.vectors[0].space, "taste");
    EXPECT_THAT(query.vectors[0].values, ElementsAre(3, 4));
  };
  scripts["behavior"].on_destroyed = [&] { abandoned_done.count_down(); };
  scripts["content"].expected_us = kLongUs;
  bundle_ = ServeScripted(scripts);
  ASSERT_TRUE(Retrieve("user_id: 1 k: 200 recent_item_ids: [ 1007, 1008 ]"
                       " vectors { key: 'taste' value { values: [ 3, 4 ] } }",
                       std::chrono::steady_clock::now() + milliseconds(250))
                  .ok());
  EXPECT_EQ(response_.item_ids_size(), 200);
  EXPECT_TRUE(response_.degraded());
  EXPECT_EQ(Report("behavior").cause(), v1::DEADLINE);
  EXPECT_EQ(Report("behavior").shortfall(), 120);
  EXPECT_GE(Report("behavior").micros(), 200'000);
  EXPECT_EQ(Report("content").admitted(), 60);
  EXPECT_EQ(Report("popularity").admitted(), 20);
  // Another request on this thread reuses the scratch memory.
  const auto other = ServeScripted(Overlapping(), {.version = 2});
  EXPECT_TRUE(pipeline_
                  .Retrieve(other,
                            Request("recent_item_ids: [ 1020, 1030, 1040 ]"),
                            SteadyTime::max(), &response_)
                  .ok());
  // Only the task owns the bundle now.
  bundle_.reset();
  release.count_down();
  abandoned_done.wait();
}

TEST_F(PipelineTest, ASourceThatReturnsDeadlineExceededIsLateNotFailed) {
  Scripts scripts = Overlapping();
  scripts["content"].error = absl::DeadlineExceededError("gave up");
  bundle_ = ServeScripted(scripts);
  ASSERT_TRUE(Retrieve("k: 200").ok());
  EXPECT_EQ(Report("content").cause(), v1::DEADLINE);
  EXPECT_TRUE(response_.degraded());
}

TEST_F(PipelineTest, APassedDeadlineFailsTheCall) {
  const absl::Status status =
      Retrieve("k: 200", std::chrono::steady_clock::now() - milliseconds(1));
  EXPECT_EQ(status.code(), absl::StatusCode::kDeadlineExceeded);
}

TEST_F(PipelineTest, LongSourcesRunInParallel) {
  // Each waits for the other, so that they would not end in sequence.
  std::latch both(2);
  Scripts scripts = Overlapping();
  std::thread::id threads[2];
  int next = 0;
  for (const char* name : {"behavior", "content"}) {
    scripts[name].expected_us = kLongUs;
    scripts[name].on_retrieve = [&, i = next++](const RetrieverQuery&) {
      threads[i] = std::this_thread::get_id();
      both.arrive_and_wait();
    };
  }
  std::thread::id short_one;
  scripts["popularity"].on_retrieve = [&](const RetrieverQuery&) {
    short_one = std::this_thread::get_id();
  };
  bundle_ = ServeScripted(scripts);
  ASSERT_TRUE(Retrieve("k: 200").ok());
  EXPECT_FALSE(response_.degraded());
  EXPECT_NE(threads[0], std::this_thread::get_id());
  EXPECT_EQ(threads[1], std::this_thread::get_id());
  EXPECT_EQ(short_one, std::this_thread::get_id());
  EXPECT_EQ(Report("behavior").proposed(), 200);
}

TEST_F(PipelineTest, SourcesRunInlineWhenThePoolIsFull) {
  std::latch running(1), finish(1);
  WorkerPool busy(1, 1);
  ASSERT_TRUE(busy.TrySubmit([&] {
    running.count_down();
    finish.wait();
  }));
  running.wait();
  ASSERT_TRUE(busy.TrySubmit([] {}));
  Scripts scripts = Overlapping();
  for (auto& [name, script] : scripts) script.expected_us = kLongUs;
  bundle_ = ServeScripted(scripts);
  const Pipeline pipeline(Config(), &busy, nullptr, nullptr);
  EXPECT_TRUE(
      pipeline
          .Retrieve(bundle_, Request("k: 100"), SteadyTime::max(), &response_)
          .ok());
  EXPECT_FALSE(response_.degraded());
  EXPECT_EQ(response_.item_ids_size(), 100);
  finish.count_down();
}

TEST_F(PipelineTest, RepliesOfConcurrentRequestsDoNotMix) {
  Scripts scripts = Overlapping();
  for (auto& [name, script] : scripts) script.expected_us = kLongUs;
  const auto parallel = ServeScripted(scripts, {.version = 2});
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      const auto& bundle = t % 2 == 0 ? bundle_ : parallel;
      const uint32_t k = 10 + 10 * static_cast<uint32_t>(t);
      v1::RetrieveRequest request = Request("user_id: 1");
      request.set_k(k);
      v1::RetrieveResponse response;
      for (int i = 0; i < 100; ++i) {
        ASSERT_TRUE(
            pipeline_.Retrieve(bundle, request, SteadyTime::max(), &response)
                .ok());
        ASSERT_EQ(response.item_ids_size(), k);
        ASSERT_EQ(response.bundle_version(), bundle->bundle().version());
        ASSERT_EQ(response.source_reports(0).admitted(), k * 6 / 10);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
}

TEST_F(PipelineTest, EqualRequestsGetEqualReplies) {
  ASSERT_TRUE(Retrieve("user_id: 1 k: 300").ok());
  const v1::RetrieveResponse first = response_;
  ASSERT_TRUE(Retrieve("user_id: 2 k: 7").ok());
  ASSERT_TRUE(Retrieve("user_id: 1 k: 300").ok());
  EXPECT_THAT(response_.item_ids(),
              testing::ElementsAreArray(first.item_ids()));
  EXPECT_THAT(response_.scores(), testing::ElementsAreArray(first.scores()));
}

TEST_F(PipelineTest, SaysWhatItLeftOutUnderOverload) {
  Scripts scripts = Overlapping();
  scripts["behavior"].expected_us = 1000;
  scripts["content"].expected_us = 1000;
  bundle_ = ServeScripted(scripts);
  RetrieveOptions options;
  options.level = v1::POPULARITY_ONLY;
  ASSERT_TRUE(
      pipeline_.Retrieve(bundle_, Request("k: 50"), options, &response_).ok());
  EXPECT_EQ(response_.service_level(), v1::POPULARITY_ONLY);
  EXPECT_EQ(response_.item_ids_size(), 50);
  EXPECT_FALSE(response_.degraded());
  for (const v1::SourceReport& report : response_.source_reports()) {
    const bool asked = report.name() == "popularity";
    EXPECT_EQ(report.cause() == v1::NOT_ASKED, !asked) << report.name();
    EXPECT_EQ(report.proposed() > 0, asked) << report.name();
  }
  EXPECT_EQ(metrics_.answered_at_level[v1::POPULARITY_ONLY].value(), 1);
}

TEST_F(PipelineTest, ACancelledCallEndsWithoutAReply) {
  std::atomic<bool> cancelled{true};
  RetrieveOptions options;
  options.cancelled = &cancelled;
  EXPECT_EQ(
      pipeline_.Retrieve(bundle_, Request("k: 50"), options, &response_).code(),
      absl::StatusCode::kCancelled);
}

TEST_F(PipelineTest, CountsRepliesAndTheirSources) {
  Scripts scripts = Overlapping();
  scripts["behavior"].error = absl::InternalError("broken");
  bundle_ = ServeScripted(scripts);
  ASSERT_TRUE(Retrieve("k: 400").ok());
  EXPECT_EQ(metrics_.retrievals.value(), 1);
  EXPECT_EQ(metrics_.cold_starts.value(), 1);
  EXPECT_EQ(metrics_.degraded.value(), 1);
  RetrieverMetrics& behavior = metrics_.ForRetriever("behavior");
  RetrieverMetrics& content = metrics_.ForRetriever("content");
  RetrieverMetrics& popularity = metrics_.ForRetriever("popularity");
  EXPECT_EQ(behavior.shortfall[v1::FAILED].value(), 240);
  EXPECT_EQ(content.admitted.value(), 120);
  uint64_t content_proposed = 0, both = 0;
  for (const uint32_t sources : response_.sources()) {
    content_proposed += sources >> 1 & 1;
    both += (sources & 6) == 6 ? 1 : 0;
  }
  EXPECT_GT(both, 0);
  EXPECT_EQ(content.proposed.value(), content_proposed);
  EXPECT_EQ(content.overlap[popularity.slot].value(), both);
  EXPECT_EQ(popularity.overlap[content.slot].value(), both);
  EXPECT_EQ(content.overlap[behavior.slot].value(), 0);
  EXPECT_EQ(content.seconds.Read().sample_count, 1);
  EXPECT_EQ(metrics_.fusion_seconds.Read().sample_count, 1);
  // Refused requests are not counted.
  EXPECT_FALSE(Retrieve("k: 5000").ok());
  EXPECT_EQ(metrics_.retrievals.value(), 1);
}

}  // namespace
}  // namespace tributary
