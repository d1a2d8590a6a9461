// Planning decides all that can be decided before anything is searched.
//
// Quotas. A request may name its quotas. Otherwise k is split in proportion to
// default shares: those of the configuration, else those of the fusion model,
// else the built-in ones. Let A be the sum of the default shares, at most 1,
// and a_i the share that source i gets. Its target is
//   k_i = floor(T a_i / sum of a_j),  T = round(k A).
// The T - sum of k_i candidates that rounding leaves go one each to the sources
// with the largest remainders (Hamilton's method of apportionment), so that the
// targets add up to T. Fusion fills the other k - T candidates by score.
//
// The default shares may name retrievers that the bundle lacks, e.g. "behavior"
// when its vectors were made elsewhere and their retriever is called "taste".
// The sum of such shares is split evenly among the vector retrievers of the
// bundle that have no default share; these get the top priority. If there are
// none, the other sources get more, in proportion. A bundle with none of the
// named retrievers and no vector retriever splits k evenly among all it has.
//
// Every source is asked for max(target, k) proposals: if the other sources have
// none, or only duplicates, it has to fill the list alone. With diversity,
// which chooses from a pool of 4 k, or of 1.25 k under overload, it is asked
// for as many, if the limits allow that.
//
// Weights. A fusion model (server/fusion/score.cc) has a table of weights by
// retriever for each segment of users. The segment is found by the length of
// the user's history, i.e. seen items and the request's recent and liked ones.
// The model is used by the policy QUOTA, unless the request has weights.
// Without it a source has the weight of the request, else that of the
// configuration, else its target. Where no source that proposes an item has a
// weight above 0, as for a cold user whom only popularity knows, fusion weighs
// all alike.
#include "server/pipeline/plan.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>
#include <limits>
#include <span>

#include "index/bundle/fusion_model.h"
#include "server/pipeline/key_rows.h"
#include "server/pipeline/leave_out.h"
#include "server/pipeline/plan_added.h"
#include "server/pipeline/plan_caps.h"
#include "server/pipeline/plan_events.h"
#include "server/pipeline/plan_factors.h"
#include "server/pipeline/plan_features.h"
#include "server/pipeline/plan_filter.h"
#include "server/pipeline/plan_query.h"
#include "server/pipeline/plan_sets.h"
#include "server/pipeline/request_check.h"
#include "server/pipeline/violations.h"
#include "status/status_macros.h"

