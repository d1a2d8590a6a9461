#ifndef TRIBUTARY_INDEX_DATA_FEEDBACK_SUMMARY_H_
#define TRIBUTARY_INDEX_DATA_FEEDBACK_SUMMARY_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace tributary {

// What the repeats of a user and an item, and the days of a user, may add up
// to.
struct FeedbackLimits {
  // See v1::Feedback; 0: no limit.
  uint32_t max_per_user_item_day = 1;
  double max_repeats = 1;
  // How many interactions of one user, with whatever items, count on one day;
  // without times, in all. 0: no limit.
  uint32_t max_per_user_day = 0;
  // Whether the newest interaction of a user and an item decides whether the
  // user wants the item, as with ratings, where a later one replaces earlier
  // ones. Otherwise a user who wanted an item once still wants it.
  bool newest_decides = false;
};

// The weight that an interaction would have if limits did not reduce it.
struct LimitedWeight {
  uint32_t record;
  float weight;
};

// The values of a column of ratings.
struct RatingScale {
  float low = 0;
  float high = 0;
  // The highest rating that is not positive.
  float highest_negative = 0;
};

// What was made of the interactions of a data set.
struct FeedbackSummary {
  // Interactions by what they say, before repeats are limited.
  uint64_t positives = 0;
  uint64_t negatives = 0;
  uint64_t seen_only = 0;
  // Interactions whose weight a limit on repeats reduced.
  uint64_t limited = 0;
  // Set when the values were recognised as ratings.
  std::optional<RatingScale> ratings;
  // The conditions as they were configured; "": not configured.
  std::string positive;
  std::string negative;

  // The types of event that occur. `listed`: the configuration has a weight.
  struct Type {
    std::string name;
    uint64_t count = 0;
    double weight = 1;
    bool listed = false;
  };
  std::vector<Type> types;
  // Types that have a weight in the configuration and do not occur.
  std::vector<std::string> absent_types;
};

}  // namespace tributary

#endif  // TRIBUTARY_INDEX_DATA_FEEDBACK_SUMMARY_H_
