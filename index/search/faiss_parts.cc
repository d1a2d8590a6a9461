#include "index/search/faiss_parts.h"

#include <algorithm>
#include <array>
#include <bit>
#include <limits>
#include <string>
#include <vector>

#include "index/bundle/magnitude.h"
#include "index/search/fourcc.h"
#include "text/quoted.h"

namespace tributary {
namespace {

// The most dimensions of an index inside transforms, which may add some.
constexpr int32_t kMaxFaissDim = 1 << 16;
// FAISS's graphs and our positions are of 32 bits.
constexpr int64_t kMaxFaissSize = std::numeric_limits<int32_t>::max();
constexpr int32_t kMaxFileEffort = 1 << 20;
constexpr int32_t kMaxLinks = 1 << 16;
// What BlockInvertedLists state as the size of a code: none.
constexpr uint64_t kNoCodeSize = ~uint64_t{0};

// A set of the ids that lists have named.
class IdSet {
 public:
  IdSet(uint64_t size, FaissBytes* bytes) : seen_(size), bytes_(bytes) {}

  void Add(int64_t id, std::string_view what, uint64_t entry) {
    const bool known = id >= 0 && static_cast<uint64_t>(id) < seen_.size();
    if (!bytes_->Expect(known, "{}: entry {} is {}, expected 0 to {}", what,
                        entry, id, int64_t(seen_.size()) - 1)) {
      return;
    }
    bytes_->Expect(!seen_[id], "{}: entry {} is {}, which occurs twice", what,
                   entry, id);
    seen_[id] = true;
  }

