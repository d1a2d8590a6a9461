// The rows of keys that a request names.
#ifndef TRIBUTARY_SERVER_PIPELINE_KEY_ROWS_H_
#define TRIBUTARY_SERVER_PIPELINE_KEY_ROWS_H_

#include <cstdint>
#include <string>

#include "index/bundle/key_table.h"
#include "index/bundle/row.h"

namespace tributary {

// The row of a key of either kind, or kNoRow: an id is looked up in a table of
// strings as its decimal text, and KeyTable::Find does the reverse.
Row FindKey(const KeyTable& table, uint64_t id);
Row FindKey(const KeyTable& table, const std::string& key);

}  // namespace tributary

#endif  // TRIBUTARY_SERVER_PIPELINE_KEY_ROWS_H_
