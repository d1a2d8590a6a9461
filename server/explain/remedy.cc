#include "server/explain/remedy.h"

#include <algorithm>
#include <cstdint>
#include <functional>
#include <limits>
#include <optional>
#include <utility>

#include "fmt/format.h"
#include "fmt/ranges.h"
#include "index/filter/failed_parts.h"
#include "index/filter/where.h"
#include "index/filter/where_text.h"
#include "status/status_macros.h"

namespace tributary {
namespace {

constexpr uint32_t kNoMax = std::numeric_limits<uint32_t>::max();
// How many of the sources that rank an item best are given a larger quota.
constexpr size_t kBestSources = 2;

// A number of a request that may be raised.
struct Lever {
  // As "quota behavior".
  std::string name;
  uint32_t now = 0;
  uint32_t most = 0;
  // What probably does.
  uint32_t guess = 0;
  std::function<void(uint32_t, v1::RetrieveRequest*)> set;

  bool can_be_raised() const { return now < most; }
};

// What a set of levers came to: a value for each.
using Values = std::vector<uint32_t>;

std::string JoinChanges(const std::vector<std::string>& changes) {
  std::string text;
  for (size_t i = 0; i < changes.size(); ++i) {
    if (i > 0) text += i + 1 == changes.size() ? " and " : ", ";
    text += changes[i];
  }
  return text;
}

// Quotas are all or nothing: a request that names one names all that are asked.
void NameQuotas(const std::vector<SourceFinding>& sources,
                v1::RetrieveRequest* request) {
  if (!request->quotas().empty()) return;
  for (const SourceFinding& source : sources) {
    v1::Quota& quota = (*request->mutable_quotas())[source.name];
    quota.set_target(source.planned.target);
    if (source.planned.min > 0) quota.set_min(source.planned.min);
    if (source.planned.max != kNoMax) quota.set_max(source.planned.max);
  }
}

void RaiseTarget(uint32_t target, v1::Quota* quota) {
  quota->set_target(std::max(quota->target(), target));
  if (quota->has_max()) quota->set_max(std::max(quota->max(), target));
}

// Removes what excludes the item by its key.
template <typename Keys>
void RemoveItem(const Bundle& bundle, const Finding& finding, Keys* keys) {
  keys->erase(std::remove_if(keys->begin(), keys->end(),
                             [&](const auto& key) {
                               return IsKeyOf(bundle, finding, key);
                             }),
              keys->end());
}

// Drops what of the filter the item fails, and returns it as texts. That is
// also what was dropped because too few items passed, which may not be so any
// more once the other terms are gone.
std::vector<std::string> WidenFilter(const AttributeView& attributes,
                                     const Finding& finding,
                                     v1::Filter* filter) {
  std::vector<std::string> dropped;
  const auto widen = [&](const v1::Predicate& predicate) {
    for (const v1::Predicate& part :
         FailedParts(attributes, predicate, finding)) {
      dropped.push_back(WhereText(part));
    }
    return finding.added == nullptr
               ? WithoutFailedParts(attributes, predicate, finding.row)
               : WithoutFailedParts(attributes.bundle(), predicate,
                                    finding.added->values(finding.row));
  };
  const auto parsed = ParseWhere(filter->where());
  if (!filter->where().empty() && parsed.ok()) {
    const auto left = widen(parsed->predicate);
    // Otherwise it stays as the caller has written it.
    if (!dropped.empty()) {
      filter->set_where(left.has_value() ? WhereText(*left) : "");
    }
  }
  if (filter->has_predicate()) {
    auto left = widen(filter->predicate());
    if (left.has_value()) {
      *filter->mutable_predicate() = *std::move(left);
    } else {
      filter->clear_predicate();
    }
  }
  if (filter->where().empty() && !filter->has_predicate()) {
    filter->clear_when_short();
    filter->clear_relax();
  }
  return dropped;
}

// Changes the request so that the item may be proposed, and returns the changes
// as texts.
std::vector<std::string> OpenFor(const AttributeView& attributes,
                                 const Finding& finding,
                                 v1::RetrieveRequest* request) {
  const Bundle& bundle = attributes.bundle();
  std::vector<std::string> changes;
  v1::Filter* const filter = request->mutable_filter();
  if (finding.seen || finding.recent || finding.excluded_otherwise) {
    request->set_include_seen(true);
    changes.emplace_back("include_seen");
  }
  if (finding.excluded) {
    RemoveItem(bundle, finding, filter->mutable_exclude_item_ids());
    RemoveItem(bundle, finding, filter->mutable_exclude_item_keys());
    changes.emplace_back("not excluding it");
  }
  for (const std::string& name : finding.excluding_sets) {
    auto& sets = *filter->mutable_exclude_sets();
    sets.erase(std::remove(sets.begin(), sets.end(), name), sets.end());
  }
  if (!finding.excluding_sets.empty()) {
    changes.push_back(fmt::format("exclude_sets without {}",
                                  fmt::join(finding.excluding_sets, ", ")));
  }
  if (!finding.failed_terms.empty()) {
    changes.push_back("a filter without " +
                      JoinChanges(WidenFilter(attributes, finding, filter)));
  }
  return changes;
}

class Search {
 public:
  Search(const Examiner& examiner, const v1::Limits& limits,
         const RoutedBundle& routed, const ExplainTerms& terms)
      : examiner_(examiner), limits_(limits), routed_(routed), terms_(terms) {}

