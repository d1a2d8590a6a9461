#include "server/pipeline/ask_deeper.h"

#include <algorithm>
#include <array>
#include <cstddef>

namespace tributary {
namespace {

// Each doubles how many proposals are asked for.
constexpr uint32_t kMaxRounds = 4;

// Doubles `asked` of the sources that may have more, up to plan->deepest, and
// returns them as bits.
uint32_t Deepen(std::span<const SourceResult> results, Plan* plan) {
  uint32_t again = 0;
  for (size_t i = 0; i < results.size(); ++i) {
    PlannedSource& source = plan->sources[i];
    if (results[i].state != SourceState::kAnswered) continue;
    if (results[i].proposals.size() < source.asked) continue;
    if (source.asked >= plan->deepest) continue;
    source.asked = static_cast<uint32_t>(
        std::min<uint64_t>(uint64_t{2} * source.asked, plan->deepest));
    again |= 1U << i;
  }
  return again;
}

}  // namespace

bool IsShortByCaps(const Plan& plan, const FusionResult& fused) {
  return !plan.caps.empty() && fused.candidates.size() < plan.fillable &&
         plan.level == v1::FULL_SERVICE && plan.deeper_rounds < kMaxRounds;
}

bool AskDeeper(const std::shared_ptr<const ServingBundle>& bundle,
               WorkerPool* pool, uint32_t inline_below_us, Plan* plan,
               std::span<SourceResult> results,
               std::vector<SourceResult>* deeper) {
  std::array<uint32_t, kMaxSources> asked_before;
  for (size_t i = 0; i < results.size(); ++i) {
    asked_before[i] = plan->sources[i].asked;
  }
  const uint32_t again = Deepen(results, plan);
  if (again == 0) return false;
  ++plan->deeper_rounds;
  if (deeper->size() < results.size()) deeper->resize(results.size());
  const std::span<SourceResult> answers(deeper->data(), results.size());
  FanOut(bundle, *plan, pool, inline_below_us, answers, again);
  bool more = false;
  for (size_t i = 0; i < results.size(); ++i) {
    if ((again >> i & 1) == 0) continue;
    results[i].duration += answers[i].duration;
    if (answers[i].state != SourceState::kAnswered) {
      plan->sources[i].asked = asked_before[i];
      continue;
    }
    // An approximate search may find less than before.
    if (answers[i].proposals.size() <= results[i].proposals.size()) continue;
    results[i].proposals.swap(answers[i].proposals);
    more = true;
  }
  return more;
}

}  // namespace tributary
