#include "index/search/allowed_vectors.h"

#include <algorithm>
#include <array>
#include <bit>
#include <utility>

#include "index/bundle/row.h"
#include "index/search/count_bits.h"
#include "index/search/gather_bits.h"

namespace tributary {
namespace {

// Calls `take` with each member of the set, ascending.
template <typename Take>
void ForEach(const RowSet& set, const Take& take) {
  const std::span<const uint64_t> words = set.words();
  for (size_t w = 0; w < words.size(); ++w) {
    for (uint64_t bits = words[w]; bits != 0; bits &= bits - 1) {
      take(static_cast<uint32_t>(w * 64 +
                                 static_cast<size_t>(std::countr_zero(bits))));
    }
  }
}

// Sets the bits of the positions whose rows are in the set.
void GatherRows(const VectorTable& table, const RowSet& rows,
                std::span<uint64_t> words) {
  if (rows.size() == 0) return;
  constexpr size_t kWords = 16;
  std::array<uint32_t, kWords * 64> of;
  for (size_t w = 0; w < words.size(); w += kWords) {
    const size_t some = std::min(kWords, words.size() - w);
    for (size_t i = 0; i < some * 64; ++i) {
      const uint64_t position = w * 64 + i;
      of[i] = position < table.size() ? table.row(position) : kNoRow;
    }
    GatherBits(rows.words(), {of.data(), some * 64}, words.subspan(w, some));
  }
}

}  // namespace

AllowedVectors::AllowedVectors(RowSet allowed_positions)
    : positions(std::move(allowed_positions)) {
  CountPositions();
}

AllowedVectors::AllowedVectors(const VectorTable& table, const RowSet& rows) {
  if (table.size() == rows.size()) {
    // Every row has a vector: positions are rows.
    positions = rows;
  } else {
    positions = RowSet(table.size());
    GatherRows(table, rows, positions.mutable_words());
  }
  CountPositions();
}

void AllowedVectors::CountPositions() {
  count = CountBits(positions.words());
  if (count * kVectorsPerFew > positions.size()) return;
  few.reserve(count);
  ForEach(positions, [this](uint32_t position) { few.push_back(position); });
}

uint64_t AllowedVectors::size_bytes() const {
  return sizeof(*this) + positions.words().size_bytes() +
         few.capacity() * sizeof(uint32_t);
}

void ListAllowed(const AllowedVectors& allowed,
                 std::span<const uint32_t> excluded,
                 std::vector<uint32_t>* positions) {
  positions->clear();
  auto next = excluded.begin();
  const auto take = [&](uint32_t position) {
    while (next != excluded.end() && *next < position) ++next;
    if (next == excluded.end() || *next != position) {
      positions->push_back(position);
    }
  };
  if (allowed.few.empty()) {
    ForEach(allowed.positions, take);
  } else {
    std::for_each(allowed.few.begin(), allowed.few.end(), take);
  }
}

}  // namespace tributary
