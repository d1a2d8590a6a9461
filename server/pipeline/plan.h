#ifndef TRIBUTARY_SERVER_PIPELINE_PLAN_H_
#define TRIBUTARY_SERVER_PIPELINE_PLAN_H_

#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "index/filter/filter_cache.h"
#include "server/access/rights.h"
#include "server/fusion/fusion.h"
#include "server/pipeline/attribute_factors.h"
#include "server/pipeline/attribute_groups.h"
#include "server/pipeline/space_item_vectors.h"
#include "server/retrieval/retriever.h"
#include "server/versions/serving_bundle.h"
#include "tributary/v1/config.pb.h"
#include "tributary/v1/retrieval.pb.h"

namespace tributary {

// A source that is asked for proposals, and its quota of the k candidates.
struct PlannedSource {
  // Index in ServingBundle::retrievers().
  int retriever = 0;
  // min <= target <= max. See Quota in retrieval.proto.
  uint32_t target = 0;
  uint32_t min = 0;
  uint32_t max = 0;
  // How many proposals it is asked for: max(target, Plan::wanted), or more
  // where caps left the list shorter than k.
  uint32_t asked = 0;
  // How many query vectors of the request it searches for, one after the other;
  // at least 1.
  uint32_t searches = 1;
  // Its weight in the fusion; see FusionSource.
  double weight = 0;
  // Whether the service level leaves it out.
  bool left_out = false;
};

struct StageTimes;

// How a request is answered, beside what it says.
struct RetrieveOptions {
  RetrieveOptions() = default;
  // Not explicit: most callers have nothing but a deadline.
  RetrieveOptions(SteadyTime given) : deadline(given) {}

  // The caller's; the configured one applies if it is earlier.
  SteadyTime deadline = SteadyTime::max();
  // What to leave out because the server has too much to do.
  v1::ServiceLevel level = v1::FULL_SERVICE;
  // True when nobody waits for the answer any more; may be null. Valid until
  // the request is answered.
  const std::atomic<bool>* cancelled = nullptr;
  // The profiles that the caller may use; null: all. Valid as `cancelled`.
  const ProfileGrant* profiles = nullptr;
  // What the request spends its time on is noted there; null: nowhere.
  StageTimes* stages = nullptr;
};

// A request resolved against one bundle: keys are rows, and defaults are filled
// in. Reused between requests for the capacity of its vectors. Not copyable,
// because `query` views them.
struct Plan {
  Plan() = default;
  Plan(const Plan&) = delete;
  Plan& operator=(const Plan&) = delete;

  FusionOptions fusion;
  // In order of priority; at most kMaxSources.
  std::vector<PlannedSource> sources;
  // Views the vectors below, and the request.
  RetrieverQuery query;
  // What live events say that the user met; null for nothing. `overlay` has it.
  const MetItems* met = nullptr;
  // The user's stored history with these; empty if they add nothing to it.
  std::vector<Row> live_history;
  // The request's recent items, newest last, without unknown ones.
  std::vector<Row> history;
  // How much each of them counts; empty: 1 each.
  std::vector<float> history_weights;
  // Without unknown ones.
  std::vector<WeightedRow> liked;
  std::vector<WeightedRow> unliked;
  std::vector<SpaceVector> vectors;
  // Ascending by name; they view `feature_categories`.
  std::vector<UserFeature> user_features;
  std::vector<std::string_view> feature_categories;
  // Ascending and unique. `query` has those of the bundle.
  std::vector<Row> excluded;
  // Which of the overlay's additions may be proposed, unless all that are in
  // use may: a bit for each.
  std::vector<uint64_t> added_allowed;
  // No user of the bundle or of live events, no vector, no known recent or
  // liked item and no known value of a feature.
  bool cold_start = false;
  // How many recent, liked, unliked and excluded items the bundle does not
  // have.
  uint32_t unknown_items = 0;
  // Whether the request names a segment for which the bundle has no list.
  bool segment_unknown = false;
  // Whether the reply has ranks and raw scores.
  bool full_view = false;
  // What is left out (see leave_out.h).
  v1::ServiceLevel level = v1::FULL_SERVICE;
  // What live changes had made of the bundle when the request came; null while
  // none concerns it.
  std::shared_ptr<const BundleOverlay> overlay;
  // The items that live changes added to the bundle; null: none.
  const AddedItems* added() const {
    return overlay == nullptr ? nullptr : overlay->additions.get();
  }
  // What the request's `where` and `predicate` came to; null without any.
  std::shared_ptr<const ResolvedFilter> filter;
  // Whether that was known from an earlier request, when the search for it
  // began, and how long it took.
  bool filter_hit = false;
  SteadyTime filter_began;
  std::chrono::nanoseconds filter_duration{0};
  // The attributes whose terms were dropped, because too few items passed.
  std::vector<std::string> relaxed;
  // What the request's boosts and decay come to; `fusion` views it unless it is
  // empty.
  AttributeFactors factors;
  // The groups of the request's caps, in their order, and the caps, which
  // `fusion` views.
  std::vector<AttributeGroups> groups;
  std::vector<FusionCap> caps;
  // With diversity: the vectors that `fusion` views.
  SpaceItemVectors item_vectors;
  // How many proposals every source is asked for at least: k, or more with
  // diversity, which chooses from them.
  uint32_t wanted = 0;
  // With caps: how long the list can be at most, the catalogue allowing, and
  // for how many proposals a source may be asked to make it so long.
  uint32_t fillable = 0;
  uint32_t deepest = 0;
  // How often sources were asked for more, because caps left the list short.
  uint32_t deeper_rounds = 0;
};

// The attributes of the bundle's items as the plan's overlay has them.
inline AttributeView AttributesUnder(const ServingBundle& bundle,
                                     const Plan& plan) {
  return AttributesUnder(bundle.bundle(), plan.overlay.get());
}

// Checks the request, and plans it: which sources are asked, for how many
// proposals, with which query, and how their proposals are fused. plan.cc
// describes how quotas and weights are found. The deadline is the earlier of
// the options' and `now` plus the configured one. `config` is complete (see
// CompleteServerConfig). *plan views `request`. Errors: INVALID_ARGUMENT whose
// message begins with the path of a field;
// FAILED_PRECONDITION when too few items pass the filter and it says to fail.
absl::Status MakePlan(const v1::ServerConfig& config,
                      const ServingBundle& bundle,
                      const v1::RetrieveRequest& request, SteadyTime now,
                      const RetrieveOptions& options, Plan* plan);

}  // namespace tributary

#endif  // TRIBUTARY_SERVER_PIPELINE_PLAN_H_
