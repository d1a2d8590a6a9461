#include "index/search/dot_kernel.h"

#include <type_traits>

// Highway compiles the part between HWY_BEFORE_NAMESPACE and
// HWY_AFTER_NAMESPACE once for each target by including this file again.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "index/search/dot_kernel.cc"
#include "hwy/foreach_target.h"  // IWYU pragma: keep
// After foreach_target.h.
#include "hwy/cache_control.h"
#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace tributary {
namespace HWY_NAMESPACE {
namespace {

namespace hn = hwy::HWY_NAMESPACE;

template <class D>
HWY_INLINE hn::Vec<D> LoadWide(D d, const float* values) {
  return hn::LoadU(d, values);
}

template <class D>
HWY_INLINE hn::Vec<D> LoadWide(D d, const Half* values) {
  const hn::Rebind<hwy::float16_t, D> half;
  return hn::PromoteTo(
      d, hn::LoadU(half, reinterpret_cast<const hwy::float16_t*>(values)));
}

// The query, and its last Lanes(d) values once more in `tail`, with zeros for
// those that the full vectors before it cover. A dimension that is no multiple
// of Lanes(d) thus needs no masked loads: the last load overlaps the one before
// and meets zeros there.
struct Query {
  const float* values;
  size_t dim;
  HWY_ALIGN float tail[hn::MaxLanes(hn::ScalableTag<float>())];
};

template <class D>
HWY_INLINE Query MakeQuery(D d, const float* values, size_t dim) {
  Query query{values, dim, {}};
  const size_t lanes = hn::Lanes(d);
  const size_t rest = dim % lanes;
  for (size_t i = lanes - rest; i < lanes; ++i) {
    query.tail[i] = values[dim - lanes + i];
  }
  return query;
}

template <class D, typename T>
HWY_INLINE float DotOne(D d, const Query& query, const T* vector) {
  const size_t lanes = hn::Lanes(d);
  auto sum = hn::Zero(d);
  size_t i = 0;
  for (; i + lanes <= query.dim; i += lanes) {
    sum = hn::MulAdd(hn::LoadU(d, query.values + i), LoadWide(d, vector + i),
                     sum);
  }
  if (i != query.dim) {
    sum = hn::MulAdd(hn::Load(d, query.tail),
                     LoadWide(d, vector + query.dim - lanes), sum);
  }
  return hn::GetLane(hn::SumOfLanes(d, sum));
}

#if HWY_TARGET != HWY_SCALAR

// The sum of the 128-bit blocks of a vector.
template <class D>
HWY_INLINE auto AddBlocks(D d, hn::Vec<D> v) {
  if constexpr (hn::MaxLanes(d) > 4) {
    const hn::Half<D> half;
    return AddBlocks(half,
                     hn::Add(hn::LowerHalf(half, v), hn::UpperHalf(half, v)));
  } else {
    return v;
  }
}

// The horizontal sums of four vectors, in the four lanes of the result: with
// fewer instructions than four separate sums.
template <class D, class V = hn::Vec<D>>
HWY_INLINE auto SumsOfFour(D d, V a, V b, V c, V e) {
  const auto ac =
      hn::Add(hn::InterleaveLower(d, a, c), hn::InterleaveUpper(d, a, c));
  const auto be =
      hn::Add(hn::InterleaveLower(d, b, e), hn::InterleaveUpper(d, b, e));
  return AddBlocks(d, hn::Add(hn::InterleaveLower(d, ac, be),
                              hn::InterleaveUpper(d, ac, be)));
}

template <class D, typename T>
HWY_INLINE void DotFour(D d, const Query& query, const T* first,
                        const T* second, const T* third, const T* fourth,
                        float* scores) {
  const size_t lanes = hn::Lanes(d);
  const size_t dim = query.dim;
  auto a = hn::Zero(d), b = a, c = a, e = a;
  const auto add = [&](hn::Vec<D> q, size_t i) HWY_ATTR {
    a = hn::MulAdd(q, LoadWide(d, first + i), a);
    b = hn::MulAdd(q, LoadWide(d, second + i), b);
    c = hn::MulAdd(q, LoadWide(d, third + i), c);
    e = hn::MulAdd(q, LoadWide(d, fourth + i), e);
  };
  size_t i = 0;
  for (; i + lanes <= dim; i += lanes) add(hn::LoadU(d, query.values + i), i);
  if (i != dim) add(hn::Load(d, query.tail), dim - lanes);
  const hn::CappedTag<float, 4> four;
  hn::StoreU(SumsOfFour(d, a, b, c, e), four, scores);
}

#endif  // HWY_TARGET != HWY_SCALAR

// Scores four vectors at a time, so that each load of the query is used four
// times. Vectors with fewer values than a SIMD vector has lanes are scored with
// narrower SIMD vectors.
template <class D, typename T>
void DotAll(D d, const float* values, size_t dim, const T* vectors,
            size_t count, float* scores) {
  if (dim < hn::Lanes(d)) {
    using Narrower = std::conditional_t<(hn::MaxLanes(D()) > 4), hn::Half<D>,
                                        hn::CappedTag<float, 1>>;
    return DotAll(Narrower(), values, dim, vectors, count, scores);
  }
  const Query query = MakeQuery(d, values, dim);
  size_t row = 0;
#if HWY_TARGET != HWY_SCALAR
  if constexpr (hn::MaxLanes(D()) >= 4) {
    for (; row + 4 <= count; row += 4) {
      const T* four = vectors + row * dim;
      DotFour(d, query, four, four + dim, four + 2 * dim, four + 3 * dim,
              scores + row);
    }
  }
#endif
  for (; row < count; ++row) {
    scores[row] = DotOne(d, query, vectors + row * dim);
  }
}

// Vectors are prefetched this many ahead: about the latency of memory.
constexpr size_t kFetchAhead = 32;

template <typename T>
HWY_INLINE void Fetch(const T* vector, size_t dim) {
  const auto* bytes = reinterpret_cast<const char*>(vector);
  for (size_t at = 0; at < dim * sizeof(T); at += 64) {
    hwy::Prefetch(bytes + at);
  }
  // A vector that is not aligned to cache lines may reach into one more.
  hwy::Prefetch(bytes + dim * sizeof(T) - 1);
}

template <class D, typename T>
void DotAllAt(D d, const float* values, size_t dim, const T* vectors,
              const uint32_t* positions, size_t count, float* scores) {
  if (dim < hn::Lanes(d)) {
    using Narrower = std::conditional_t<(hn::MaxLanes(D()) > 4), hn::Half<D>,
                                        hn::CappedTag<float, 1>>;
    return DotAllAt(Narrower(), values, dim, vectors, positions, count, scores);
  }
  const Query query = MakeQuery(d, values, dim);
  const auto at = [&](size_t i) { return vectors + positions[i] * dim; };
  for (size_t i = 0; i < kFetchAhead && i < count; ++i) Fetch(at(i), dim);
  size_t i = 0;
#if HWY_TARGET != HWY_SCALAR
  if constexpr (hn::MaxLanes(D()) >= 4) {
    for (; i + 4 <= count; i += 4) {
      for (size_t j = i + kFetchAhead; j < i + kFetchAhead + 4 && j < count;
           ++j) {
        Fetch(at(j), dim);
      }
      DotFour(d, query, at(i), at(i + 1), at(i + 2), at(i + 3), scores + i);
    }
  }
#endif
  for (; i < count; ++i) scores[i] = DotOne(d, query, at(i));
}

void DotFloats(const float* query, size_t dim, const float* vectors,
               size_t count, float* scores) {
  DotAll(hn::ScalableTag<float>(), query, dim, vectors, count, scores);
}

void DotHalves(const float* query, size_t dim, const Half* vectors,
               size_t count, float* scores) {
  DotAll(hn::ScalableTag<float>(), query, dim, vectors, count, scores);
}

void DotFloatsAt(const float* query, size_t dim, const float* vectors,
                 const uint32_t* positions, size_t count, float* scores) {
  DotAllAt(hn::ScalableTag<float>(), query, dim, vectors, positions, count,
           scores);
}

void DotHalvesAt(const float* query, size_t dim, const Half* vectors,
                 const uint32_t* positions, size_t count, float* scores) {
  DotAllAt(hn::ScalableTag<float>(), query, dim, vectors, positions, count,
           scores);
}

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace tributary
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace tributary {
namespace {

HWY_EXPORT(DotFloats);
HWY_EXPORT(DotHalves);
HWY_EXPORT(DotFloatsAt);
HWY_EXPORT(DotHalvesAt);

}  // namespace

void DotProducts(std::span<const float> query, const float* vectors,
                 size_t count, float* scores) {
  HWY_DYNAMIC_DISPATCH(DotFloats)
  (query.data(), query.size(), vectors, count, scores);
}

void DotProducts(std::span<const float> query, const Half* vectors,
                 size_t count, float* scores) {
  HWY_DYNAMIC_DISPATCH(DotHalves)
  (query.data(), query.size(), vectors, count, scores);
}

void DotProductsAt(std::span<const float> query, const float* vectors,
                   std::span<const uint32_t> positions, float* scores) {
  HWY_DYNAMIC_DISPATCH(DotFloatsAt)
  (query.data(), query.size(), vectors, positions.data(), positions.size(),
   scores);
}

void DotProductsAt(std::span<const float> query, const Half* vectors,
                   std::span<const uint32_t> positions, float* scores) {
  HWY_DYNAMIC_DISPATCH(DotHalvesAt)
  (query.data(), query.size(), vectors, positions.data(), positions.size(),
   scores);
}

}  // namespace tributary
#endif  // HWY_ONCE
