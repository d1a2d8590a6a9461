#ifndef TRIBUTARY_INDEX_TOWER_ITEM_TOWER_H_
#define TRIBUTARY_INDEX_TOWER_ITEM_TOWER_H_

#include <limits>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "index/bundle/bundle.h"
#include "index/bundle/key_table.h"
#include "index/tower/tower_layers.h"
#include "tributary/v1/manifest.pb.h"

namespace tributary {

// What separates the categories of a value.
inline constexpr char kCategorySeparator = '\x1f';

// The value that one input of an item's tower has for an item; as default:
// missing.
struct FeatureValue {
  // CATEGORIES: the item's, separated by kCategorySeparator.
  std::string_view categories;
  // NUMBER: NaN or infinite: missing.
  float number = std::numeric_limits<float>::quiet_NaN();
  // SPACE_VECTOR: of the space's dim; empty: missing.
  std::span<const float> vector;
};

// A space's item tower: makes vectors of items that came after training from
// their features, as the trainer made those of the others. Immutable and
// thread-safe.
class ItemTower {
 public:
  // The bundle must outlive it. REQUIRES: the space has an item_tower. Errors
  // name the manifest's field or the file: INVALID_ARGUMENT for a tower that is
  // unknown or does not fit together, DATA_LOSS for what is wrong with a file.
  static absl::StatusOr<std::unique_ptr<ItemTower>> Open(
      const Bundle& bundle, const EmbeddingSpace& space);

  // What each value is to be made from, in order.
  std::span<const v1::FeatureInput* const> inputs() const {
    return {spec_.features().data(),
            static_cast<size_t>(spec_.features_size())};
  }

  // Replaces *vector by the item's, of the space's dim. False when no value is
  // there and known: the vector then says nothing of the item. REQUIRES: values
  // are those of inputs(), in their order.
  bool Encode(std::span<const FeatureValue> values,
              std::vector<float>* vector) const;

 private:
  // CATEGORIES: [1 + categories, dim], and the categories' names.
  struct Table {
    NpyArray weights;
    KeyTable categories;
  };

  explicit ItemTower(const v1::Tower& spec) : spec_(spec) {}
  absl::Status OpenTable(const Bundle& bundle, const std::string& stem,
                         const v1::FeatureInput& input);
  // Says whether any category is known.
  static bool AppendCategories(const Table& table, std::string_view categories,
                               std::vector<float>* values);

  const v1::Tower& spec_;
  // By input; empty for those that are not CATEGORIES.
  std::vector<Table> tables_;
  TowerLayers layers_;
};

// What a number is as an input: v1::FeatureInput says how.
float TransformNumber(const v1::FeatureInput& input, float number);

}  // namespace tributary

#endif  // TRIBUTARY_INDEX_TOWER_ITEM_TOWER_H_
