#ifndef TRIBUTARY_SERVER_PIPELINE_ROW_SAMPLE_H_
#define TRIBUTARY_SERVER_PIPELINE_ROW_SAMPLE_H_

#include <cstdint>
#include <vector>

#include "index/bundle/key_table.h"

namespace tributary {

// At most n rows of `keys`, evenly over the table, ascending; of those whose
// keys `others` has too, unless that is null.
std::vector<Row> SampleRows(const KeyTable& keys, const KeyTable* others,
                            uint32_t n);

}  // namespace tributary

#endif  // TRIBUTARY_SERVER_PIPELINE_ROW_SAMPLE_H_
