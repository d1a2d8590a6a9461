#include "index/train/content/term_matrix.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <string_view>
#include <unordered_map>
#include <utility>

#include "index/tower/item_terms.h"

namespace tributary {
namespace {

// At most this many terms are kept, the most frequent ones.
constexpr size_t kMaxTerms = 200'000;
constexpr uint32_t kNone = UINT32_MAX;

using ItemRows = std::vector<std::vector<ItemTerm>>;

// Counts terms, item by item.
class TermCounter {
 public:
  explicit TermCounter(size_t items) : rows_(items) {}

  void Add(const FeatureColumn& column, float weight) {
    for (size_t item = 0; item < rows_.size(); ++item) {
      VisitTerms({.name = column.name,
                  .is_text = column.kind == FeatureColumn::Kind::kText,
                  .value = column.text[item]},
                 WordRules::kUnicode, [&](std::string_view term) {
                   rows_[item].push_back({NumberOf(term), weight});
                 });
    }
  }

  // Numbers the terms in byte order, weighs them by TF-IDF, and returns the
  // rows.
  ItemRows Weigh(TermMatrix* matrix) {
    items_with_.resize(numbers_.size());
    for (std::vector<ItemTerm>& row : rows_) {
      MergeTerms(&row);
      for (const ItemTerm& entry : row) ++items_with_[entry.term];
    }
    const std::vector<uint32_t> columns = ChooseTerms(matrix);
    for (std::vector<ItemTerm>& row : rows_) {
      std::erase_if(row, [&](const ItemTerm& entry) {
        return columns[entry.term] == kNone;
      });
      for (ItemTerm& entry : row) entry.term = columns[entry.term];
      MergeTerms(&row);
      WeighTerms(matrix->idf, &row);
    }
    return std::move(rows_);
  }

 private:
  uint32_t NumberOf(std::string_view term) {
    const auto found = numbers_.find(std::string(term));
    if (found != numbers_.end()) return found->second;
    const auto number = static_cast<uint32_t>(numbers_.size());
    numbers_.emplace(term, number);
    return number;
  }

  // The terms of more than one item, in byte order. Of too many, the most
  // frequent; of equally frequent ones, the first in byte order.
  std::vector<std::pair<std::string_view, uint32_t>> Kept() const {
    std::vector<std::pair<std::string_view, uint32_t>> kept;
    for (const auto& [term, number] : numbers_) {
      if (items_with_[number] > 1) kept.push_back({term, number});
    }
    std::sort(kept.begin(), kept.end());
    if (kept.size() <= kMaxTerms) return kept;
    std::stable_sort(kept.begin(), kept.end(),
                     [&](const auto& a, const auto& b) {
                       return items_with_[a.second] > items_with_[b.second];
                     });
    kept.resize(kMaxTerms);
    std::sort(kept.begin(), kept.end());
    return kept;
  }

  // By term number: its column, or kNone for a dropped term.
  std::vector<uint32_t> ChooseTerms(TermMatrix* matrix) const {
    std::vector<uint32_t> columns(numbers_.size(), kNone);
    for (const auto& [term, number] : Kept()) {
      columns[number] = static_cast<uint32_t>(matrix->terms.size());
      matrix->terms.emplace_back(term);
      matrix->idf.push_back(static_cast<float>(
          std::log(static_cast<double>(rows_.size()) / items_with_[number])));
    }
    return columns;
  }

  ItemRows rows_;
  std::unordered_map<std::string, uint32_t> numbers_;
  std::vector<uint32_t> items_with_;
};

void Standardise(const std::vector<float>& numbers, v1::FeatureColumn* column) {
  double sum = 0;
  double square = 0;
  double present = 0;
  for (const float x : numbers) {
    if (!std::isfinite(x)) continue;
    sum += x;
    square += double{x} * x;
    ++present;
  }
  if (present == 0) return;
  const double mean = sum / present;
  const double variance = square / present - mean * mean;
  column->set_mean(mean);
  // Compared with a threshold, because the sums are rounded.
  if (variance <= 1e-9 * mean * mean) return;
  column->set_deviation(std::sqrt(variance));
}

v1::FeatureColumn Describe(const FeatureColumn& column, double weight) {
  v1::FeatureColumn described;
  described.set_name(column.name);
  described.set_weight(weight);
  switch (column.kind) {
    case FeatureColumn::Kind::kText:
      described.set_kind(v1::FeatureColumn::TEXT);
      break;
    case FeatureColumn::Kind::kTokens:
      described.set_kind(v1::FeatureColumn::TOKENS);
      break;
    case FeatureColumn::Kind::kNumber:
      described.set_kind(v1::FeatureColumn::NUMBER);
      Standardise(column.numbers, &described);
      break;
  }
  return described;
}

SparseRows Assemble(const ItemRows& rows, uint32_t columns) {
  SparseRows matrix(static_cast<Eigen::Index>(rows.size()), columns);
  size_t entries = 0;
  for (const std::vector<ItemTerm>& row : rows) entries += row.size();
  matrix.reserve(static_cast<Eigen::Index>(entries));
  for (size_t i = 0; i < rows.size(); ++i) {
    matrix.startVec(static_cast<Eigen::Index>(i));
    for (const ItemTerm& entry : rows[i]) {
      matrix.insertBack(static_cast<Eigen::Index>(i), entry.term) =
          entry.weight;
    }
  }
  matrix.finalize();
  return matrix;
}

}  // namespace

TermMatrix MakeTermMatrix(const DataSet& data,
                          const std::map<std::string, double>& column_weights) {
  TermMatrix matrix;
  TermCounter counter(data.items.size());
  for (const FeatureColumn& column : data.item_features) {
    const auto found = column_weights.find(column.name);
    const double weight = found == column_weights.end() ? 1 : found->second;
    *matrix.encoder.add_columns() = Describe(column, weight);
    if (column.kind != FeatureColumn::Kind::kNumber && weight > 0) {
      counter.Add(column, static_cast<float>(weight));
    }
  }
  ItemRows rows = counter.Weigh(&matrix);
  matrix.encoder.set_terms(matrix.terms.size());
  auto to = static_cast<uint32_t>(matrix.terms.size());
  for (size_t i = 0; i < data.item_features.size(); ++i) {
    const v1::FeatureColumn& column =
        matrix.encoder.columns(static_cast<int>(i));
    if (column.kind() != v1::FeatureColumn::NUMBER || column.weight() == 0) {
      continue;
    }
    for (size_t item = 0; item < rows.size(); ++item) {
      const float weight =
          NumberWeight(column, data.item_features[i].numbers[item]);
      if (weight != 0) rows[item].push_back({to, weight});
    }
    ++to;
  }
  matrix.rows = Assemble(rows, to);
  return matrix;
}

}  // namespace tributary
