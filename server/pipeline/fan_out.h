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

enum class SourceState { kAnswered, kNoQuery, kLate, kFailed };

// What became of a planned source.
struct SourceResult {
  SourceState state = SourceState::kLate;
  // Empty unless it answered.
  std::vector<ScoredRow> proposals;
  // Until it answered or was given up; 0 when it was not started.
  std::chrono::nanoseconds duration{0};
};

// Asks every source of `plan`; results[i] belongs to plan.sources[i]. Sources
// expected to take `inline_below_us` or less run on the calling thread, and so
// does the last of the long ones; the others run on `pool` (null: all run on
// the calling thread). Returns at the plan's deadline at the latest, unless a
// retriever on the calling thread overruns it: what is late is abandoned, and
// its task keeps the bundle and a copy of the query.
// REQUIRES: results.size() == plan.sources.size().
void FanOut(const std::shared_ptr<const ServingBundle>& bundle,
            const Plan& plan, WorkerPool* pool, uint32_t inline_below_us,
            std::span<SourceResult> results);

}  // namespace tributary

#endif  // TRIBUTARY_SERVER_PIPELINE_FAN_OUT_H_
