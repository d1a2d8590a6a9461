#ifndef TRIBUTARY_SERVER_PIPELINE_SPACE_ITEM_VECTORS_H_
#define TRIBUTARY_SERVER_PIPELINE_SPACE_ITEM_VECTORS_H_

#include <cstdint>
#include <span>

#include "index/bundle/bundle.h"
#include "server/fusion/fusion.h"

namespace tributary {

// The vectors of the items of an embedding space. Views the bundle.
// Thread-safe.
class SpaceItemVectors final : public RowVectors {
 public:
  SpaceItemVectors() = default;
  explicit SpaceItemVectors(const EmbeddingSpace& space)
      : items_(&space.items) {}

  uint32_t dim() const override { return items_->dim(); }
  void GetVectors(std::span<const Row> rows, float* vectors) const override;

 private:
  const VectorTable* items_ = nullptr;
};

}  // namespace tributary

#endif  // TRIBUTARY_SERVER_PIPELINE_SPACE_ITEM_VECTORS_H_
