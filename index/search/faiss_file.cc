#include "index/search/faiss_file.h"

#include <algorithm>
#include <iterator>
#include <string>
#include <utility>

#include "fmt/core.h"
#include "index/search/faiss_bytes.h"
#include "index/search/faiss_parts.h"
#include "index/search/fourcc.h"
#include "text/quoted.h"

namespace tributary {
namespace {

// An index in an index, in an index; factories nest no deeper.
constexpr int kMaxDepth = 6;
constexpr int kMaxTransforms = 16;
// IndexRefine takes this many times as many candidates as it is asked for, at
// most; it allocates memory for them in every search.
constexpr float kMaxRefineFactor = 256;
constexpr uint64_t kMaxBlockItems = 1024;
constexpr uint32_t kMaxPartBits = 16;
constexpr uint32_t kFastScanBits = 4;

enum class FaissKind {
  kFlat,
  kScalar,
  kProduct,
  kFastScan,
  kLists,
  kGraph,
  kRefine,
  kTransform,
  kMap,
};

struct FaissType {
  uint32_t number;
  std::string_view name;
  FaissKind kind;
};

constexpr FaissType kAccepted[] = {
    {FourCc("IxFI"), "IndexFlatIP", FaissKind::kFlat},
    {FourCc("IxF2"), "IndexFlatL2", FaissKind::kFlat},
    {FourCc("IxFl"), "IndexFlat", FaissKind::kFlat},
    {FourCc("IxSQ"), "IndexScalarQuantizer", FaissKind::kScalar},
    {FourCc("IxPq"), "IndexPQ", FaissKind::kProduct},
    {FourCc("IPfs"), "IndexPQFastScan", FaissKind::kFastScan},
    {FourCc("IwFl"), "IndexIVFFlat", FaissKind::kLists},
    {FourCc("IwSq"), "IndexIVFScalarQuantizer", FaissKind::kLists},
    {FourCc("IwPQ"), "IndexIVFPQ", FaissKind::kLists},
    {FourCc("IwPf"), "IndexIVFPQFastScan", FaissKind::kLists},
    {FourCc("IHNf"), "IndexHNSWFlat", FaissKind::kGraph},
    {FourCc("IHNs"), "IndexHNSWSQ", FaissKind::kGraph},
    {FourCc("IxRF"), "IndexRefine", FaissKind::kRefine},
    {FourCc("IxPT"), "IndexPreTransform", FaissKind::kTransform},
    {FourCc("IxMp"), "IndexIDMap", FaissKind::kMap},
    {FourCc("IxM2"), "IndexIDMap2", FaissKind::kMap},
};

// Types that are refused, so that errors have their names.
constexpr std::pair<std::string_view, std::string_view> kRefused[] = {
    {"IxHE", "IndexLSH"},
    {"IxHe", "IndexLSH"},
    {"IxPQ", "IndexPQ of an old format"},
    {"IxPo", "IndexPQ of an old format"},
    {"IxRQ", "IndexResidualQuantizer"},
    {"IxRq", "IndexResidualQuantizer"},
    {"IxLS", "IndexLocalSearchQuantizer"},
    {"IxPR", "IndexProductResidualQuantizer"},
    {"IxPL", "IndexProductLocalSearchQuantizer"},
    {"ImRQ", "ResidualCoarseQuantizer"},
    {"Imiq", "MultiIndexQuantizer"},
    {"ILfs", "IndexLocalSearchQuantizerFastScan"},
    {"IRfs", "IndexResidualQuantizerFastScan"},
    {"IPRf", "IndexProductResidualQuantizerFastScan"},
    {"IPLf", "IndexProductLocalSearchQuantizerFastScan"},
    {"IVLf", "IndexIVFLocalSearchQuantizerFastScan"},
    {"IVRf", "IndexIVFResidualQuantizerFastScan"},
    {"NPLf", "IndexIVFProductLocalSearchQuantizerFastScan"},
    {"NPRf", "IndexIVFProductResidualQuantizerFastScan"},
    {"IvFl", "IndexIVFFlat of an old format"},
    {"IvFL", "IndexIVFFlat of an old format"},
    {"IwFd", "IndexIVFFlatDedup"},
    {"IxLa", "IndexLattice"},
    {"IvSQ", "IndexIVFScalarQuantizer of an old format"},
    {"IwSQ", "IndexIVFScalarQuantizer of an old format"},
    {"IwLS", "IndexIVFLocalSearchQuantizer"},
    {"IwRQ", "IndexIVFResidualQuantizer"},
    {"IwPL", "IndexIVFProductLocalSearchQuantizer"},
    {"IwPR", "IndexIVFProductResidualQuantizer"},
    {"IwSh", "IndexIVFSpectralHash"},
    {"IvPQ", "IndexIVFPQ of an old format"},
    {"IvQR", "IndexIVFPQR"},
    {"IwQR", "IndexIVFPQR"},
    {"Ix2L", "Index2Layer"},
    {"IHNp", "IndexHNSWPQ"},
    {"IHN2", "IndexHNSW2Level"},
    {"INSf", "IndexNSGFlat"},
    {"INSp", "IndexNSGPQ"},
    {"INSs", "IndexNSGSQ"},
    {"INNf", "IndexNNDescentFlat"},
    {"IRMf", "IndexRowwiseMinMaxFP16"},
    {"IRMh", "IndexRowwiseMinMax"},
    {"IBxF", "IndexBinaryFlat"},
    {"IBwF", "IndexBinaryIVF"},
    {"IBFf", "IndexBinaryFromFloat"},
    {"IBHf", "IndexBinaryHNSW"},
    {"IBMp", "IndexBinaryIDMap"},
    {"IBM2", "IndexBinaryIDMap2"},
    {"IBHh", "IndexBinaryHash"},
    {"IBHm", "IndexBinaryMultiHash"},
};

std::string AcceptedNames() {
  std::string names;
  for (const FaissType& type : kAccepted) {
    names += (names.empty() ? "" : ", ") + std::string(type.name);
  }
  return names;
}

std::string NameOfRefused(uint32_t number) {
  const std::string text = FourCcText(number);
  for (const auto& [four, name] : kRefused) {
    if (four == text) return std::string(name);
  }
  return "an unknown type, " + Quoted(text);
}

// What the index around it needs to know of an index.
struct FaissShape {
  FaissHeader header;
  const FaissType* type = nullptr;
};

// Checks one index, and those within it, by the first bytes.
class FaissIndexes {
 public:
  explicit FaissIndexes(FaissBytes* bytes) : bytes_(*bytes) {}