  absl::StatusOr<Remedies> Run(v1::RetrieveRequest request,
                               const Finding& finding,
                               std::vector<std::string> made) {
    remedies_.opened = finding;
    // No request brings back what was taken down, or has expired.
    if (finding.removal || finding.expiry) return std::move(remedies_);
    remedies_.opening = std::move(made);
    request.clear_page_size();
    request.clear_page_token();
    base_ = std::move(request);
    RETURN_IF_ERROR(Open());
    const Finding& opened = remedies_.opened;
    if (opened.rank > 0) {
      if (!remedies_.opening.empty()) Keep({}, {});
      return std::move(remedies_);
    }
    // Something else keeps it out, which these changes do not touch.
    if (!opened.may_be_proposed()) return std::move(remedies_);
    if (opened.fused_rank > 0 || !BestSources().empty()) {
      RETURN_IF_ERROR(RaiseOne());
      if (remedies_.found.empty()) RETURN_IF_ERROR(RaiseSeveral());
    }
    if (remedies_.found.empty()) RETURN_IF_ERROR(AddSources());
    return std::move(remedies_);
  }

 private:
  const Bundle& bundle() const { return routed_.bundle->bundle(); }

  absl::Status Open() {
    if (remedies_.opened.may_be_proposed()) return absl::OkStatus();
    const auto overlay = routed_.bundle->changes().overlay();
    for (std::string& change : OpenFor(AttributesUnder(bundle(), overlay.get()),
                                       remedies_.opened, &base_)) {
      remedies_.opening.push_back(std::move(change));
    }
    const Row row = remedies_.opened.row;
    std::vector<Finding> findings;
    const absl::Status examined =
        examiner_.Examine(routed_, base_, terms_, {&row, 1}, &findings)
            .status();
    // A request that may not be sent like this is no remedy.
    if (IsRefusal(examined)) return absl::OkStatus();
    RETURN_IF_ERROR(examined);
    remedies_.opened = findings.front();
    return absl::OkStatus();
  }

  static bool IsRefusal(const absl::Status& status) {
    return absl::IsInvalidArgument(status) ||
           absl::IsFailedPrecondition(status);
  }

  // Whether the levers' values bring the item in.
  absl::StatusOr<bool> Try(const std::vector<Lever>& levers,
                           const Values& values) {
    if (++trials_ > kMaxTrials) {
      remedies_.gave_up = true;
      return false;
    }
    const absl::StatusOr<bool> is_in = examiner_.IsInList(
        routed_, With(levers, values), terms_, remedies_.opened.row);
    if (IsRefusal(is_in.status())) return false;
    return is_in;
  }

  v1::RetrieveRequest With(const std::vector<Lever>& levers,
                           const Values& values) const {
    v1::RetrieveRequest request = base_;
    for (size_t i = 0; i < levers.size(); ++i) {
      if (values[i] != levers[i].now) levers[i].set(values[i], &request);
    }
    return request;
  }

  void Keep(const std::vector<Lever>& levers, const Values& values) {
    std::vector<std::string> changes = remedies_.opening;
    for (size_t i = 0; i < levers.size(); ++i) {
      if (values[i] == levers[i].now) continue;
      changes.push_back(fmt::format("{} >= {}", levers[i].name, values[i]));
    }
    remedies_.found.push_back({JoinChanges(changes), With(levers, values)});
  }

