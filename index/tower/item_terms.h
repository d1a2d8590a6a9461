// An item's features as weighted terms. Training and encoding later items share
// this code, so that both see equal terms.
#ifndef TRIBUTARY_INDEX_TOWER_ITEM_TERMS_H_
#define TRIBUTARY_INDEX_TOWER_ITEM_TERMS_H_

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "index/bundle/key_table.h"
#include "index/tower/words.h"
#include "tributary/v1/manifest.pb.h"

namespace tributary {

// A term's number, with its count or its weight.
struct ItemTerm {
  uint32_t term;
  float weight;
};

// An item's value of a column: text, or categories, separated by
// kCategorySeparator.
struct TermsColumn {
  std::string_view name;
  bool is_text = false;
  std::string_view value;
};

// Calls visit() with each occurrence of a term in the value: its words, or
// "<column>=<category>" for each category. A view lives for its call.
void VisitTerms(const TermsColumn& column, WordRules rules,
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

#endif  // TRIBUTARY_INDEX_TOWER_ITEM_TERMS_H_