 private:
  std::vector<bool> seen_;
  FaissBytes* const bytes_;
};

void ExpectHalves(FileVector<uint16_t> halves, std::string_view what,
                  FaissBytes* bytes) {
  for (size_t i = 0; i < halves.size(); ++i) {
    if (IsFinite(Half{halves[i]})) continue;
    bytes->Expect(false, "{}: value {} is not finite", what, i);
    return;
  }
}

// The sizes of the lists of ArrayInvertedLists.
std::vector<uint64_t> TakeListSizes(uint64_t lists, FaissBytes* bytes) {
  std::vector<uint64_t> sizes(bytes->ok() ? lists : 0);
  const auto type = bytes->Take<uint32_t>("list_type");
  if (type == FourCc("full")) {
    const auto full = bytes->TakeVector<uint64_t>("sizes");
    if (!bytes->Expect(full.size() == lists,
                       "sizes has {} entries for {} lists", full.size(),
                       lists)) {
      return {};
    }
    for (size_t i = 0; i < lists; ++i) sizes[i] = full[i];
    return sizes;
  }
  bytes->Expect(type == FourCc("sprs"),
                "list_type is {}, expected \"full\" or \"sprs\"",
                Quoted(FourCcText(type)));
  const auto pairs = bytes->TakeVector<uint64_t>("sizes");
  bytes->Expect(pairs.size() % 2 == 0, "sizes has {} entries, expected pairs",
                pairs.size());
  for (size_t i = 0; bytes->ok() && i < pairs.size(); i += 2) {
    if (bytes->Expect(pairs[i] < lists, "sizes: entry {} is list {} of {}", i,
                      pairs[i], lists)) {
      sizes[pairs[i]] = pairs[i + 1];
    }
  }
  return sizes;
}

void ExpectCodes(const FaissLists& lists, FileVector<uint8_t> codes,
                 FaissBytes* bytes) {
  if (lists.floats) ExpectFloats(codes.as<float>(), "codes", bytes);
  ExpectScalarCodes(lists.scalar, codes, bytes);
}

// The levels and offsets of a graph's nodes: node i has
// links_to[levels[i]] links, from offsets[i] on.
struct Graph {
  FileVector<int32_t> links_to;
  FileVector<int32_t> levels;
  FileVector<uint64_t> offsets;
  FileVector<int32_t> links;
};

void ExpectLevels(const Graph& graph, FaissBytes* bytes) {
  const auto& links_to = graph.links_to;
  bytes->Expect(links_to.size() >= 2 && links_to[0] == 0,
                "cum_nneighbor_per_level has {} entries, expected at least 2 "
                "that begin with 0",
                links_to.size());
  for (size_t i = 1; bytes->ok() && i < links_to.size(); ++i) {
    bytes->Expect(links_to[i] >= links_to[i - 1] && links_to[i] <= kMaxLinks,
                  "cum_nneighbor_per_level: entry {} is {}, expected {} to {}",
                  i, links_to[i], links_to[i - 1], kMaxLinks);
  }
  for (size_t i = 0; bytes->ok() && i < graph.levels.size(); ++i) {
    const int32_t level = graph.levels[i];
    if (!bytes->Expect(level >= 1 && level < int64_t(links_to.size()),
                       "levels: node {} has {}, expected 1 to {}", i, level,
                       links_to.size() - 1)) {
      return;
    }
    const uint64_t end =
        graph.offsets[i] + static_cast<uint64_t>(links_to[level]);
    bytes->Expect(graph.offsets[i + 1] == end,
                  "offsets: entry {} is {}, expected {}: node {} has {} levels",
                  i + 1, graph.offsets[i + 1], end, i, level);
  }
  const uint64_t last = bytes->ok() ? graph.offsets.back() : 0;
  bytes->Expect(last == graph.links.size(),
                "neighbors has {} entries, but offsets end at {}",
                graph.links.size(), last);
}

// Expects that each link leads to a node that exists on the link's level.
void ExpectLinks(const Graph& graph, FaissBytes* bytes) {
  const auto nodes = static_cast<int32_t>(graph.levels.size());
  for (int32_t node = 0; node < nodes; ++node) {
    const uint64_t begin = graph.offsets[node];
    for (int32_t level = 0; level < graph.levels[node]; ++level) {
      const uint64_t end = begin + graph.links_to[level + 1];
      for (uint64_t i = begin + graph.links_to[level]; i < end; ++i) {
        const int32_t to = graph.links[i];
        const bool exists =
            to == -1 || (to >= 0 && to < nodes && graph.levels[to] > level);
        if (exists) continue;
        bytes->Expect(false,
                      "neighbors: entry {} leads from node {} to {} on level "
                      "{}, expected -1 or a node of {} that is on that level",
                      i, node, to, level, nodes);
        return;
      }
    }
  }
}

// A matrix [to, from] and a bias, of which the dimensions are known later.
struct LinearPart {
  bool has_bias = false;
  size_t matrix = 0;
  size_t bias = 0;
};

LinearPart TakeLinear(FaissBytes* bytes) {
  LinearPart part;
  part.has_bias = bytes->TakeBool("have_bias");
  const auto matrix = bytes->TakeVector<float>("A");
  const auto bias = bytes->TakeVector<float>("b");
  ExpectFloats(matrix, "A", bytes);
  ExpectFloats(bias, "b", bytes);
  part.matrix = matrix.size();
  part.bias = bias.size();
  return part;
}

LinearPart TakePca(FaissBytes* bytes) {
  bytes->Take<float>("eigen_power");
  bytes->Take<float>("epsilon");
  bytes->TakeBool("random_rotation");
  bytes->Take<int32_t>("balanced_bins");
  for (const char* unused : {"mean", "eigenvalues", "PCAMat"}) {
    ExpectFloats(bytes->TakeVector<float>(unused), unused, bytes);
  }
  return TakeLinear(bytes);
}

// The fields that every transform ends with. Returns how many dimensions it
// makes.
uint32_t TakeTransformEnd(uint32_t dim, FaissBytes* bytes) {
  const auto from = bytes->Take<int32_t>("d_in");
  const auto to = bytes->Take<int32_t>("d_out");
  const bool trained = bytes->TakeBool("is_trained");
  bytes->Expect(from == static_cast<int32_t>(dim),
                "d_in is {}, but it gets vectors of {}", from, dim);
  bytes->Expect(to >= 1 && to <= kMaxFaissDim, "d_out is {}, expected 1 to {}",
                to, kMaxFaissDim);
  bytes->Expect(trained, "is_trained is false");
  return bytes->ok() ? static_cast<uint32_t>(to) : 0;
}

uint32_t TakeLinearTransform(bool pca, uint32_t dim, FaissBytes* bytes) {
  const LinearPart part = pca ? TakePca(bytes) : TakeLinear(bytes);
  const uint32_t to = TakeTransformEnd(dim, bytes);
  bytes->Expect(part.matrix == uint64_t{to} * dim,
                "A has {} values, expected d_out {} x d_in {}", part.matrix, to,
                dim);
  bytes->Expect(!part.has_bias || part.bias == to,
                "b has {} values, expected d_out {}", part.bias, to);
  return to;
}

uint32_t TakeRemap(uint32_t dim, FaissBytes* bytes) {
  const auto map = bytes->TakeVector<int32_t>("map");
  const uint32_t to = TakeTransformEnd(dim, bytes);
  bytes->Expect(map.size() == to, "map has {} values, expected d_out {}",
                map.size(), to);
  for (size_t i = 0; bytes->ok() && i < map.size(); ++i) {
    bytes->Expect(map[i] >= -1 && map[i] < static_cast<int32_t>(dim),
                  "map: entry {} is {}, expected -1 to {}", i, map[i], dim - 1);
  }
  return to;
}

uint32_t TakeNormalization(uint32_t dim, FaissBytes* bytes) {
  const auto norm = bytes->Take<float>("norm");
  bytes->Expect(norm == 2, "norm is {}, expected 2", norm);
  const uint32_t to = TakeTransformEnd(dim, bytes);
  bytes->Expect(to == dim, "d_out is {}, expected d_in {}", to, dim);
  return to;
}

uint32_t TakeCentering(uint32_t dim, FaissBytes* bytes) {
  const auto mean = bytes->TakeVector<float>("mean");
  ExpectFloats(mean, "mean", bytes);
  const uint32_t to = TakeTransformEnd(dim, bytes);
  bytes->Expect(to == dim && mean.size() == dim,
                "d_out is {} and mean has {} values, expected d_in {}", to,
                mean.size(), dim);
  return to;
}

}  // namespace

FaissHeader TakeFaissHeader(FaissBytes* bytes) {
  const auto dim = bytes->Take<int32_t>("d");
  const auto size = bytes->Take<int64_t>("ntotal");
  bytes->Take<int64_t>("a number without meaning");
  bytes->Take<int64_t>("a number without meaning");
  const bool trained = bytes->TakeBool("is_trained");
  const auto metric = bytes->Take<int32_t>("metric_type");
  bytes->Expect(dim >= 1 && dim <= kMaxFaissDim, "d is {}, expected 1 to {}",
                dim, kMaxFaissDim);
  bytes->Expect(size >= 0 && size <= kMaxFaissSize,
                "ntotal is {}, expected 0 to {}", size, kMaxFaissSize);
  bytes->Expect(trained, "is_trained is false");
  bytes->Expect(metric == 0 || metric == 1,
                "metric_type is {}, expected 0 (inner product) or 1 (L2)",
                metric);
  if (!bytes->ok()) return {};
  return {static_cast<uint32_t>(dim), static_cast<uint64_t>(size), metric == 0};
}

void ExpectFloats(FileVector<float> values, std::string_view what,
                  FaissBytes* bytes) {
  constexpr size_t kBlock = 1024;
  for (size_t begin = 0; bytes->ok() && begin < values.size();
       begin += kBlock) {
    const size_t end = std::min(begin + kBlock, values.size());
    bool all = true;
    for (size_t i = begin; i < end; ++i) all &= IsUsable(values[i]);
    for (size_t i = begin; !all && i < end; ++i) {
      bytes->Expect(IsUsable(values[i]), "{}: value {} is {}", what, i,
                    DescribeUnusable(values[i]));
    }
  }
}

FaissProductQuantizer TakeProductQuantizer(uint32_t dim, uint32_t max_bits,
                                           FaissBytes* bytes) {
  const FaissBytes::Part part(bytes, "pq");
  const auto d = bytes->Take<uint64_t>("d");
  const auto parts = bytes->Take<uint64_t>("M");
  const auto bits = bytes->Take<uint64_t>("nbits");
  bytes->Expect(d == dim, "d is {}, but the index's is {}", d, dim);
  bytes->Expect(parts >= 1 && parts <= d && d % parts == 0,
                "M is {}, expected a divisor of d {}", parts, d);
  bytes->Expect(bits >= 1 && bits <= max_bits, "nbits is {}, expected 1 to {}",
                bits, max_bits);
  const auto centroids = bytes->TakeVector<float>("centroids");
  if (!bytes->ok()) return {};
  bytes->Expect(centroids.size() == d << bits,
                "centroids has {} values, expected {}: d {} x 2^{}",
                centroids.size(), d << bits, d, bits);
  ExpectFloats(centroids, "centroids", bytes);
  return {parts, bits, (parts * bits + 7) / 8};
}

FaissScalarQuantizer TakeScalarQuantizer(uint32_t dim, FaissBytes* bytes) {
  const FaissBytes::Part part(bytes, "sq");
  // In FAISS's order: 8 bits, 4 bits, the same with one range for all
  // dimensions, float16, 8 bits direct, 6 bits.
  constexpr std::array<uint32_t, 7> kBits = {8, 4, 8, 4, 16, 8, 6};
  constexpr int32_t kFloat16 = 4;
  const std::array<uint64_t, 7> trained_sizes = {
      2 * uint64_t{dim}, 2 * uint64_t{dim}, 2, 2, 0, 0, 2 * uint64_t{dim}};
  const auto type = bytes->Take<int32_t>("qtype");
  const auto range = bytes->Take<int32_t>("rangestat");
  bytes->Take<float>("rangestat_arg");
  const auto d = bytes->Take<uint64_t>("d");
  const auto code_size = bytes->Take<uint64_t>("code_size");
  const auto trained = bytes->TakeVector<float>("trained");
  bytes->Expect(type >= 0 && type < int32_t{kBits.size()},
                "qtype is {}, expected 0 to {}", type, kBits.size() - 1);
  bytes->Expect(range >= 0 && range <= 3, "rangestat is {}, expected 0 to 3",
                range);
  bytes->Expect(d == dim, "d is {}, but the index's is {}", d, dim);
  if (!bytes->ok()) return {};
  const uint64_t expected = (uint64_t{dim} * kBits[type] + 7) / 8;
  bytes->Expect(code_size == expected, "code_size is {}, expected {}",
                code_size, expected);
  bytes->Expect(trained.size() == trained_sizes[type],
                "trained has {} values, expected {}", trained.size(),
                trained_sizes[type]);
  ExpectFloats(trained, "trained", bytes);
  return {code_size, type == kFloat16};
}

void ExpectScalarCodes(const FaissScalarQuantizer& quantizer,
                       FileVector<uint8_t> codes, FaissBytes* bytes) {
  if (quantizer.halves) ExpectHalves(codes.as<uint16_t>(), "codes", bytes);
}

void TakeGraph(uint64_t size, FaissBytes* bytes) {
  const FaissBytes::Part part(bytes, "hnsw");
  bytes->TakeVector<double>("assign_probas");
  Graph graph;
  graph.links_to = bytes->TakeVector<int32_t>("cum_nneighbor_per_level");
  graph.levels = bytes->TakeVector<int32_t>("levels");
  graph.offsets = bytes->TakeVector<uint64_t>("offsets");
  graph.links = bytes->TakeVector<int32_t>("neighbors");
  const auto entry = bytes->Take<int32_t>("entry_point");
  const auto max_level = bytes->Take<int32_t>("max_level");
  bytes->Take<int32_t>("efConstruction");
  const auto effort = bytes->Take<int32_t>("efSearch");
  const auto beam = bytes->Take<int32_t>("upper_beam");
  bytes->Expect(graph.levels.size() == size,
                "levels has {} entries for {} nodes", graph.levels.size(),
                size);
  bytes->Expect(graph.offsets.size() == size + 1 && graph.offsets[0] == 0,
                "offsets has {} entries for {} nodes, or does not begin with 0",
                graph.offsets.size(), size);
  ExpectLevels(graph, bytes);
  if (bytes->ok()) ExpectLinks(graph, bytes);
  bytes->Expect(effort >= 1 && effort <= kMaxFileEffort,
                "efSearch is {}, expected 1 to {}", effort, kMaxFileEffort);
  bytes->Expect(beam == 1, "upper_beam is {}, expected 1", beam);
  if (size == 0) {
    bytes->Expect(entry == -1, "entry_point is {}, expected -1: no node",
                  entry);
    return;
  }
  bytes->Expect(entry >= 0 && static_cast<uint64_t>(entry) < size,
                "entry_point is {}, expected 0 to {}", entry,
                int64_t(size) - 1);
  const int32_t highest = bytes->ok() ? graph.levels[entry] - 1 : 0;
  bytes->Expect(max_level == highest,
                "max_level is {}, but the entry point {} is on levels to {}",
                max_level, entry, highest);
}

void TakeLists(const FaissLists& lists, FaissBytes* bytes) {
  const FaissBytes::Part part(bytes, "invlists");
  const auto type = bytes->Take<uint32_t>("type");
  bytes->Expect(type == FourCc("ilar"),
                "the lists are of type {}, expected \"ilar\", which are in the "
                "file itself",
                Quoted(FourCcText(type)));
  const auto n_lists = bytes->Take<uint64_t>("nlist");
  const auto code_size = bytes->Take<uint64_t>("code_size");
  bytes->Expect(n_lists == lists.lists, "nlist is {}, but the index's is {}",
                n_lists, lists.lists);
  bytes->Expect(code_size == lists.code_size, "code_size is {}, expected {}",
                code_size, lists.code_size);
  const std::vector<uint64_t> sizes = TakeListSizes(lists.lists, bytes);
  IdSet ids(bytes->ok() ? lists.size : 0, bytes);
  uint64_t sum = 0;
  for (size_t i = 0; bytes->ok() && i < sizes.size(); ++i) {
    // Ids first: a list that is longer than the file must not overflow below.
    if (!bytes->Expect(sizes[i] <= lists.size, "list {} has {} entries of {}",
                       i, sizes[i], lists.size)) {
      return;
    }
    const auto codes =
        bytes->TakeArray<uint8_t>(sizes[i] * lists.code_size, "codes");
    const auto list = bytes->TakeArray<int64_t>(sizes[i], "ids");
    ExpectCodes(lists, codes, bytes);
    const std::string name = fmt::format("ids of list {}", i);
    for (size_t j = 0; bytes->ok() && j < list.size(); ++j) {
      ids.Add(list[j], name, j);
    }
    sum += sizes[i];
  }
  bytes->Expect(sum == lists.size,
                "the lists have {} entries, but ntotal is {}", sum, lists.size);
}

void TakeBlockLists(const FaissLists& lists, uint64_t block_items,
                    uint64_t block_bytes, FaissBytes* bytes) {
  const FaissBytes::Part part(bytes, "invlists");
  const auto type = bytes->Take<uint32_t>("type");
  bytes->Expect(type == FourCc("ilbl"),
                "the lists are of type {}, expected \"ilbl\"",
                Quoted(FourCcText(type)));
  const auto n_lists = bytes->Take<uint64_t>("nlist");
  const auto code_size = bytes->Take<uint64_t>("code_size");
  const auto per_block = bytes->Take<uint64_t>("n_per_block");
  const auto block_size = bytes->Take<uint64_t>("block_size");
  bytes->Expect(n_lists == lists.lists, "nlist is {}, but the index's is {}",
                n_lists, lists.lists);
  bytes->Expect(code_size == kNoCodeSize, "code_size is {}, expected {}",
                code_size, kNoCodeSize);
  bytes->Expect(per_block == block_items && block_size == block_bytes,
                "n_per_block is {} and block_size {}, expected {} and {}",
                per_block, block_size, block_items, block_bytes);
  IdSet ids(bytes->ok() ? lists.size : 0, bytes);
  uint64_t sum = 0;
  for (uint64_t i = 0; bytes->ok() && i < lists.lists; ++i) {
    const auto list = bytes->TakeVector<int64_t>("ids");
    const auto codes = bytes->TakeVector<uint8_t>("codes");
    const uint64_t blocks = (list.size() + block_items - 1) / block_items;
    bytes->Expect(codes.size() == blocks * block_bytes,
                  "list {} has {} bytes of codes for {} entries, expected {}",
                  i, codes.size(), list.size(), blocks * block_bytes);
    const std::string name = fmt::format("ids of list {}", i);
    for (size_t j = 0; bytes->ok() && j < list.size(); ++j) {
      ids.Add(list[j], name, j);
    }
    sum += list.size();
  }
  bytes->Expect(sum == lists.size,
                "the lists have {} entries, but ntotal is {}", sum, lists.size);
}

void ExpectAllIds(FileVector<int64_t> ids, uint64_t size, std::string_view what,
                  FaissBytes* bytes) {
  bytes->Expect(ids.size() == size, "{} has {} entries, but ntotal is {}", what,
                ids.size(), size);
  if (!bytes->ok()) return;
  IdSet set(size, bytes);
  for (size_t i = 0; bytes->ok() && i < ids.size(); ++i) {
    set.Add(ids[i], what, i);
  }
}

uint32_t TakeTransform(uint32_t dim, FaissBytes* bytes) {
  const auto type = bytes->Take<uint32_t>("type");
  if (type == FourCc("rrot") || type == FourCc("LTra")) {
    return TakeLinearTransform(/*pca=*/false, dim, bytes);
  }
  if (type == FourCc("Pcam")) {
    return TakeLinearTransform(/*pca=*/true, dim, bytes);
  }
  if (type == FourCc("RmDT")) return TakeRemap(dim, bytes);
  if (type == FourCc("VNrm")) return TakeNormalization(dim, bytes);
  if (type == FourCc("VCnt")) return TakeCentering(dim, bytes);
  bytes->Expect(
      false,
      "transforms of type {} are not accepted, only linear ones (PCA, "
      "OPQ, random rotations), centering, normalisation and padding",
      Quoted(FourCcText(type)));
  return 0;
}

}  // namespace tributary
