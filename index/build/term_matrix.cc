#include "index/build/term_matrix.h"

#include <algorithm>
#include <cmath>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "fmt/format.h"
#include "index/build/feature_table.h"

namespace tributary {
namespace {

// A number at one deviation from the mean weighs this much beside the item's
// terms, which have length 1 together.
constexpr float kNumberWeight = 0.25F;
constexpr float kMaxDeviations = 4;
// The most frequent ones are kept.
constexpr size_t kMaxTerms = 200'000;

struct Entry {
  uint32_t term;
  float value;
};

bool IsWordByte(unsigned char c) {
  return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c >= 0x80;
}

template <typename Visit>
void VisitWords(std::string_view text, std::string* word, Visit visit) {
  word->clear();
  for (const char c : text) {
    const auto lower =
        static_cast<unsigned char>(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
    if (IsWordByte(lower)) {
      word->push_back(static_cast<char>(lower));
    } else if (!word->empty()) {
      visit(std::string_view(*word));
      word->clear();
    }
  }
  if (!word->empty()) visit(std::string_view(*word));
}

template <typename Visit>
void VisitTokens(std::string_view text, const std::string& column,
                 std::string* term, Visit visit) {
  while (!text.empty()) {
    const size_t end = std::min(text.find(kTokenSeparator), text.size());
    // Words have no '='.
    *term = fmt::format("{}={}", column, text.substr(0, end));
    visit(std::string_view(*term));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
}

// Counts terms item by item.
class TermCounter {
 public:
  explicit TermCounter(size_t items) : rows_(items) {}

  void Add(const FeatureColumn& column, float weight) {
    std::string buffer;
    for (size_t item = 0; item < rows_.size(); ++item) {
      const auto add = [&](std::string_view term) {
        rows_[item].push_back({NumberOf(term), weight});
      };
      if (column.kind == FeatureColumn::Kind::kText) {
        VisitWords(column.text[item], &buffer, add);
      } else {
        VisitTokens(column.text[item], column.name, &buffer, add);
      }
    }
  }

  // Terms become columns, counts TF-IDF. Returns the number of columns.
  uint32_t Weigh() {
    for (std::vector<Entry>& row : rows_) MergeTerms(&row);
    const std::vector<uint32_t> columns = ChooseTerms();
    for (std::vector<Entry>& row : rows_) {
      double square = 0;
      std::erase_if(row, [&](const Entry& entry) {
        return columns[entry.term] == kNone;
      });
      for (Entry& entry : row) {
        const double frequency = items_with_[entry.term];
        entry.value = static_cast<float>(
            std::log1p(entry.value) *
            std::log(static_cast<double>(rows_.size()) / frequency));
        entry.term = columns[entry.term];
        square += double{entry.value} * entry.value;
      }
      const auto scale =
          static_cast<float>(square > 0 ? 1 / std::sqrt(square) : 0);
      for (Entry& entry : row) entry.value *= scale;
    }
    return kept_;
  }

  std::vector<std::vector<Entry>>& rows() { return rows_; }

 private:
  static constexpr uint32_t kNone = UINT32_MAX;

  uint32_t NumberOf(std::string_view term) {
    const auto found = numbers_.find(std::string(term));
    if (found != numbers_.end()) return found->second;
    const auto number = static_cast<uint32_t>(numbers_.size());
    numbers_.emplace(term, number);
    return number;
  }

  // Sums the counts of each term, and counts the items it is in.
  void MergeTerms(std::vector<Entry>* row) {
    items_with_.resize(numbers_.size());
    std::sort(row->begin(), row->end(),
              [](const Entry& a, const Entry& b) { return a.term < b.term; });
    std::vector<Entry> merged;
    for (const Entry& entry : *row) {
      if (!merged.empty() && merged.back().term == entry.term) {
        merged.back().value += entry.value;
      } else {
        merged.push_back(entry);
        ++items_with_[entry.term];
      }
    }
    *row = std::move(merged);
  }

  // The column of each term, in the order of their first use; kNone for those
  // that are left out.
  std::vector<uint32_t> ChooseTerms() {
    std::vector<uint32_t> kept;
    for (uint32_t term = 0; term < items_with_.size(); ++term) {
      if (items_with_[term] > 1) kept.push_back(term);
    }
    if (kept.size() > kMaxTerms) {
      std::stable_sort(kept.begin(), kept.end(), [&](uint32_t a, uint32_t b) {
        return items_with_[a] > items_with_[b];
      });
      kept.resize(kMaxTerms);
      std::sort(kept.begin(), kept.end());
    }
    std::vector<uint32_t> columns(items_with_.size(), kNone);
    for (const uint32_t term : kept) columns[term] = kept_++;
    return columns;
  }

  std::vector<std::vector<Entry>> rows_;
  std::unordered_map<std::string, uint32_t> numbers_;
  std::vector<uint32_t> items_with_;
  uint32_t kept_ = 0;
};

// Adds a standardised number column to the rows, as the term `to`.
void AddNumbers(const std::vector<float>& numbers, float weight, uint32_t to,
                std::vector<std::vector<Entry>>* rows) {
  double sum = 0;
  double square = 0;
  double present = 0;
  for (const float x : numbers) {
    if (!std::isfinite(x)) continue;
    sum += x;
    square += double{x} * x;
    ++present;
  }
  const double mean = present > 0 ? sum / present : 0;
  const double variance = present > 0 ? square / present - mean * mean : 0;
  // Not 0: the sums are rounded.
  if (variance <= 1e-9 * mean * mean) return;
  for (size_t item = 0; item < numbers.size(); ++item) {
    if (!std::isfinite(numbers[item])) continue;
    const auto deviations = static_cast<float>((double{numbers[item]} - mean) /
                                               std::sqrt(variance));
    (*rows)[item].push_back(
        {to, kNumberWeight * weight *
                 std::clamp(deviations, -kMaxDeviations, kMaxDeviations)});
  }
}

SparseRows Assemble(const std::vector<std::vector<Entry>>& rows,
                    uint32_t columns) {
  SparseRows matrix(static_cast<Eigen::Index>(rows.size()), columns);
  size_t entries = 0;
  for (const std::vector<Entry>& row : rows) entries += row.size();
  matrix.reserve(static_cast<Eigen::Index>(entries));
  for (size_t i = 0; i < rows.size(); ++i) {
    matrix.startVec(static_cast<Eigen::Index>(i));
    for (const Entry& entry : rows[i]) {
      matrix.insertBack(static_cast<Eigen::Index>(i), entry.term) = entry.value;
    }
  }
  matrix.finalize();
  return matrix;
}

}  // namespace

SparseRows MakeTermMatrix(const DataSet& data,
                          const std::map<std::string, double>& column_weights) {
  const auto weight_of = [&](const FeatureColumn& column) {
    const auto found = column_weights.find(column.name);
    return static_cast<float>(found == column_weights.end() ? 1
                                                            : found->second);
  };
  TermCounter counter(data.items.size());
  for (const FeatureColumn& column : data.item_features) {
    const float weight = weight_of(column);
    if (column.kind != FeatureColumn::Kind::kNumber && weight > 0) {
      counter.Add(column, weight);
    }
  }
  uint32_t columns = counter.Weigh();
  for (const FeatureColumn& column : data.item_features) {
    const float weight = weight_of(column);
    if (column.kind == FeatureColumn::Kind::kNumber && weight > 0) {
      AddNumbers(column.numbers, weight, columns++, &counter.rows());
    }
  }
  return Assemble(counter.rows(), columns);
}

}  // namespace tributary
