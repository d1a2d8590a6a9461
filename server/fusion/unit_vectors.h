#ifndef TRIBUTARY_SERVER_FUSION_UNIT_VECTORS_H_
#define TRIBUTARY_SERVER_FUSION_UNIT_VECTORS_H_

#include <cstddef>

namespace tributary {

// Vectors are stored with zeros up to a multiple of this, so that SIMD
// instructions need no rest.
inline constexpr size_t kUnitVectorAlign = 16;

inline constexpr size_t UnitStride(size_t dim) {
  return (dim + kUnitVectorAlign - 1) / kUnitVectorAlign * kUnitVectorAlign;
}

// These run the widest SIMD instructions that the processor has (Highway,
// chosen at run time), on which the last bits depend. Thread-safe. REQUIRES:
// stride is a multiple of kUnitVectorAlign.

// Makes each of `count` vectors, `stride` values apart, 1 long. One whose
// length is 0 or not finite becomes zeros.
void MakeUnit(float* vectors, size_t count, size_t stride);

// Writes to products[i] the product of `vector` and the i-th of `count`
// `vectors`. A product of two vectors has the same bits wherever they stand and
// whichever of them comes first.
void UnitProducts(const float* vector, const float* vectors, size_t count,
                  size_t stride, float* products);

}  // namespace tributary

#endif  // TRIBUTARY_SERVER_FUSION_UNIT_VECTORS_H_