  // Looks for the least values of the levers together that bring the item in:
  // from their guesses, or from the most, each is lowered as far as the item
  // stays. Nothing if they do not bring it in.
  absl::StatusOr<std::optional<Values>> Least(
      const std::vector<Lever>& levers) {
    Values values;
    Values most;
    for (const Lever& lever : levers) {
      if (!lever.can_be_raised()) return std::optional<Values>();
      values.push_back(std::clamp(lever.guess, lever.now + 1, lever.most));
      most.push_back(lever.most);
    }
    ASSIGN_OR_RETURN(bool is_in, Try(levers, values));
    Values failed(levers.size());
    for (size_t i = 0; i < levers.size(); ++i) failed[i] = levers[i].now;
    if (!is_in && values != most) {
      // Of a single lever, all up to the guess is known to be too little.
      if (levers.size() == 1) failed = values;
      values = most;
      ASSIGN_OR_RETURN(is_in, Try(levers, values));
    }
    if (!is_in) return std::optional<Values>();
    // First those that are not needed, which may lower what the others need.
    for (size_t i = 0; i < levers.size() && levers.size() > 1; ++i) {
      Values without = values;
      without[i] = levers[i].now;
      ASSIGN_OR_RETURN(is_in, Try(levers, without));
      if (is_in) values = without;
    }
    for (size_t i = 0; i < levers.size(); ++i) {
      if (values[i] == levers[i].now) continue;
      RETURN_IF_ERROR(Lower(levers, i, failed[i], &values));
    }
    return std::optional<Values>(std::move(values));
  }

  // Lowers (*values)[i] to the least that does. `failed` does not.
  absl::Status Lower(const std::vector<Lever>& levers, size_t i,
                     uint32_t failed, Values* values) {
    while ((*values)[i] - failed > 1) {
      Values lower = *values;
      lower[i] = failed + ((*values)[i] - failed) / 2;
      ASSIGN_OR_RETURN(const bool is_in, Try(levers, lower));
      if (is_in) {
        *values = std::move(lower);
      } else {
        failed = lower[i];
      }
    }
    return absl::OkStatus();
  }

  // The sources that rank the item, the best first.
  std::vector<const SourceFinding*> BestSources() const {
    std::vector<const SourceFinding*> best;
    for (const SourceFinding& source : remedies_.opened.sources) {
      if (RankIn(source) > 0) best.push_back(&source);
    }
    std::ranges::stable_sort(
        best, {}, [](const SourceFinding* source) { return RankIn(*source); });
    return best;
  }

  static uint32_t RankIn(const SourceFinding& source) {
    return source.exact_rank > 0 ? source.exact_rank : source.proposed_rank;
  }

  Lever QuotaLever(const SourceFinding& source) const {
    return {.name = "quota " + source.name,
            .now = source.planned.target,
            .most = limits_.max_k(),
            .guess = RankIn(source),
            .set = [this, name = source.name](uint32_t value,
                                              v1::RetrieveRequest* request) {
              NameQuotas(remedies_.opened.sources, request);
              RaiseTarget(value, &(*request->mutable_quotas())[name]);
            }};
  }

  // By policies other than QUOTA, sources reserve no more than their minimum.
  Lever MinLever(const SourceFinding& source) const {
    uint32_t others = 0;
    for (const SourceFinding& other : remedies_.opened.sources) {
      if (&other != &source) others += other.planned.min;
    }
    const uint32_t k = remedies_.opened.run.k;
    return {.name = "min of quota " + source.name,
            .now = source.planned.min,
            .most = k - std::min(k, others),
            .guess = RankIn(source),
            .set = [this, name = source.name](uint32_t value,
                                              v1::RetrieveRequest* request) {
              NameQuotas(remedies_.opened.sources, request);
              v1::Quota& quota = (*request->mutable_quotas())[name];
              RaiseTarget(value, &quota);
              quota.set_min(value);
            }};
  }

  Lever MaxLever(const SourceFinding& source) const {
    return {.name = "max of quota " + source.name,
            .now = source.planned.max,
            .most = limits_.max_k(),
            .guess = source.planned.max + 1,
            .set = [this, name = source.name](uint32_t value,
                                              v1::RetrieveRequest* request) {
              NameQuotas(remedies_.opened.sources, request);
              (*request->mutable_quotas())[name].set_max(value);
            }};
  }

  Lever KLever() const {
    const auto best = BestSources();
    const uint32_t fused = remedies_.opened.fused_rank;
    return {.name = "k",
            .now = remedies_.opened.run.k,
            .most = limits_.max_k(),
            .guess = fused > 0      ? fused
                     : best.empty() ? 0
                                    : RankIn(*best.front()),
            .set = [](uint32_t value, v1::RetrieveRequest* request) {
              request->set_k(value);
            }};
  }

  std::vector<Lever> CapLevers() const {
    std::vector<Lever> levers;
    for (int i = 0; i < base_.caps_size(); ++i) {
      const v1::Cap& cap = base_.caps(i);
      // It keeps nothing out.
      if (cap.max() >= limits_.max_k()) continue;
      levers.push_back({.name = "cap " + cap.attribute(),
                        .now = cap.max(),
                        .most = limits_.max_k(),
                        .guess = cap.max() + 1,
                        .set = [i](uint32_t value, v1::RetrieveRequest* to) {
                          to->mutable_caps(i)->set_max(value);
                        }});
    }
    return levers;
  }

