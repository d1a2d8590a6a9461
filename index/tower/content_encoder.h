#ifndef TRIBUTARY_INDEX_TOWER_CONTENT_ENCODER_H_
#define TRIBUTARY_INDEX_TOWER_CONTENT_ENCODER_H_

#include <span>

#include "index/bundle/bundle.h"
#include "index/tower/item_terms.h"
#include "index/tower/item_tower.h"

namespace tributary {

// A projected vector shorter than this, before it is scaled to length 1, is
// rounding: the projection has removed what made it.
inline constexpr float kShortestContentVector = 1e-6F;

// Encodes items as the trainer of a content space would have, from the
// vocabulary, weights and projection that it stored in the bundle. Thread-safe.
// Views the bundle's space, which must outlive it.
class ContentEncoder {
 public:
  // Reads the terms, to see by which rules they were made.
  // REQUIRES: space.spec->has_feature_encoder(), and the bundle was verified.
  explicit ContentEncoder(const EmbeddingSpace& space)
      : space_(space), rules_(RulesOf(space.features.terms)) {}

  const v1::FeatureEncoder& spec() const {
    return space_.spec->feature_encoder();
  }

  // Writes the vector, of length 1, of an item with these values. False when
  // the item has no feature that the encoder knows. REQUIRES: one value for
  // each of spec().columns(): `number` of NUMBER, `categories` of the others,
  // which is the text of TEXT; vector.size() is the space's dim.
  bool Encode(std::span<const FeatureValue> values,
              std::span<float> vector) const;

 private:
  const EmbeddingSpace& space_;
  const WordRules rules_;
};

}  // namespace tributary

#endif  // TRIBUTARY_INDEX_TOWER_CONTENT_ENCODER_H_
