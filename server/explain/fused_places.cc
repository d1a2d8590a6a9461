#include "server/explain/fused_places.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <vector>

#include "server/fusion/fuse.h"
#include "server/pipeline/fuse_results.h"
#include "server/pipeline/key_rows.h"

namespace tributary {
namespace {

// The position of the row's candidate; -1 if there is none.
int PlaceOf(const FusionResult& fused, Row row) {
  const auto found =
      std::ranges::find(fused.candidates, row, &FusedCandidate::row);
  return found == fused.candidates.end()
             ? -1
             : static_cast<int>(found - fused.candidates.begin());
}

uint32_t RankOf(std::span<const ScoredRow> proposals, Row row) {
  const auto found = std::ranges::find(proposals, row, &ScoredRow::row);
  return found == proposals.end()
             ? 0
             : static_cast<uint32_t>(found - proposals.begin()) + 1;
}

// All that was proposed, in one list by score: no quotas, caps and diversity.
FusionResult FuseAll(std::vector<FusionSource> sources, FusionOptions options) {
  uint64_t proposals = 0;
  for (FusionSource& source : sources) {
    source.target = 0;
    source.min = 0;
    source.max = std::numeric_limits<uint32_t>::max();
    proposals += source.proposals.size();
  }
  options.k = static_cast<uint32_t>(proposals);
  options.caps = {};
  options.diversity = {};
  FusionResult fused;
  Fuse(sources, options, &fused);
  return fused;
}

// The score without factors.
double PlainScore(const std::vector<FusionSource>& sources,
                  const FusionOptions& options, Row row) {
  FusionOptions plain = options;
  plain.factors = nullptr;
  const FusionResult fused = FuseAll(sources, plain);
  const int place = PlaceOf(fused, row);
  return place < 0 ? 0 : fused.candidates[static_cast<size_t>(place)].score;
}

// What each source adds. Where the item was, a row that does not exist takes
// its place, so that the ranks of the others stay.
void FindContributions(const std::vector<FusionSource>& sources,
                       const FusionOptions& options, Finding* finding) {
  const double whole = PlainScore(sources, options, finding->row);
  for (size_t s = 0; s < sources.size(); ++s) {
    SourceFinding& source = finding->sources[s];
    if (source.proposed_rank == 0) continue;
    std::vector<ScoredRow> without(sources[s].proposals.begin(),
                                   sources[s].proposals.end());
    without[source.proposed_rank - 1].row = kNoRow;
    std::vector<FusionSource> others = sources;
    others[s].proposals = without;
    source.contribution =
        std::max(0.0, whole - PlainScore(others, options, finding->row));
  }
}

uint32_t GroupOf(const FusionCap& cap, Row row) {
  std::array<uint32_t, 1> group{};
  cap.groups->GetGroups(std::array<Row, 1>{row}, group);
  return group[0];
}

void FindFullCaps(const Reply& reply, Finding* finding) {
  const Plan& plan = *reply.plan;
  const ItemRows items = ItemsOf(reply);
  for (size_t c = 0; c < plan.caps.size(); ++c) {
    const FusionCap& cap = plan.caps[c];
    const uint32_t group = GroupOf(cap, finding->row);
    FullCap full;
    for (const FusedCandidate& candidate : reply.fused->candidates) {
      if (GroupOf(cap, candidate.row) != group) continue;
      full.items.push_back(KeyTextOf(items, candidate.row));
    }
    if (full.items.size() < cap.max) continue;
    const AttributeColumn& column = plan.groups[c].column();
    full.index = static_cast<int>(c);
    full.attribute = column.name();
    if (group < column.values()) full.value = column.ValueText(group);
    // A value that only added items have.
    if (group > column.values()) {
      full.value = ItemValueText(
          column.type(),
          finding->added->values(finding->row)[plan.groups[c].number()]);
    }
    full.max = cap.max;
    finding->full_caps.push_back(std::move(full));
  }
}

}  // namespace

void FindFusedPlaces(const Reply& reply, std::span<Finding> findings) {
  const Plan& plan = *reply.plan;
  // FuseResults makes the sources of them; what it fuses is not needed.
  std::vector<FusionSource> sources;
  FusionResult fused;
  FuseResults(plan, reply.results, &sources, &fused);
  const FusionResult all = FuseAll(sources, plan.fusion);
  FusionResult uncapped;
  if (!plan.caps.empty()) {
    FusionOptions options = plan.fusion;
    options.caps = {};
    Fuse(sources, options, &uncapped);
  }
  for (Finding& finding : findings) {
    if (!finding.may_be_proposed()) continue;
    for (size_t s = 0; s < sources.size(); ++s) {
      finding.sources[s].proposed_rank =
          RankOf(sources[s].proposals, finding.row);
    }
    finding.proposed = static_cast<uint32_t>(all.candidates.size());
    const int place = PlaceOf(all, finding.row);
    if (place < 0) continue;
    const auto at = static_cast<size_t>(place);
    finding.fused_rank = static_cast<uint32_t>(place) + 1;
    finding.fused_score = all.candidates[at].score;
    if (!all.factors.empty()) finding.factor = all.factors[at];
    FindContributions(sources, plan.fusion, &finding);
    if (finding.rank > 0 || plan.caps.empty()) continue;
    FindFullCaps(reply, &finding);
    finding.fits_without_caps = PlaceOf(uncapped, finding.row) >= 0;
  }
}

}  // namespace tributary
