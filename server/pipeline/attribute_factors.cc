#include "server/pipeline/attribute_factors.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>

namespace tributary {
namespace {

constexpr double kMillisADay = 86'400'000;

}  // namespace

void AttributeFactors::Clear() {
  boosts_.clear();
  decay_ = {};
}

double AttributeFactors::DecayOf(Row row) const {
  const uint32_t code = decay_.column->CodeOf(row);
  if (code == decay_.column->values()) return 1;
  const double age_days =
      (decay_.at_ms - decay_.column->Number(code)) / kMillisADay;
  if (age_days <= 0) return 1;
  return std::max(decay_.floor, std::exp2(-age_days / decay_.half_life_days));
}

void AttributeFactors::GetFactors(std::span<const Row> rows,
                                  std::span<float> factors) const {
  for (size_t i = 0; i < rows.size(); ++i) {
    double product = 1;
    for (const Boost& boost : boosts_) {
      if (boost.filter->items.Has(rows[i])) product *= boost.factor;
    }
    if (decay_.column != nullptr) product *= DecayOf(rows[i]);
    factors[i] =
        static_cast<float>(std::clamp(product, kLeastFactor, kGreatestFactor));
  }
}

}  // namespace tributary
