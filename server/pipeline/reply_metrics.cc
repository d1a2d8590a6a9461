#include "server/pipeline/reply_metrics.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <span>

namespace tributary {
namespace {

// Counts, for each source, the candidates that it proposed, and those that it
// proposed together with each other source.
void CountOverlap(std::span<const FusedCandidate> candidates,
                  std::span<RetrieverMetrics* const> sources) {
  std::array<std::array<uint32_t, kMaxSources>, kMaxSources> both;
  for (size_t a = 0; a < sources.size(); ++a) {
    std::fill_n(both[a].begin(), sources.size(), 0);
  }
  for (const FusedCandidate& candidate : candidates) {
    for (uint32_t a = candidate.sources; a != 0; a &= a - 1) {
      for (uint32_t b = candidate.sources; b != 0; b &= b - 1) {
        ++both[__builtin_ctz(a)][__builtin_ctz(b)];
      }
    }
  }
  for (size_t a = 0; a < sources.size(); ++a) {
    sources[a]->proposed.Add(both[a][a]);
    for (size_t b = 0; b < sources.size(); ++b) {
      if (a == b || both[a][b] == 0) continue;
      sources[a]->overlap[sources[b]->slot].Add(both[a][b]);
    }
  }
}

void CountFilter(const Plan& plan, const Bundle& bundle,
                 ServerMetrics* metrics) {
  metrics->filter_seconds.Observe(plan.filter_duration);
  (plan.filter_hit ? metrics->filter_hits : metrics->filter_misses).Add();
  if (!plan.relaxed.empty()) metrics->filters_relaxed.Add();
  const double share = static_cast<double>(plan.filter->items.count()) /
                       static_cast<double>(bundle.items().size());
  size_t bucket = 0;
  while (bucket < kFilterShares.size() && share > kFilterShares[bucket]) {
    ++bucket;
  }
  metrics->filter_shares[bucket].Add();
}

void CountCaps(const Plan& plan, const FusionResult& fused,
               ServerMetrics* metrics) {
  metrics->capped.Add();
  if (plan.deeper_rounds > 0) metrics->asked_deeper.Add();
  for (const uint32_t rejected : fused.rejected) {
    metrics->cap_rejections.Add(rejected);
  }
}

}  // namespace

void CountReply(const Reply& reply, std::chrono::nanoseconds duration,
                ServerMetrics* metrics) {
  metrics->ForAudience(reply.bundle_label, reply.profile)
      .seconds.Observe(duration);
  if (!reply.next_page_token.empty()) metrics->pages_continued.Add();
  metrics->retrievals.Add();
  metrics->answered_at_level[static_cast<size_t>(reply.plan->level)].Add();
  if (reply.plan->cold_start) metrics->cold_starts.Add();
  if (IsDegraded(reply)) metrics->degraded.Add();
  const bool filtered = reply.plan->query.passing != nullptr;
  if (reply.plan->filter != nullptr) {
    CountFilter(*reply.plan, reply.bundle->bundle(), metrics);
  }
  if (!reply.plan->caps.empty()) CountCaps(*reply.plan, *reply.fused, metrics);
  if (reply.plan->fusion.factors != nullptr) metrics->reweighed.Add();
  if (reply.plan->fusion.diversity.vectors != nullptr) {
    metrics->diversity_seconds.Observe(reply.fused->diversity_duration);
    if (reply.fused->diversity_stopped) metrics->diversity_stopped.Add();
  }
  std::array<RetrieverMetrics*, kMaxSources> sources;
  for (size_t i = 0; i < reply.results.size(); ++i) {
    const SourceResult& result = reply.results[i];
    const SourceOutcome& outcome = reply.fused->outcomes[i];
    sources[i] = &metrics->ForRetriever(
        reply.bundle->NameOf(reply.plan->sources[i].retriever));
    sources[i]->admitted.Add(outcome.admitted);
    if (outcome.shortfall > 0) {
      sources[i]->shortfall[CauseOf(result, outcome, filtered)].Add(
          outcome.shortfall);
    }
    // A source without a query, or after the deadline, searched nothing.
    if (result.state != SourceState::kNoQuery && result.duration.count() > 0) {
      sources[i]->seconds.Observe(result.duration);
    }
  }
  CountOverlap(reply.fused->candidates, {sources.data(), reply.results.size()});
}

}  // namespace tributary
