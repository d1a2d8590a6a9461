#include "index/search/coded_index.h"

#include <algorithm>
#include <array>
#include <utility>

#include "fmt/core.h"
#include "index/bundle/magnitude.h"
#include "index/search/coded_search.h"
#include "status/status_macros.h"

namespace tributary {
namespace {

std::string FileName(const std::string& space, std::string_view array) {
  return fmt::format("{}.ivf.{}.npy", space, array);
}

// The mapped files of a space, and a view of their contents.
struct MappedArrays {
  std::string space;
  NpyArray centroids, blocks, spreads, positions, slots, codewords, codes;
  CodedVectors view;
};

absl::Status OpenArray(const Bundle& bundle, const std::string& name,
                       Dtype dtype, uint64_t rows, uint64_t columns,
                       NpyArray* array) {
  if (!bundle.HasFile(name)) {
    return absl::DataLossError(fmt::format(
        "{}: not in the manifest's files, but the space's index needs it",
        name));
  }
  ASSIGN_OR_RETURN(*array, NpyArray::Open(bundle.dir() / name));
  const NpyHeader& header = array->header();
  if (header.dtype == dtype && header.rows == rows &&
      header.columns == columns) {
    return absl::OkStatus();
  }
  return absl::DataLossError(
      fmt::format("{}: {} [{}, {}], but by the manifest it is {} [{}, {}]",
                  name, DtypeName(header.dtype), header.rows, header.columns,
                  DtypeName(dtype), rows, columns));
}

// Checks that blocks begin at 0 and that every list has at least one.
absl::Status CheckBlocks(const MappedArrays& arrays) {
  const auto blocks = arrays.blocks.elements<uint32_t>();
  const bool grows = std::adjacent_find(blocks.begin(), blocks.end(),
                                        std::greater_equal<>()) == blocks.end();
  if (blocks.front() == 0 && grows) return absl::OkStatus();
  return absl::DataLossError(fmt::format("{}: not ascending from 0",
                                         FileName(arrays.space, "blocks")));
}

absl::Status OpenLists(const Bundle& bundle, const v1::EmbeddingSpace& spec,
                       MappedArrays* arrays) {
  const uint32_t lists = spec.index().lists();
  if (lists == 0 || spec.index().code_dims() == 0 ||
      spec.index().code_dims() > kMaxDim || spec.index().probes() == 0 ||
      spec.index().measured_n() == 0) {
    return absl::DataLossError(fmt::format(
        "{}: space {}: index.lists, code_dims (to {}), probes and measured_n "
        "must be above 0",
        kManifestName, spec.name(), kMaxDim));
  }
  RETURN_IF_ERROR(OpenArray(bundle, FileName(spec.name(), "centroids"),
                            Dtype::kFloat32, lists, spec.dim(),
                            &arrays->centroids));
  RETURN_IF_ERROR(OpenArray(bundle, FileName(spec.name(), "blocks"),
                            Dtype::kUint32, uint64_t{lists} + 1, 1,
                            &arrays->blocks));
  RETURN_IF_ERROR(OpenArray(bundle, FileName(spec.name(), "spreads"),
                            Dtype::kFloat32, lists, 1, &arrays->spreads));
  return CheckBlocks(*arrays);
}

absl::Status OpenCodes(const Bundle& bundle, const v1::EmbeddingSpace& spec,
                       MappedArrays* arrays) {
  const uint32_t code_dims = spec.index().code_dims();
  const uint32_t codes = CodesFor(spec.dim(), code_dims);
  const uint64_t blocks = arrays->blocks.elements<uint32_t>().back();
  if (codes > kMaxCodes) {
    return absl::DataLossError(
        fmt::format("{}: space {}: index.code_dims {} makes {} codes of a "
                    "vector, more than {}",
                    kManifestName, spec.name(), code_dims, codes, kMaxCodes));
  }
  RETURN_IF_ERROR(OpenArray(bundle, FileName(spec.name(), "positions"),
                            Dtype::kUint32, blocks * kBlockItems, 1,
                            &arrays->positions));
  // Code slots are numbers of 32 bits.
  if (blocks > kNoPosition / kBlockItems) {
    return absl::DataLossError(fmt::format("{}: {} blocks, expected at most {}",
                                           FileName(spec.name(), "blocks"),
                                           blocks, kNoPosition / kBlockItems));
  }
  RETURN_IF_ERROR(OpenArray(bundle, FileName(spec.name(), "places"),
                            Dtype::kUint32, spec.item_vectors(), 1,
                            &arrays->slots));
  RETURN_IF_ERROR(
      OpenArray(bundle, FileName(spec.name(), "codebooks"), Dtype::kFloat32,
                codes, uint64_t{code_dims} * kCodewords, &arrays->codewords));
  return OpenArray(bundle, FileName(spec.name(), "codes"), Dtype::kUint8,
                   blocks, uint64_t{codes / 2} * kBlockItems, &arrays->codes);
}

absl::StatusOr<MappedArrays> OpenArrays(const Bundle& bundle,
                                        const v1::EmbeddingSpace& spec) {
  MappedArrays arrays;
  arrays.space = spec.name();
  RETURN_IF_ERROR(OpenLists(bundle, spec, &arrays));
  RETURN_IF_ERROR(OpenCodes(bundle, spec, &arrays));
  arrays.view = {arrays.centroids.elements<float>(),
                 arrays.blocks.elements<uint32_t>(),
                 arrays.spreads.elements<float>(),
                 arrays.positions.elements<uint32_t>(),
                 arrays.slots.elements<uint32_t>(),
                 {spec.dim(), spec.index().code_dims(),
                  arrays.codewords.elements<float>()},
                 arrays.codes.elements<uint8_t>()};
  return arrays;
}

class CodedIndex : public VectorIndex {
 public:
  CodedIndex(const EmbeddingSpace& space, MappedArrays arrays)
      : items_(space.items),
        arrays_(std::move(arrays)),
        searcher_(
            arrays_.view, ViewOf(items_),
            {.n = space.spec->index().measured_n(),
             .probes = space.spec->index().probes(),
             .reranked = space.spec->index().reranked(),
             .small_n_exponent = space.spec->index().small_n_exponent()}) {}

