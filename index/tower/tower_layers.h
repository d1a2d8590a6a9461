#ifndef TRIBUTARY_INDEX_TOWER_TOWER_LAYERS_H_
#define TRIBUTARY_INDEX_TOWER_TOWER_LAYERS_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "index/bundle/bundle.h"
#include "index/bundle/npy.h"
#include "tributary/v1/manifest.pb.h"

namespace tributary {

// Maps a file of weights, float32, and compares its shape with [rows, columns].
// `columns` is 0 for an array of one dimension; `rows` is 0 if any number from
// 1 to 65536 is allowed. DATA_LOSS, naming `field` and file, when the manifest
// does not list the file, the shape differs or a value is not finite.
absl::StatusOr<NpyArray> OpenWeights(const Bundle& bundle,
                                     const std::string& file,
                                     const std::string& field, uint64_t rows,
                                     uint64_t columns);

// The layers of a tower (v1::Layer), in order: a feed-forward network.
// Immutable and thread-safe. Copies the weights, so that it does not need the
// bundle.
class TowerLayers {
 public:
  // Reads the weights and checks that each layer's output fits the next: the
  // first layer takes `in` values and the last one gives `out`. Errors begin
  // with `field`, the tower's path in the manifest, or name the file:
  // INVALID_ARGUMENT for unknown layers and for layers that do not fit;
  // DATA_LOSS for a wrong file, including values that are not finite.
  static absl::StatusOr<TowerLayers> Open(const Bundle& bundle,
                                          const v1::Tower& tower,
                                          const std::string& field, uint32_t in,
                                          uint32_t out);

  // Replaces *values, the `in` inputs, with the `out` outputs. Allocates
  // nothing once *values and a buffer of the thread have grown.
  void Apply(std::vector<float>* values) const;

 private:
  struct Step {
    v1::Layer::Kind kind;
    // LINEAR: [in, out], the transpose of the file: see MultiplyRows.
    std::vector<float> weights;
    std::vector<float> bias;
  };

  static absl::StatusOr<Step> OpenStep(const Bundle& bundle,
                                       const v1::Layer& layer,
                                       const std::string& field,
                                       uint64_t* width);

  std::vector<Step> steps_;
  size_t interests_ = 1;
};

}  // namespace tributary

#endif  // TRIBUTARY_INDEX_TOWER_TOWER_LAYERS_H_
