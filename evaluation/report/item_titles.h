#ifndef TRIBUTARY_EVALUATION_REPORT_ITEM_TITLES_H_
#define TRIBUTARY_EVALUATION_REPORT_ITEM_TITLES_H_

#include <string>
#include <vector>

#include "index/bundle/bundle.h"
#include "index/bundle/row.h"
#include "index/data/data_set.h"

namespace tributary {

// What people call the items.
struct ItemTitles {
  // The column that they are from; empty without one.
  std::string column;
  // By row of the bundle; empty where an item has none. Or empty.
  std::vector<std::string> by_row;

  // The item's title, or its key.
  std::string Of(const Bundle& bundle, Row row) const;
};

// Takes titles from the data's column of items that is called title or name, or
// whose name ends so ("movie_title", "productName"). Upper and lower case are
// alike. Empty without such a column of text or categories.
ItemTitles TitlesFrom(const Bundle& bundle, const DataSet& data);

}  // namespace tributary

#endif  // TRIBUTARY_EVALUATION_REPORT_ITEM_TITLES_H_
