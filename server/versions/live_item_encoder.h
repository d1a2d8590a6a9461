#ifndef TRIBUTARY_SERVER_VERSIONS_LIVE_ITEM_ENCODER_H_
#define TRIBUTARY_SERVER_VERSIONS_LIVE_ITEM_ENCODER_H_

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "google/protobuf/struct.pb.h"
#include "index/bundle/bundle.h"
#include "index/tower/content_encoder.h"
#include "index/tower/item_tower.h"

namespace tributary {

// Makes vectors of features that came with a change, in the spaces of a bundle
// that encode features: as `tributary extend` makes them of a row of items.csv.
// Immutable and thread-safe.
class LiveItemEncoder {
 public:
  // `bundle`, which was verified, outlives this. A tower that cannot be opened,
  // or that reads vectors of another space than that of the content, makes no
  // vectors, and the log says so.
  explicit LiveItemEncoder(const Bundle& bundle);

  // Makes each of `vectors` that is empty, one for each space of the bundle, if
  // its space has an encoder that knows something of the features.
  void Encode(const google::protobuf::Struct& features,
              std::vector<std::vector<float>>* vectors) const;

 private:
  static constexpr size_t kNone = static_cast<size_t>(-1);

  const Bundle& bundle_;
  // The space of `content_`.
  size_t content_space_ = kNone;
  std::unique_ptr<const ContentEncoder> content_;
  // By column of the encoder: whether commas separate its categories.
  std::vector<bool> commas_;
  // By space; null for those without.
  std::vector<std::unique_ptr<const ItemTower>> towers_;
};

}  // namespace tributary

#endif  // TRIBUTARY_SERVER_VERSIONS_LIVE_ITEM_ENCODER_H_
