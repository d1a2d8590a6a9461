#ifndef TRIBUTARY_INDEX_TRAIN_POPULARITY_H_
#define TRIBUTARY_INDEX_TRAIN_POPULARITY_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "index/bundle/row.h"
#include "index/data/data_set.h"
#include "tributary/v1/config.pb.h"

namespace tributary {

inline constexpr char kAllTimeList[] = "all";
inline constexpr char kTrendingList[] = "trending";
inline constexpr double kTrendingPrior = 0.1;

// A popularity list as it is stored: see v1::PopularityList.
struct CountedList {
  std::string name;
  uint32_t segment = 0;
  uint32_t category = 0;
  std::vector<Row> rows;
  std::vector<float> scores;
};

struct CountedPopularity {
  std::vector<CountedList> lists;
  // Of the trending list, as configured or chosen; 0 without one.
  double half_life_days = 0;
  // By user; empty when there are no segments.
  std::vector<uint16_t> user_segments;
  // As it is stored, [n_items, category_width]; empty when there are no
  // categories.
  uint32_t category_width = 0;
  std::vector<uint16_t> categories;
};

// The items as a list, best score first; items of score 0 only if `all`.
CountedList MakeCountedList(std::string name, const std::vector<double>& scores,
                            bool all);

// A list's name for a value as the data write it, exact but for this: control
// characters become blanks, and what exceeds 512 bytes is cut off at the end of
// a character. `text` is UTF-8.
std::string ListName(std::string_view text);

// Adds up the weights of the positive interactions.
//   all               every item by the weight of its interactions, those with
//                     none last; by the scores that came with the data if any
//   trending          when there are times: see TrendingScores
//   items-<column>=<value>  for the items with that value in one of the
//                     category columns: their shares of its interactions
//   <column>=<value>  for users with that value in one of the segment columns,
//                     when they have enough interactions; a user belongs to the
//                     first such column's segment
// No lists when there are neither interactions nor scores. Values with the same
// ListName are one segment. Errors: INVALID_ARGUMENT for a configured column
// that does not exist, or more than 65535 segments.
absl::StatusOr<CountedPopularity> CountPopularity(
    const DataSet& data, const v1::Popularity& settings);

// The half-life of 1 to 365 days whose trending list, made without the newest
// tenth of the interactions, has most of that tenth among its first 100 and 500
// items. Ties go to the shortest. 7 days when there is nothing to choose by.
double ChooseHalfLifeDays(const DataSet& data);

// Adds the lists by category to *counted, and the items' categories. Errors:
// INVALID_ARGUMENT for a configured column that does not exist.
absl::Status CountCategories(const DataSet& data,
                             const v1::Popularity& settings,
                             CountedPopularity* counted);

}  // namespace tributary

#endif  // TRIBUTARY_INDEX_TRAIN_POPULARITY_H_
