// What an interaction says: from values, types and times to weights.
#ifndef TRIBUTARY_INDEX_DATA_FEEDBACK_H_
#define TRIBUTARY_INDEX_DATA_FEEDBACK_H_

#include <functional>
#include <span>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "index/data/data_set.h"
#include "tributary/v1/config.pb.h"

namespace tributary {

// Sets the weights of all interactions by the data's values, types and times,
// and data->limits, limited and feedback:
//
//   - An event of a type with a weight of 0 is seen only, and below 0 negative.
//   - Otherwise the conditions on the value say whether it is positive,
//     negative, or neither, which is seen only. Without conditions it is
//     positive above 0 and negative below 0; in a column of ratings it is
//     positive above the lowest fifth of the scale, negative in it, and 0 is
//     neither.
//   - The weight is the type's, times the value's for positive ones (see
//     v1::Feedback.value_weight), times 2^(-age / half-life).
//   - Then LimitRepeats.
//
// Errors, which name the field: INVALID_ARGUMENT for a condition that cannot be
// read, for conditions that both hold for a value of the data, for an unknown
// value_weight, for a value_weight when a positive value is 0 or less, and for
// a weight that is not finite. REQUIRES: the interactions are those that the
// data were read with, all of them.
absl::Status ApplyFeedback(const v1::Feedback& feedback, DataSet* data);

// Reduces weights where a user has an item several times, so that they add up
// to what the user says of the item, and where a user has too much on one day:
//
//   - Where there is a positive interaction, negative ones become 0; or, with
//     limits.newest_decides, those of the other sign than the newest.
//   - Of each day (UTC), the max_per_user_item_day largest weights are kept.
//   - From the newest back, weights are kept until they add up to max_repeats
//     times the largest.
//   - Of each day of the user, the max_per_user_day largest weights are kept.
//
// Interactions that lost weight remain as seen. REQUIRES: `of_user` are one
// user's, in the order of DataSet. Calls limited(interaction, weight before)
// for each that is reduced.
void LimitRepeats(
    const FeedbackLimits& limits, std::span<Interaction> of_user,
    const std::function<void(const Interaction&, float)>& limited);

// LimitRepeats for every user. Appends what was reduced to *limited, unless
// null.
void LimitAllRepeats(DataSet* data, std::vector<LimitedWeight>* limited);

// Gives interactions of the data the weights that they had before LimitRepeats.
void RestoreWeights(const DataSet& data, std::span<Interaction> interactions);

// Whether the interaction shows an item that the user did not want: it is
// negative, or an impression of value 0.
bool IsRejected(const DataSet& data, const Interaction& interaction);

// What was made of the interactions, in sentences for the person who builds.
std::vector<std::string> Describe(const FeedbackSummary& summary);

}  // namespace tributary

#endif  // TRIBUTARY_INDEX_DATA_FEEDBACK_H_