  absl::Status Search(std::span<const float> query, uint32_t n,
                      const RowFilter& filter, const SearchTerms& terms,
                      std::vector<ScoredRow>* hits) const override {
    thread_local std::vector<uint32_t> positions;
    FindPositions(items_, filter.excluded, &positions);
    if (filter.allowed != nullptr) {
      RETURN_IF_ERROR(searcher_.SearchAllowed(
          query, n, static_cast<const AllowedSlots&>(*filter.allowed),
          positions, terms, hits));
    } else {
      RETURN_IF_ERROR(searcher_.Search(query, n, positions, terms, hits));
    }
    // Positions ascend with rows, so mapping them keeps the order of ties.
    for (ScoredRow& hit : *hits) hit.row = items_.row(hit.row);
    return absl::OkStatus();
  }

  std::unique_ptr<const AllowedVectors> Allow(
      const RowSet& rows) const override {
    auto allowed = std::make_unique<AllowedSlots>(items_, rows);
    searcher_.Allow(allowed.get());
    return allowed;
  }

  absl::Status CheckContents() const override;

  uint32_t expected_us(uint32_t n) const override {
    return static_cast<uint32_t>(searcher_.ExpectedNs(n) / 1000) + 1;
  }

 private:
  const VectorTable& items_;
  const MappedArrays arrays_;
  const CodedSearcher searcher_;
};

absl::Status CheckUsable(std::span<const float> values,
                         const std::string& file) {
  const std::optional<size_t> bad = FindUnusable(values);
  if (!bad.has_value()) return absl::OkStatus();
  return absl::DataLossError(fmt::format("{}: value {} is {}", file, *bad,
                                         DescribeUnusable(values[*bad])));
}

// Checks that `slots` and `positions` are inverse to each other, that empty
// slots are at the end of their list, and that no list is empty.
absl::Status CheckSlots(const MappedArrays& arrays) {
  const CodedVectors& view = arrays.view;
  for (size_t i = 0; i < view.slots.size(); ++i) {
    const uint32_t slot = view.slots[i];
    if (slot >= view.positions.size() || view.positions[slot] != i) {
      return absl::DataLossError(
          fmt::format("{}: slot {} of vector {} does not hold that vector",
                      FileName(arrays.space, "places"), slot, i));
    }
  }
  uint64_t filled = 0;
  for (uint32_t list = 0; list < view.lists(); ++list) {
    const auto begin =
        view.positions.begin() + int64_t{view.blocks[list]} * kBlockItems;
    const auto end =
        view.positions.begin() + int64_t{view.blocks[list + 1]} * kBlockItems;
    const auto first_empty = std::find(begin, end, kNoPosition);
    filled += static_cast<uint64_t>(first_empty - begin);
    if (first_empty != begin && std::all_of(first_empty, end, [](uint32_t p) {
          return p == kNoPosition;
        })) {
      continue;
    }
    return absl::DataLossError(fmt::format("{}: list {} is empty or has a gap",
                                           FileName(arrays.space, "positions"),
                                           list));
  }
  if (filled == view.slots.size()) return absl::OkStatus();
  return absl::DataLossError(fmt::format("{}: {} vectors, expected {}",
                                         FileName(arrays.space, "positions"),
                                         filled, view.slots.size()));
}

absl::Status CodedIndex::CheckContents() const {
  RETURN_IF_ERROR(CheckUsable(arrays_.view.centroids,
                              FileName(arrays_.space, "centroids")));
  RETURN_IF_ERROR(
      CheckUsable(arrays_.view.spreads, FileName(arrays_.space, "spreads")));
  RETURN_IF_ERROR(CheckUsable(arrays_.view.book.codewords,
                              FileName(arrays_.space, "codebooks")));
  return CheckSlots(arrays_);
}

}  // namespace

absl::Status WriteCodedArrays(const std::string& space,
                              const CodedArrays& arrays, BundleWriter* writer) {
  const uint32_t codes = CodesFor(arrays.dim, arrays.code_dims);
  RETURN_IF_ERROR(writer->AddArray<float>(FileName(space, "centroids"),
                                          arrays.centroids, arrays.dim));
  RETURN_IF_ERROR(
      writer->AddArray<uint32_t>(FileName(space, "blocks"), arrays.blocks));
  RETURN_IF_ERROR(
      writer->AddArray<float>(FileName(space, "spreads"), arrays.spreads));
  RETURN_IF_ERROR(writer->AddArray<uint32_t>(FileName(space, "positions"),
                                             arrays.positions));
  RETURN_IF_ERROR(
      writer->AddArray<uint32_t>(FileName(space, "places"), arrays.slots));
  RETURN_IF_ERROR(
      writer->AddArray<float>(FileName(space, "codebooks"), arrays.codewords,
                              uint64_t{arrays.code_dims} * kCodewords));
  return writer->AddArray<uint8_t>(FileName(space, "codes"), arrays.codes,
                                   uint64_t{codes / 2} * kBlockItems);
}

absl::StatusOr<std::unique_ptr<VectorIndex>> OpenCodedIndex(
    const Bundle& bundle, const EmbeddingSpace& space) {
  ASSIGN_OR_RETURN(MappedArrays arrays, OpenArrays(bundle, *space.spec));
  return std::make_unique<CodedIndex>(space, std::move(arrays));
}

}  // namespace tributary
