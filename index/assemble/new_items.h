#ifndef TRIBUTARY_INDEX_ASSEMBLE_NEW_ITEMS_H_
#define TRIBUTARY_INDEX_ASSEMBLE_NEW_ITEMS_H_

#include <filesystem>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "index/bundle/bundle.h"
#include "index/bundle/key_table.h"
#include "index/data/attribute_data.h"
#include "index/data/data_set.h"

namespace tributary {

// Items that come after a bundle was built.
struct NewItems {
  // Of the catalogue's kind.
  KeyList keys;
  // The columns of the bundle's feature encoder in its order, then those that
  // only item towers read; one value per key, empty values where the file lacks
  // a column. No columns when the bundle uses no features.
  std::vector<FeatureColumn> columns;
  // The bundle's attributes in its order, of the new items by key; without
  // values where the file lacks the column.
  std::vector<AttributeData> attributes;
  // Columns of the file that the bundle does not know, and columns of the
  // bundle that the file lacks.
  std::vector<std::string> ignored;
  std::vector<std::string> missing;
};

// The space of the bundle with a feature encoder, the first if there are
// several; nullptr when there is none.
const EmbeddingSpace* FindEncodedSpace(const Bundle& bundle);

// Reads items for `bundle` from a csv file like the one of csv:DIR (categories
// within a field are separated by '|' or ';') or, if its name ends in ".item",
// from a RecBole file. Text that is not UTF-8 is read as latin-1; a number that
// is empty, NaN or infinite is missing. Errors name file, line and key:
// DATA_LOSS for a malformed line (a wrong number of fields; a key that is
// empty, not UTF-8, not an integer where the catalogue's are, or a duplicate;
// text where a number is expected; a value that is not of its attribute's
// type), ALREADY_EXISTS for a key of the catalogue; NOT_FOUND for a missing
// file or key column.
absl::StatusOr<NewItems> ReadNewItems(const std::filesystem::path& path,
                                      const Bundle& bundle);

}  // namespace tributary

#endif  // TRIBUTARY_INDEX_ASSEMBLE_NEW_ITEMS_H_
