#include "server/metrics/server_metrics.h"

#include <atomic>
#include <chrono>
#include <cstdio>
#include <ctime>
#include <string>
#include <thread>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "version/version.h"

namespace tributary {
namespace {

using std::chrono::microseconds;
using std::chrono::nanoseconds;
using std::chrono::seconds;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

TEST(LatencyHistogram, PutsADurationIntoTheFirstBucketThatHoldsIt) {
  LatencyHistogram histogram;
  histogram.Observe(microseconds(25));                   // on the first bound
  histogram.Observe(microseconds(25) + nanoseconds(1));  // above it
  histogram.Observe(seconds(5));                         // on the last
  histogram.Observe(seconds(6));                         // beyond
  const auto read = histogram.Read();
  ASSERT_EQ(read.bucket.size(), LatencyHistogram::kBoundsNs.size() + 1);
  EXPECT_EQ(read.bucket[0].cumulative_count, 1);
  EXPECT_DOUBLE_EQ(read.bucket[0].upper_bound, 25e-6);
  EXPECT_EQ(read.bucket[1].cumulative_count, 2);
  EXPECT_EQ(read.bucket[read.bucket.size() - 2].cumulative_count, 3);
  EXPECT_EQ(read.bucket.back().cumulative_count, 4);
  EXPECT_EQ(read.sample_count, 4);
  EXPECT_NEAR(read.sample_sum, 11.00005, 1e-6);
}

TEST(LatencyHistogram, BoundsAscend) {
  const auto& bounds = LatencyHistogram::kBoundsNs;
  EXPECT_TRUE(std::is_sorted(bounds.begin(), bounds.end()));
  EXPECT_EQ(bounds.front(), 25'000);
  EXPECT_EQ(bounds.back(), 5'000'000'000);
}

TEST(LatencyHistogram, CountsANegativeDurationAsNone) {
  LatencyHistogram histogram;
  histogram.Observe(nanoseconds(-5));
  EXPECT_EQ(histogram.Read().bucket[0].cumulative_count, 1);
  EXPECT_EQ(histogram.Read().sample_sum, 0);
}

TEST(LatencyHistogram, LosesNoObservationOfConcurrentThreads) {
  LatencyHistogram histogram;
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < 10'000; ++i) histogram.Observe(microseconds(i));
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(histogram.Read().sample_count, 40'000);
}

v1::Manifest ManifestWith(std::vector<std::string> retrievers) {
  v1::Manifest manifest;
  for (std::string& name : retrievers) {
    manifest.add_retrievers()->set_name(std::move(name));
  }
  return manifest;
}

TEST(ServerMetrics, ShowsCallsByCodeUnderTheNamesOfTheEcosystem) {
  ServerMetrics metrics;
  MethodMetrics& method =
      metrics.AddMethod("tributary.v1.Retrieval", "Retrieve");
  method.Handled(absl::StatusCode::kOk, microseconds(400));
  method.Handled(absl::StatusCode::kInvalidArgument, microseconds(400));
  method.Handled(static_cast<absl::StatusCode>(99), microseconds(400));
  const std::string text = metrics.Text();
  const std::string handled =
      "grpc_server_handled_total{grpc_service=\"tributary.v1.Retrieval\","
      "grpc_method=\"Retrieve\",grpc_code=";
  EXPECT_THAT(text, HasSubstr(handled + "\"OK\"} 1"));
  EXPECT_THAT(text, HasSubstr(handled + "\"InvalidArgument\"} 1"));
  EXPECT_THAT(text, HasSubstr(handled + "\"Unknown\"} 1"));
  // What alerts count is there before it happens.
  EXPECT_THAT(text, HasSubstr(handled + "\"Unavailable\"} 0"));
  EXPECT_THAT(text, Not(HasSubstr("NotFound")));
  EXPECT_THAT(text, HasSubstr("grpc_method=\"Retrieve\",le=\"0.0003\"} 0\n"));
  EXPECT_THAT(text, HasSubstr("grpc_method=\"Retrieve\",le=\"0.0005\"} 3\n"));
}

TEST(ServerMetrics, HasCountersForTheRetrieversOfEveryResidentBundle) {
  ServerMetrics metrics;
  metrics.MadeResident(ManifestWith({"behavior", "content"}));
  RetrieverMetrics& behavior = metrics.ForRetriever("behavior");
  metrics.MadeResident(ManifestWith({"content", "popularity"}));
  EXPECT_EQ(&metrics.ForRetriever("behavior"), &behavior);
  EXPECT_EQ(metrics.ForRetriever("popularity").name, "popularity");
  EXPECT_EQ(metrics.ForRetriever("nobody").name, kOtherName);
  EXPECT_EQ(&metrics.ForRetriever("nobody"), &metrics.ForRetriever("no"));
}

TEST(ServerMetrics, BoundsTheNumberOfRetrieverNames) {
  ServerMetrics metrics;
  std::vector<std::string> names;
  for (size_t i = 0; i < kMaxRetrieverNames + 5; ++i) {
    names.push_back("r" + std::to_string(i));
  }
  metrics.MadeResident(ManifestWith(names));
  EXPECT_EQ(metrics.ForRetriever(names[kMaxRetrieverNames - 1]).name,
            names[kMaxRetrieverNames - 1]);
  EXPECT_EQ(metrics.ForRetriever(names[kMaxRetrieverNames]).name, kOtherName);
}

TEST(ServerMetrics, ShowsSourcesWithCauseAndOverlap) {
  ServerMetrics metrics;
  metrics.MadeResident(ManifestWith({"behavior", "content"}));
  RetrieverMetrics& behavior = metrics.ForRetriever("behavior");
  RetrieverMetrics& content = metrics.ForRetriever("content");
  behavior.admitted.Add(300);
  behavior.proposed.Add(350);
  behavior.overlap[content.slot].Add(20);
  content.shortfall[v1::NO_QUERY].Add(150);
  behavior.seconds.Observe(microseconds(120));
  EXPECT_THAT(
      metrics.Text(),
      AllOf(HasSubstr("tributary_candidates_total{retriever=\"behavior\"} 300"),
            HasSubstr("tributary_candidates_proposed_total{retriever="
                      "\"behavior\"} 350"),
            HasSubstr("tributary_source_overlap_total{retriever=\"behavior\","
                      "other=\"content\"} 20"),
            HasSubstr("tributary_shortfall_total{retriever=\"content\","
                      "cause=\"NO_QUERY\"} 150"),
            HasSubstr("tributary_retriever_seconds_count{retriever="
                      "\"behavior\"} 1"),
            Not(HasSubstr("retriever=\"other\""))));
}

TEST(ServerMetrics, ShowsTheStatusOfTheBundleSet) {
  ServerMetrics metrics;
  EXPECT_THAT(metrics.Text(), Not(HasSubstr("tributary_active_version")));
  metrics.WatchBundles([] {
    v1::ServerStatus status;
    status.set_active_version(7);
    status.mutable_activated_at()->set_seconds(1'000'000);
    status.set_swaps(3);
    status.set_refusals(2);
    v1::BundleStatus* active = status.add_bundles();
    active->set_version(7);
    active->set_state(v1::ACTIVE);
    active->set_size_bytes(4096);
    v1::BundleStatus* on_disk = status.add_bundles();
    on_disk->set_version(8);
    on_disk->set_state(v1::ON_DISK);
    return status;
  });
  EXPECT_THAT(
      metrics.Text(),
      AllOf(HasSubstr("tributary_active_version 7\n"),
            HasSubstr("tributary_activated_timestamp_seconds 1000000\n"),
            HasSubstr("tributary_swaps_total 3\n"),
            HasSubstr("tributary_bundle_refusals_total 2\n"),
            HasSubstr("tributary_resident_bytes{version=\"7\"} 4096\n"),
            HasSubstr("tributary_bundle_state{version=\"7\","
                      "state=\"ACTIVE\"} 1\n"),
            Not(HasSubstr("version=\"8\"")),
            HasSubstr("tributary_bundle_age_seconds "),
            HasSubstr("process_resident_memory_bytes ")));
  metrics.WatchBundles(nullptr);
  EXPECT_THAT(metrics.Text(), Not(HasSubstr("tributary_active_version")));
}

TEST(ServerMetrics, ShowsLabelsAndTheLoadersReport) {
  ServerMetrics metrics;
  v1::ServerStatus status;
  v1::Label* label = status.add_labels();
  label->set_name("canary");
  label->set_version(8);
  label->set_share(.25);
  metrics.WatchBundles([&] { return status; });
  EXPECT_THAT(metrics.Text(),
              AllOf(HasSubstr("tributary_label_version{label=\"canary\"} 8\n"),
                    HasSubstr("tributary_label_share{label=\"canary\"} 0.25\n"),
                    Not(HasSubstr("tributary_loader_"))));
  v1::LoaderStatus* loader = status.mutable_loader();
  loader->set_current_version(9);
  loader->set_last_good_version(7);
  loader->mutable_last_refusal()->set_version(9);
  loader->set_consecutive_errors(4);
  loader->set_fetched_bytes(1000);
  loader->set_shared_bytes(2000);
  loader->set_forced(1);
  loader->mutable_at()->set_seconds(1'000'000);
  EXPECT_THAT(metrics.Text(),
              AllOf(HasSubstr("tributary_loader_store_version 9\n"),
                    HasSubstr("tributary_loader_last_good_version 7\n"),
                    HasSubstr("tributary_loader_last_refused_version 9\n"),
                    HasSubstr("tributary_loader_consecutive_errors 4\n"),
                    HasSubstr("tributary_loader_fetched_bytes_total 1000\n"),
                    HasSubstr("tributary_loader_shared_bytes_total 2000\n"),
                    HasSubstr("tributary_loader_forced_total 1\n"),
                    HasSubstr("tributary_loader_report_age_seconds ")));
  metrics.WatchBundles(nullptr);
}

TEST(ServerMetrics, ShowsTheRecallOfTheActiveManifest) {
  ServerMetrics metrics;
  v1::Manifest manifest;
  auto* point = manifest.mutable_measured_recall()->add_points();
  point->set_source("fused");
  point->set_k(100);
  point->set_recall(0.5);
  metrics.Activated(manifest, microseconds(30));
  EXPECT_THAT(
      metrics.Text(),
      AllOf(HasSubstr("tributary_build_recall{source=\"fused\",k=\"100\"} 0.5"),
            HasSubstr("tributary_swap_seconds_count 1\n")));
  // Figures that were taken over say which version was measured.
  manifest.mutable_measured_recall()->set_measured_on_version(7);
  metrics.Activated(manifest, microseconds(30));
  EXPECT_THAT(metrics.Text(),
              HasSubstr("tributary_build_recall{source=\"fused\",k=\"100\","
                        "measured_on_version=\"7\"} 0.5"));
  metrics.Activated({}, microseconds(30));
  EXPECT_THAT(metrics.Text(), Not(HasSubstr("tributary_build_recall{")));
}

TEST(ServerMetrics, LiveRecallIsHitsPerExpected) {
  ServerMetrics metrics;
  metrics.MadeResident(ManifestWith({"behavior"}));
  LiveRecallMetrics& recall = metrics.ForRetriever("behavior").live_recall[1];
  EXPECT_EQ(recall.recent(), 1);
  recall.Add(90, 100);
  recall.Add(90, 100);
  EXPECT_NEAR(recall.recent(), 0.9, 1e-9);
  EXPECT_THAT(metrics.Text(),
              AllOf(HasSubstr("tributary_live_recall_hits_total{retriever="
                              "\"behavior\",k=\"100\"} 180"),
                    HasSubstr("tributary_live_recall_expected_total{retriever="
                              "\"behavior\",k=\"100\"} 200"),
                    HasSubstr("tributary_live_recall{retriever=\"behavior\","
                              "k=\"100\"} 0.9")));
  // Old samples fade.
  for (int i = 0; i < 1000; ++i) recall.Add(50, 100);
  EXPECT_NEAR(recall.recent(), 0.5, 0.01);
}

// The value of a metric without labels.
double Value(const ServerMetrics& metrics, const std::string& name) {
  for (const auto& family : metrics.Collect()) {
    if (family.name != name) continue;
    return family.type == prometheus::MetricType::Counter
               ? family.metric.at(0).counter.value
               : family.metric.at(0).gauge.value;
  }
  ADD_FAILURE() << "there is no " << name;
  return 0;
}

TEST(ServerMetrics, ShowsTheProcess) {
  const ServerMetrics metrics;
  const double now = static_cast<double>(std::time(nullptr));
  EXPECT_LE(Value(metrics, "process_start_time_seconds"), now + 1);
  EXPECT_GT(Value(metrics, "process_start_time_seconds"), now - 600);
  EXPECT_GE(Value(metrics, "process_threads"), 1);
  EXPECT_GT(Value(metrics, "process_resident_memory_bytes"), 1 << 20);
  EXPECT_GT(Value(metrics, "process_virtual_memory_bytes"),
            Value(metrics, "process_resident_memory_bytes"));
  EXPECT_GE(Value(metrics, "process_max_fds"),
            Value(metrics, "process_open_fds"));
  EXPECT_GT(Value(metrics, "tributary_memory_available_bytes"), 0);
  EXPECT_GT(Value(metrics, "tributary_memory_limit_bytes"),
            Value(metrics, "tributary_memory_available_bytes"));
}

TEST(ServerMetrics, CountsOpenFilesThreadsAndProcessorTime) {
  const ServerMetrics metrics;
  const double files = Value(metrics, "process_open_fds");
  std::vector<std::FILE*> opened;
  for (int i = 0; i < 7; ++i) opened.push_back(std::fopen("/dev/null", "re"));
  EXPECT_EQ(Value(metrics, "process_open_fds"), files + 7);
  for (std::FILE* file : opened) std::fclose(file);

  const double threads = Value(metrics, "process_threads");
  {
    std::atomic<bool> stop{false};
    std::thread waiting([&] {
      while (!stop) std::this_thread::yield();
    });
    EXPECT_EQ(Value(metrics, "process_threads"), threads + 1);
    stop = true;
    waiting.join();
  }

  // Three of the kernel's ticks of 10 ms.
  const double cpu = Value(metrics, "process_cpu_seconds_total");
  const std::clock_t start = std::clock();
  while (std::clock() - start < CLOCKS_PER_SEC * 3 / 100) {
  }
  EXPECT_GE(Value(metrics, "process_cpu_seconds_total"), cpu + 0.02);
}

TEST(ServerMetrics, ShowsWhichProgramItIs) {
  const ServerMetrics metrics;
  EXPECT_THAT(metrics.Text(),
              HasSubstr("tributary_build_info{version=\"" + Version() +
                        "\",revision=\"" + Revision() + "\"} 1\n"));
}

}  // namespace
}  // namespace tributary
