#include "server/pipeline/plan_filter.h"

#include <chrono>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "fmt/format.h"
#include "index/filter/item_filter.h"
#include "index/filter/where.h"
#include "server/pipeline/named_attribute.h"
#include "server/pipeline/plan_added.h"
#include "server/pipeline/violations.h"
#include "status/status_macros.h"

namespace tributary {
namespace {

using Clock = std::chrono::steady_clock;

constexpr int kMaxRelaxed = 16;

// Those of `where` and `predicate` in one predicate, each of which was within
// the limits.
FilterLimits LimitsOfBoth(const v1::ServerConfig& config) {
  FilterLimits limits = FilterLimitsOf(config);
  limits.max_terms *= 2;
  limits.max_depth += 1;
  return limits;
}

// The error of a filter as one of a request.
absl::Status AsViolation(const absl::Status& error) {
  if (!absl::IsInvalidArgument(error)) return error;
  Violations violations;
  violations.AddError(error);
  return violations.ToStatus();
}

absl::Status CheckFilter(const v1::Limits& limits, const Bundle& bundle,
                         const v1::Filter& filter) {
  Violations violations;
  if (filter.where().size() > limits.max_where_bytes()) {
    violations.Add("filter.where", "{} bytes, limits.max_where_bytes is {}",
                   filter.where().size(), limits.max_where_bytes());
  }
  if (!v1::Shortage_IsValid(filter.when_short())) {
    violations.Add("filter.when_short", "{} is no known way",
                   static_cast<int>(filter.when_short()));
  }
  if (filter.relax_size() > kMaxRelaxed) {
    violations.Add("filter.relax", "{} attributes, expected at most {}",
                   filter.relax_size(), kMaxRelaxed);
  }
  const bool relaxes = filter.when_short() == v1::RELAX;
  if (relaxes != !filter.relax().empty()) {
    violations.Add("filter.relax", "{}",
                   relaxes ? "empty, but when_short is RELAX: expected the "
                             "attributes whose terms may be dropped"
                           : "given, but when_short is not RELAX");
  }
  for (int i = 0; i < filter.relax_size() && i < kMaxRelaxed; ++i) {
    if (bundle.FindAttribute(filter.relax(i)) != nullptr) continue;
    FindNamedAttribute(bundle, filter.relax(i),
                       fmt::format("filter.relax[{}]", i), &violations);
  }
  return violations.ToStatus();
}

// Drops one attribute after the other until `k` items pass.
absl::Status Relax(const v1::ServerConfig& config, const ServingBundle& bundle,
                   const v1::Filter& filter, uint32_t k, Plan* plan) {
  // Both conditions as one predicate.
  v1::Predicate predicate;
  if (!filter.where().empty()) {
    ASSIGN_OR_RETURN(ParsedWhere parsed, ParseWhere(filter.where()));
    predicate = std::move(parsed.predicate);
    if (filter.has_predicate()) {
      v1::Predicate both;
      both.mutable_all()->add_predicates()->Swap(&predicate);
      *both.mutable_all()->add_predicates() = filter.predicate();
      predicate = std::move(both);
    }
  } else {
    predicate = filter.predicate();
  }
  for (const std::string& attribute : filter.relax()) {
    if (PassingCount(bundle, *plan) >= k) break;
    const std::string before = predicate.SerializePartialAsString();
    const bool left = DropAttribute(attribute, &predicate);
    if (left && predicate.SerializePartialAsString() == before) continue;
    plan->relaxed.push_back(attribute);
    if (!left) {
      // Every item passes.
      RowSet all(bundle.bundle().items().size());
      all.Complement();
      plan->filter = std::shared_ptr<const ResolvedFilter>(new ResolvedFilter{
          PassingItems(std::move(all)), plan->filter->unknown_values, {}});
      break;
    }
    ASSIGN_OR_RETURN(
        plan->filter,
        bundle.filters().Resolve(AttributesUnder(bundle, *plan), "", &predicate,
                                 LimitsOfBoth(config), &plan->filter_hit));
  }
  return absl::OkStatus();
}

}  // namespace

FilterLimits FilterLimitsOf(const v1::ServerConfig& config) {
  return {.max_terms = config.limits().max_filter_terms(),
          .max_text_bytes = config.limits().max_key_bytes(),
          .cache_bytes = config.filters().cache_bytes()};
}

absl::Status PlanFilter(const v1::ServerConfig& config,
                        const ServingBundle& bundle, const v1::Filter& filter,
                        Plan* plan) {
  plan->filter.reset();
  plan->relaxed.clear();
  if (filter.where().empty() && !filter.has_predicate()) {
    if (filter.when_short() == v1::RETURN_FEWER && filter.relax().empty()) {
      return absl::OkStatus();
    }
    Violations violations;
    violations.Add("filter.when_short",
                   "given, but neither filter.where nor filter.predicate is");
    return violations.ToStatus();
  }
  const SteadyTime start = Clock::now();
  plan->filter_began = start;
  RETURN_IF_ERROR(CheckFilter(config.limits(), bundle.bundle(), filter));
  auto resolved = bundle.filters().Resolve(
      AttributesUnder(bundle, *plan), filter.where(),
      filter.has_predicate() ? &filter.predicate() : nullptr,
      FilterLimitsOf(config), &plan->filter_hit);
  if (!resolved.ok()) return AsViolation(resolved.status());
  plan->filter = *std::move(resolved);
  const uint32_t k = plan->fusion.k;
  if (PassingCount(bundle, *plan) < k) {
    if (filter.when_short() == v1::FAIL) {
      return absl::FailedPreconditionError(
          fmt::format("filter: {} items pass, fewer than k, {}, and when_short "
                      "is FAIL",
                      PassingCount(bundle, *plan), k));
    }
    if (filter.when_short() == v1::RELAX) {
      RETURN_IF_ERROR(Relax(config, bundle, filter, k, plan));
    }
  }
  plan->query.passing =
      std::shared_ptr<const PassingItems>(plan->filter, &plan->filter->items);
  plan->filter_duration = Clock::now() - start;
  return absl::OkStatus();
}

}  // namespace tributary
