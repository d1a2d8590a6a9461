#ifndef TRIBUTARY_SERVER_FUSION_UNIT_VECTORS_H_
#define TRIBUTARY_SERVER_FUSION_UNIT_VECTORS_H_

#include <cstddef>
#include <cstdint>

namespace tributary {

// Vectors that were made kUnitLength long and rounded to whole numbers. A
// cosine is the product of two divided by kUnitLength^2: wrong by about 1e-5,
// but without any rounding of sums, so that it is the same on every processor
// and in whichever order it is added up. Half the bytes of floats, which is
// what products wait for.
inline constexpr int32_t kUnitLength = 32767;

// They are stored with zeros up to a multiple of this, so that SIMD
// instructions have no rest.
inline constexpr size_t kUnitAlign = 32;

inline constexpr size_t UnitStride(size_t dim) {
  return (dim + kUnitAlign - 1) / kUnitAlign * kUnitAlign;
}

// These run the widest SIMD instructions that the processor has (Highway,
// chosen at run time). Thread-safe. `stride` is UnitStride(dim).

// Writes `count` vectors of `dim` values, which are stored end to end. One
// whose length is 0 or not finite becomes zeros.
void MakeUnit(const float* vectors, size_t count, size_t dim, int16_t* units);

// Writes to products[i] the product of `unit` and the i-th of `count` others.
void UnitProducts(const int16_t* unit, const int16_t* others, size_t count,
                  size_t stride, int32_t* products);

// The greatest of these products. REQUIRES: count > 0.
int32_t GreatestUnitProduct(const int16_t* unit, const int16_t* others,
                            size_t count, size_t stride);

}  // namespace tributary

#endif  // TRIBUTARY_SERVER_FUSION_UNIT_VECTORS_H_
