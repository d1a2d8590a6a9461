#include "server/explain/findings.h"

#include <algorithm>
#include <chrono>
#include <optional>
#include <string_view>
#include <utility>

#include "fmt/format.h"
#include "index/filter/failed_parts.h"
#include "index/filter/item_filter.h"
#include "index/filter/where.h"
#include "index/filter/where_text.h"
#include "server/explain/exact_ranks.h"
#include "server/explain/fused_places.h"
#include "server/pipeline/key_rows.h"
#include "server/pipeline/plan_added.h"
#include "status/status_macros.h"
#include "text/utf8.h"

namespace tributary {
namespace {

using Clock = std::chrono::steady_clock;

// Of one run of the pipeline.
constexpr uint32_t kRunDeadlineMs = 60'000;

v1::ServerConfig WithoutHurry(v1::ServerConfig config) {
  config.mutable_defaults()->set_deadline_ms(kRunDeadlineMs);
  return config;
}

bool IsSet(const std::atomic<bool>* flag) {
  return flag != nullptr && flag->load(std::memory_order_relaxed);
}

bool HasRow(std::span<const Row> rows, Row row) {
  return std::ranges::find(rows, row) != rows.end();
}

bool HasRow(std::span<const WeightedRow> rows, Row row) {
  return std::ranges::find(rows, row, &WeightedRow::row) != rows.end();
}

bool Excludes(const Bundle& bundle, const v1::Filter& filter,
              const Finding& finding) {
  const auto is_item = [&](const auto& key) {
    return IsKeyOf(bundle, finding, key);
  };
  return std::ranges::any_of(filter.exclude_item_ids(), is_item) ||
         std::ranges::any_of(filter.exclude_item_keys(), is_item);
}

// The item's key as text.
std::string KeyText(const Bundle& bundle, const Finding& finding) {
  return KeyTextOf({bundle.items(), finding.added.get()}, finding.row);
}

// The number of the live change that says that the user met the item; 0: none
// does.
uint64_t SeenByChange(const Bundle& bundle, const Plan& plan,
                      const Finding& finding) {
  if (plan.met == nullptr) return 0;
  if (finding.added == nullptr) return plan.met->ChangeOf(finding.row);
  const auto items = plan.met->lacking();
  const auto found =
      std::ranges::find(items, KeyText(bundle, finding), &LackingItem::key);
  return found == items.end() ? 0 : found->change;
}

// Whether live changes took the item down.
bool IsDown(const Plan& plan, const Finding& finding) {
  if (finding.added != nullptr) {
    return !finding.added->Has(finding.row) ||
           !finding.added->IsLive(finding.row);
  }
  return plan.overlay != nullptr && plan.overlay->remaining != nullptr &&
         !plan.overlay->remaining->Has(finding.row);
}

bool IsInSet(const Bundle& bundle, const ExcludedItems& set,
             const Finding& finding) {
  if (finding.added == nullptr) return !set.others.Has(finding.row);
  return set.keys != nullptr && set.keys->Has(KeyText(bundle, finding));
}

bool PassesFilter(const ServingBundle& serving, const Plan& plan,
                  const Finding& finding) {
  if (plan.filter == nullptr) return true;
  if (finding.added == nullptr) return plan.filter->items.Has(finding.row);
  return PassingAdded(serving, *plan.filter, plan)
      ->Has(finding.row - finding.added->first());
}

// Whether the query lets sources propose the item.
bool MayPropose(const Plan& plan, const Finding& finding) {
  if (finding.added == nullptr) {
    const PassingItems* const passing = plan.query.passing.get();
    return passing == nullptr || passing->Has(finding.row);
  }
  const Row at = finding.row - finding.added->first();
  return (plan.query.added_allowed[at / 64] >> (at % 64) & 1) != 0;
}

// Why the item is among plan.excluded, or is kept out by something that is not
// the request's condition.
void FindExclusion(const ServingBundle& serving, const Plan& plan,
                   const v1::RetrieveRequest& request, Finding* finding) {
  const Bundle& bundle = serving.bundle();
  const Row row = finding->row;
  if (IsDown(plan, *finding)) {
    const std::string key = KeyText(bundle, *finding);
    finding->removal = serving.changes().RemovalOf(key);
    if (!finding->removal) finding->expiry = serving.changes().ExpiryOf(key);
    // It was restored meanwhile.
    if (!finding->removal && !finding->expiry) finding->removal = Removal();
  }
  for (const std::string& name : request.filter().exclude_sets()) {
    const auto set = serving.item_sets().Find(name);
    if (set != nullptr && IsInSet(bundle, *set, *finding)) {
      finding->excluding_sets.push_back(name);
    }
  }
  const bool by_condition = !PassesFilter(serving, plan, *finding);
  const bool by_key = std::ranges::binary_search(plan.excluded, row);
  // A set that was replaced meanwhile, perhaps.
  const bool by_more = !MayPropose(plan, *finding) && !by_condition &&
                       !(by_key && finding->added != nullptr) &&
                       finding->excluding_sets.empty() && !finding->removal &&
                       !finding->expiry;
  if (!by_more && !by_key) return;
  if (!request.include_seen()) {
    finding->seen_by_change = SeenByChange(bundle, plan, *finding);
    finding->seen = finding->seen_by_change > 0 ||
                    HasRow(bundle.Seen(plan.query.user), row);
    finding->recent = HasRow(plan.history, row) || HasRow(plan.liked, row) ||
                      HasRow(plan.unliked, row);
  }
  finding->excluded = Excludes(bundle, request.filter(), *finding);
  // Sources get another item in its place.
  if (finding->added != nullptr && !request.include_seen()) {
    finding->recent = !finding->excluded;
  }
  finding->excluded_otherwise =
      by_more || !(finding->seen || finding->recent || finding->excluded);
}

v1::FailedTerm TermOf(const AttributeView& attributes,
                      const v1::Predicate& part, const Finding& finding) {
  v1::FailedTerm term;
  term.set_term(WhereText(part));
  const std::vector<std::string> names = AttributesOf(part);
  std::string value;
  for (const std::string& name : names) {
    const size_t index = attributes.IndexOf(name);
    if (index == attributes.size()) continue;
    const AttributeColumn& column = attributes[index];
    const std::string text =
        finding.added == nullptr
            ? ItemValueText(column, finding.row)
            : ItemValueText(column.type(),
                            finding.added->values(finding.row)[index]);
    if (names.size() == 1) {
      value = text;
    } else {
      value += fmt::format("{}{}: {}", value.empty() ? "" : ", ", name,
                           text.empty() ? "none" : text);
    }
  }
  // A bundle may have values that are not UTF-8, which messages may not.
  term.set_value(ToUtf8(value));
  return term;
}

// Adds what of `predicate`, after the terms on `relaxed` were dropped, the item
// fails.
void AddFailedTerms(const AttributeView& attributes, v1::Predicate predicate,
                    std::span<const std::string> relaxed, Finding* finding) {
  for (const std::string& attribute : relaxed) {
    if (!DropAttribute(attribute, &predicate)) return;
  }
  for (const v1::Predicate& part :
       FailedParts(attributes, predicate, *finding)) {
    *finding->failed_terms.Add() = TermOf(attributes, part, *finding);
  }
}

void FindFailedTerms(const ServingBundle& serving, const Plan& plan,
                     const v1::Filter& filter, Finding* finding) {
  if (PassesFilter(serving, plan, *finding)) return;
  const AttributeView attributes = AttributesUnder(serving, plan);
  if (!filter.where().empty()) {
    // The plan has parsed it.
    const auto parsed = ParseWhere(filter.where());
    if (parsed.ok()) {
      AddFailedTerms(attributes, parsed->predicate, plan.relaxed, finding);
    }
  }
  if (filter.has_predicate()) {
    AddFailedTerms(attributes, filter.predicate(), plan.relaxed, finding);
  }
  // It fails, whatever of.
  if (finding->failed_terms.empty()) {
    finding->failed_terms.Add()->set_term(filter.where());
  }
}

void StartSources(const Reply& reply, Finding* finding) {
  for (size_t s = 0; s < reply.results.size(); ++s) {
    SourceFinding& source = finding->sources.emplace_back();
    source.planned = reply.plan->sources[s];
    source.name = reply.bundle->NameOf(source.planned.retriever);
    source.state = reply.results[s].state;
  }
}

// Sets the ranks that the sources give to the items.
absl::Status FindSourceRanks(const Reply& reply, const ExplainTerms& terms,
                             std::span<Finding> findings) {
  std::vector<Row> rows;
  for (const Finding& finding : findings) {
    if (finding.may_be_proposed()) rows.push_back(finding.row);
  }
  if (rows.empty()) return absl::OkStatus();
  for (size_t s = 0; s < reply.results.size(); ++s) {
    std::vector<SourceFinding*> of_source;
    for (Finding& finding : findings) {
      if (finding.may_be_proposed()) of_source.push_back(&finding.sources[s]);
    }
    const PlannedSource& planned = reply.plan->sources[s];
    const Retriever& retriever =
        *reply.bundle->retrievers()[static_cast<size_t>(planned.retriever)]
             .retriever;
    uint64_t items = reply.bundle->bundle().items().size();
    if (reply.plan->added() != nullptr) items += reply.plan->added()->n_live();
    RETURN_IF_ERROR(FindExactRanks(retriever, reply.plan->query, planned.asked,
                                   items, terms, rows, of_source));
  }
  return absl::OkStatus();
}

RunSummary SummaryOf(const Reply& reply) {
  return {.k = reply.plan->fusion.k,
          .candidates = static_cast<uint32_t>(reply.fused->candidates.size()),
          .diverse = reply.plan->fusion.diversity.vectors != nullptr};
}

absl::Status Read(const Reply& reply, const v1::RetrieveRequest& request,
                  const ExplainTerms& terms, std::span<const Row> rows,
                  std::vector<Finding>* findings) {
  const Plan& plan = *reply.plan;
  findings->clear();
  for (const Row row : rows) {
    Finding& finding = findings->emplace_back();
    finding.row = row;
    if (row >= reply.bundle->bundle().items().size()) {
      finding.added = plan.overlay->additions;
    }
    finding.run = SummaryOf(reply);
    const auto found =
        std::ranges::find(reply.fused->candidates, row, &FusedCandidate::row);
    if (found != reply.fused->candidates.end()) {
      finding.rank =
          static_cast<uint32_t>(found - reply.fused->candidates.begin()) + 1;
    }
    FindExclusion(*reply.bundle, plan, request, &finding);
    FindFailedTerms(*reply.bundle, plan, request.filter(), &finding);
    if (finding.may_be_proposed()) StartSources(reply, &finding);
  }
  RETURN_IF_ERROR(FindSourceRanks(reply, terms, *findings));
  FindFusedPlaces(reply, *findings);
  return terms.Check();
}

}  // namespace

bool IsKeyOf(const Bundle& bundle, const Finding& finding, uint64_t id) {
  if (finding.added == nullptr) return bundle.items().Find(id) == finding.row;
  return finding.added->key(finding.row) == fmt::format("{}", id);
}

bool IsKeyOf(const Bundle& bundle, const Finding& finding,
             const std::string& key) {
  if (finding.added == nullptr) {
    return bundle.items().Find(std::string_view(key)) == finding.row;
  }
  return finding.added->key(finding.row) == key;
}

std::vector<v1::Predicate> FailedParts(const AttributeView& attributes,
                                       const v1::Predicate& predicate,
                                       const Finding& finding) {
  return finding.added == nullptr
             ? FailedParts(attributes, predicate, finding.row)
             : FailedParts(attributes.bundle(), predicate,
                           finding.added->values(finding.row));
}

absl::Status ExplainTerms::Check() const {
  if (IsSet(cancelled)) {
    return absl::CancelledError("the caller has cancelled the call");
  }
  if (IsSet(closing)) {
    return absl::UnavailableError("the server is shutting down");
  }
  if (Clock::now() >= deadline) {
    return absl::DeadlineExceededError(
        "the deadline passed before all was found out");
  }
  return absl::OkStatus();
}

v1::Verdict Finding::verdict() const {
  if (removal) return v1::TAKEN_DOWN;
  if (expiry) return v1::EXPIRED;
  if (seen || recent) return v1::SEEN;
  if (excluded || !excluding_sets.empty() || excluded_otherwise) {
    return v1::EXCLUDED;
  }
  if (!failed_terms.empty()) return v1::DOES_NOT_PASS;
  if (rank > 0) return v1::IN_THE_LIST;
  if (fused_rank == 0) return v1::NOT_PROPOSED;
  const bool capped =
      !full_caps.empty() && (fits_without_caps || run.candidates < run.k);
  return capped ? v1::KEPT_OUT_BY_CAP : v1::BELOW_K;
}

Examiner::Examiner(const v1::ServerConfig& config)
    : pipeline_(WithoutHurry(config), /*pool=*/nullptr, /*metrics=*/nullptr,
                /*live_recall=*/nullptr) {}

absl::Status Examiner::Run(const RoutedBundle& routed,
                           const v1::RetrieveRequest& request,
                           const ExplainTerms& terms,
                           Pipeline::ReplyFunction read) const {
  RETURN_IF_ERROR(terms.Check());
  RetrieveOptions options(terms.deadline);
  options.cancelled = terms.cancelled;
  return pipeline_.Retrieve(routed, request, options,
                            [&](const Reply& reply) -> absl::Status {
                              // A list without a source that is late is not
                              // the one to explain.
                              RETURN_IF_ERROR(terms.Check());
                              return read(reply);
                            });
}

absl::StatusOr<RunSummary> Examiner::Examine(
    const RoutedBundle& routed, const v1::RetrieveRequest& request,
    const ExplainTerms& terms, std::span<const Row> rows,
    std::vector<Finding>* findings) const {
  RunSummary summary;
  RETURN_IF_ERROR(Run(routed, request, terms, [&](const Reply& reply) {
    summary = SummaryOf(reply);
    return Read(reply, request, terms, rows, findings);
  }));
  return summary;
}

absl::StatusOr<bool> Examiner::IsInList(const RoutedBundle& routed,
                                        const v1::RetrieveRequest& request,
                                        const ExplainTerms& terms,
                                        Row row) const {
  bool is_in = false;
  RETURN_IF_ERROR(Run(routed, request, terms, [&](const Reply& reply) {
    is_in =
        std::ranges::find(reply.fused->candidates, row, &FusedCandidate::row) !=
        reply.fused->candidates.end();
    return absl::OkStatus();
  }));
  return is_in;
}

}  // namespace tributary
