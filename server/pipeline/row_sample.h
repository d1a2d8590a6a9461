#ifndef TRIBUTARY_SERVER_PIPELINE_ROW_SAMPLE_H_
#define TRIBUTARY_SERVER_PIPELINE_ROW_SAMPLE_H_

#include <cstdint>
#include <vector>

#include "index/bundle/key_table.h"

namespace tributary {

// At most n rows of `keys`, ascending, spread evenly over the table. If
// `others` is not null, only rows whose keys it has too.
std::vector<Row> SampleRows(const KeyTable& keys, const KeyTable* others,
                            uint32_t n);

}  // namespace tributary

#endif  // TRIBUTARY_SERVER_PIPELINE_ROW_SAMPLE_H_