namespace tributary {
namespace {

// The share of the search effort that is left under overload.
constexpr float kLowEffort = 0.5F;
constexpr uint32_t kNoMax = std::numeric_limits<uint32_t>::max();

// Appends the rows of the keys that the bundle has; counts the others.
template <typename Keys>
void AppendRows(const ItemRows& items, const Keys& keys, std::vector<Row>* rows,
                uint32_t* unknown) {
  for (const auto& key : keys) {
    if (const Row row = FindKey(items, key); row != kNoRow) {
      rows->push_back(row);
    } else {
      ++*unknown;
    }
  }
}

Row FindUser(const Bundle& bundle, const v1::RetrieveRequest& request) {
  switch (request.user_case()) {
    case v1::RetrieveRequest::kUserId:
      return FindKey(bundle.users(), request.user_id());
    case v1::RetrieveRequest::kUserKey:
      return FindKey(bundle.users(), request.user_key());
    case v1::RetrieveRequest::USER_NOT_SET:
      return kNoRow;
  }
  return kNoRow;
}

uint32_t FindSegment(const Bundle& bundle, const v1::RetrieveRequest& request,
                     Row user) {
  if (request.segment().empty()) return bundle.Segment(user);
  const PopularityList* list = bundle.FindPopularity(request.segment());
  return list == nullptr ? 0 : list->spec().segment();
}

// Collects what must not be proposed: the items that the user has seen, as the
// bundle and live events have it, the request's recent, liked and unliked
// items, and those that its filter excludes.
void FindExcluded(const Bundle& bundle, const v1::RetrieveRequest& request,
                  Plan* plan) {
  std::vector<Row>& excluded = plan->excluded;
  excluded.clear();
  if (!request.include_seen()) {
    const std::span<const Row> seen = bundle.Seen(plan->query.user);
    excluded.assign(seen.begin(), seen.end());
    if (plan->met != nullptr) {
      const std::span<const Row> met = plan->met->seen();
      excluded.insert(excluded.end(), met.begin(), met.end());
      if (plan->added() != nullptr) {
        AppendMetAdded(*plan->added(), *plan->met, &excluded);
      }
    }
    excluded.insert(excluded.end(), plan->history.begin(), plan->history.end());
    for (const WeightedRow& item : plan->liked) excluded.push_back(item.row);
    for (const WeightedRow& item : plan->unliked) excluded.push_back(item.row);
  }
  const ItemRows items{bundle.items(), plan->added()};
  AppendRows(items, request.filter().exclude_item_ids(), &excluded,
             &plan->unknown_items);
  AppendRows(items, request.filter().exclude_item_keys(), &excluded,
             &plan->unknown_items);
  std::sort(excluded.begin(), excluded.end());
  excluded.erase(std::unique(excluded.begin(), excluded.end()), excluded.end());
}

void PlanQuery(const Bundle& bundle, const v1::RetrieveRequest& request,
               Plan* plan) {
  plan->query = {};
  plan->unknown_items = 0;
  plan->query.user = FindUser(bundle, request);
  plan->query.segment = FindSegment(bundle, request, plan->query.user);
  plan->segment_unknown =
      !request.segment().empty() && plan->query.segment == 0;

  plan->history.clear();
  const ItemRows items{bundle.items(), plan->added()};
  AppendRows(items, request.recent_item_ids(), &plan->history,
             &plan->unknown_items);
  AppendRows(items, request.recent_item_keys(), &plan->history,
             &plan->unknown_items);
  PlanWeightedItems(bundle, request, plan);
  PlanEvents(bundle, request, plan);
  FindExcluded(bundle, request, plan);
  if (plan->added() != nullptr) TakeAddedFromHistory(plan);
  PlanVectors(request, plan);
  plan->query.live_history = plan->live_history;
  plan->query.history = plan->history;
  plan->query.history_weights = plan->history_weights;
  plan->query.liked = plan->liked;
  plan->query.unliked = plan->unliked;
  plan->query.vectors = plan->vectors;
  plan->query.excluded = plan->added() == nullptr
                             ? std::span<const Row>(plan->excluded)
                             : ExcludedOfBundle(*plan);
  plan->cold_start = plan->query.user == kNoRow &&
                     (plan->met == nullptr || plan->met->seen().empty()) &&
                     plan->live_history.empty() && plan->vectors.empty() &&
                     plan->history.empty() && plan->liked.empty();
}

const v1::FusionModel& FusionModelOf(const v1::Defaults& defaults,
                                     const ServingBundle& bundle) {
  return defaults.has_fusion_model() ? defaults.fusion_model()
                                     : bundle.bundle().manifest().fusion();
}

const QuotaShares& BuiltInShares() {
  static const QuotaShares* const shares = [] {
    auto* built_in = new QuotaShares;
    for (const auto& [name, share] :
         {std::pair{"behavior", .6}, {"content", .3}, {"popularity", .1}}) {
      v1::QuotaShare* quota = built_in->Add();
      quota->set_retriever(name);
      quota->set_share(share);
    }
    return built_in;
  }();
  return *shares;
}

// The shares of requests without quotas: configured, else learned, else built
// in.
const QuotaShares& DefaultShares(const v1::Defaults& defaults,
                                 const ServingBundle& bundle) {
  if (!defaults.quotas().empty()) return defaults.quotas();
  const v1::FusionModel& model = FusionModelOf(defaults, bundle);
  return model.quotas().empty() ? BuiltInShares() : model.quotas();
}

// Plans the quotas that the request names. Priority: in the order of the
// default shares, then in that of the manifest.
void PlanRequestedQuotas(const QuotaShares& defaults,
                         const ServingBundle& bundle,
                         const v1::RetrieveRequest& request, Plan* plan) {
  uint32_t planned = 0;  // One bit for each retriever.
  const auto add = [&](const std::string& name, int retriever) {
    const auto quota = request.quotas().find(name);
    if (quota == request.quotas().end()) return;
    if ((planned >> retriever & 1) != 0) return;
    planned |= 1U << retriever;
    const v1::Quota& given = quota->second;
    plan->sources.push_back({.retriever = retriever,
                             .target = given.target(),
                             .min = given.min(),
                             .max = given.has_max() ? given.max() : kNoMax});
  };
  for (const v1::QuotaShare& share : defaults) {
    const int retriever = bundle.FindRetriever(share.retriever());
    if (retriever >= 0) add(share.retriever(), retriever);
  }
  for (size_t i = 0; i < bundle.retrievers().size(); ++i) {
    add(bundle.retrievers()[i].spec->name(), static_cast<int>(i));
  }
}

// Sets targets in proportion to `shares` that add up to `total`: rounds down,
// then gives one more to each of the sources with the largest remainders, ties
// by priority. sources[i] belongs to shares[i].
void SetTargets(std::span<const double> shares, uint32_t total,
                std::vector<PlannedSource>* sources) {
  double sum = 0;
  for (const double share : shares) sum += share;
  if (sum <= 0) return;
  std::array<double, kMaxSources> remainders{};
  uint32_t given = 0;
  for (size_t i = 0; i < shares.size(); ++i) {
    const double exact = total * shares[i] / sum;
    // In floating point, .6 + .3 + .1 is not exactly 1.
    const double whole = std::floor(exact + 1e-6);
    (*sources)[i].target = static_cast<uint32_t>(whole);
    remainders[i] = exact - whole;
    given += (*sources)[i].target;
  }
  for (; given < total; ++given) {
    const auto largest = std::max_element(remainders.begin(),
                                          remainders.begin() + shares.size());
    ++(*sources)[static_cast<size_t>(largest - remainders.begin())].target;
    *largest = -1;
  }
}

// Adds the bundle's vector retrievers that have no default share, and returns
// how many sources the plan has then: bundles of vectors made elsewhere name
// their spaces as they like.
size_t AddUnnamedVectorRetrievers(const QuotaShares& defaults,
                                  const ServingBundle& bundle, Plan* plan) {
  for (size_t i = 0; i < bundle.retrievers().size(); ++i) {
    const v1::RetrieverSpec& spec = *bundle.retrievers()[i].spec;
    const bool named = std::any_of(
        defaults.begin(), defaults.end(),
        [&](const auto& q) { return q.retriever() == spec.name(); });
    if (named || spec.kind() != "vector") continue;
    plan->sources.push_back({.retriever = static_cast<int>(i), .max = kNoMax});
  }
  return plan->sources.size();
}

// Plans the default shares of k; see above for shares of missing retrievers.
void PlanDefaultQuotas(const QuotaShares& defaults, const ServingBundle& bundle,
                       uint32_t k, Plan* plan) {
  double sum = 0;
  double missing = 0;
  for (const v1::QuotaShare& quota : defaults) {
    sum += quota.share();
    if (bundle.FindRetriever(quota.retriever()) < 0) missing += quota.share();
  }
  std::array<double, kMaxSources> shares{};
  if (missing > 0) {
    const size_t unnamed = AddUnnamedVectorRetrievers(defaults, bundle, plan);
    std::fill_n(shares.begin(), unnamed,
                missing / static_cast<double>(unnamed));
  }
  for (const v1::QuotaShare& quota : defaults) {
    const int retriever = bundle.FindRetriever(quota.retriever());
    if (retriever < 0) continue;
    shares[plan->sources.size()] = quota.share();
    plan->sources.push_back({.retriever = retriever, .max = kNoMax});
  }
  if (plan->sources.empty()) {
    sum = 1;
    for (size_t i = 0; i < bundle.retrievers().size(); ++i) {
      shares[i] = 1;
      plan->sources.push_back(
          {.retriever = static_cast<int>(i), .max = kNoMax});
    }
  }
  const auto total = static_cast<uint32_t>(std::lround(k * std::min(sum, 1.0)));
  SetTargets({shares.data(), plan->sources.size()}, total, &plan->sources);
}

FusionPolicy PolicyOf(v1::Fusion::Policy policy) {
  switch (policy) {
    case v1::Fusion::RRF:
      return FusionPolicy::kRrf;
    case v1::Fusion::WEIGHTED:
      return FusionPolicy::kWeighted;
    case v1::Fusion::INTERLEAVE:
      return FusionPolicy::kInterleave;
    default:
      return FusionPolicy::kQuota;
  }
}

double WeightOf(const std::string& name, uint32_t target,
                const v1::Fusion& given, const v1::Fusion& defaults) {
  for (const v1::Fusion* fusion : {&given, &defaults}) {
    const auto weight = fusion->weights().find(name);
    if (weight != fusion->weights().end()) return weight->second;
  }
  return target;
}

// How many of the request's vectors the retriever searches for; at least 1.
uint32_t SearchesOf(const v1::RetrieverSpec& spec, const Plan& plan) {
  if (plan.vectors.empty() || spec.space().empty()) return 1;
  const auto searches =
      std::ranges::count(plan.vectors, spec.space(), &SpaceVector::space);
  return static_cast<uint32_t>(std::max<int64_t>(searches, 1));
}

void PlanFusion(const v1::Defaults& defaults, const ServingBundle& bundle,
                const v1::Fusion& given, Plan* plan) {
  FusionOptions& fusion = plan->fusion;
  fusion.policy = PolicyOf(given.policy() == v1::Fusion::POLICY_UNSPECIFIED
                               ? defaults.fusion().policy()
                               : given.policy());
  fusion.k0 = given.k0() > 0 ? given.k0() : defaults.fusion().k0();
  const v1::FusionModel& model = FusionModelOf(defaults, bundle);
  fusion.has_model = fusion.policy == FusionPolicy::kQuota &&
                     given.weights().empty() && !model.segments().empty();
  const v1::FusionSegment* segment = nullptr;
  if (fusion.has_model) {
    segment = &FindFusionSegment(
        model, plan->history.size() + plan->liked.size() +
                   bundle.bundle().Seen(plan->query.user).size() +
                   (plan->met == nullptr ? 0 : plan->met->beyond_stored()));
  }
  for (PlannedSource& source : plan->sources) {
    const v1::RetrieverSpec& spec =
        *bundle.retrievers()[static_cast<size_t>(source.retriever)].spec;
    const std::string& name = spec.name();
    source.weight = segment == nullptr ? WeightOf(name, source.target, given,
                                                  defaults.fusion())
                                       : FusionWeight(*segment, name);
    // All may be needed, when the others have none or only duplicates.
    source.asked = std::max(source.target, plan->wanted);
    source.searches = SearchesOf(spec, *plan);
  }
}

}  // namespace

absl::Status MakePlan(const v1::ServerConfig& config,
                      const ServingBundle& bundle,
                      const v1::RetrieveRequest& request, SteadyTime now,
                      const RetrieveOptions& options, Plan* plan) {
  RETURN_IF_ERROR(CheckRequest(config, bundle, request));
  const v1::Defaults& defaults = config.defaults();
  plan->fusion.k = request.k() > 0 ? request.k() : defaults.k();
  plan->full_view = request.view() == v1::FULL;
  plan->overlay = bundle.changes().overlay();

  plan->sources.clear();
  const QuotaShares& shares = DefaultShares(defaults, bundle);
  if (request.quotas().empty()) {
    PlanDefaultQuotas(shares, bundle, plan->fusion.k, plan);
  } else {
    PlanRequestedQuotas(shares, bundle, request, plan);
  }
  PlanQuery(bundle.bundle(), request, plan);
  PlanUserFeatures(bundle, request, plan);
  RETURN_IF_ERROR(PlanFilter(config, bundle, request.filter(), plan));
  RETURN_IF_ERROR(PlanExcludedSets(config, bundle, request.filter(), plan));
  if (plan->added() != nullptr) PlanAdded(bundle, request.filter(), plan);
  Violations violations;
  PlanCaps(config, bundle, request, plan, &violations);
  RETURN_IF_ERROR(PlanFactors(config, bundle, request, plan, &violations));
  RETURN_IF_ERROR(violations.ToStatus());
  PlanDiversity(config.limits(), bundle.bundle(), request, options.level, plan);
  PlanFusion(defaults, bundle, request.fusion(), plan);
  plan->query.deadline =
      std::min(options.deadline,
               now + std::chrono::milliseconds(defaults.deadline_ms()));
  plan->query.cancelled = options.cancelled;
  plan->fusion.diversity.deadline = {plan->query.deadline, options.cancelled};
  plan->level = options.level;
  if (options.level >= v1::LESS_EFFORT) plan->query.effort = kLowEffort;
  if (options.level >= v1::FEWER_SOURCES) {
    LeaveOut(FusionModelOf(defaults, bundle), bundle, plan);
  }
  return absl::OkStatus();
}

}  // namespace tributary
