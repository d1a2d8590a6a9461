#include "server/pipeline/pipeline.h"

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <limits>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "server/pipeline/ask_deeper.h"
#include "server/pipeline/asked_request.h"
#include "server/pipeline/fan_out.h"
#include "server/pipeline/fuse_results.h"
#include "server/pipeline/live_recall.h"
#include "server/pipeline/plan.h"
#include "server/pipeline/reply_encoding.h"
#include "server/pipeline/reply_metrics.h"
#include "server/pipeline/stage_times.h"
#include "status/field_error.h"
#include "status/status_macros.h"

namespace tributary {
namespace {

using Clock = std::chrono::steady_clock;

// The working memory of a request. Each thread keeps one for its capacity, so
// that the steady state allocates nothing.
struct Scratch {
  // A request with a profile, or for a page.
  v1::RetrieveRequest completed;
  Plan plan;
  // One for each of plan.sources, and perhaps more of earlier requests.
  std::vector<SourceResult> results;
  std::vector<FusionSource> fusion_sources;
  FusionResult fused;
  // What sources answer that are asked for more.
  std::vector<SourceResult> deeper;
  std::string next_page_token;

  std::span<SourceResult> MakeResults() {
    if (results.size() < plan.sources.size()) {
      results.resize(plan.sources.size());
    }
    return {results.data(), plan.sources.size()};
  }
};

// Lets go of the conditions that a request asked for when it ends: they refer
// to its bundle, which may be gone before the thread's next request.
class ConditionsOf {
 public:
  explicit ConditionsOf(Plan* plan) : plan_(*plan) {}
  ConditionsOf(const ConditionsOf&) = delete;
  ConditionsOf& operator=(const ConditionsOf&) = delete;
  ~ConditionsOf() {
    plan_.filter.reset();
    plan_.query.passing.reset();
    plan_.query.added.reset();
    plan_.overlay.reset();
    plan_.factors.Clear();
  }

 private:
  Plan& plan_;
};

bool IsLate(const SourceResult& result) {
  return result.state == SourceState::kLate;
}

std::unique_ptr<RecallSample> MakeSample(
    std::shared_ptr<const ServingBundle> bundle, const Plan& plan,
    std::span<const SourceResult> results) {
  auto sample = std::make_unique<RecallSample>(std::move(bundle), plan.query);
  for (size_t i = 0; i < results.size(); ++i) {
    if (results[i].state != SourceState::kAnswered) continue;
    SampledSource& source = sample->sources.emplace_back();
    source.retriever = plan.sources[i].retriever;
    source.asked = plan.sources[i].asked;
    for (const ScoredRow& proposal : results[i].proposals) {
      source.proposed.push_back(proposal.row);
    }
  }
  return sample;
}

}  // namespace

Pipeline::Pipeline(const v1::ServerConfig& config, WorkerPool* pool,
                   ServerMetrics* metrics, LiveRecall* live_recall)
    : profiles_(config),
      pool_(pool),
      metrics_(metrics),
      live_recall_(live_recall) {}

absl::Status Pipeline::Retrieve(const RoutedBundle& from,
                                const v1::RetrieveRequest& request,
                                const RetrieveOptions& options,
                                ReplyFunction write) const {
  std::string_view profile;
  absl::Status status = Answer(from, request, options, write, &profile);
  if (!status.ok() && metrics_ != nullptr) {
    metrics_->Failed(from.label.view(), profile, status.code());
  }
  return status;
}

absl::Status Pipeline::Answer(const RoutedBundle& from,
                              const v1::RetrieveRequest& request,
                              const RetrieveOptions& options,
                              ReplyFunction write,
                              std::string_view* profile) const {
  thread_local Scratch scratch;
  const std::shared_ptr<const ServingBundle>& bundle = from.bundle;
  const ConditionsOf conditions(&scratch.plan);
  const SteadyTime began = Clock::now();
  StageTimes* const stages = options.stages;
  if (stages != nullptr) stages->Begin(began);
  ASSIGN_OR_RETURN(const AskedRequest asked,
                   MakeAskedRequest(profiles_, bundle->bundle().version(),
                                    request, options, &scratch.completed));
  *profile = asked.profiled.profile;
  const v1::ServerConfig& config = asked.config();
  if (const absl::Status planned =
          MakePlan(config, *bundle, asked.message(), began, asked.options,
                   &scratch.plan);
      !planned.ok()) {
    return WithProfileNamed(asked, planned);
  }

  const std::span<SourceResult> results = scratch.MakeResults();
  FanOut(bundle, scratch.plan, pool_, config.execution().inline_below_us(),
         results);
  if (stages != nullptr) {
    NoteSources(*bundle, scratch.plan, results, stages);
    stages->profile = asked.profiled.profile;
  }
  if (scratch.plan.query.IsCancelled()) {
    return absl::CancelledError("the caller has cancelled the call");
  }
  if (std::all_of(results.begin(), results.end(), IsLate)) {
    return absl::DeadlineExceededError(
        "the deadline passed before any source answered");
  }

  std::chrono::nanoseconds fusion_duration{0};
  SteadyTime fused;
  const auto fuse = [&] {
    const SteadyTime start = Clock::now();
    if (fused == SteadyTime()) fused = start;
    FuseResults(scratch.plan, results, &scratch.fusion_sources, &scratch.fused);
    fusion_duration += Clock::now() - start;
  };
  fuse();
  while (IsShortByCaps(scratch.plan, scratch.fused) &&
         AskDeeper(bundle, pool_, config.execution().inline_below_us(),
                   &scratch.plan, results, &scratch.deeper)) {
    fuse();
  }
  if (scratch.plan.query.IsCancelled()) {
    return absl::CancelledError("the caller has cancelled the call");
  }

  RETURN_IF_ERROR(CutToPage(asked, from.label.view(), &scratch.fused,
                            &scratch.next_page_token));
  const Reply reply = {.bundle = bundle.get(),
                       .bundle_label = from.label.view(),
                       .profile = asked.profiled.profile,
                       .next_page_token = scratch.next_page_token,
                       .plan = &scratch.plan,
                       .results = results,
                       .fused = &scratch.fused};
  const absl::Status written = write(reply);

  const SteadyTime replied = Clock::now();
  if (stages != nullptr) {
    NoteReply(reply, fused, fusion_duration, replied, stages);
  }
  if (metrics_ != nullptr) {
    metrics_->fusion_seconds.Observe(fusion_duration);
    CountReply(reply, replied - began, metrics_);
  }
  // Under overload there is no time for it.
  if (live_recall_ != nullptr && asked.options.level == v1::FULL_SERVICE &&
      live_recall_->ShouldSample()) {
    auto sample = MakeSample(bundle, scratch.plan, results);
    if (stages != nullptr) sample->on_measured = stages->on_recall_measured;
    live_recall_->Offer(std::move(sample));
  }
  return written;
}

absl::Status Pipeline::Retrieve(std::shared_ptr<const ServingBundle> bundle,
                                const v1::RetrieveRequest& request,
                                const RetrieveOptions& options,
                                v1::RetrieveResponse* response) const {
  const RoutedBundle from = {std::move(bundle), LabelName()};
  return Retrieve(from, request, options, [response](const Reply& reply) {
    return WriteMessage(reply, response);
  });
}

}  // namespace tributary
