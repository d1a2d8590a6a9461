#ifndef TRIBUTARY_INDEX_DATA_SYNTHETIC_DATA_H_
#define TRIBUTARY_INDEX_DATA_SYNTHETIC_DATA_H_

#include <cstdint>
#include <vector>

#include "index/bundle/row.h"
#include "index/data/data_set.h"

namespace tributary {

// The hidden truth behind synthetic data: how much each user wants each item.
// A user's interactions are a draw without replacement from the softmax of
// Logit(user, .) over the items that are not new. Their times are independent
// of the draw. Nobody who has not seen the draw can order a user's remaining
// items better than by Logit: the recall of that order is the ceiling for every
// model that learns from the data.
class SyntheticTruth {
 public:
  static constexpr uint32_t kDim = 16;

  double Logit(Row user, Row item) const;
  // Whether nobody has had the item, so that only its features are known.
  bool IsNew(Row item) const { return is_new_[item]; }

 private:
  friend struct SyntheticWorld;
  std::vector<float> user_factors_;
  std::vector<float> item_factors_;
  std::vector<float> log_popularity_;
  std::vector<bool> is_new_;
};

struct SyntheticData {
  DataSet data;
  SyntheticTruth truth;
};

// Makes 2000 users and 5000 items, a tenth of them new. Each source knows
// something that the others do not: interactions show the users' tastes where
// there are enough of them; features (topic, words, numbers) show a noisy part
// of the items' factors, also of new and rare items; and a few items are wanted
// by everybody (Zipf). Equal seeds give equal data.
SyntheticData MakeSyntheticData(uint64_t seed);

}  // namespace tributary

#endif  // TRIBUTARY_INDEX_DATA_SYNTHETIC_DATA_H_
