#include "server/gate/gate.h"

#include <algorithm>
#include <string>
#include <utility>

#include "fmt/core.h"
#include "server/gate/list_overlap.h"
#include "server/gate/reach.h"
#include "server/gate/sample.h"
#include "server/gate/source_lists.h"
#include "server/gate/vector_norms.h"
#include "status/status_macros.h"

namespace tributary {
namespace {

// One version under measurement.
struct Side {
  const Bundle* bundle;
  std::vector<AskedSource> sources;
  // The lists of each source.
  std::vector<SourceLists> lists;
  std::vector<FailedSource> failed;
};

std::vector<RetrieverQuery> ViewsOf(const std::vector<SampledQuery>& queries) {
  std::vector<RetrieverQuery> views;
  for (const SampledQuery& query : queries) views.push_back(query.view());
  return views;
}

// Whether the error of a source ends the measurement, or is recorded in
// Side::failed.
enum class OnFailure { kReturn, kRecord };

absl::Status AskOne(const v1::RetrieverSpec& spec,
                    const RetrieverRegistry& registry,
                    std::span<const RetrieverQuery> queries,
                    std::span<const RetrieverQuery> deep_queries, uint32_t n,
                    const Announce& announce, Side* side) {
  const uint64_t items = side->bundle->items().size();
  ASSIGN_OR_RETURN(auto retriever, registry.Make(*side->bundle, spec));
  announce(fmt::format("asking source {} of version {}", spec.name(),
                       side->bundle->version()));
  absl::StatusOr<SourceLists> lists = AskSource(*retriever, queries, n, items);
  const absl::Status asked =
      lists.ok() ? AskDeeply(*retriever, deep_queries, items) : lists.status();
  if (!asked.ok()) {
    return absl::Status(asked.code(),
                        fmt::format("source {}: {}", spec.name(),
                                    std::string(asked.message())));
  }
  side->sources.push_back({&spec, std::move(retriever)});
  side->lists.push_back(*std::move(lists));
  return absl::OkStatus();
}

absl::StatusOr<Side> AskAll(const Bundle& bundle,
                            const RetrieverRegistry& registry,
                            const std::vector<SampledQuery>& queries,
                            const std::vector<SampledQuery>& deep_queries,
                            uint32_t n, OnFailure on_failure,
                            const Announce& announce) {
  Side side{.bundle = &bundle, .sources = {}, .lists = {}, .failed = {}};
  const std::vector<RetrieverQuery> views = ViewsOf(queries);
  const std::vector<RetrieverQuery> deep_views = ViewsOf(deep_queries);
  for (const v1::RetrieverSpec& spec : bundle.manifest().retrievers()) {
    announce(fmt::format("making source {} of version {}", spec.name(),
                         bundle.version()));
    const absl::Status status =
        AskOne(spec, registry, views, deep_views, n, announce, &side);
    if (status.ok()) continue;
    if (on_failure == OnFailure::kReturn && registry.Knows(spec.kind())) {
      return status;
    }
    side.failed.push_back({spec.name(), std::string(status.message())});
  }
  return side;
}

// Asks the source the golden queries that `from` has for the source's space.
absl::StatusOr<SourceLists> AskGolden(const AskedSource& source,
                                      const Bundle& from, uint32_t n,
                                      uint64_t items) {
  const std::string& space = source.spec->space();
  std::vector<std::vector<SpaceVector>> vectors;
  for (const v1::GoldenQuery& golden : from.manifest().golden_queries()) {
    if (golden.space() != space) continue;
    vectors.push_back({{space,
                        {golden.vector().data(),
                         static_cast<size_t>(golden.vector_size())}}});
  }
  std::vector<RetrieverQuery> queries;
  for (const auto& vector : vectors) queries.push_back({.vectors = vector});
  return AskSource(*source.retriever, queries, n, items);
}

uint64_t CountCovered(const Side& side) {
  std::vector<Row> rows;
  for (const SourceLists& source : side.lists) {
    for (const auto& list : source.lists) {
      rows.insert(rows.end(), list.begin(), list.end());
    }
  }
  std::sort(rows.begin(), rows.end());
  return static_cast<uint64_t>(std::unique(rows.begin(), rows.end()) -
                               rows.begin());
}

SpaceMeasurement MeasureSpace(const EmbeddingSpace& space) {
  SpaceMeasurement measured{
      .name = space.spec->name(),
      .fingerprint = space.spec->fingerprint(),
      .norms = {MeasureNorms(space.spec->name() + " items", space.items)}};
  if (space.users.size() > 0) {
    measured.norms.push_back(
        MeasureNorms(space.spec->name() + " users", space.users));
  }
  return measured;
}

absl::StatusOr<VersionMeasurement> MeasureVersion(const Side& side,
                                                  uint32_t n) {
  const Bundle& bundle = *side.bundle;
  ReachMeasurement reach = MeasureReach(bundle, side.sources);
  VersionMeasurement measured{.version = bundle.version(),
                              .items = bundle.items().size(),
                              .users = bundle.users().size(),
                              .item_keys = bundle.items().kind(),
                              .user_keys = bundle.users().kind(),
                              .unreachable = reach.unreachable,
                              .silent_sources = std::move(reach.silent_sources),
                              .covered_items = CountCovered(side),
                              .spaces = {},
                              .sources = {},
                              .failed_sources = side.failed};
  for (const EmbeddingSpace& space : bundle.spaces()) {
    measured.spaces.push_back(MeasureSpace(space));
  }
  for (size_t s = 0; s < side.lists.size(); ++s) {
    const AskedSource& source = side.sources[s];
    SourceMeasurement& into = measured.sources.emplace_back();
    into.name = source.spec->name();
    into.mean_length = side.lists[s].mean_length();
    into.recall = side.lists[s].recall;
    if (source.spec->space().empty() || side.lists[s].answered()) continue;
    ASSIGN_OR_RETURN(const SourceLists golden,
                     AskGolden(source, bundle, n, bundle.items().size()));
    into.recall = golden.recall;
  }
  return measured;
}

// Whether golden queries of a space in `a` are valid queries in `b`.
bool SameSpace(const Bundle& a, const Bundle& b, const std::string& name) {
  const EmbeddingSpace* in_a = a.FindSpace(name);
  const EmbeddingSpace* in_b = b.FindSpace(name);
  return in_a != nullptr && in_b != nullptr &&
         in_a->spec->fingerprint() == in_b->spec->fingerprint() &&
         in_a->spec->dim() == in_b->spec->dim();
}

absl::StatusOr<std::optional<OverlapMeasurement>> Compare(const Side& before,
                                                          size_t old_source,
                                                          const Side& after,
                                                          size_t new_source,
                                                          uint32_t n) {
  const AskedSource& old_asked = before.sources[old_source];
  const AskedSource& new_asked = after.sources[new_source];
  const std::string& name = new_asked.spec->name();
  const SourceLists& old_lists = before.lists[old_source];
  const SourceLists& new_lists = after.lists[new_source];
  const bool by_golden =
      !old_lists.answered() && !new_lists.answered() &&
      old_asked.spec->space() == new_asked.spec->space() &&
      SameSpace(*before.bundle, *after.bundle, new_asked.spec->space());
  if (!by_golden) {
    return MeasureOverlap(name, *before.bundle, old_lists.lists, *after.bundle,
                          new_lists.lists);
  }
  ASSIGN_OR_RETURN(
      const SourceLists old_golden,
      AskGolden(old_asked, *before.bundle, n, before.bundle->items().size()));
  ASSIGN_OR_RETURN(
      const SourceLists new_golden,
      AskGolden(new_asked, *before.bundle, n, after.bundle->items().size()));
  return MeasureOverlap(name, *before.bundle, old_golden.lists, *after.bundle,
                        new_golden.lists);
}

absl::Status CompareAll(const Side& before, const Side& after, uint32_t n,
                        GateMeasurements* measured) {
  for (size_t s = 0; s < after.lists.size(); ++s) {
    const std::string& name = after.sources[s].spec->name();
    for (size_t o = 0; o < before.lists.size(); ++o) {
      if (before.sources[o].spec->name() != name) continue;
      ASSIGN_OR_RETURN(auto overlap, Compare(before, o, after, s, n));
      if (overlap) measured->overlaps.push_back(*std::move(overlap));
    }
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<GateMeasurements> MeasureGate(const Bundle* old_bundle,
                                             const Bundle& new_bundle,
                                             const RetrieverRegistry& registry,
                                             const v1::Gate& gate,
                                             const Announce& announce) {
  const QuerySample sample =
      SampleQueries(old_bundle, new_bundle, gate.sample_users());
  GateMeasurements measured;
  measured.queries = static_cast<uint32_t>(sample.new_queries.size());
  measured.asked_for = sample.asked_for;
  measured.known_items = sample.known_items;
  ASSIGN_OR_RETURN(
      const Side after,
      AskAll(new_bundle, registry, sample.new_queries, sample.deep_queries,
             gate.n(), OnFailure::kReturn, announce));
  ASSIGN_OR_RETURN(measured.new_version, MeasureVersion(after, gate.n()));
  if (old_bundle == nullptr) return measured;
  ASSIGN_OR_RETURN(const Side before,
                   AskAll(*old_bundle, registry, sample.old_queries, {},
                          gate.n(), OnFailure::kRecord, announce));
  ASSIGN_OR_RETURN(measured.old_version, MeasureVersion(before, gate.n()));
  RETURN_IF_ERROR(CompareAll(before, after, gate.n(), &measured));
  return measured;
}

}  // namespace tributary
