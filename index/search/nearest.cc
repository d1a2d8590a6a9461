#include "index/search/nearest.h"

#include <algorithm>
#include <limits>
#include <vector>

#include "index/parallel/parallel_for.h"
#include "index/search/dense_product.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "index/search/nearest.cc"
#include "hwy/foreach_target.h"  // IWYU pragma: keep
// After foreach_target.h.
#include "hwy/highway.h"

#ifndef TRIBUTARY_INDEX_SEARCH_NEAREST_CC_
#define TRIBUTARY_INDEX_SEARCH_NEAREST_CC_
namespace tributary {
namespace {

// The nearest centroid as a matrix product. Since
//
//   |x - c|^2 = |x|^2 - 2 (x . c - |c|^2 / 2)
//
// and |x|^2 is the same for all centroids, the nearest one maximises the score
// x . c - |c|^2 / 2. The inner products of kRows vectors with a *panel* of
// kPanel centroids are one small matrix product (dense_product.h), whose
// operands stay in the first-level cache, so that it is bound by arithmetic.
//
// The maximum over centroids is kept in kLanes independent lanes: lane j of
// half-panel h sees centroid h * kLanes + j. Each lane remembers its best score
// and the half-panel that it came from, which needs no branches and no
// horizontal operations until Winner compares the lanes at the end.
constexpr size_t kPanel = 32;
constexpr size_t kLanes = 16;

// The best centroids of one vector so far, by lane.
struct Best {
  float scores[kLanes];
  // Half-panels.
  uint32_t panels[kLanes];
};

}  // namespace
}  // namespace tributary
#endif  // TRIBUTARY_INDEX_SEARCH_NEAREST_CC_

HWY_BEFORE_NAMESPACE();
namespace tributary {
namespace HWY_NAMESPACE {
namespace {

namespace hn = hwy::HWY_NAMESPACE;

// Updates best[i] with the scores of one panel for each of `count` vectors.
// `products` is [count, kPanel]. The half-panels are 2 * panel and
// 2 * panel + 1.
void KeepBetter(const float* products, size_t count, const float* half_squares,
                uint32_t panel, Best* best) {
  const hn::CappedTag<float, kLanes> d;
  const hn::RebindToUnsigned<decltype(d)> du;
  const size_t lanes = hn::Lanes(d);
  for (size_t i = 0; i < count; ++i) {
    for (uint32_t half = 0; half < kPanel / kLanes; ++half) {
      const auto number = hn::Set(du, 2 * panel + half);
      for (size_t at = 0; at < kLanes; at += lanes) {
        const size_t from = half * kLanes + at;
        const auto score =
            hn::Sub(hn::LoadU(d, products + i * kPanel + from),
                    hn::LoadU(d, half_squares + panel * kPanel + from));
        const auto old = hn::LoadU(d, best[i].scores + at);
        const auto better = hn::Gt(score, old);
        hn::StoreU(hn::IfThenElse(better, score, old), d, best[i].scores + at);
        hn::StoreU(hn::IfThenElse(hn::RebindMask(du, better), number,
                                  hn::LoadU(du, best[i].panels + at)),
                   du, best[i].panels + at);
      }
    }
  }
}

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace tributary
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace tributary {
namespace {

HWY_EXPORT(KeepBetter);

static_assert(kPanel == 2 * kLanes);
// Vectors that are multiplied with a panel at a time.
constexpr size_t kRows = 64;
constexpr uint64_t kVectorsPerPiece = 1024;

// Centroids by panel, each [dim][kPanel]. The last panel is padded with
// centroids whose score is -infinity.
struct Panels {
  Panels(std::span<const float> centroids, uint32_t width)
      : dim(width), count((centroids.size() / width + kPanel - 1) / kPanel) {
    values.resize(count * dim * kPanel, 0);
    half_squares.resize(count * kPanel, std::numeric_limits<float>::infinity());
    for (size_t i = 0; i < centroids.size() / dim; ++i) {
      float square = 0;
      for (uint32_t k = 0; k < dim; ++k) {
        const float value = centroids[i * dim + k];
        square += value * value;
        values[(i / kPanel * dim + k) * kPanel + i % kPanel] = value;
      }
      half_squares[i] = square / 2;
    }
  }

  uint32_t dim;
  size_t count;
  std::vector<float> values;
  std::vector<float> half_squares;
};

// The best of all lanes; of equal scores the lower centroid.
uint32_t Winner(const Best& best) {
  uint32_t winner = 0;
  float score = -std::numeric_limits<float>::infinity();
  for (uint32_t lane = 0; lane < kLanes; ++lane) {
    const uint32_t centroid = best.panels[lane] * kLanes + lane;
    const bool better = best.scores[lane] > score ||
                        (best.scores[lane] == score && centroid < winner);
    if (better) {
      winner = centroid;
      score = best.scores[lane];
    }
  }
  return winner;
}

void FindNearestOf(const float* values, size_t count, const Panels& panels,
                   uint32_t* nearest) {
  float products[kRows * kPanel];
  Best best[kRows];
  for (size_t i = 0; i < count; ++i) {
    std::fill_n(best[i].scores, kLanes,
                -std::numeric_limits<float>::infinity());
    std::fill_n(best[i].panels, kLanes, 0);
  }
  for (uint32_t panel = 0; panel < panels.count; ++panel) {
    Multiply({values, count, panels.dim, panels.dim, 1},
             &panels.values[size_t{panel} * panels.dim * kPanel], kPanel,
             products);
    HWY_DYNAMIC_DISPATCH(KeepBetter)
    (products, count, panels.half_squares.data(), panel, best);
  }
  for (size_t i = 0; i < count; ++i) nearest[i] = Winner(best[i]);
}

}  // namespace

void FindNearest(std::span<const float> values,
                 std::span<const float> centroids, uint32_t dim,
                 uint32_t threads, uint32_t* nearest) {
  const Panels panels(centroids, dim);
  ParallelFor(values.size() / dim, kVectorsPerPiece, threads,
              [&](uint64_t begin, uint64_t end) {
                for (uint64_t i = begin; i < end; i += kRows) {
                  FindNearestOf(&values[i * dim],
                                std::min<uint64_t>(kRows, end - i), panels,
                                nearest + i);
                }
              });
}

}  // namespace tributary
#endif  // HWY_ONCE
