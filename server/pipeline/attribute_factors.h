#ifndef TRIBUTARY_SERVER_PIPELINE_ATTRIBUTE_FACTORS_H_
#define TRIBUTARY_SERVER_PIPELINE_ATTRIBUTE_FACTORS_H_

#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "index/bundle/attribute_column.h"
#include "index/filter/filter_cache.h"
#include "server/fusion/fusion.h"
#include "server/retrieval/added_items.h"

namespace tributary {

// The least and the greatest product of an item's factors. Within them, scores
// stay apart: a score that became 0 would lose its place.
inline constexpr double kLeastFactor = 1e-30;
inline constexpr double kGreatestFactor = 1e30;

// What the boosts and the decay of a request multiply scores by. Views the
// bundle. Const methods are thread-safe.
class AttributeFactors final : public RowFactors {
 public:
  // Halves with every `half_life_days` of age, which is counted to `at_ms`,
  // milliseconds since 1970; at least `floor`.
  struct HalfLife {
    const AttributeColumn* column = nullptr;
    double half_life_days = 0;
    double floor = 0;
    double at_ms = 0;
  };

  // Keeps the memory.
  void Clear();
  bool empty() const { return boosts_.empty() && decay_.column == nullptr; }

  // Multiplies the items that pass by `factor`, above 0 and finite.
  // `passing_added` are those of the added items that pass.
  void AddBoost(std::shared_ptr<const ResolvedFilter> filter, double factor,
                std::shared_ptr<const RowSet> passing_added = nullptr) {
    boosts_.push_back({std::move(filter), factor, std::move(passing_added)});
  }
  // REQUIRES: a column of TIME; half_life_days > 0; 0 <= floor <= 1.
  void SetDecay(const HalfLife& decay) { decay_ = decay; }
  // The items that the bundle lacks; `number` is that of decay's column among
  // those of the bundle. They outlive this, or the next Clear.
  void SetAdded(const AddedItems* added, size_t number) {
    added_ = added;
    number_ = number;
  }

  void GetFactors(std::span<const Row> rows,
                  std::span<float> factors) const override;

 private:
  struct Boost {
    std::shared_ptr<const ResolvedFilter> filter;
    double factor;
    std::shared_ptr<const RowSet> passing_added;
  };

  bool IsAdded(Row row) const { return added_ != nullptr && added_->Has(row); }
  // Whether the item's factor is multiplied by the boost's.
  bool Boosts(const Boost& boost, Row row) const;
  // The item's time, in milliseconds since 1970, if it has one.
  std::optional<double> TimeOf(Row row) const;
  double DecayOf(Row row) const;

  std::vector<Boost> boosts_;
  // Without a column: none.
  HalfLife decay_;
  const AddedItems* added_ = nullptr;
  size_t number_ = 0;
};

}  // namespace tributary

#endif  // TRIBUTARY_SERVER_PIPELINE_ATTRIBUTE_FACTORS_H_