  // Keeps what a set of levers comes to.
  absl::Status Raise(const std::vector<Lever>& levers) {
    if (levers.empty() || remedies_.gave_up) return absl::OkStatus();
    ASSIGN_OR_RETURN(const std::optional<Values> values, Least(levers));
    if (values.has_value()) Keep(levers, *values);
    return absl::OkStatus();
  }

  absl::Status RaiseOne() {
    if (remedies_.opened.verdict() == v1::KEPT_OUT_BY_CAP) {
      RETURN_IF_ERROR(Raise(CapLevers()));
      if (!remedies_.found.empty()) return absl::OkStatus();
    }
    std::vector<Lever> levers;
    const auto best = BestSources();
    for (size_t i = 0; i < best.size() && i < kBestSources; ++i) {
      levers.push_back(QuotaLever(*best[i]));
    }
    levers.push_back(KLever());
    for (const SourceFinding* source : best) {
      if (source->proposed_rank > 0 && source->planned.max != kNoMax) {
        levers.push_back(MaxLever(*source));
      }
    }
    // Alternatives; the one that raises its number least is the first.
    std::vector<std::pair<uint32_t, size_t>> raised;
    std::vector<Remedy> found;
    for (const Lever& lever : levers) {
      if (remedies_.gave_up) break;
      ASSIGN_OR_RETURN(const std::optional<Values> values, Least({lever}));
      if (!values.has_value()) continue;
      raised.emplace_back(values->front() - lever.now, found.size());
      Keep({lever}, *values);
      found.push_back(std::move(remedies_.found.back()));
      remedies_.found.pop_back();
    }
    std::ranges::sort(raised);
    for (const auto& [by, i] : raised) {
      remedies_.found.push_back(std::move(found[i]));
    }
    if (remedies_.found.empty() && !best.empty()) {
      RETURN_IF_ERROR(Raise({MinLever(*best.front())}));
    }
    return absl::OkStatus();
  }

  absl::Status RaiseSeveral() {
    const auto best = BestSources();
    std::vector<std::vector<Lever>> sets;
    const std::vector<Lever> caps = CapLevers();
    const auto with_caps = [&](std::vector<Lever> levers) {
      levers.insert(levers.end(), caps.begin(), caps.end());
      return levers;
    };
    if (!caps.empty()) {
      if (!best.empty()) sets.push_back(with_caps({QuotaLever(*best.front())}));
      sets.push_back(with_caps({KLever()}));
    }
    for (size_t i = 0; i < best.size() && i < kBestSources; ++i) {
      sets.push_back(with_caps({QuotaLever(*best[i]), KLever()}));
    }
    for (const std::vector<Lever>& levers : sets) {
      RETURN_IF_ERROR(Raise(levers));
      if (!remedies_.found.empty()) break;
    }
    return absl::OkStatus();
  }

  // Asks sources that the request does not.
  absl::Status AddSources() {
    for (const NamedRetriever& named : routed_.bundle->retrievers()) {
      const std::string& name = named.spec->name();
      if (std::ranges::find(remedies_.opened.sources, name,
                            &SourceFinding::name) !=
          remedies_.opened.sources.end()) {
        continue;
      }
      RETURN_IF_ERROR(Raise(
          {{.name = "quota " + name,
            .now = 0,
            .most = limits_.max_k(),
            .guess = 1,
            .set = [this, name](uint32_t value, v1::RetrieveRequest* request) {
              NameQuotas(remedies_.opened.sources, request);
              (*request->mutable_quotas())[name].set_target(value);
            }}}));
      if (!remedies_.found.empty()) break;
    }
    return absl::OkStatus();
  }

  const Examiner& examiner_;
  const v1::Limits& limits_;
  const RoutedBundle& routed_;
  const ExplainTerms& terms_;
  // The request after Open.
  v1::RetrieveRequest base_;
  int trials_ = 0;
  Remedies remedies_;
};

}  // namespace

absl::StatusOr<Remedies> FindRemedies(const Examiner& examiner,
                                      const v1::Limits& limits,
                                      const RoutedBundle& routed,
                                      const v1::RetrieveRequest& request,
                                      const ExplainTerms& terms,
                                      const Finding& finding,
                                      std::vector<std::string> made) {
  return Search(examiner, limits, routed, terms)
      .Run(request, finding, std::move(made));
}

}  // namespace tributary
