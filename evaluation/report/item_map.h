#ifndef TRIBUTARY_EVALUATION_REPORT_ITEM_MAP_H_
#define TRIBUTARY_EVALUATION_REPORT_ITEM_MAP_H_

#include <cstdint>
#include <string>
#include <vector>

#include "evaluation/segments.h"
#include "index/bundle/bundle.h"
#include "index/data/data_set.h"

namespace tributary {

// Groups of items, by row, to colour a map by.
struct ItemGroups {
  // What the groups are of, for a caption.
  std::string of;
  // At most 8.
  std::vector<std::string> names;
  std::vector<uint8_t> by_row;
};

// By kItemSegments.
ItemGroups GroupsBySegment(const ItemSegments& segments);

// By the first category of a column of the data: the 7 most frequent, and
// others. Without a name, the column of categories with the fewest different
// ones, but several. Errors: NOT_FOUND, naming the column, when there is none.
absl::StatusOr<ItemGroups> GroupsByCategory(const Bundle& bundle,
                                            const DataSet& data,
                                            const std::string& column);

// Maps of an embedding space's items, a sample of them, as figures: their
// principal plane and t-SNE. Empty for fewer than three vectors.
std::string ItemMaps(const Bundle& bundle, const EmbeddingSpace& space,
                     const ItemGroups& groups, uint32_t threads);

}  // namespace tributary

#endif  // TRIBUTARY_EVALUATION_REPORT_ITEM_MAP_H_
