#include "index/train/towers/tower_features.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <set>
#include <string_view>
#include <utility>

#include "fmt/format.h"
#include "index/data/feature_table.h"
#include "index/tower/feature_inputs.h"
#include "status/status_macros.h"

namespace tributary {
namespace {

using Kind = FeatureColumn::Kind;

void AddIds(uint32_t dim, const std::vector<bool>& trained,
            TowerInputs* inputs) {
  TowerColumn& column = inputs->columns.emplace_back();
  column.dim = dim;
  column.ids = static_cast<uint32_t>(trained.size() + 1);
  column.offsets.push_back(0);
  for (size_t row = 0; row < trained.size(); ++row) {
    if (trained[row]) column.bags.push_back(static_cast<uint32_t>(row + 1));
    column.offsets.push_back(column.bags.size());
  }
  v1::FeatureInput& spec = inputs->specs.emplace_back();
  spec.set_kind(v1::FeatureInput::CATEGORIES);
  spec.set_dim(dim);
  inputs->categories.emplace_back().kind = v1::UTF8;
}

void AddCategories(const FeatureColumn& feature, uint32_t dim,
                   TowerInputs* inputs) {
  std::set<std::string_view> names;
  for (const std::string& value : feature.text) {
    ForEachCategory(value, [&](auto name) { names.insert(name); });
  }
  const bool same =
      std::all_of(feature.text.begin(), feature.text.end(),
                  [&](const auto& value) { return value == feature.text[0]; });
  if (names.empty() || same) return;
  KeyList& categories = inputs->categories.emplace_back();
  categories.kind = v1::UTF8;
  categories.strings.assign(names.begin(), names.end());
  TowerColumn& column = inputs->columns.emplace_back();
  column.dim = dim;
  column.by_name = true;
  column.ids = static_cast<uint32_t>(names.size() + 1);
  column.offsets.push_back(0);
  for (const std::string& value : feature.text) {
    ForEachCategory(value, [&](std::string_view name) {
      const auto& all = categories.strings;
      column.bags.push_back(static_cast<uint32_t>(
          std::lower_bound(all.begin(), all.end(), name) - all.begin() + 1));
    });
    column.offsets.push_back(column.bags.size());
  }
  v1::FeatureInput& spec = inputs->specs.emplace_back();
  spec.set_kind(v1::FeatureInput::CATEGORIES);
  spec.set_column(feature.name);
  spec.set_dim(dim);
  spec.set_categories(names.size());
}

// Finds the offset and scale of `transform`. The mean replaces missing numbers.
void AddNumbers(const FeatureColumn& feature, const std::string& transform,
                TowerInputs* inputs) {
  v1::FeatureInput spec;
  spec.set_kind(v1::FeatureInput::NUMBER);
  spec.set_column(feature.name);
  spec.set_dim(1);
  spec.set_log1p(transform == "log1p");
  spec.set_scale(1);
  double sum = 0, squares = 0, count = 0;
  double least = std::numeric_limits<double>::infinity(), most = -least;
  for (const float number : feature.numbers) {
    if (!std::isfinite(number)) continue;
    const double x = TransformNumber(spec, number);
    sum += x;
    squares += x * x;
    ++count;
    least = std::min(least, x);
    most = std::max(most, x);
  }
  if (!(least < most)) return;
  const double mean = sum / count;
  const double deviation =
      std::sqrt(std::max(squares / count - mean * mean, 1e-12));
  spec.set_offset(transform == "min_max" ? least : mean);
  spec.set_scale(1 / (transform == "min_max" ? most - least : deviation));
  spec.set_missing(static_cast<float>((mean - spec.offset()) * spec.scale()));
  TowerColumn& column = inputs->columns.emplace_back();
  column.dim = 1;
  column.by_name = true;
  for (const float number : feature.numbers) {
    column.values.push_back(TransformNumber(spec, number));
  }
  column.missing = spec.missing();
  inputs->specs.push_back(std::move(spec));
  inputs->categories.emplace_back();
}

void AddText(const TrainedSpace& space, size_t rows, TowerInputs* inputs) {
  TowerColumn& column = inputs->columns.emplace_back();
  column.dim = space.dim;
  column.values.resize(rows * space.dim);
  for (size_t i = 0; i < space.items.rows.size(); ++i) {
    std::copy_n(&space.items.values[i * space.dim], space.dim,
                &column.values[size_t{space.items.rows[i]} * space.dim]);
  }
  v1::FeatureInput& spec = inputs->specs.emplace_back();
  spec.set_kind(v1::FeatureInput::SPACE_VECTOR);
  spec.set_column(space.name);
  spec.set_dim(space.dim);
  inputs->categories.emplace_back();
}

absl::Status CheckFeature(const v1::TowerFeature& wanted,
                          const SideOfData& side) {
  const std::string field =
      fmt::format("{}.features: \"{}\"", side.field, wanted.column());
  const auto found = std::find_if(
      side.features.begin(), side.features.end(),
      [&](const auto& feature) { return feature.name == wanted.column(); });
  if (found == side.features.end()) {
    return absl::InvalidArgumentError(fmt::format("{}: no such column", field));
  }
  if (found->kind == Kind::kText) {
    return absl::InvalidArgumentError(fmt::format(
        "{}: a column of text; expected {}.text: true", field, side.field));
  }
  if (wanted.has_dim() && found->kind == Kind::kNumber) {
    return absl::InvalidArgumentError(
        fmt::format("{}: dim is for categories, but these are numbers", field));
  }
  if (wanted.has_transform() && found->kind != Kind::kNumber) {
    return absl::InvalidArgumentError(fmt::format(
        "{}: transform is for numbers, but these are categories", field));
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<TowerInputs> MakeTowerInputs(const v1::TowerSide& settings,
                                            const SideOfData& side) {
  TowerInputs inputs;
  for (const v1::TowerFeature& wanted : settings.features()) {
    RETURN_IF_ERROR(CheckFeature(wanted, side));
  }
  if (settings.id_dim() > 0) AddIds(settings.id_dim(), side.trained, &inputs);
  for (const FeatureColumn& feature : side.features) {
    const auto wanted = std::find_if(
        settings.features().begin(), settings.features().end(),
        [&](const auto& one) { return one.column() == feature.name; });
    const bool listed = wanted != settings.features().end();
    if (feature.kind == Kind::kText || !(listed || settings.other_columns())) {
      continue;
    }
    if (feature.kind == Kind::kTokens) {
      AddCategories(
          feature,
          listed && wanted->has_dim() ? wanted->dim() : settings.category_dim(),
          &inputs);
    } else {
      AddNumbers(feature, listed ? wanted->transform() : std::string(),
                 &inputs);
    }
  }
  if (side.text != nullptr && !side.text->items.rows.empty()) {
    AddText(*side.text, side.rows, &inputs);
  }
  return inputs;
}

}  // namespace tributary
