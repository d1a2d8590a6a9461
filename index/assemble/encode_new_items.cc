#include "index/assemble/encode_new_items.h"

#include <algorithm>
#include <span>
#include <vector>

#include "fmt/format.h"
#include "index/data/feature_table.h"
#include "index/tower/item_tower.h"
#include "index/train/content/feature_encoder.h"
#include "status/status_macros.h"

namespace tributary {
namespace {

using Kind = FeatureColumn::Kind;

static_assert(kTokenSeparator == kCategorySeparator);

void Append(Row place, std::span<const float> vector, TrainedVectors* vectors) {
  vectors->rows.push_back(place);
  vectors->values.insert(vectors->values.end(), vector.begin(), vector.end());
}

// The items' column that an input reads; nullptr for ids and vectors.
const FeatureColumn* ColumnOf(const v1::FeatureInput& input,
                              const NewItems& items) {
  const Kind kind =
      input.kind() == v1::FeatureInput::NUMBER ? Kind::kNumber : Kind::kTokens;
  const auto found = std::find_if(
      items.columns.begin(), items.columns.end(), [&](const auto& column) {
        return column.kind == kind && column.name == input.column();
      });
  const bool reads = input.kind() != v1::FeatureInput::SPACE_VECTOR &&
                     found != items.columns.end();
  return reads ? &*found : nullptr;
}

// The value of an input for the item at position `place`.
FeatureValue ValueOf(const v1::FeatureInput& input, const FeatureColumn* column,
                     Row place, std::span<const float> content) {
  FeatureValue value;
  if (input.kind() == v1::FeatureInput::SPACE_VECTOR) {
    value.vector = content;
  } else if (column != nullptr && column->kind == Kind::kNumber) {
    value.number = column->numbers[place];
  } else if (column != nullptr) {
    value.categories = column->text[place];
  }
  return value;
}

absl::Status CheckVectorInputs(const Bundle& bundle,
                               const EmbeddingSpace& space) {
  const EmbeddingSpace* const encoded = FindEncodedSpace(bundle);
  const auto& inputs = space.spec->item_tower().features();
  for (int i = 0; i < inputs.size(); ++i) {
    if (inputs[i].kind() != v1::FeatureInput::SPACE_VECTOR) continue;
    if (encoded != nullptr && inputs[i].column() == encoded->spec->name() &&
        inputs[i].dim() == encoded->spec->dim()) {
      continue;
    }
    return absl::FailedPreconditionError(fmt::format(
        "spaces[\"{}\"].itemTower.features[{}]: vectors of \"{}\" with {} "
        "numbers, expected those of the space with a feature encoder: other "
        "spaces have none for new items yet",
        space.spec->name(), i, inputs[i].column(), inputs[i].dim()));
  }
  return absl::OkStatus();
}

}  // namespace

TrainedVectors EncodeByFeatures(const EmbeddingSpace& space,
                                const NewItems& items) {
  const FeatureEncoder encoder(space);
  const auto columns =
      std::span(items.columns)
          .first(static_cast<size_t>(encoder.spec().columns_size()));
  TrainedVectors vectors;
  std::vector<float> vector(space.spec->dim());
  for (Row place = 0; place < items.keys.size(); ++place) {
    if (encoder.Encode(columns, place, vector)) Append(place, vector, &vectors);
  }
  return vectors;
}

absl::StatusOr<TrainedVectors> EncodeByTower(const Bundle& bundle,
                                             const EmbeddingSpace& space,
                                             const NewItems& items,
                                             const TrainedVectors& content) {
  RETURN_IF_ERROR(CheckVectorInputs(bundle, space));
  ASSIGN_OR_RETURN(const auto tower, ItemTower::Open(bundle, space));
  const auto inputs = tower->inputs();
  std::vector<const FeatureColumn*> columns;
  for (const auto* input : inputs) columns.push_back(ColumnOf(*input, items));
  TrainedVectors vectors;
  std::vector<FeatureValue> values(inputs.size());
  std::vector<float> vector;
  const std::span<const float> all(content.values);
  const size_t content_dim =
      content.rows.empty() ? 0 : all.size() / content.rows.size();
  size_t next = 0;
  for (Row place = 0; place < items.keys.size(); ++place) {
    std::span<const float> of_item;
    if (next < content.rows.size() && content.rows[next] == place) {
      of_item = all.subspan(next++ * content_dim, content_dim);
    }
    for (size_t i = 0; i < inputs.size(); ++i) {
      values[i] = ValueOf(*inputs[i], columns[i], place, of_item);
    }
    if (tower->Encode(values, &vector)) Append(place, vector, &vectors);
  }
  return vectors;
}

}  // namespace tributary
