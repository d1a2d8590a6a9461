#ifndef TRIBUTARY_SERVER_PIPELINE_FAN_OUT_H_
#define TRIBUTARY_SERVER_PIPELINE_FAN_OUT_H_

#include <chrono>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "server/pipeline/plan.h"
#include "server/pipeline/worker_pool.h"
#include "server/versions/serving_bundle.h"

namespace tributary {

enum class SourceState {
  kAnswered,
  // The request has nothing that the source could search with.
  kNoQuery,
  // The deadline passed before the source answered.
  kLate,
  // The source returned an error, which was logged.
  kFailed,
  // The plan leaves the source out.
  kLeftOut,
};

// The outcome of asking a planned source.
struct SourceResult {
  SourceState state = SourceState::kLate;
  // Best first. Empty unless the state is kAnswered.
  std::vector<ScoredRow> proposals;
  // When it was started; {} when it was not.
  SteadyTime began;
  // From its start until it answered or was abandoned; 0 when it was not
  // started.
  std::chrono::nanoseconds duration{0};
};

// Drops the proposals that do not pass the query's filter: retrievers of other
// people need not know filters.
void KeepPassing(const RetrieverQuery& query,
                 std::vector<ScoredRow>* proposals);

// All sources of a plan: see FanOut.
inline constexpr uint32_t kAllSources = ~uint32_t{0};

// Asks the sources of `plan` that are in `which`, bit i standing for source i,
// and sets results[i] for plan.sources[i]; leaves the other results as they
// are.
//
// A source is short if its retriever expects to take at most `inline_below_us`.
// The calling thread runs the short sources and the last of the long ones;
// `pool` runs the other long ones. Sources for which the pool's queue has no
// room, and all sources when `pool` is null, run on the calling thread too.
//
// Returns at the plan's deadline at the latest, or within 2 ms after the call
// was cancelled, unless a retriever on the calling thread overruns that. A
// source on the pool that is late is abandoned; its task shares the ownership
// of the bundle and has a copy of the query.
//
// REQUIRES: results.size() == plan.sources.size().
void FanOut(const std::shared_ptr<const ServingBundle>& bundle,
            const Plan& plan, WorkerPool* pool, uint32_t inline_below_us,
            std::span<SourceResult> results, uint32_t which = kAllSources);

}  // namespace tributary

#endif  // TRIBUTARY_SERVER_PIPELINE_FAN_OUT_H_
