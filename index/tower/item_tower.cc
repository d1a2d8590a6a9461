#include "index/tower/item_tower.h"

#include <algorithm>
#include <cmath>
#include <string>
#include <utility>

#include "fmt/core.h"
#include "index/bundle/magnitude.h"
#include "index/tower/accumulate.h"
#include "status/status_macros.h"

namespace tributary {
namespace {

constexpr int kMaxInputs = 1024;

// The names of categories are rows of a key table, and those are fewer.
absl::Status CheckNumbers(const v1::FeatureInput& input,
                          const std::string& field) {
  if (input.categories() >= kNoRow) {
    return absl::InvalidArgumentError(
        fmt::format("{}.categories: {}, expected less than {}", field,
                    input.categories(), kNoRow));
  }
  const bool usable = IsUsable(input.missing()) &&
                      std::isfinite(input.offset()) &&
                      std::abs(input.scale()) <= kMaxMagnitude;
  if (usable) return absl::OkStatus();
  return absl::InvalidArgumentError(fmt::format(
      "{}: offset {}, scale {}, missing {}; expected numbers within "
      "+-{:g}",
      field, input.offset(), input.scale(), input.missing(), kMaxMagnitude));
}

}  // namespace

float TransformNumber(const v1::FeatureInput& input, float number) {
  if (!std::isfinite(number)) return input.missing();
  double x = number;
  if (input.log1p()) x = std::copysign(std::log1p(std::abs(x)), x);
  return static_cast<float>((x - input.offset()) * input.scale());
}

absl::StatusOr<std::unique_ptr<ItemTower>> ItemTower::Open(
    const Bundle& bundle, const EmbeddingSpace& space) {
  const std::string& name = space.spec->name();
  const std::string field =
      fmt::format("manifest.json: spaces[\"{}\"].itemTower", name);
  std::unique_ptr<ItemTower> tower(new ItemTower(space.spec->item_tower()));
  const v1::Tower& spec = tower->spec_;
  if (spec.features_size() < 1 || spec.features_size() > kMaxInputs) {
    return absl::InvalidArgumentError(
        fmt::format("{}.features: {} features, expected 1 to {}", field,
                    spec.features_size(), kMaxInputs));
  }
  uint64_t width = 0;
  for (int i = 0; i < spec.features_size(); ++i) {
    const v1::FeatureInput& input = spec.features(i);
    const bool number = input.kind() == v1::FeatureInput::NUMBER;
    if (input.dim() == 0 || input.dim() > kMaxDim ||
        (number && input.dim() != 1)) {
      return absl::InvalidArgumentError(
          fmt::format("{}.features[{}].dim: {}, expected 1 to {}", field, i,
                      input.dim(), number ? 1 : kMaxDim));
    }
    if (input.kind() < v1::FeatureInput::CATEGORIES ||
        input.kind() > v1::FeatureInput::SPACE_VECTOR) {
      return absl::InvalidArgumentError(fmt::format(
          "{}.features[{}].kind: unknown to this reader", field, i));
    }
    RETURN_IF_ERROR(
        CheckNumbers(input, fmt::format("{}.features[{}]", field, i)));
    width += input.dim();
    RETURN_IF_ERROR(tower->OpenTable(
        bundle, fmt::format("{}.item_tower.{}", name, i), input));
  }
  ASSIGN_OR_RETURN(
      tower->layers_,
      TowerLayers::Open(bundle, spec, field, static_cast<uint32_t>(width),
                        space.spec->dim()));
  return tower;
}

absl::Status ItemTower::OpenTable(const Bundle& bundle, const std::string& stem,
                                  const v1::FeatureInput& input) {
  Table& table = tables_.emplace_back();
  if (input.kind() != v1::FeatureInput::CATEGORIES) return absl::OkStatus();
  if (input.categories() > 0) {
    v1::KeyTable keys;
    keys.set_kind(v1::UTF8);
    keys.set_count(input.categories());
    ASSIGN_OR_RETURN(table.categories,
                     KeyTable::Open(bundle.dir(), stem, keys));
    RETURN_IF_ERROR(table.categories.CheckKeys());
  }
  ASSIGN_OR_RETURN(table.weights,
                   OpenWeights(bundle, stem + ".npy", stem,
                               input.categories() + 1, input.dim()));
  return absl::OkStatus();
}

bool ItemTower::AppendCategories(const Table& table,
                                 std::string_view categories,
                                 std::vector<float>* values) {
  const size_t dim = table.weights.header().columns;
  const float* const weights = table.weights.elements<float>().data();
  values->resize(values->size() + dim);
  float* const sums = values->data() + values->size() - dim;
  size_t known = 0;
  while (!categories.empty()) {
    const size_t end =
        std::min(categories.find(kCategorySeparator), categories.size());
    const Row row = table.categories.Find(categories.substr(0, end));
    categories.remove_prefix(std::min(end + 1, categories.size()));
    if (row == kNoRow) continue;
    AddScaled(1, weights + (row + 1) * dim, dim, sums);
    ++known;
  }
  if (known == 0) {
    AddScaled(1, weights, dim, sums);
    return false;
  }
  for (size_t i = 0; i < dim; ++i) sums[i] /= static_cast<float>(known);
  return true;
}

bool ItemTower::Encode(std::span<const FeatureValue> values,
                       std::vector<float>* vector) const {
  vector->clear();
  bool any = false;
  for (int i = 0; i < spec_.features_size(); ++i) {
    const v1::FeatureInput& input = spec_.features(i);
    const FeatureValue& value = values[static_cast<size_t>(i)];
    switch (input.kind()) {
      case v1::FeatureInput::CATEGORIES:
        any |= AppendCategories(tables_[static_cast<size_t>(i)],
                                value.categories, vector);
        break;
      case v1::FeatureInput::NUMBER:
        any |= std::isfinite(value.number);
        vector->push_back(TransformNumber(input, value.number));
        break;
      default:
        any |= !value.vector.empty();
        vector->insert(vector->end(), value.vector.begin(), value.vector.end());
        if (value.vector.empty()) vector->resize(vector->size() + input.dim());
        break;
    }
  }
  layers_.Apply(vector);
  return any;
}

}  // namespace tributary
