#include "server/pipeline/query_check.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "server/retrieval/query_vector.h"
#include "text/quoted.h"

namespace tributary {
namespace {

constexpr float kMaxWeight = 1000;

std::string SpaceNames(const Bundle& bundle) {
  std::string names;
  for (const EmbeddingSpace& space : bundle.spaces()) {
    if (!names.empty()) names += ", ";
    names += space.spec->name();
  }
  return names.empty() ? "none" : names;
}

// Checks a QueryVector or a SpaceQuery for this space. `path()` is its path,
// `space_path()` that of the space's name: they are formatted only for an
// error.
template <typename Query, typename Path, typename SpacePath>
void CheckVector(const v1::Limits& limits, const Bundle& bundle,
                 std::string_view space_name, const Query& query,
                 const Path& path, const SpacePath& space_path,
                 Violations* violations) {
  const EmbeddingSpace* space = bundle.FindSpace(space_name);
  if (space == nullptr) {
    violations->Add(space_path(), "no such space; version {} has {}",
                    bundle.version(), SpaceNames(bundle));
    return;
  }
  const std::span<const float> values(query.values().data(),
                                      static_cast<size_t>(query.values_size()));
  if (values.size() > limits.max_vector_dim()) {
    violations->Add(path() + ".values",
                    "{} values, limits.max_vector_dim is {}", values.size(),
                    limits.max_vector_dim());
  } else if (values.size() != space->spec->dim()) {
    violations->Add(path() + ".values", "{} values, expected {}", values.size(),
                    space->spec->dim());
  }
  for (size_t i = 0; i < values.size(); ++i) {
    if (std::isfinite(values[i])) continue;
    violations->Add(fmt::format("{}.values[{}]", path(), i),
                    "{} is not a finite number", values[i]);
  }
  if (!values.empty() &&
      std::ranges::all_of(values, [](float value) { return value == 0; })) {
    violations->Add(path() + ".values", "{}",
                    std::string(CheckQueryVector(values).message()));
  }
  if (!query.fingerprint().empty() &&
      query.fingerprint() != space->spec->fingerprint()) {
    violations->Add(path() + ".fingerprint",
                    "the vector is of another model; version {} has \"{}\"",
                    bundle.version(), space->spec->fingerprint());
  }
}

// False for NaN.
bool IsWeight(float weight) { return weight >= 0 && weight <= kMaxWeight; }

void CheckWeight(std::string_view list, int index, float weight,
                 Violations* violations) {
  if (IsWeight(weight)) return;
  violations->Add(fmt::format("{}[{}].weight", list, index),
                  "{}, expected above 0, and at most {}; 0 stands for 1",
                  weight, kMaxWeight);
}

void CheckVectors(const v1::Limits& limits, const Bundle& bundle,
                  const v1::RetrieveRequest& request, Violations* violations) {
  for (const auto& [name, vector] : request.vectors()) {
    // A long name is cut off, because errors travel in a header, whose size is
    // limited.
    const auto path = [&space = name] {
      return fmt::format("vectors[{}]", Quoted(space));
    };
    CheckVector(limits, bundle, name, vector, path, path, violations);
  }
  if (request.queries().empty()) return;
  const auto vectors =
      request.queries_size() + static_cast<int>(request.vectors().size());
  if (vectors > kMaxQueries) {
    violations->Add("queries",
                    "{} vectors with those of `vectors`, at most {} are "
                    "allowed",
                    vectors, kMaxQueries);
    return;
  }
  for (int i = 0; i < request.queries_size(); ++i) {
    const v1::SpaceQuery& query = request.queries(i);
    const auto path = [i] { return fmt::format("queries[{}]", i); };
    CheckVector(
        limits, bundle, query.space(), query, path,
        [&path] { return path() + ".space"; }, violations);
    CheckWeight("queries", i, query.weight(), violations);
  }
}

void CheckItem(const v1::Limits& limits, std::string_view list, int index,
               const v1::WeightedItem& item, Violations* violations) {
  if (item.item_case() == v1::WeightedItem::ITEM_NOT_SET) {
    violations->Add(fmt::format("{}[{}]", list, index),
                    "neither item_id nor item_key is set; expected one of "
                    "them");
  }
  if (item.item_key().size() > limits.max_key_bytes()) {
    violations->Add(fmt::format("{}[{}].item_key", list, index),
                    "{} bytes, limits.max_key_bytes is {}",
                    item.item_key().size(), limits.max_key_bytes());
  }
  CheckWeight(list, index, item.weight(), violations);
}

void CheckItems(const v1::Limits& limits, const v1::RetrieveRequest& request,
                Violations* violations) {
  const int64_t items = int64_t{request.like_size()} + request.unlike_size();
  if (items > limits.max_recent_items()) {
    violations->Add("like",
                    "{} items with those of unlike, limits.max_recent_items "
                    "is {}",
                    items, limits.max_recent_items());
    return;
  }
  for (int i = 0; i < request.like_size(); ++i) {
    CheckItem(limits, "like", i, request.like(i), violations);
  }
  for (int i = 0; i < request.unlike_size(); ++i) {
    CheckItem(limits, "unlike", i, request.unlike(i), violations);
  }
}

void CheckRecentWeights(const v1::RetrieveRequest& request,
                        Violations* violations) {
  if (request.recent_item_weights().empty()) return;
  const int items =
      request.recent_item_ids_size() + request.recent_item_keys_size();
  if (request.recent_item_weights_size() != items) {
    violations->Add("recent_item_weights",
                    "{} weights for {} recent items, expected one for each",
                    request.recent_item_weights_size(), items);
    return;
  }
  for (int i = 0; i < items; ++i) {
    if (IsWeight(request.recent_item_weights(i))) continue;
    violations->Add(fmt::format("recent_item_weights[{}]", i),
                    "{} is not within 0 to {}", request.recent_item_weights(i),
                    kMaxWeight);
  }
}

void CheckDiversity(const Bundle& bundle, const v1::Diversity& diversity,
                    Violations* violations) {
  if (bundle.FindSpace(diversity.space()) == nullptr) {
    violations->Add("diversity.space", "no such space; version {} has {}",
                    bundle.version(), SpaceNames(bundle));
  }
  // False for NaN.
  if (!(diversity.lambda() >= 0 && diversity.lambda() <= 1)) {
    violations->Add("diversity.lambda",
                    "{} is not within 0, difference alone, to 1, relevance "
                    "alone",
                    diversity.lambda());
  }
}

}  // namespace

void CheckQuery(const v1::Limits& limits, const Bundle& bundle,
                const v1::RetrieveRequest& request, Violations* violations) {
  CheckVectors(limits, bundle, request, violations);
  CheckItems(limits, request, violations);
  CheckRecentWeights(request, violations);
  if (request.has_diversity()) {
    CheckDiversity(bundle, request.diversity(), violations);
  }
}

}  // namespace tributary
