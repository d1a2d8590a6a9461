#ifndef TRIBUTARY_SERVER_PIPELINE_ATTRIBUTE_FACTORS_H_
#define TRIBUTARY_SERVER_PIPELINE_ATTRIBUTE_FACTORS_H_

#include <memory>
#include <span>
#include <vector>

#include "index/bundle/attribute_column.h"
#include "index/filter/filter_cache.h"
#include "server/fusion/fusion.h"

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
  void AddBoost(std::shared_ptr<const ResolvedFilter> filter, double factor) {
    boosts_.push_back({std::move(filter), factor});
  }
  // REQUIRES: a column of TIME; half_life_days > 0; 0 <= floor <= 1.
  void SetDecay(const HalfLife& decay) { decay_ = decay; }

  void GetFactors(std::span<const Row> rows,
                  std::span<float> factors) const override;

 private:
  struct Boost {
    std::shared_ptr<const ResolvedFilter> filter;
    double factor;
  };

  double DecayOf(Row row) const;

  std::vector<Boost> boosts_;
  // Without a column: none.
  HalfLife decay_;
};

}  // namespace tributary

#endif  // TRIBUTARY_SERVER_PIPELINE_ATTRIBUTE_FACTORS_H_
