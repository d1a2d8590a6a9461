#include "server/pipeline/plan_query.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "google/protobuf/repeated_field.h"
#include "server/fusion/fusion.h"
#include "server/pipeline/key_rows.h"

namespace tributary {
namespace {

using WeightedItems = google::protobuf::RepeatedPtrField<v1::WeightedItem>;

// The weight that is meant: 0 stands for 1.
float WeightMeant(float weight) { return weight == 0 ? 1 : weight; }

void FindWeightedItems(const ItemRows& items, const WeightedItems& given,
                       std::vector<WeightedRow>* rows, uint32_t* unknown) {
  rows->clear();
  for (const v1::WeightedItem& item : given) {
    const Row row = item.has_item_id() ? FindKey(items, item.item_id())
                                       : FindKey(items, item.item_key());
    if (row == kNoRow) {
      ++*unknown;
    } else {
      rows->push_back({row, WeightMeant(item.weight())});
    }
  }
}

// Appends the weights of those keys that the bundle has. They are looked up
// once more, so that requests without weights need not carry any.
template <typename Keys>
void AppendWeights(const ItemRows& items, const Keys& keys,
                   const google::protobuf::RepeatedField<float>& given,
                   std::vector<float>* weights) {
  for (int i = 0; i < keys.size(); ++i) {
    if (FindKey(items, keys[i]) != kNoRow) weights->push_back(given[i]);
  }
}

}  // namespace

void PlanWeightedItems(const Bundle& bundle, const v1::RetrieveRequest& request,
                       Plan* plan) {
  const ItemRows items{bundle.items(), plan->added()};
  FindWeightedItems(items, request.like(), &plan->liked, &plan->unknown_items);
  FindWeightedItems(items, request.unlike(), &plan->unliked,
                    &plan->unknown_items);
  plan->history_weights.clear();
  if (request.recent_item_weights().empty()) return;
  // Only one of the two lists is given.
  AppendWeights(items, request.recent_item_ids(), request.recent_item_weights(),
                &plan->history_weights);
  AppendWeights(items, request.recent_item_keys(),
                request.recent_item_weights(), &plan->history_weights);
}

void PlanVectors(const v1::RetrieveRequest& request, Plan* plan) {
  plan->vectors.clear();
  for (const auto& [name, vector] : request.vectors()) {
    plan->vectors.push_back(
        {name,
         {vector.values().data(), static_cast<size_t>(vector.values_size())}});
  }
  for (const v1::SpaceQuery& query : request.queries()) {
    plan->vectors.push_back(
        {query.space(),
         {query.values().data(), static_cast<size_t>(query.values_size())},
         WeightMeant(query.weight())});
  }
}

void PlanDiversity(const v1::Limits& limits, const Bundle& bundle,
                   const v1::RetrieveRequest& request, v1::ServiceLevel level,
                   Plan* plan) {
  plan->fusion.diversity = {};
  plan->wanted = plan->fusion.k;
  if (!request.has_diversity()) return;
  const EmbeddingSpace* const space =
      bundle.FindSpace(request.diversity().space());
  plan->item_vectors = SpaceItemVectors(
      *space, static_cast<size_t>(space - bundle.spaces().data()),
      plan->added());
  const uint64_t k = plan->fusion.k;
  // Under overload there is time for a few items beyond those of the list.
  const uint64_t pool = level == v1::FULL_SERVICE ? kPoolOfK * k : k + k / 4;
  plan->fusion.diversity = {.vectors = &plan->item_vectors,
                            .lambda = request.diversity().lambda(),
                            .pool = static_cast<uint32_t>(pool)};
  plan->wanted = static_cast<uint32_t>(
      std::max(k, std::min<uint64_t>(pool, limits.max_k())));
}

}  // namespace tributary
