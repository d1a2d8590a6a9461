#ifndef TRIBUTARY_EVALUATION_REPORT_ITEM_MAP_H_
#define TRIBUTARY_EVALUATION_REPORT_ITEM_MAP_H_

#include <cstdint>
#include <string>
#include <vector>

#include "evaluation/segments.h"
#include "index/bundle/bundle.h"
#include "index/data/data_set.h"

namespace tributary {

// A grouping of items that colours a map.
struct ItemGroups {
  // What the items are grouped by, for a caption.
  std::string of;
  // At most 8.
  std::vector<std::string> names;
  std::vector<uint8_t> by_row;
};

// Groups items by kItemSegments.
ItemGroups GroupsBySegment(const ItemSegments& segments);

// Groups items by their first category in a column of the data: the 7 most
// frequent categories, and "other". Without a name, takes the column with the
// fewest categories, at least two. Errors: NOT_FOUND, naming the column, when
// the data have no such column.
absl::StatusOr<ItemGroups> GroupsByCategory(const Bundle& bundle,
                                            const DataSet& data,
                                            const std::string& column);

// Two maps of a sample of an embedding space's items, as figures: the principal
// plane and t-SNE. Empty for fewer than three vectors.
std::string ItemMaps(const Bundle& bundle, const EmbeddingSpace& space,
                     const ItemGroups& groups, uint32_t threads);

}  // namespace tributary

#endif  // TRIBUTARY_EVALUATION_REPORT_ITEM_MAP_H_