  FaissShape Take(std::string_view role) {
    if (++depth_ > kMaxDepth) {
      bytes_.Expect(false, "more than {} indexes are within each other",
                    kMaxDepth);
      return {};
    }
    const auto number = bytes_.Take<uint32_t>("type");
    const auto* const type =
        std::find_if(std::begin(kAccepted), std::end(kAccepted),
                     [&](const FaissType& t) { return t.number == number; });
    if (type == std::end(kAccepted)) {
      bytes_.Expect(false, "{}{} is not accepted, only {}", role,
                    NameOfRefused(number), AcceptedNames());
      return {};
    }
    FaissShape shape;
    {
      const FaissBytes::Part part(&bytes_,
                                  fmt::format("{}{}", role, type->name));
      shape = {TakeFaissHeader(&bytes_), type};
      if (bytes_.ok()) TakeBody(shape);
    }
    --depth_;
    return shape;
  }

 private:
  void TakeBody(const FaissShape& shape) {
    switch (shape.type->kind) {
      case FaissKind::kFlat:
        return TakeFlat(shape.header);
      case FaissKind::kScalar:
        return TakeScalar(shape.header);
      case FaissKind::kProduct:
        return TakeProduct(shape.header);
      case FaissKind::kFastScan:
        return TakeFastScan(shape.header);
      case FaissKind::kLists:
        return TakeIvf(shape);
      case FaissKind::kGraph:
        return TakeHnsw(shape);
      case FaissKind::kRefine:
        return TakeRefine(shape.header);
      case FaissKind::kTransform:
        return TakeTransforms(shape.header);
      case FaissKind::kMap:
        return TakeMap(shape.header);
    }
  }

  // An index within another one, of as many vectors and dimensions.
  FaissShape TakeInner(std::string_view role, uint64_t size, uint32_t dim) {
    const FaissShape inner = Take(role);
    bytes_.Expect(inner.header.size == size && inner.header.dim == dim,
                  "{}ntotal is {} and d {}, expected {} and {}", role,
                  inner.header.size, inner.header.dim, size, dim);
    return inner;
  }

  void ExpectKind(const FaissShape& shape, std::string_view role,
                  std::initializer_list<FaissKind> kinds,
                  std::string_view expected) {
    if (!bytes_.ok()) return;
    const bool is_one =
        std::find(kinds.begin(), kinds.end(), shape.type->kind) != kinds.end();
    bytes_.Expect(is_one, "{}is {}, expected {}", role, shape.type->name,
                  expected);
  }

  void ExpectCodesOf(uint64_t found, uint64_t size, uint64_t code_size) {
    bytes_.Expect(found == size * code_size,
                  "codes has {} bytes, expected {}: ntotal {} x code_size {}",
                  found, size * code_size, size, code_size);
  }

