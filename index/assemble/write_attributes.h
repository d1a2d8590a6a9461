#ifndef TRIBUTARY_INDEX_ASSEMBLE_WRITE_ATTRIBUTES_H_
#define TRIBUTARY_INDEX_ASSEMBLE_WRITE_ATTRIBUTES_H_

#include <cstdint>

#include "absl/status/status.h"
#include "index/bundle/attribute_column.h"
#include "index/bundle/bundle_writer.h"
#include "index/data/attribute_data.h"
#include "index/data/data_set.h"
#include "index/data/row_map.h"
#include "tributary/v1/manifest.pb.h"

namespace tributary {

// Finds the values that occur frequently, writes the attribute's files, and
// adds it to the manifest.
absl::Status WriteAttribute(const AttributeData& attribute, uint64_t n_items,
                            BundleWriter* writer, v1::Manifest* manifest);

// An attribute with new items: the old items keep their values, and the
// dictionary has those of both. `fresh` is of the same type, and its rows are
// the new items' positions in `map`. REQUIRES: `column` was verified.
AttributeData JoinAttribute(const AttributeColumn& column,
                            const AttributeData& fresh, const RowMap& map);

}  // namespace tributary

#endif  // TRIBUTARY_INDEX_ASSEMBLE_WRITE_ATTRIBUTES_H_
