#include "server/pipeline/space_item_vectors.h"

#include <algorithm>
#include <optional>
#include <vector>

namespace tributary {
namespace {

// How many vectors ahead are prefetched: they lie anywhere in the file.
constexpr size_t kVectorsAhead = 16;
constexpr size_t kCacheLine = 64;

}  // namespace

void SpaceItemVectors::GetVectors(std::span<const Row> rows,
                                  float* vectors) const {
  static thread_local std::vector<std::optional<uint32_t>> positions;
  positions.resize(rows.size());
  const auto is_added = [this](Row row) {
    return added_ != nullptr && added_->Has(row);
  };
  for (size_t i = 0; i < rows.size(); ++i) {
    positions[i] = is_added(rows[i]) ? std::nullopt : items_->Find(rows[i]);
  }
  const bool halves = items_->dtype() == Dtype::kFloat16;
  const size_t vector_bytes = dim() * (halves ? sizeof(Half) : sizeof(float));
  const char* const bytes =
      halves ? reinterpret_cast<const char*>(items_->halves().data())
             : reinterpret_cast<const char*>(items_->floats().data());
  const auto fetch = [&](size_t i) {
    if (!positions[i].has_value()) return;
    const char* const at = bytes + *positions[i] * vector_bytes;
    for (size_t b = 0; b < vector_bytes; b += kCacheLine) {
      __builtin_prefetch(at + b);
    }
  };
  for (size_t i = 0; i < std::min(kVectorsAhead, rows.size()); ++i) fetch(i);
  for (size_t i = 0; i < rows.size(); ++i) {
    if (i + kVectorsAhead < rows.size()) fetch(i + kVectorsAhead);
    float* const vector = vectors + i * dim();
    if (is_added(rows[i])) {
      GetAdded(rows[i], std::span(vector, dim()));
    } else if (positions[i].has_value()) {
      items_->Read(*positions[i], std::span(vector, dim()));
    } else {
      std::fill_n(vector, dim(), 0.0F);
    }
  }
}

void SpaceItemVectors::GetAdded(Row row, std::span<float> vector) const {
  const std::span<const float> own = added_->Vector(number_, row);
  if (own.empty()) {
    std::ranges::fill(vector, 0.0F);
  } else {
    std::ranges::copy(own, vector.begin());
  }
}

}  // namespace tributary
