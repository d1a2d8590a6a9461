#include "index/tower/item_terms.h"

#include <algorithm>
#include <cmath>
#include <string>

#include "index/tower/item_tower.h"

namespace tributary {
namespace {

// The weight of a number that is one deviation from the mean. An item's terms
// together have length 1.
constexpr double kNumberWeight = 0.25;
constexpr double kMaxDeviations = 4;

void VisitTokens(std::string_view text, std::string_view column,
                 const WordVisitor& visit) {
  std::string term;
  while (!text.empty()) {
    const size_t end = std::min(text.find(kCategorySeparator), text.size());
    // Words contain no '=', so that they differ from categories.
    term.assign(column).append("=").append(text.substr(0, end));
    visit(term);
    text.remove_prefix(std::min(end + 1, text.size()));
  }
}

}  // namespace

void VisitTerms(const TermsColumn& column, WordRules rules,
                const WordVisitor& visit) {
  if (!column.is_text) {
    VisitTokens(column.value, column.name, visit);
  } else if (rules == WordRules::kUnicode) {
    VisitWords(column.value, visit);
  } else {
    VisitByteWords(column.value, visit);
  }
}

WordRules RulesOf(const KeyTable& terms) {
  for (Row row = 0; row < terms.size(); ++row) {
    const std::string_view term = terms.string(row);
    const bool is_word = term.find('=') == std::string_view::npos;
    if (is_word && !IsUnicodeWord(term)) return WordRules::kBytes;
  }
  return WordRules::kUnicode;
}

void MergeTerms(std::vector<ItemTerm>* terms) {
  std::sort(
      terms->begin(), terms->end(),
      [](const ItemTerm& a, const ItemTerm& b) { return a.term < b.term; });
  std::vector<ItemTerm> merged;
  for (const ItemTerm& entry : *terms) {
    if (!merged.empty() && merged.back().term == entry.term) {
      merged.back().weight += entry.weight;
    } else {
      merged.push_back(entry);
    }
  }
  *terms = std::move(merged);
}

void WeighTerms(std::span<const float> idf, std::vector<ItemTerm>* terms) {
  double square = 0;
  for (ItemTerm& entry : *terms) {
    entry.weight = std::log1p(entry.weight) * idf[entry.term];
    square += double{entry.weight} * entry.weight;
  }
  if (square == 0) return;
  const auto scale = static_cast<float>(1 / std::sqrt(square));
  for (ItemTerm& entry : *terms) entry.weight *= scale;
}

float NumberWeight(const v1::FeatureColumn& column, float number) {
  if (!std::isfinite(number) || column.deviation() == 0) return 0;
  const double deviations = (number - column.mean()) / column.deviation();
  return static_cast<float>(
      kNumberWeight * column.weight() *
      std::clamp(deviations, -kMaxDeviations, kMaxDeviations));
}

}  // namespace tributary
