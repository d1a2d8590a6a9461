#ifndef TRIBUTARY_INDEX_TOWER_ITEM_TOWER_H_
#define TRIBUTARY_INDEX_TOWER_ITEM_TOWER_H_

#include <limits>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "index/bundle/bundle.h"
#include "index/tower/feature_inputs.h"
#include "index/tower/tower_layers.h"
#include "tributary/v1/manifest.pb.h"

namespace tributary {

// Separates the categories of an item in a FeatureValue.
inline constexpr char kCategorySeparator = '\x1f';

// An item's value for one input of an item tower. A default value is a missing
// one. Each kind of input reads one member. Views.
struct FeatureValue {
  // CATEGORIES: the item's categories, separated by kCategorySeparator.
  std::string_view categories;
  // NUMBER: missing if it is not finite.
  float number = std::numeric_limits<float>::quiet_NaN();
  // SPACE_VECTOR: as many values as the space has dimensions, or none.
  std::span<const float> vector;
};

// A space's item tower. It makes the vectors of items that came after training
// from their features, in the way that the trainer made those of the other
// items. v1::Tower and v1::FeatureInput define the computation. Immutable and
// thread-safe.
class ItemTower {
 public:
  // The bundle must outlive the tower. REQUIRES: the space has an item_tower.
  // Errors name the manifest's field or the file: INVALID_ARGUMENT for a tower
  // of unknown parts, or of parts that do not fit together; DATA_LOSS for a
  // wrong file.
  static absl::StatusOr<std::unique_ptr<ItemTower>> Open(
      const Bundle& bundle, const EmbeddingSpace& space);

  // The inputs, in the order in which Encode takes their values.
  std::span<const v1::FeatureInput* const> inputs() const {
    return {spec_.features().data(),
            static_cast<size_t>(spec_.features_size())};
  }

  // Replaces *vector with the item's vector, of the space's dim. Returns false
  // when every value is missing or unknown; the vector is then the same for all
  // such items. REQUIRES: `values` has one value for each of inputs().
  bool Encode(std::span<const FeatureValue> values,
              std::vector<float>* vector) const;

 private:
  explicit ItemTower(const v1::Tower& spec) : spec_(spec) {}

  const v1::Tower& spec_;
  FeatureInputs inputs_;
  TowerLayers layers_;
};

}  // namespace tributary

#endif  // TRIBUTARY_INDEX_TOWER_ITEM_TOWER_H_
