#include "index/tower/item_tower.h"

#include <algorithm>
#include <string>

#include "fmt/core.h"
#include "status/status_macros.h"

namespace tributary {
namespace {

// Splits at kCategorySeparator.
void SplitCategories(std::string_view text,
                     std::vector<std::string_view>* categories) {
  categories->clear();
  while (!text.empty()) {
    const size_t end = std::min(text.find(kCategorySeparator), text.size());
    categories->push_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
}

}  // namespace

absl::StatusOr<std::unique_ptr<ItemTower>> ItemTower::Open(
    const Bundle& bundle, const EmbeddingSpace& space) {
  std::unique_ptr<ItemTower> tower(new ItemTower(space.spec->item_tower()));
  ASSIGN_OR_RETURN(
      tower->inputs_,
      FeatureInputs::Open(bundle, space, FeatureInputs::Side::kItem));
  ASSIGN_OR_RETURN(
      tower->layers_,
      TowerLayers::Open(bundle, tower->spec_,
                        fmt::format("manifest.json: spaces[\"{}\"].itemTower",
                                    space.spec->name()),
                        static_cast<uint32_t>(tower->inputs_.width()),
                        space.spec->dim()));
  return tower;
}

bool ItemTower::Encode(std::span<const FeatureValue> values,
                       std::vector<float>* vector) const {
  thread_local std::vector<std::string_view> categories;
  vector->assign(inputs_.width(), 0.0F);
  float* const all = vector->data();
  bool any = false;
  for (size_t i = 0; i < inputs_.size(); ++i) {
    const FeatureValue& value = values[i];
    switch (inputs_.spec(i).kind()) {
      case v1::FeatureInput::CATEGORIES:
        SplitCategories(value.categories, &categories);
        any |= inputs_.SetCategories(i, categories, all);
        break;
      case v1::FeatureInput::NUMBER:
        any |= inputs_.SetNumber(i, value.number, all);
        break;
      default:
        any |= !value.vector.empty();
        std::copy(value.vector.begin(), value.vector.end(),
                  all + inputs_.begin(i));
        break;
    }
  }
  layers_.Apply(vector);
  return any;
}

}  // namespace tributary
