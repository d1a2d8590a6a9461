#ifndef TRIBUTARY_INDEX_TRAIN_CONTENT_FEATURE_ENCODER_H_
#define TRIBUTARY_INDEX_TRAIN_CONTENT_FEATURE_ENCODER_H_

#include <cstddef>
#include <span>
#include <vector>

#include "index/bundle/bundle.h"
#include "index/data/data_set.h"
#include "index/train/content/item_terms.h"

namespace tributary {

// Encodes items as ContentTrainer would have, from the vocabulary, weights and
// projection that it stored in the bundle. Thread-safe. Views the bundle's
// space, which must outlive it.
class FeatureEncoder {
 public:
  // Reads the terms, to see by which rules they were made.
  // REQUIRES: space.spec->has_feature_encoder(), and the bundle was verified.
  explicit FeatureEncoder(const EmbeddingSpace& space)
      : space_(space), rules_(RulesOf(space.features.terms)) {}

  const v1::FeatureEncoder& spec() const {
    return space_.spec->feature_encoder();
  }

  // Writes the vector, of length 1, of the item described by row `row` of
  // `columns`. False when the item has no feature that the encoder knows.
  // REQUIRES: columns are those of spec(), in that order and of those kinds;
  // vector.size() is the space's dim.
  bool Encode(std::span<const FeatureColumn> columns, size_t row,
              std::span<float> vector) const;

 private:
  const EmbeddingSpace& space_;
  const WordRules rules_;
};

}  // namespace tributary

#endif  // TRIBUTARY_INDEX_TRAIN_CONTENT_FEATURE_ENCODER_H_
