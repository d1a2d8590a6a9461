#include "server/pipeline/plan_features.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "index/bundle/magnitude.h"
#include "status/nearest_name.h"
#include "text/quoted.h"

namespace tributary {
namespace {

// Errors travel in a header, whose size is limited.
constexpr size_t kMostNames = 20;

// As what towers take a feature.
struct TakenAs {
  bool categories = false;
  bool number = false;
};

// Calls take(input) for each feature of a user tower that requests can bring.
template <typename Take>
void ForEachInput(const Bundle& bundle, const Take& take) {
  for (const EmbeddingSpace& space : bundle.spaces()) {
    for (const v1::FeatureInput& input : space.spec->user_tower().features()) {
      if (!input.column().empty()) take(input);
    }
  }
}

TakenAs FindTaken(const Bundle& bundle, std::string_view name) {
  TakenAs taken;
  ForEachInput(bundle, [&](const v1::FeatureInput& input) {
    if (input.column() != name) return;
    (input.kind() == v1::FeatureInput::NUMBER ? taken.number
                                              : taken.categories) = true;
  });
  return taken;
}

// "; did you mean "age"? Version 3 has towers that take age (a number), ...".
std::string WhatIsTaken(const Bundle& bundle, std::string_view given) {
  std::map<std::string_view, TakenAs> all;
  std::vector<std::string_view> names;
  ForEachInput(bundle, [&](const v1::FeatureInput& input) {
    const auto [place, is_new] = all.try_emplace(input.column());
    if (is_new) names.push_back(input.column());
    (input.kind() == v1::FeatureInput::NUMBER ? place->second.number
                                              : place->second.categories) =
        true;
  });
  if (names.empty()) {
    return "; none of its towers was trained with features of users "
           "(docs/queries.md)";
  }
  std::string text = DidYouMean(given, names);
  text += text.empty() ? "; towers take" : " Towers take";
  for (size_t i = 0; i < std::min(names.size(), kMostNames); ++i) {
    const TakenAs& taken = all[names[i]];
    text += fmt::format("{} {} ({})", i == 0 ? "" : ",", Quoted(names[i]),
                        !taken.number       ? "categories"
                        : !taken.categories ? "a number"
                                            : "categories, a number");
  }
  if (names.size() > kMostNames) {
    text += fmt::format(" and {} more, which tributary inspect lists",
                        names.size() - kMostNames);
  }
  return text;
}

void CheckFeature(const Bundle& bundle, std::string_view name,
                  const v1::FeatureValue& value, Violations* violations) {
  // Made only for an error.
  const auto path = [&] {
    return fmt::format("user_features[{}]", Quoted(name));
  };
  const TakenAs taken = FindTaken(bundle, name);
  if (!taken.categories && !taken.number) {
    violations->Add(path(), "no tower of version {} takes it{}",
                    bundle.version(), WhatIsTaken(bundle, name));
    return;
  }
  // A value may have both members. One without any is a missing value.
  const bool has_categories = !value.categories().empty();
  if (has_categories && !value.has_number() && !taken.categories) {
    violations->Add(path(),
                    "categories are given, but version {} takes it as a "
                    "number: set `number`",
                    bundle.version());
  }
  if (value.has_number() && !has_categories && !taken.number) {
    violations->Add(path(),
                    "a number is given, but version {} takes it as "
                    "categories: set `categories`",
                    bundle.version());
  }
  // False for NaN.
  if (value.has_number() && !(std::abs(value.number()) <= kMaxMagnitude)) {
    violations->Add(path() + ".number",
                    "{}, expected a finite number within +-{:g}",
                    value.number(), kMaxMagnitude);
  }
}

}  // namespace

void CheckUserFeatures(const v1::Limits& limits, const Bundle& bundle,
                       const v1::RetrieveRequest& request,
                       Violations* violations) {
  const auto& features = request.user_features();
  if (features.empty()) return;
  if (features.size() > kMaxUserFeatures) {
    violations->Add("user_features", "{} features, at most {} are allowed",
                    features.size(), kMaxUserFeatures);
    return;
  }
  size_t bytes = 0;
  for (const auto& [name, value] : features) {
    bytes += name.size();
    for (const std::string& category : value.categories()) {
      bytes += category.size();
    }
  }
  if (bytes > limits.max_where_bytes()) {
    violations->Add("user_features",
                    "{} bytes of names and categories in all, "
                    "limits.max_where_bytes is {}",
                    bytes, limits.max_where_bytes());
    return;
  }
  for (const auto& [name, value] : features) {
    CheckFeature(bundle, name, value, violations);
  }
}

void PlanUserFeatures(const ServingBundle& bundle,
                      const v1::RetrieveRequest& request, Plan* plan) {
  plan->user_features.clear();
  plan->feature_categories.clear();
  if (request.user_features().empty()) return;
  size_t categories = 0;
  for (const auto& [name, value] : request.user_features()) {
    categories += static_cast<size_t>(value.categories_size());
  }
  // Does not grow any more: views of what is in it stay valid.
  plan->feature_categories.reserve(categories);
  for (const auto& [name, value] : request.user_features()) {
    UserFeature& feature = plan->user_features.emplace_back();
    feature.name = name;
    if (value.has_number()) {
      feature.number = static_cast<float>(value.number());
    }
    const size_t begin = plan->feature_categories.size();
    plan->feature_categories.insert(plan->feature_categories.end(),
                                    value.categories().begin(),
                                    value.categories().end());
    feature.categories = std::span(plan->feature_categories).subspan(begin);
  }
  std::ranges::sort(plan->user_features, {}, &UserFeature::name);
  plan->query.user_features = plan->user_features;
  if (!plan->cold_start) return;
  plan->cold_start = std::ranges::none_of(
      bundle.retrievers(), [plan](const NamedRetriever& named) {
        return named.retriever->KnowsAny(plan->user_features);
      });
}

}  // namespace tributary
