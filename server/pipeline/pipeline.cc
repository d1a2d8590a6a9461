#include "server/pipeline/pipeline.h"

#include <algorithm>
#include <chrono>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "server/pipeline/fan_out.h"
#include "server/pipeline/fuse_results.h"
#include "server/pipeline/live_recall.h"
#include "server/pipeline/plan.h"
#include "server/pipeline/reply.h"
#include "status/field_error.h"
#include "status/status_macros.h"

namespace tributary {
namespace {

using Clock = std::chrono::steady_clock;

// What a request needs while it is answered; kept by its thread for the
// capacity, so that the steady state allocates nothing.
struct Scratch {
  Plan plan;
  // The first plan.sources.size() are in use.
  std::vector<SourceResult> results;
  std::vector<FusionSource> fusion_sources;
  FusionResult fused;
  // All of the reply but its columns.
  v1::RetrieveResponse rest;

  std::span<SourceResult> MakeResults() {
    if (results.size() < plan.sources.size()) {
      results.resize(plan.sources.size());
    }
    return {results.data(), plan.sources.size()};
  }
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
    : config_(config),
      pool_(pool),
      metrics_(metrics),
      live_recall_(live_recall) {}

absl::Status Pipeline::Retrieve(std::shared_ptr<const ServingBundle> bundle,
                                const v1::RetrieveRequest& request,
                                SteadyTime deadline, std::string* reply) const {
  thread_local Scratch scratch;
  RETURN_IF_ERROR(MakePlan(config_, *bundle, request, Clock::now(), deadline,
                           &scratch.plan));

  const std::span<SourceResult> results = scratch.MakeResults();
  FanOut(bundle, scratch.plan, pool_, config_.execution().inline_below_us(),
         results);
  if (std::all_of(results.begin(), results.end(), IsLate)) {
    return absl::DeadlineExceededError(
        "the deadline was over before any source answered");
  }

  const SteadyTime fusion_start = Clock::now();
  FuseResults(scratch.plan, results, &scratch.fusion_sources, &scratch.fused);
  const auto fusion_duration = Clock::now() - fusion_start;

  EncodeReply(*bundle, scratch.plan, results, scratch.fused, &scratch.rest,
              reply);

  if (metrics_ != nullptr) {
    metrics_->fusion_seconds.Observe(fusion_duration);
    CountReply(*bundle, scratch.plan, results, scratch.fused, metrics_);
  }
  if (live_recall_ != nullptr && live_recall_->ShouldSample()) {
    live_recall_->Offer(MakeSample(std::move(bundle), scratch.plan, results));
  }
  return absl::OkStatus();
}

absl::Status Pipeline::Retrieve(std::shared_ptr<const ServingBundle> bundle,
                                const v1::RetrieveRequest& request,
                                SteadyTime deadline,
                                v1::RetrieveResponse* response) const {
  thread_local std::string reply;
  RETURN_IF_ERROR(Retrieve(std::move(bundle), request, deadline, &reply));
  // Only keys could be wrong, of a bundle that was not verified.
  if (response->ParseFromString(reply)) return absl::OkStatus();
  return absl::DataLossError("item keys: not UTF-8");
}

absl::Status Pipeline::BatchRetrieve(
    const std::shared_ptr<const ServingBundle>& bundle,
    const v1::BatchRetrieveRequest& request, SteadyTime deadline,
    v1::BatchRetrieveResponse* response) const {
  if (request.requests_size() > config_.limits().max_batch()) {
    return FieldError("requests", "{} of them, limits.max_batch is {}",
                      request.requests_size(), config_.limits().max_batch());
  }
  response->Clear();
  response->set_bundle_version(bundle->bundle().version());
  for (const v1::RetrieveRequest& one : request.requests()) {
    v1::BatchEntry* entry = response->add_entries();
    const absl::Status status =
        Retrieve(bundle, one, deadline, entry->mutable_response());
    if (status.ok()) continue;
    entry->clear_response();
    entry->set_code(static_cast<int>(status.code()));
    entry->set_message(std::string(status.message()));
  }
  return absl::OkStatus();
}

}  // namespace tributary
