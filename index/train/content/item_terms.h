// An item's features as weighted terms. Training and encoding later items share
// this code, so that both see equal terms.
#ifndef TRIBUTARY_INDEX_TRAIN_CONTENT_ITEM_TERMS_H_
#define TRIBUTARY_INDEX_TRAIN_CONTENT_ITEM_TERMS_H_

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "index/bundle/key_table.h"
#include "index/data/data_set.h"
#include "index/train/content/words.h"
#include "tributary/v1/manifest.pb.h"

namespace tributary {

// A term's number, with its count or its weight.
struct ItemTerm {
  uint32_t term;
  float weight;
};

// Calls visit() with each occurrence of a term in a row: the words of a text
// column, or "<column>=<category>" for each category. A view lives for its
// call. REQUIRES: the column's kind is not kNumber.
void VisitTerms(const FeatureColumn& column, size_t row, WordRules rules,
                const WordVisitor& visit);

// The rules by which an encoder's terms were made. A table of words that either
// rule gives counts as made by Unicode's.
WordRules RulesOf(const KeyTable& terms);

// Sorts an item's terms by number and merges equal ones, adding their counts.
void MergeTerms(std::vector<ItemTerm>* terms);

// Turns counts tf into TF-IDF weights log(1 + tf) * idf, scaled to length 1. A
// row of zeros stays 0.
// REQUIRES: every term is below idf.size().
void WeighTerms(std::span<const float> idf, std::vector<ItemTerm>* terms);

// The weight of a number beside an item's terms: the number minus the column's
// mean, over its deviation, times a constant. 0 for NaN, for infinities, and in
// a constant column.
float NumberWeight(const v1::FeatureColumn& column, float number);

}  // namespace tributary

#endif  // TRIBUTARY_INDEX_TRAIN_CONTENT_ITEM_TERMS_H_
