#ifndef TRIBUTARY_INDEX_TOWER_FEATURE_INPUTS_H_
#define TRIBUTARY_INDEX_TOWER_FEATURE_INPUTS_H_

#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "index/bundle/bundle.h"
#include "index/bundle/key_table.h"
#include "index/bundle/npy.h"
#include "tributary/v1/manifest.pb.h"

namespace tributary {

// What a request knows of its user under one name. Views. Each kind of input
// reads one member, and a default value is a missing one.
struct UserFeature {
  std::string_view name;
  // CATEGORIES: any number of them, in any order.
  std::span<const std::string_view> categories = {};
  // NUMBER: missing if it is not finite.
  float number = std::numeric_limits<float>::quiet_NaN();
};

// The inputs of a tower that are made of features: Tower.features. Each has its
// place in a vector of width() values, in which they lie end to end.
// v1::FeatureInput defines the computation. Immutable and thread-safe.
class FeatureInputs {
 public:
  // Whose features they are: items' of an item_tower, users' of a user_tower.
  enum class Side { kItem, kUser };

  FeatureInputs() = default;

  // Reads the tables of the space's tower. The bundle must outlive the inputs.
  // Errors name the manifest's field or the file: INVALID_ARGUMENT for unknown
  // kinds and for sizes out of range; DATA_LOSS for a wrong file.
  static absl::StatusOr<FeatureInputs> Open(const Bundle& bundle,
                                            const EmbeddingSpace& space,
                                            Side side);

  size_t size() const { return inputs_.size(); }
  // The length of all inputs together.
  uint64_t width() const { return width_; }

  // REQUIRES for these and the following: i < size().
  const v1::FeatureInput& spec(size_t i) const { return *inputs_[i].spec; }
  // Where input i begins in the vector. It is spec(i).dim() values long.
  size_t begin(size_t i) const { return inputs_[i].begin; }

  // Sets the values of input i, which is of CATEGORIES, in the vector that
  // begins at `vector`. Returns whether any category is known. Allocates
  // nothing.
  bool SetCategories(size_t i, std::span<const std::string_view> categories,
                     float* vector) const;
  // The same for one of NUMBER. Returns whether there is a number.
  bool SetNumber(size_t i, float number, float* vector) const;

  // Whether input i of a user tower takes a feature of this name. One without a
  // column takes none.
  bool Takes(size_t i, std::string_view name) const {
    return !name.empty() && spec(i).column() == name;
  }
  // Whether the value is one that input i, of CATEGORIES or NUMBER, knows.
  bool Knows(size_t i, const UserFeature& feature) const;
  // Sets the values of input i, of CATEGORIES or NUMBER, as above.
  bool Set(size_t i, const UserFeature& feature, float* vector) const;

 private:
  struct Input {
    const v1::FeatureInput* spec;
    size_t begin;
    // Of CATEGORIES: weights [1 + categories, dim], and the categories' names.
    NpyArray weights;
    KeyTable categories;
  };

  absl::Status OpenInput(const Bundle& bundle, const v1::FeatureInput& spec,
                         const std::string& field, const std::string& stem,
                         Side side);

  std::vector<Input> inputs_;
  uint64_t width_ = 0;
};

// The input that a NUMBER makes of a number, as v1::FeatureInput defines it.
float TransformNumber(const v1::FeatureInput& input, float number);

}  // namespace tributary

#endif  // TRIBUTARY_INDEX_TOWER_FEATURE_INPUTS_H_
