#include "server/pipeline/plan_caps.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>

#include "server/pipeline/named_attribute.h"
#include "text/quoted.h"

namespace tributary {
namespace {

// How often limits.max_k sources are asked for at most, to fill a list that
// caps make shorter.
constexpr uint64_t kDeepestOfMaxK = 8;
// Fusion takes fewer proposals than that from all sources together.
constexpr uint64_t kMaxProposals = 1 << 24;

void CheckCap(const Bundle& bundle, const v1::Cap& cap, int index,
              Violations* violations) {
  const auto path = [&](std::string_view field) {
    return fmt::format("caps[{}].{}", index, field);
  };
  if (cap.max() == 0) {
    violations->Add(path("max"), "0, expected at least 1");
  }
  const AttributeColumn* column = bundle.FindAttribute(cap.attribute());
  if (column == nullptr) {
    FindNamedAttribute(bundle, cap.attribute(), path("attribute"), violations);
    return;
  }
  if (column->type() == v1::NUMBER) {
    violations->Add(path("attribute"),
                    "{} is {}; expected an attribute of bool, category, tags, "
                    "integer or time, whose values are exact",
                    Quoted(column->name()), AttributeTypeName(column->type()));
  }
}

// How many items the list may have at most under a cap: one group for each
// value, and one for the items without a value. Each item is in one of them at
// least.
uint64_t MostUnder(const FusionCap& cap, const AttributeColumn& column,
                   const AddedItems* added) {
  // Added items may have values of their own, one each.
  const uint64_t more = added == nullptr ? 0 : added->size();
  return (uint64_t{column.values()} + 1 + more) * cap.max;
}

}  // namespace

void PlanCaps(const v1::ServerConfig& config, const ServingBundle& serving,
              const v1::RetrieveRequest& request, Plan* plan,
              Violations* violations) {
  const Bundle& bundle = serving.bundle();
  plan->groups.clear();
  plan->caps.clear();
  plan->fusion.caps = {};
  plan->deeper_rounds = 0;
  if (request.caps().empty()) return;
  if (request.caps_size() > static_cast<int>(kMaxCaps)) {
    violations->Add("caps", "{} caps, at most {} are allowed",
                    request.caps_size(), kMaxCaps);
    return;
  }
  for (int i = 0; i < request.caps_size(); ++i) {
    CheckCap(bundle, request.caps(i), i, violations);
  }
  if (!violations->empty()) return;
  const AttributeView attributes = AttributesUnder(serving, *plan);
  for (const v1::Cap& cap : request.caps()) {
    const size_t index = attributes.IndexOf(cap.attribute());
    const AttributeColumn& column = attributes[index];
    const ChangedColumn* const changed = attributes.FindChanged(index);
    const ItemTags* tags = nullptr;
    if (column.type() == v1::TAGS) {
      tags = changed == nullptr ? &serving.tags().Of(column) : &changed->Tags();
    }
    plan->groups.emplace_back(column, tags, index, changed != nullptr,
                              plan->added());
  }
  uint64_t fillable = plan->fusion.k;
  for (size_t i = 0; i < plan->groups.size(); ++i) {
    plan->caps.push_back(
        {&plan->groups[i], request.caps(static_cast<int>(i)).max()});
    fillable = std::min(
        fillable,
        MostUnder(plan->caps.back(), plan->groups[i].column(), plan->added()));
  }
  plan->fusion.caps = plan->caps;
  plan->fillable = static_cast<uint32_t>(fillable);
  uint64_t items = plan->query.passing == nullptr
                       ? bundle.items().size()
                       : plan->query.passing->count();
  if (plan->added() != nullptr) items += plan->added()->n_live();
  plan->deepest = static_cast<uint32_t>(std::min(
      {kDeepestOfMaxK * config.limits().max_k(), items,
       kMaxProposals / std::max<size_t>(plan->sources.size(), 1) - 1}));
}

}  // namespace tributary
