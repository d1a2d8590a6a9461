#ifndef TRIBUTARY_INDEX_BUILD_POPULARITY_H_
#define TRIBUTARY_INDEX_BUILD_POPULARITY_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "index/build/data_set.h"
#include "index/bundle/row.h"
#include "tributary/v1/config.pb.h"

namespace tributary {

inline constexpr char kAllTimeList[] = "all";
inline constexpr char kTrendingList[] = "trending";

// A popularity list as it is stored: see v1::PopularityList.
struct CountedList {
  std::string name;
  uint32_t segment = 0;
  std::vector<Row> rows;
  std::vector<float> scores;
};

struct CountedPopularity {
  std::vector<CountedList> lists;
  // By user; empty when there are no segments.
  std::vector<uint16_t> user_segments;
};

// Counts the interactions of value above 0.
//   all               every item by the number of its interactions, those with
//                     none last; by the scores that came with the data if any
//   trending          when there are times: an interaction weighs 1 at the
//                     newest time of all and half as much one half-life before;
//                     items without weight are left out
//   <column>=<value>  for users with that value in one of the segment columns,
//                     when they have enough interactions; a user belongs to the
//                     first such column's segment
// No lists when there are neither interactions nor scores. Names are in lower
// case with '_' for other signs than letters, digits, '-' and '='; values with
// the same name are one segment. Errors: INVALID_ARGUMENT for a configured
// column that is not there, or more than 65535 segments.
absl::StatusOr<CountedPopularity> CountPopularity(
    const DataSet& data, const v1::Popularity& settings);

}  // namespace tributary

#endif  // TRIBUTARY_INDEX_BUILD_POPULARITY_H_
