#include "server/pipeline/plan_sets.h"

#include <array>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "fmt/format.h"
#include "server/pipeline/plan_filter.h"
#include "server/pipeline/violations.h"
#include "status/nearest_name.h"
#include "text/quoted.h"

namespace tributary {
namespace {

// The sets of a request, which keep what they are until the request has its
// own share of them.
using FoundSets =
    std::array<std::shared_ptr<const ExcludedItems>, kMaxExcludedSets>;

void AddUnknownSet(const BundleItemSets& sets, int index, std::string_view name,
                   Violations* violations) {
  const std::vector<std::string> names = sets.Names();
  violations->Add(fmt::format("filter.exclude_sets[{}]", index),
                  "there is no item set {}{}", Quoted(name),
                  names.empty()
                      ? "; there are none: `tributary control put-set` "
                        "makes one (docs/filters.md)"
                      : DidYouMean(name, names));
}

}  // namespace

absl::Status PlanExcludedSets(const v1::ServerConfig& config,
                              const ServingBundle& bundle,
                              const v1::Filter& filter, Plan* plan) {
  const int n_sets = filter.exclude_sets_size();
  std::shared_ptr<const PassingItems> remaining =
      plan->overlay == nullptr ? nullptr : plan->overlay->remaining;
  if (n_sets == 0 && remaining == nullptr) return absl::OkStatus();
  Violations violations;
  if (n_sets > static_cast<int>(kMaxExcludedSets)) {
    violations.Add("filter.exclude_sets", "{} sets, at most {} are allowed",
                   n_sets, kMaxExcludedSets);
    return violations.ToStatus();
  }
  FoundSets found;
  std::array<const PassingItems*, kMaxExcludedSets + 2> parts;
  size_t n_parts = 0;
  for (int i = 0; i < n_sets; ++i) {
    auto& set = found[static_cast<size_t>(i)];
    set = bundle.item_sets().Find(filter.exclude_sets(i));
    if (set == nullptr) {
      AddUnknownSet(bundle.item_sets(), i, filter.exclude_sets(i), &violations);
    } else {
      parts[n_parts++] = &set->others;
    }
  }
  if (!violations.empty()) return violations.ToStatus();
  if (plan->filter == nullptr && n_parts == 0) {
    plan->query.passing = std::move(remaining);
    return absl::OkStatus();
  }
  if (remaining != nullptr) parts[n_parts++] = remaining.get();
  if (plan->filter == nullptr && n_parts == 1) {
    plan->query.passing =
        std::shared_ptr<const PassingItems>(found[0], &found[0]->others);
    return absl::OkStatus();
  }
  if (plan->filter != nullptr) parts[n_parts++] = &plan->filter->items;
  const std::shared_ptr<const ResolvedFilter> all = bundle.filters().Intersect(
      std::span(parts).first(n_parts), FilterLimitsOf(config));
  plan->query.passing = std::shared_ptr<const PassingItems>(all, &all->items);
  return absl::OkStatus();
}

}  // namespace tributary
