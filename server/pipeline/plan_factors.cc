#include "server/pipeline/plan_factors.h"

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "index/filter/attribute_time.h"
#include "server/pipeline/named_attribute.h"
#include "server/pipeline/plan_added.h"
#include "server/pipeline/plan_filter.h"
#include "text/quoted.h"

namespace tributary {
namespace {

constexpr double kMaxFactor = 1000;

void CheckBoost(const v1::Boost& boost, int index, Violations* violations) {
  if (boost.where().empty() != boost.has_predicate()) {
    violations->Add(fmt::format("boosts[{}]", index),
                    "{} of where and predicate {} set; expected one of them",
                    boost.has_predicate() ? "both" : "neither",
                    boost.has_predicate() ? "are" : "is");
  }
  // False for NaN.
  if (!(boost.factor() > 0 && boost.factor() <= kMaxFactor)) {
    violations->Add(fmt::format("boosts[{}].factor", index),
                    "{}, expected above 0, and at most {}", boost.factor(),
                    kMaxFactor);
  }
}

// Whether the boosts are few and short enough to be evaluated.
bool CheckBoosts(const v1::Limits& limits, const v1::RetrieveRequest& request,
                 Violations* violations) {
  if (request.boosts_size() > kMaxBoosts) {
    violations->Add("boosts", "{} boosts, at most {} are allowed",
                    request.boosts_size(), kMaxBoosts);
    return false;
  }
  size_t text_bytes = 0;
  for (int i = 0; i < request.boosts_size(); ++i) {
    CheckBoost(request.boosts(i), i, violations);
    text_bytes += request.boosts(i).where().size();
  }
  if (text_bytes > limits.max_where_bytes()) {
    violations->Add("boosts",
                    "{} bytes of where in all, limits.max_where_bytes is {}",
                    text_bytes, limits.max_where_bytes());
    return false;
  }
  return true;
}

absl::Status PlanBoost(const v1::ServerConfig& config,
                       const ServingBundle& bundle, const v1::Boost& boost,
                       int index, Plan* plan, Violations* violations) {
  if (boost.where().empty() && !boost.has_predicate()) return absl::OkStatus();
  bool hit = false;
  auto resolved = bundle.filters().Resolve(
      AttributesUnder(bundle, *plan), boost.where(),
      boost.has_predicate() ? &boost.predicate() : nullptr,
      FilterLimitsOf(config), &hit, fmt::format("boosts[{}]", index));
  if (resolved.ok()) {
    auto passing_added = plan->added() == nullptr
                             ? nullptr
                             : PassingAdded(bundle, **resolved, *plan);
    plan->factors.AddBoost(*std::move(resolved), boost.factor(),
                           std::move(passing_added));
    return absl::OkStatus();
  }
  if (!absl::IsInvalidArgument(resolved.status())) return resolved.status();
  violations->AddError(resolved.status());
  return absl::OkStatus();
}

// The time that ages are counted to, in milliseconds since 1970.
double TimeOf(const v1::Decay& decay, Violations* violations) {
  if (decay.at().empty()) {
    return absl::ToDoubleMilliseconds(absl::Now() - absl::UnixEpoch());
  }
  const std::optional<int64_t> time = ParseAttributeTime(decay.at());
  if (time.has_value()) return static_cast<double>(*time);
  violations->Add("decay.at",
                  "{} is no time; expected one such as 2026-11-30T12:00:00Z, "
                  "or nothing for now",
                  Quoted(decay.at()));
  return 0;
}

void PlanDecay(const AttributeView& attributes, const v1::Decay& decay,
               Plan* plan, Violations* violations) {
  const AttributeColumn* const column = FindNamedAttribute(
      attributes, decay.attribute(), "decay.attribute", violations);
  if (column != nullptr && column->type() != v1::TIME) {
    violations->Add("decay.attribute", "{} is {}, expected one of time",
                    Quoted(column->name()), AttributeTypeName(column->type()));
  }
  // The conditions are false for NaN.
  if (!(decay.half_life_days() > 0 && std::isfinite(decay.half_life_days()))) {
    violations->Add("decay.half_life_days",
                    "{}, expected a finite number above 0",
                    decay.half_life_days());
  }
  if (!(decay.floor() >= 0 && decay.floor() <= 1)) {
    violations->Add("decay.floor", "{} is not within 0 to 1", decay.floor());
  }
  const double at_ms = TimeOf(decay, violations);
  if (!violations->empty()) return;
  plan->factors.SetDecay({.column = column,
                          .half_life_days = decay.half_life_days(),
                          .floor = decay.floor(),
                          .at_ms = at_ms});
}

}  // namespace

absl::Status PlanFactors(const v1::ServerConfig& config,
                         const ServingBundle& bundle,
                         const v1::RetrieveRequest& request, Plan* plan,
                         Violations* violations) {
  plan->factors.Clear();
  plan->fusion.factors = nullptr;
  if (CheckBoosts(config.limits(), request, violations)) {
    for (int i = 0; i < request.boosts_size(); ++i) {
      const absl::Status planned =
          PlanBoost(config, bundle, request.boosts(i), i, plan, violations);
      if (!planned.ok()) return planned;
    }
  }
  if (request.has_decay()) {
    PlanDecay(AttributesUnder(bundle, *plan), request.decay(), plan,
              violations);
  }
  if (plan->added() != nullptr) {
    // Without a decay the number is of no account.
    plan->factors.SetAdded(
        plan->added(),
        AttributesUnder(bundle, *plan).IndexOf(request.decay().attribute()));
  }
  if (!plan->factors.empty()) plan->fusion.factors = &plan->factors;
  return absl::OkStatus();
}

}  // namespace tributary
