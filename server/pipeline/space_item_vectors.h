#ifndef TRIBUTARY_SERVER_PIPELINE_SPACE_ITEM_VECTORS_H_
#define TRIBUTARY_SERVER_PIPELINE_SPACE_ITEM_VECTORS_H_

#include <cstddef>
#include <cstdint>
#include <span>

#include "index/bundle/bundle.h"
#include "server/fusion/fusion.h"
#include "server/retrieval/added_items.h"

namespace tributary {

// The vectors of the items of an embedding space. Views the bundle and the
// added items. Thread-safe.
class SpaceItemVectors final : public RowVectors {
 public:
  SpaceItemVectors() = default;
  // `added` may be null; `number` is the space's among those of the bundle.
  SpaceItemVectors(const EmbeddingSpace& space, size_t number,
                   const AddedItems* added)
      : items_(&space.items), number_(number), added_(added) {}

  uint32_t dim() const override { return items_->dim(); }
  void GetVectors(std::span<const Row> rows, float* vectors) const override;

 private:
  // Writes the vector of an added item.
  void GetAdded(Row row, std::span<float> vector) const;

  const VectorTable* items_ = nullptr;
  size_t number_ = 0;
  const AddedItems* added_ = nullptr;
};

}  // namespace tributary

#endif  // TRIBUTARY_SERVER_PIPELINE_SPACE_ITEM_VECTORS_H_
