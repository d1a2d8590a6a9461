#include "index/search/faiss_index.h"

#include <string>
#include <utility>

#include "fmt/core.h"
#include "index/search/faiss_searcher.h"
#include "index/search/flat_scan.h"
#include "status/status_macros.h"

namespace tributary {
namespace {

// Bytes of float32 vectors that Debian's FAISS, compiled for baseline x86-64,
// scans per microsecond while it collects results.
constexpr double kFaissBytesPerUs = 6'000;
// If fewer than one of this many vectors are allowed, they are scored exactly.
constexpr uint64_t kVectorsPerExact = 10;

class FaissIndex : public VectorIndex {
 public:
  FaissIndex(const VectorTable& items, FaissSearcher searcher)
      : items_(items), searcher_(std::move(searcher)) {}

  absl::Status Search(std::span<const float> query, uint32_t n,
                      const RowFilter& filter, const SearchTerms& terms,
                      std::vector<ScoredRow>* hits) const override {
    RETURN_IF_ERROR(CheckQuery(query, items_.dim()));
    if (terms.Over()) {
      return absl::DeadlineExceededError("the deadline passed before a search");
    }
    thread_local std::vector<uint32_t> positions;
    FindPositions(items_, filter.excluded, &positions);
    if (filter.allowed != nullptr && IsExact(*filter.allowed)) {
      RETURN_IF_ERROR(FlatScanAllowed(ViewOf(items_), query, n, *filter.allowed,
                                      positions, terms, hits));
    } else {
      RETURN_IF_ERROR(searcher_.Search(query, n, positions, filter.allowed,
                                       hits, terms.effort));
    }
    // Positions ascend with rows, so mapping them keeps the order of ties.
    for (ScoredRow& hit : *hits) hit.row = items_.row(hit.row);
    return absl::OkStatus();
  }

  std::unique_ptr<const AllowedVectors> Allow(
      const RowSet& rows) const override {
    return std::make_unique<AllowedVectors>(items_, rows);
  }

  uint32_t expected_us(uint32_t n) const override {
    const double bytes = sizeof(float) * static_cast<double>(items_.dim()) *
                         static_cast<double>(items_.size());
    return static_cast<uint32_t>(bytes * searcher_.scanned_share(n) /
                                 kFaissBytesPerUs) +
           1;
  }

 private:
  // Whether the allowed vectors are scored one by one: where FAISS takes no
  // filter, and where so few are allowed that a graph or the probed lists would
  // hardly lead to them.
  bool IsExact(const AllowedVectors& allowed) const {
    return !searcher_.takes_filter() ||
           allowed.count * kVectorsPerExact < items_.size();
  }

  const VectorTable& items_;
  const FaissSearcher searcher_;
};

absl::Status CheckAgainstManifest(const FaissSearcher& searcher,
                                  const v1::EmbeddingSpace& spec,
                                  const std::string& file) {
  if (searcher.dim() != spec.dim()) {
    return absl::DataLossError(
        fmt::format("{}: dim is {}, but the manifest says {}", file,
                    searcher.dim(), spec.dim()));
  }
  if (searcher.size() != spec.item_vectors()) {
    return absl::DataLossError(
        fmt::format("{}: count is {}, but the manifest says item_vectors {}",
                    file, searcher.size(), spec.item_vectors()));
  }
  if (!searcher.is_inner_product()) {
    return absl::DataLossError(fmt::format(
        "{}: metric is not inner product, but the manifest's metric {} is "
        "searched by inner product",
        file, v1::Metric_Name(spec.metric())));
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<std::unique_ptr<VectorIndex>> OpenFaissIndex(
    const Bundle& bundle, const EmbeddingSpace& space) {
  const std::string file = space.spec->name() + ".index";
  if (!bundle.HasFile(file)) {
    return absl::DataLossError(fmt::format(
        "{}: not in the manifest's files, but the space's index is faiss",
        file));
  }
  ASSIGN_OR_RETURN(FaissSearcher searcher,
                   FaissSearcher::Read(bundle.dir() / file));
  RETURN_IF_ERROR(CheckAgainstManifest(searcher, *space.spec, file));
  const v1::IndexSpec& index = space.spec->index();
  searcher.set_effort(searcher.knob() == FaissSearcher::Knob::kEfSearch
                          ? index.ef_search()
                          : index.nprobe());
  return std::make_unique<FaissIndex>(space.items, std::move(searcher));
}

}  // namespace tributary
