#include "index/tower/tower_layers.h"

#include <algorithm>
#include <cmath>
#include <optional>
#include <span>
#include <utility>

#include "fmt/core.h"
#include "index/bundle/magnitude.h"
#include "index/tower/matrix_kernel.h"
#include "status/status_macros.h"

namespace tributary {
namespace {

constexpr int kMaxLayers = 64;
// The most values between two layers; more than an embedding has.
constexpr uint64_t kMaxWidth = 1 << 16;

void Linear(std::span<const float> weights, std::span<const float> bias,
            std::vector<float>* values) {
  thread_local std::vector<float> sums;
  sums.resize(bias.size());
  MultiplyRows(values->data(), 1, values->size(), weights.data(), bias.data(),
               bias.size(), sums.data());
  values->swap(sums);
}

void Normalize(std::span<float> values) {
  // In double: squares of floats overflow, and vanish, in float.
  double square = 0;
  for (const double value : values) square += value * value;
  if (square == 0) return;
  const double factor = 1 / std::sqrt(square);
  for (float& value : values) value = static_cast<float>(value * factor);
}

}  // namespace

absl::StatusOr<NpyArray> OpenWeights(const Bundle& bundle,
                                     const std::string& file,
                                     const std::string& field, uint64_t rows,
                                     uint64_t columns) {
  if (!bundle.HasFile(file)) {
    return absl::DataLossError(
        fmt::format("{}: \"{}\" is not in the manifest's files", field, file));
  }
  ASSIGN_OR_RETURN(NpyArray array, NpyArray::Open(bundle.dir() / file));
  const NpyHeader& header = array.header();
  const bool fits = header.dtype == Dtype::kFloat32 &&
                    header.dimensions == (columns == 0 ? 1 : 2) &&
                    (columns == 0 || header.columns == columns) &&
                    (rows == 0 ? header.rows >= 1 && header.rows <= kMaxWidth
                               : header.rows == rows);
  if (!fits) {
    return absl::DataLossError(
        fmt::format("{}: shape ({}, {}) of {}, but {} expects ({}, {}) of <f4",
                    file, header.rows, header.columns, DtypeName(header.dtype),
                    field, rows == 0 ? "any" : fmt::format("{}", rows),
                    std::max<uint64_t>(columns, 1)));
  }
  const auto values = array.elements<float>();
  const std::optional<size_t> bad = FindUnusable(values);
  if (!bad.has_value()) return array;
  return absl::DataLossError(fmt::format("{}: value {} is {}", file, *bad,
                                         DescribeUnusable(values[*bad])));
}

absl::StatusOr<TowerLayers> TowerLayers::Open(const Bundle& bundle,
                                              const v1::Tower& tower,
                                              const std::string& field,
                                              uint32_t in, uint32_t out) {
  if (tower.layers_size() > kMaxLayers) {
    return absl::InvalidArgumentError(
        fmt::format("{}.layers: {} layers, expected at most {}", field,
                    tower.layers_size(), kMaxLayers));
  }
  TowerLayers layers;
  layers.interests_ = std::max(1U, tower.interests());
  uint64_t width = in;
  for (int i = 0; i < tower.layers_size(); ++i) {
    ASSIGN_OR_RETURN(Step step,
                     OpenStep(bundle, tower.layers(i),
                              fmt::format("{}.layers[{}]", field, i), &width));
    layers.steps_.push_back(std::move(step));
  }
  if (width == out) return layers;
  return absl::InvalidArgumentError(
      fmt::format("{}.layers: the layers make {} values of {}, but the space "
                  "needs {}",
                  field, width, in, out));
}

absl::StatusOr<TowerLayers::Step> TowerLayers::OpenStep(
    const Bundle& bundle, const v1::Layer& layer, const std::string& field,
    uint64_t* width) {
  Step step{layer.kind(), {}, {}};
  switch (layer.kind()) {
    case v1::Layer::LINEAR: {
      ASSIGN_OR_RETURN(
          const NpyArray weights,
          OpenWeights(bundle, layer.weights(), field + ".weights", 0, *width));
      const uint64_t out = weights.header().rows;
      ASSIGN_OR_RETURN(
          const NpyArray bias,
          OpenWeights(bundle, layer.bias(), field + ".bias", out, 0));
      const auto bias_values = bias.elements<float>();
      step.bias.assign(bias_values.begin(), bias_values.end());
      step.weights.resize(*width * out);
      for (uint64_t o = 0; o < out; ++o) {
        for (uint64_t i = 0; i < *width; ++i) {
          step.weights[i * out + o] = weights.elements<float>()[o * *width + i];
        }
      }
      *width = out;
      return step;
    }
    case v1::Layer::APPEND_ONE:
      ++*width;
      return step;
    case v1::Layer::RELU:
    case v1::Layer::L2_NORMALIZE:
      return step;
    default:
      return absl::InvalidArgumentError(
          fmt::format("{}.kind: unknown to this reader", field));
  }
}

void TowerLayers::Apply(std::vector<float>* values) const {
  for (const Step& step : steps_) {
    switch (step.kind) {
      case v1::Layer::LINEAR:
        Linear(step.weights, step.bias, values);
        break;
      case v1::Layer::RELU:
        for (float& value : *values) value = std::max(value, 0.0F);
        break;
      case v1::Layer::L2_NORMALIZE:
        for (size_t i = 0; i < interests_; ++i) {
          const size_t each = values->size() / interests_;
          Normalize(std::span(*values).subspan(i * each, each));
        }
        break;
      default:
        values->push_back(1);
        break;
    }
  }
}

}  // namespace tributary
