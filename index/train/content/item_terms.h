// What an item's features say, as weighted terms: the same for the items that
// a feature encoder is made from and for those that it encodes later.
#ifndef TRIBUTARY_INDEX_TRAIN_CONTENT_ITEM_TERMS_H_
#define TRIBUTARY_INDEX_TRAIN_CONTENT_ITEM_TERMS_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string_view>
#include <vector>

#include "index/data/data_set.h"
#include "tributary/v1/manifest.pb.h"

namespace tributary {

// A term by its number, and how often it comes or what it weighs.
struct ItemTerm {
  uint32_t term;
  float weight;
};

// Calls visit() with each term of a row, as often as it comes: the lower-case
// words of a text column (letters and digits of ASCII, and all that is beyond),
// "<column>=<category>" for each category. The views live for the call.
// REQUIRES: the column's kind is not kNumber.
void VisitTerms(const FeatureColumn& column, size_t row,
                const std::function<void(std::string_view)>& visit);

// Sorts an item's terms by number and makes one of those that are equal.
void MergeTerms(std::vector<ItemTerm>* terms);

// Counts become TF-IDF, log(1 + tf) idf, scaled to length 1; all 0 stays 0.
// REQUIRES: every term is below idf.size().
void WeighTerms(std::span<const float> idf, std::vector<ItemTerm>* terms);

// What a number weighs beside an item's terms: standardised by the column's
// mean and deviation. 0 for NaN and infinity, and in a column that is constant.
float NumberWeight(const v1::FeatureColumn& column, float number);

}  // namespace tributary

#endif  // TRIBUTARY_INDEX_TRAIN_CONTENT_ITEM_TERMS_H_