  void TakeFlat(const FaissHeader& header) {
    const auto values = bytes_.TakeVector<float>("codes");
    ExpectCodesOf(values.size() * sizeof(float), header.size,
                  header.dim * sizeof(float));
    ExpectFloats(values, "codes", &bytes_);
  }

  void TakeScalar(const FaissHeader& header) {
    const FaissScalarQuantizer sq = TakeScalarQuantizer(header.dim, &bytes_);
    const auto codes = bytes_.TakeVector<uint8_t>("codes");
    ExpectCodesOf(codes.size(), header.size, sq.code_size);
    ExpectScalarCodes(sq, codes, &bytes_);
  }

  void TakeProduct(const FaissHeader& header) {
    const FaissProductQuantizer pq =
        TakeProductQuantizer(header.dim, kMaxPartBits, &bytes_);
    const auto codes = bytes_.TakeVector<uint8_t>("codes");
    ExpectCodesOf(codes.size(), header.size, pq.code_size);
    const auto search_type = bytes_.Take<int32_t>("search_type");
    const bool signs = bytes_.TakeBool("encode_signs");
    bytes_.Take<int32_t>("polysemous_ht");
    bytes_.Expect(
        search_type == 0 && !signs,
        "search_type is {} and encode_signs {}, expected 0 and false: "
        "others do not search by inner product",
        search_type, signs);
  }

  // The parts of each code that fast scan lays out, two to a byte.
  static uint64_t PaddedParts(const FaissProductQuantizer& pq) {
    return (pq.parts + 1) / 2 * 2;
  }

  void ExpectBlocks(uint64_t items, const FaissProductQuantizer& pq,
                    uint64_t padded_parts) {
    bytes_.Expect(pq.code_bits == kFastScanBits, "pq.nbits is {}, expected {}",
                  pq.code_bits, kFastScanBits);
    bytes_.Expect(items >= 32 && items % 32 == 0 && items <= kMaxBlockItems,
                  "bbs is {}, expected a multiple of 32 up to {}", items,
                  kMaxBlockItems);
    bytes_.Expect(padded_parts == PaddedParts(pq), "M2 is {}, expected {}",
                  padded_parts, PaddedParts(pq));
  }

  void TakeFastScan(const FaissHeader& header) {
    const FaissProductQuantizer pq =
        TakeProductQuantizer(header.dim, kFastScanBits, &bytes_);
    const auto implem = bytes_.Take<int32_t>("implem");
    const auto items = static_cast<uint64_t>(bytes_.Take<int32_t>("bbs"));
    const auto queries = bytes_.Take<int32_t>("qbs");
    const auto padded_size = bytes_.Take<uint64_t>("ntotal2");
    const auto padded_parts = bytes_.Take<uint64_t>("M2");
    bytes_.Expect(implem == 0 && queries == 0,
                  "implem is {} and qbs {}, expected 0", implem, queries);
    ExpectBlocks(items, pq, padded_parts);
    const auto codes = bytes_.TakeVector<uint8_t>("codes");
    if (!bytes_.ok()) return;
    const uint64_t expected = (header.size + items - 1) / items * items;
    bytes_.Expect(padded_size == expected, "ntotal2 is {}, expected {}",
                  padded_size, expected);
    ExpectCodesOf(codes.size(), expected, padded_parts / 2);
  }

  void TakeDirectMap() {
    const auto type = bytes_.Take<uint8_t>("direct_map.type");
    bytes_.Expect(type <= 2, "direct_map.type is {}, expected 0 to 2", type);
    // Searches use neither.
    bytes_.TakeVector<int64_t>("direct_map.array");
    if (type == 2) {
      bytes_.TakeVector<std::pair<int64_t, int64_t>>("direct_map.hashtable");
    }
  }

  void TakeIvf(const FaissShape& shape) {
    const FaissHeader& header = shape.header;
    const auto lists = bytes_.Take<uint64_t>("nlist");
    const auto probes = bytes_.Take<uint64_t>("nprobe");
    bytes_.Expect(lists >= 1, "nlist is 0");
    bytes_.Expect(probes >= 1, "nprobe is 0");
    const FaissShape quantizer = TakeInner("quantizer ", lists, header.dim);
    ExpectKind(quantizer, "the quantizer ",
               {FaissKind::kFlat, FaissKind::kScalar, FaissKind::kProduct,
                FaissKind::kGraph},
               "a flat index, a scalar or product quantiser, or HNSW");
    TakeDirectMap();
    FaissLists description{.size = header.size, .lists = lists};
    const std::string_view name = shape.type->name;
    if (name == "IndexIVFPQFastScan") {
      bytes_.Expect(quantizer.header.inner_product,
                    "the quantizer's metric is L2, expected inner product");
      return TakeFastScanLists(header, &description);
    }
    if (name == "IndexIVFFlat") {
      description.code_size = header.dim * sizeof(float);
      description.floats = true;
    } else if (name == "IndexIVFScalarQuantizer") {
      description.scalar = TakeScalarQuantizer(header.dim, &bytes_);
      description.code_size = description.scalar.code_size;
      ExpectCodeSize(description.code_size);
      bytes_.TakeBool("by_residual");
    } else {
      TakeProductLists(header, &description);
    }
    if (bytes_.ok()) TakeLists(description, &bytes_);
  }

