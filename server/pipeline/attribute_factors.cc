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
  added_ = nullptr;
}

bool AttributeFactors::Boosts(const Boost& boost, Row row) const {
  if (!IsAdded(row)) return boost.filter->items.Has(row);
  return boost.passing_added != nullptr &&
         boost.passing_added->Has(row - added_->first());
}

std::optional<double> AttributeFactors::TimeOf(Row row) const {
  if (IsAdded(row)) {
    const ItemValue& time = added_->values(row)[number_];
    if (!time.exists) return std::nullopt;
    return static_cast<double>(time.integer);
  }
  const uint32_t code = decay_.column->CodeOf(row);
  if (code == decay_.column->values()) return std::nullopt;
  return decay_.column->Number(code);
}

double AttributeFactors::DecayOf(Row row) const {
  const std::optional<double> time = TimeOf(row);
  if (!time.has_value()) return 1;
  const double age_days = (decay_.at_ms - *time) / kMillisADay;
  if (age_days <= 0) return 1;
  return std::max(decay_.floor, std::exp2(-age_days / decay_.half_life_days));
}

void AttributeFactors::GetFactors(std::span<const Row> rows,
                                  std::span<float> factors) const {
  for (size_t i = 0; i < rows.size(); ++i) {
    double product = 1;
    for (const Boost& boost : boosts_) {
      if (Boosts(boost, rows[i])) product *= boost.factor;
    }
    if (decay_.column != nullptr) product *= DecayOf(rows[i]);
    factors[i] =
        static_cast<float>(std::clamp(product, kLeastFactor, kGreatestFactor));
  }
}

}  // namespace tributary
