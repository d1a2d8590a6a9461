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

// The values of a weights file, float32, after holding its shape against [rows,
// columns]; columns is 0 for an array of one dimension, and rows 0 where any
// number will do. DATA_LOSS, naming `field` and file, for another shape and for
// values that are not finite.
absl::StatusOr<NpyArray> OpenWeights(const Bundle& bundle,
                                     const std::string& file,
                                     const std::string& field, uint64_t rows,
                                     uint64_t columns);

// The layers of a tower, in order. Immutable and thread-safe; copies what it
// needs of the bundle.
class TowerLayers {
 public:
  // Reads the weights and holds every shape against its neighbours: the first
  // layer takes `in` values, the last gives `out`. Errors begin with `field`,
  // the tower's place in the manifest, or name the file: INVALID_ARGUMENT for
  // layers that are unknown or do not fit, DATA_LOSS for what is wrong with a
  // file, values that are not finite among it.
  static absl::StatusOr<TowerLayers> Open(const Bundle& bundle,
                                          const v1::Tower& tower,
                                          const std::string& field, uint32_t in,
                                          uint32_t out);

  // Replaces *values, `in` of them, by what the layers make of them. Allocates
  // nothing once its vectors have grown.
  void Apply(std::vector<float>* values) const;

 private:
  struct Step {
    v1::Layer::Kind kind;
    // LINEAR: [in, out], so that an input adds its row to the outputs.
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
