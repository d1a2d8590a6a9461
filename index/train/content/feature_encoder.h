#ifndef TRIBUTARY_INDEX_TRAIN_CONTENT_FEATURE_ENCODER_H_
#define TRIBUTARY_INDEX_TRAIN_CONTENT_FEATURE_ENCODER_H_

#include <cstddef>
#include <span>

#include "index/bundle/bundle.h"
#include "index/data/data_set.h"
#include "index/tower/content_encoder.h"

namespace tributary {

// A ContentEncoder of items of a data set. Thread-safe. Views the bundle's
// space, which must outlive it.
class FeatureEncoder {
 public:
  // REQUIRES: as for ContentEncoder.
  explicit FeatureEncoder(const EmbeddingSpace& space) : encoder_(space) {}

  const v1::FeatureEncoder& spec() const { return encoder_.spec(); }

  // Writes the vector, of length 1, of the item described by row `row` of
  // `columns`. False when the item has no feature that the encoder knows.
  // REQUIRES: columns are those of spec(), in that order and of those kinds;
  // vector.size() is the space's dim.
  bool Encode(std::span<const FeatureColumn> columns, size_t row,
              std::span<float> vector) const;

 private:
  const ContentEncoder encoder_;
};

}  // namespace tributary

#endif  // TRIBUTARY_INDEX_TRAIN_CONTENT_FEATURE_ENCODER_H_
