#include "index/train/content/feature_encoder.h"

#include <vector>

#include "index/data/feature_table.h"

namespace tributary {

static_assert(kTokenSeparator == kCategorySeparator);

bool FeatureEncoder::Encode(std::span<const FeatureColumn> columns, size_t row,
                            std::span<float> vector) const {
  std::vector<FeatureValue> values(columns.size());
  for (size_t i = 0; i < columns.size(); ++i) {
    if (columns[i].kind == FeatureColumn::Kind::kNumber) {
      values[i].number = columns[i].numbers[row];
    } else {
      values[i].categories = columns[i].text[row];
    }
  }
  return encoder_.Encode(values, vector);
}

}  // namespace tributary
