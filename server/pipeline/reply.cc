#include "server/pipeline/reply.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <vector>

#include "server/pipeline/reply_columns.h"

namespace tributary {
namespace {

v1::ShortfallCause CauseOf(const SourceResult& result,
                           const SourceOutcome& outcome) {
  if (outcome.shortfall == 0) return v1::NO_SHORTFALL;
  switch (result.state) {
    case SourceState::kNoQuery:
      return v1::NO_QUERY;
    case SourceState::kLate:
      return v1::DEADLINE;
    case SourceState::kFailed:
      return v1::FAILED;
    case SourceState::kAnswered:
      return outcome.list_full ? v1::LIST_FULL : v1::EXHAUSTED;
  }
  return v1::NO_SHORTFALL;
}

void WriteReport(const PlannedSource& source, const SourceResult& result,
                 const SourceOutcome& outcome, v1::SourceReport* report) {
  report->set_target(source.target);
  report->set_asked(source.asked);
  report->set_proposed(static_cast<uint32_t>(result.proposals.size()));
  report->set_admitted(outcome.admitted);
  report->set_shortfall(outcome.shortfall);
  report->set_cause(CauseOf(result, outcome));
  report->set_micros(static_cast<uint32_t>(
      std::chrono::duration_cast<std::chrono::microseconds>(result.duration)
          .count()));
}

// A candidate's row and its place in the reply.
struct Place {
  Row row;
  uint32_t index;
};

std::vector<Place> PlacesByRow(std::span<const FusedCandidate> candidates) {
  std::vector<Place> places(candidates.size());
  for (uint32_t i = 0; i < places.size(); ++i) {
    places[i] = {candidates[i].row, i};
  }
  std::sort(places.begin(), places.end(),
            [](const Place& a, const Place& b) { return a.row < b.row; });
  return places;
}

void WriteRanks(std::span<const Place> places, const SourceResult& result,
                v1::SourceReport* report) {
  const int size = static_cast<int>(places.size());
  report->mutable_ranks()->Resize(size, 0);
  report->mutable_raw_scores()->Resize(size, 0);
  for (uint32_t rank = 0; rank < result.proposals.size(); ++rank) {
    const ScoredRow& proposal = result.proposals[rank];
    const auto place =
        std::lower_bound(places.begin(), places.end(), proposal.row,
                         [](const Place& a, Row row) { return a.row < row; });
    if (place == places.end() || place->row != proposal.row) continue;
    const int index = static_cast<int>(place->index);
    report->set_ranks(index, rank + 1);
    report->set_raw_scores(index, proposal.score);
  }
}

bool IsDegraded(std::span<const SourceResult> results) {
  return std::any_of(results.begin(), results.end(),
                     [](const SourceResult& result) {
                       return result.state == SourceState::kLate ||
                              result.state == SourceState::kFailed;
                     });
}

// For each source, how many candidates it proposed, and with which others.
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

}  // namespace

void EncodeReply(const ServingBundle& bundle, const Plan& plan,
                 std::span<const SourceResult> results,
                 const FusionResult& fused, v1::RetrieveResponse* rest,
                 std::string* bytes) {
  rest->Clear();
  std::vector<Place> places;
  if (plan.full_view) places = PlacesByRow(fused.candidates);
  for (size_t i = 0; i < plan.sources.size(); ++i) {
    v1::SourceReport* report = rest->add_source_reports();
    report->set_name(bundle.NameOf(plan.sources[i].retriever));
    WriteReport(plan.sources[i], results[i], fused.outcomes[i], report);
    if (plan.full_view) WriteRanks(places, results[i], report);
  }
  rest->set_bundle_version(bundle.bundle().version());
  rest->set_degraded(IsDegraded(results));
  rest->set_cold_start(plan.cold_start);
  rest->set_unknown_items(plan.unknown_items);

  // A message is its parts, one after the other.
  EncodeColumns(bundle.bundle().items(), fused.candidates, bytes);
  const size_t columns = bytes->size();
  bytes->resize(columns + rest->ByteSizeLong());
  rest->SerializeWithCachedSizesToArray(
      reinterpret_cast<uint8_t*>(bytes->data() + columns));
}

void CountReply(const ServingBundle& bundle, const Plan& plan,
                std::span<const SourceResult> results,
                const FusionResult& fused, ServerMetrics* metrics) {
  metrics->retrievals.Add();
  if (plan.cold_start) metrics->cold_starts.Add();
  if (IsDegraded(results)) metrics->degraded.Add();
  std::array<RetrieverMetrics*, kMaxSources> sources;
  for (size_t i = 0; i < results.size(); ++i) {
    const SourceOutcome& outcome = fused.outcomes[i];
    sources[i] =
        &metrics->ForRetriever(bundle.NameOf(plan.sources[i].retriever));
    sources[i]->admitted.Add(outcome.admitted);
    if (outcome.shortfall > 0) {
      sources[i]->shortfall[CauseOf(results[i], outcome)].Add(
          outcome.shortfall);
    }
    // Nothing was searched without a query, or after the deadline.
    if (results[i].state != SourceState::kNoQuery &&
        results[i].duration.count() > 0) {
      sources[i]->seconds.Observe(results[i].duration);
    }
  }
  CountOverlap(fused.candidates, {sources.data(), results.size()});
}

}  // namespace tributary