  void ExpectCodeSize(uint64_t expected) {
    const auto code_size = bytes_.Take<uint64_t>("code_size");
    bytes_.Expect(code_size == expected, "code_size is {}, expected {}",
                  code_size, expected);
  }

  void TakeProductLists(const FaissHeader& header, FaissLists* lists) {
    bytes_.TakeBool("by_residual");
    const auto code_size = bytes_.Take<uint64_t>("code_size");
    lists->code_size =
        TakeProductQuantizer(header.dim, kMaxPartBits, &bytes_).code_size;
    bytes_.Expect(code_size == lists->code_size, "code_size is {}, expected {}",
                  code_size, lists->code_size);
  }

  void TakeFastScanLists(const FaissHeader& header, FaissLists* lists) {
    bytes_.TakeBool("by_residual");
    const auto code_size = bytes_.Take<uint64_t>("code_size");
    const auto items = static_cast<uint64_t>(bytes_.Take<int32_t>("bbs"));
    const auto padded_parts = bytes_.Take<uint64_t>("M2");
    const auto implem = bytes_.Take<int32_t>("implem");
    const auto queries = bytes_.Take<uint64_t>("qbs2");
    const FaissProductQuantizer pq =
        TakeProductQuantizer(header.dim, kFastScanBits, &bytes_);
    bytes_.Expect(code_size == pq.code_size, "code_size is {}, expected {}",
                  code_size, pq.code_size);
    bytes_.Expect(implem == 0 && queries == 0,
                  "implem is {} and qbs2 {}, expected 0", implem, queries);
    ExpectBlocks(items, pq, padded_parts);
    if (!bytes_.ok()) return;
    TakeBlockLists(*lists, items, items * padded_parts / 2, &bytes_);
  }

  void TakeHnsw(const FaissShape& shape) {
    const FaissHeader& header = shape.header;
    TakeGraph(header.size, &bytes_);
    const FaissShape storage = TakeInner("storage ", header.size, header.dim);
    const bool flat = shape.type->name == "IndexHNSWFlat";
    ExpectKind(storage, "the storage ",
               {flat ? FaissKind::kFlat : FaissKind::kScalar},
               flat ? "a flat index" : "a scalar quantiser");
    bytes_.Expect(storage.header.inner_product == header.inner_product,
                  "the storage's metric is not that of the graph");
  }

  void TakeRefine(const FaissHeader& header) {
    TakeInner("base ", header.size, header.dim);
    const FaissShape refine = TakeInner("refine ", header.size, header.dim);
    ExpectKind(refine, "the index that refines ",
               {FaissKind::kFlat, FaissKind::kScalar, FaissKind::kProduct},
               "a flat index, or a scalar or product quantiser");
    const auto factor = bytes_.Take<float>("k_factor");
    // Written so that NaN fails.
    bytes_.Expect(factor >= 1 && factor <= kMaxRefineFactor,
                  "k_factor is {}, expected 1 to {}", factor, kMaxRefineFactor);
  }

  void TakeTransforms(const FaissHeader& header) {
    const auto transforms = bytes_.Take<int32_t>("chain");
    bytes_.Expect(transforms >= 0 && transforms <= kMaxTransforms,
                  "chain has {} transforms, expected 0 to {}", transforms,
                  kMaxTransforms);
    uint32_t dim = header.dim;
    for (int32_t i = 0; bytes_.ok() && i < transforms; ++i) {
      const FaissBytes::Part part(&bytes_, fmt::format("chain[{}]", i));
      dim = TakeTransform(dim, &bytes_);
    }
    if (bytes_.ok()) TakeInner("index ", header.size, dim);
  }

  void TakeMap(const FaissHeader& header) {
    TakeInner("index ", header.size, header.dim);
    ExpectAllIds(bytes_.TakeVector<int64_t>("id_map"), header.size, "id_map",
                 &bytes_);
  }

  FaissBytes& bytes_;
  int depth_ = 0;
};

}  // namespace

absl::Status CheckFaissFile(std::span<const std::byte> bytes,
                            std::string_view file) {
  FaissBytes taken(bytes, file);
  FaissIndexes(&taken).Take("");
  taken.Expect(taken.left() == 0, "{} bytes follow the end of the index",
               taken.left());
  return taken.status();
}

}  // namespace tributary
