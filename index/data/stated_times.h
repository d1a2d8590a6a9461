// Times of items and users in the form that Input.time_format states.
#ifndef TRIBUTARY_INDEX_DATA_STATED_TIMES_H_
#define TRIBUTARY_INDEX_DATA_STATED_TIMES_H_

#include <string>
#include <string_view>
#include <vector>

#include "index/data/time_reading.h"

namespace tributary {

// Rewrites a column's values of the form `reading` as ISO 8601, which is read
// wherever times are. A form that is a pattern, such as %d.%m.%Y, holds for
// columns all of whose values are of it, those of numbers only if the name says
// that they are times (see NamesATime), and, value by value, for columns that
// are `stated` to be times. Forms that count, such as seconds, hold for stated
// columns in which not all values are times without them (see ParseTimeMs):
// interactions may count in another unit than items.
void RewriteStatedTimes(std::string_view name, bool stated, TimeReading reading,
                        std::vector<std::string>* values);

}  // namespace tributary

#endif  // TRIBUTARY_INDEX_DATA_STATED_TIMES_H_
