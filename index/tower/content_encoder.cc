#include "index/tower/content_encoder.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

namespace tributary {

bool ContentEncoder::Encode(std::span<const FeatureValue> values,
                            std::span<float> vector) const {
  const FeatureTables& tables = space_.features;
  std::vector<ItemTerm> terms;
  std::vector<ItemTerm> numbers;
  auto number_row = static_cast<uint32_t>(tables.terms.size());
  for (size_t i = 0; i < values.size(); ++i) {
    const v1::FeatureColumn& column = spec().columns(static_cast<int>(i));
    if (column.weight() == 0) continue;
    if (column.kind() == v1::FeatureColumn::NUMBER) {
      numbers.push_back({number_row++, NumberWeight(column, values[i].number)});
      continue;
    }
    VisitTerms({.name = column.name(),
                .is_text = column.kind() == v1::FeatureColumn::TEXT,
                .value = values[i].categories},
               rules_, [&](std::string_view text) {
                 const Row term = tables.terms.Find(text);
                 if (term == kNoRow) return;
                 terms.push_back({term, static_cast<float>(column.weight())});
               });
  }
  MergeTerms(&terms);
  WeighTerms(tables.idf.elements<float>(), &terms);
  terms.insert(terms.end(), numbers.begin(), numbers.end());
  std::fill(vector.begin(), vector.end(), 0.0f);
  std::vector<float> part(vector.size());
  for (const ItemTerm& term : terms) {
    if (term.weight == 0) continue;
    tables.projection.Read(term.term, part);
    for (size_t d = 0; d < part.size(); ++d) {
      vector[d] += term.weight * part[d];
    }
  }
  // In double: squares of floats overflow, and vanish, in float.
  double square = 0;
  for (const double x : vector) square += x * x;
  const double norm = std::sqrt(square);
  if (!(norm > kShortestContentVector)) return false;
  for (float& x : vector) x = static_cast<float>(x / norm);
  return true;
}

}  // namespace tributary
