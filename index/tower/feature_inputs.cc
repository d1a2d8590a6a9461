#include "index/tower/feature_inputs.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "fmt/core.h"
#include "index/bundle/magnitude.h"
#include "index/tower/accumulate.h"
#include "index/tower/tower_layers.h"
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

absl::Status CheckInput(const v1::FeatureInput& input, const std::string& field,
                        FeatureInputs::Side side) {
  const bool number = input.kind() == v1::FeatureInput::NUMBER;
  if (input.dim() == 0 || input.dim() > kMaxDim ||
      (number && input.dim() != 1)) {
    return absl::InvalidArgumentError(
        fmt::format("{}.dim: {}, expected 1 to {}", field, input.dim(),
                    number ? 1 : kMaxDim));
  }
  if (input.kind() < v1::FeatureInput::CATEGORIES ||
      input.kind() > v1::FeatureInput::SPACE_VECTOR) {
    return absl::InvalidArgumentError(
        fmt::format("{}.kind: unknown to this reader", field));
  }
  if (side == FeatureInputs::Side::kUser &&
      input.kind() == v1::FeatureInput::SPACE_VECTOR) {
    return absl::InvalidArgumentError(
        fmt::format("{}.kind: SPACE_VECTOR, expected CATEGORIES or NUMBER: a "
                    "user has no vector in another space",
                    field));
  }
  return CheckNumbers(input, field);
}

absl::StatusOr<KeyTable> OpenNames(const Bundle& bundle,
                                   const std::string& stem, uint64_t count) {
  for (const char* suffix : {".keys.utf8", ".keys.offsets.npy"}) {
    if (bundle.HasFile(stem + suffix)) continue;
    return absl::DataLossError(
        fmt::format("manifest.json: files: {}{} is not listed, but the tower "
                    "needs it",
                    stem, suffix));
  }
  v1::KeyTable spec;
  spec.set_kind(v1::UTF8);
  spec.set_count(count);
  ASSIGN_OR_RETURN(KeyTable names, KeyTable::Open(bundle.dir(), stem, spec));
  RETURN_IF_ERROR(names.CheckKeys());
  return names;
}

}  // namespace

float TransformNumber(const v1::FeatureInput& input, float number) {
  if (!std::isfinite(number)) return input.missing();
  double x = number;
  if (input.log1p()) x = std::copysign(std::log1p(std::abs(x)), x);
  return static_cast<float>((x - input.offset()) * input.scale());
}

absl::StatusOr<FeatureInputs> FeatureInputs::Open(const Bundle& bundle,
                                                  const EmbeddingSpace& space,
                                                  Side side) {
  const bool of_items = side == Side::kItem;
  const v1::Tower& tower =
      of_items ? space.spec->item_tower() : space.spec->user_tower();
  const std::string& name = space.spec->name();
  const std::string field =
      fmt::format("manifest.json: spaces[\"{}\"].{}.features", name,
                  of_items ? "itemTower" : "userTower");
  const int least = of_items ? 1 : 0;
  if (tower.features_size() < least || tower.features_size() > kMaxInputs) {
    return absl::InvalidArgumentError(
        fmt::format("{}: {} features, expected {} to {}", field,
                    tower.features_size(), least, kMaxInputs));
  }
  FeatureInputs inputs;
  inputs.inputs_.reserve(static_cast<size_t>(tower.features_size()));
  for (int i = 0; i < tower.features_size(); ++i) {
    RETURN_IF_ERROR(inputs.OpenInput(
        bundle, tower.features(i), fmt::format("{}[{}]", field, i),
        fmt::format("{}.{}.{}", name, of_items ? "item_tower" : "user_tower",
                    i),
        side));
  }
  return inputs;
}

absl::Status FeatureInputs::OpenInput(const Bundle& bundle,
                                      const v1::FeatureInput& spec,
                                      const std::string& field,
                                      const std::string& stem, Side side) {
  RETURN_IF_ERROR(CheckInput(spec, field, side));
  Input input{&spec, width_, {}, {}};
  width_ += spec.dim();
  if (spec.kind() == v1::FeatureInput::CATEGORIES) {
    if (spec.categories() > 0) {
      ASSIGN_OR_RETURN(input.categories,
                       OpenNames(bundle, stem, spec.categories()));
    }
    ASSIGN_OR_RETURN(input.weights,
                     OpenWeights(bundle, stem + ".npy", stem,
                                 spec.categories() + 1, spec.dim()));
  }
  inputs_.push_back(std::move(input));
  return absl::OkStatus();
}

bool FeatureInputs::SetCategories(size_t i,
                                  std::span<const std::string_view> categories,
                                  float* vector) const {
  const Input& input = inputs_[i];
  const size_t dim = input.spec->dim();
  const float* const weights = input.weights.elements<float>().data();
  float* const sums = vector + input.begin;
  std::fill_n(sums, dim, 0.0F);
  size_t known = 0;
  for (const std::string_view category : categories) {
    const Row row = input.categories.Find(category);
    if (row == kNoRow) continue;
    AddScaled(1, weights + (size_t{row} + 1) * dim, dim, sums);
    ++known;
  }
  if (known == 0) {
    std::copy_n(weights, dim, sums);
    return false;
  }
  for (size_t k = 0; k < dim; ++k) sums[k] /= static_cast<float>(known);
  return true;
}

bool FeatureInputs::SetNumber(size_t i, float number, float* vector) const {
  vector[begin(i)] = TransformNumber(spec(i), number);
  return std::isfinite(number);
}

bool FeatureInputs::Knows(size_t i, const UserFeature& feature) const {
  if (spec(i).kind() == v1::FeatureInput::NUMBER) {
    return std::isfinite(feature.number);
  }
  return std::any_of(feature.categories.begin(), feature.categories.end(),
                     [&](std::string_view category) {
                       return inputs_[i].categories.Find(category) != kNoRow;
                     });
}

bool FeatureInputs::Set(size_t i, const UserFeature& feature,
                        float* vector) const {
  return spec(i).kind() == v1::FeatureInput::NUMBER
             ? SetNumber(i, feature.number, vector)
             : SetCategories(i, feature.categories, vector);
}

}  // namespace tributary
