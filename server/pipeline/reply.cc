#include "server/pipeline/reply.h"

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include "fmt/format.h"
#include "google/protobuf/stubs/common.h"
#include "server/pipeline/plan_added.h"
#include "status/status_macros.h"

namespace tributary {
namespace {

void WriteReport(const PlannedSource& source, const SourceResult& result,
                 const SourceOutcome& outcome, bool filtered,
                 v1::SourceReport* report) {
  report->set_target(source.target);
  report->set_asked(source.asked);
  report->set_proposed(static_cast<uint32_t>(result.proposals.size()));
  report->set_admitted(outcome.admitted);
  report->set_shortfall(outcome.shortfall);
  report->set_cause(CauseOf(result, outcome, filtered));
  report->set_micros(static_cast<uint32_t>(
      std::chrono::duration_cast<std::chrono::microseconds>(result.duration)
          .count()));
}

void WriteFilter(const Reply& reply, v1::FilterReport* report) {
  const Plan& plan = *reply.plan;
  report->Clear();
  report->set_passing_items(PassingCount(*reply.bundle, plan));
  for (const std::string& value : plan.filter->unknown_values) {
    report->add_unknown_values(value);
  }
  for (const std::string& attribute : plan.relaxed) {
    report->add_relaxed(attribute);
  }
}

void WriteCaps(const Plan& plan, const FusionResult& fused,
               v1::RetrieveResponse* response) {
  for (size_t i = 0; i < plan.caps.size(); ++i) {
    v1::CapReport* const report = response->add_caps();
    report->set_attribute(plan.groups[i].column().name());
    report->set_rejected(fused.rejected[i]);
  }
}

// The places of candidates that live changes added.
void WriteLive(const AddedItems& added, const FusionResult& fused,
               v1::RetrieveResponse* response) {
  for (uint32_t i = 0; i < fused.candidates.size(); ++i) {
    if (added.Has(fused.candidates[i].row)) response->add_live(i);
  }
}

// A candidate's row and its index in the reply.
struct IndexedRow {
  Row row;
  uint32_t index;
};

std::vector<IndexedRow> SortByRow(std::span<const FusedCandidate> candidates) {
  std::vector<IndexedRow> rows(candidates.size());
  for (uint32_t i = 0; i < rows.size(); ++i) rows[i] = {candidates[i].row, i};
  std::sort(
      rows.begin(), rows.end(),
      [](const IndexedRow& a, const IndexedRow& b) { return a.row < b.row; });
  return rows;
}

void WriteRanks(std::span<const IndexedRow> rows, const SourceResult& result,
                v1::SourceReport* report) {
  const int size = static_cast<int>(rows.size());
  report->mutable_ranks()->Resize(size, 0);
  report->mutable_raw_scores()->Resize(size, 0);
  for (uint32_t rank = 0; rank < result.proposals.size(); ++rank) {
    const ScoredRow& proposal = result.proposals[rank];
    const auto found = std::lower_bound(
        rows.begin(), rows.end(), proposal.row,
        [](const IndexedRow& a, Row row) { return a.row < row; });
    if (found == rows.end() || found->row != proposal.row) continue;
    const int index = static_cast<int>(found->index);
    report->set_ranks(index, rank + 1);
    report->set_raw_scores(index, proposal.score);
  }
}

// Nearly all keys are, and protobuf's check takes several times as long.
bool IsAscii(std::string_view text) {
  const char* at = text.data();
  size_t left = text.size();
  uint64_t bits = 0;
  for (; left >= sizeof(uint64_t); left -= sizeof(uint64_t)) {
    uint64_t word;
    std::memcpy(&word, at, sizeof(word));
    bits |= word;
    at += sizeof(word);
  }
  uint64_t rest = 0;
  for (size_t i = 0; i < left; ++i) rest |= static_cast<uint8_t>(at[i]);
  return ((bits | rest) & 0x8080808080808080) == 0;
}

void AddColumns(const ItemRows& items,
                std::span<const FusedCandidate> candidates,
                v1::RetrieveResponse* response) {
  const int size = static_cast<int>(candidates.size());
  if (items.table.kind() == v1::UINT64) {
    response->mutable_item_ids()->Reserve(size);
    for (const FusedCandidate& candidate : candidates) {
      response->add_item_ids(IdOf(items, candidate.row));
    }
  } else {
    response->mutable_item_keys()->Reserve(size);
    for (const FusedCandidate& candidate : candidates) {
      const std::string_view key = KeyOf(items, candidate.row);
      response->add_item_keys(key.data(), key.size());
    }
  }
  response->mutable_scores()->Reserve(size);
  response->mutable_sources()->Reserve(size);
  for (const FusedCandidate& candidate : candidates) {
    response->add_scores(candidate.score);
    response->add_sources(candidate.sources);
  }
}

}  // namespace

ItemRows ItemsOf(const Reply& reply) {
  return {reply.bundle->bundle().items(), reply.plan->added()};
}

bool IsDegraded(const Reply& reply) {
  return reply.fused->diversity_stopped ||
         std::any_of(reply.results.begin(), reply.results.end(),
                     [](const SourceResult& result) {
                       return result.state == SourceState::kLate ||
                              result.state == SourceState::kFailed;
                     });
}

v1::ShortfallCause CauseOf(const SourceResult& result,
                           const SourceOutcome& outcome, bool filtered) {
  if (outcome.shortfall == 0) return v1::NO_SHORTFALL;
  switch (result.state) {
    case SourceState::kNoQuery:
      return v1::NO_QUERY;
    case SourceState::kLate:
      return v1::DEADLINE;
    case SourceState::kFailed:
      return v1::FAILED;
    case SourceState::kLeftOut:
      return v1::NOT_ASKED;
    case SourceState::kAnswered:
      // Caps first: where they had not kept its proposals out, the source would
      // have met its target before others filled the list.
      if (outcome.capped) return v1::CAPPED;
      if (outcome.list_full) return v1::LIST_FULL;
      return filtered ? v1::FILTERED : v1::EXHAUSTED;
  }
  return v1::NO_SHORTFALL;
}

absl::Status CheckReplyKeys(const Reply& reply) {
  const ItemRows items = ItemsOf(reply);
  if (items.table.kind() == v1::UINT64) return absl::OkStatus();
  for (const FusedCandidate& candidate : reply.fused->candidates) {
    const std::string_view key = KeyOf(items, candidate.row);
    if (!IsAscii(key) && !google::protobuf::internal::IsStructurallyValidUTF8(
                             key.data(), static_cast<int>(key.size()))) {
      return absl::DataLossError(fmt::format(
          "items.keys.utf8: the key of row {} is not UTF-8", candidate.row));
    }
  }
  return absl::OkStatus();
}

void WriteSummary(const Reply& reply, v1::RetrieveResponse* response) {
  // Clear deletes the message of a filter; it is kept for the next reply that
  // has one.
  thread_local std::unique_ptr<v1::FilterReport> filter;
  const bool owns_filter = response->GetArena() == nullptr;
  if (owns_filter && response->has_filter()) {
    filter.reset(response->release_filter());
  }
  response->Clear();
  const Plan& plan = *reply.plan;
  const FusionResult& fused = *reply.fused;
  std::vector<IndexedRow> rows;
  if (plan.full_view) rows = SortByRow(fused.candidates);
  for (size_t i = 0; i < plan.sources.size(); ++i) {
    v1::SourceReport* report = response->add_source_reports();
    report->set_name(reply.bundle->NameOf(plan.sources[i].retriever));
    WriteReport(plan.sources[i], reply.results[i], fused.outcomes[i],
                plan.query.passing != nullptr, report);
    if (plan.full_view) WriteRanks(rows, reply.results[i], report);
  }
  response->set_bundle_version(reply.bundle->bundle().version());
  response->set_degraded(IsDegraded(reply));
  response->set_cold_start(plan.cold_start);
  response->set_unknown_items(plan.unknown_items);
  if (plan.segment_unknown) response->add_notices(v1::SEGMENT_UNKNOWN);
  if (fused.weights_unusable) response->add_notices(v1::WEIGHTS_UNUSABLE);
  response->set_service_level(plan.level);
  if (plan.filter != nullptr) {
    if (owns_filter) response->set_allocated_filter(filter.release());
    WriteFilter(reply, response->mutable_filter());
  }
  if (plan.full_view) {
    response->mutable_factors()->Add(fused.factors.begin(),
                                     fused.factors.end());
  }
  WriteCaps(plan, fused, response);
  if (plan.added() != nullptr) WriteLive(*plan.added(), fused, response);
  if (!reply.bundle_label.empty()) {
    // A setter would make a std::string of its own first.
    response->mutable_bundle_label()->assign(reply.bundle_label);
  }
  if (!reply.profile.empty()) {
    response->mutable_profile()->assign(reply.profile);
  }
  if (!reply.next_page_token.empty()) {
    response->mutable_next_page_token()->assign(reply.next_page_token);
  }
}

absl::Status WriteMessage(const Reply& reply, v1::RetrieveResponse* response) {
  RETURN_IF_ERROR(CheckReplyKeys(reply));
  WriteSummary(reply, response);
  AddColumns(ItemsOf(reply), reply.fused->candidates, response);
  return absl::OkStatus();
}

}  // namespace tributary
