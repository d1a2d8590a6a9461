#include <algorithm>
#include <memory>

#include "index/search/flat_scan.h"
#include "index/search/vector_index.h"
#include "status/status_macros.h"

namespace tributary {
namespace {

// Bytes of vectors that one core scores per microsecond. A low estimate: the
// mapped file is rarely in the cache, and other cores share the memory
// bandwidth.
constexpr uint64_t kBytesPerUs = 10'000;

class FlatIndex : public VectorIndex {
 public:
  explicit FlatIndex(const VectorTable& items)
      : items_(items), vectors_(ViewOf(items)) {}

  absl::Status Search(std::span<const float> query, uint32_t n,
                      const RowFilter& filter, const SearchTerms& terms,
                      std::vector<ScoredRow>* hits) const override {
    thread_local std::vector<uint32_t> positions;
    FindPositions(items_, filter.excluded, &positions);
    if (filter.allowed != nullptr) {
      RETURN_IF_ERROR(FlatScanAllowed(vectors_, query, n, *filter.allowed,
                                      positions, terms, hits));
    } else {
      RETURN_IF_ERROR(FlatScan(vectors_, query, n, positions, terms, hits));
    }
    // Positions ascend with rows, so mapping them keeps the order of ties.
    for (ScoredRow& hit : *hits) hit.row = items_.row(hit.row);
    return absl::OkStatus();
  }

  std::unique_ptr<const AllowedVectors> Allow(
      const RowSet& rows) const override {
    return std::make_unique<AllowedVectors>(items_, rows);
  }

  uint32_t expected_us(uint32_t /*n*/) const override {
    return static_cast<uint32_t>(items_.size_bytes() / kBytesPerUs) + 1;
  }

 private:
  const VectorTable& items_;
  const StoredVectors vectors_;
};

}  // namespace

std::unique_ptr<VectorIndex> MakeFlatIndex(const VectorTable& items) {
  return std::make_unique<FlatIndex>(items);
}

}  // namespace tributary
