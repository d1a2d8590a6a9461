// The part of NumPy's .npy format, versions 1.0 to 3.0, that bundles use:
// little-endian arrays of one or two dimensions in C order. Format:
// https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html
#ifndef TRIBUTARY_INDEX_BUNDLE_NPY_H_
#define TRIBUTARY_INDEX_BUNDLE_NPY_H_

#include <bit>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "absl/status/statusor.h"
#include "index/bundle/mapped_file.h"

namespace tributary {

// A float16 (IEEE 754 binary16), as its bits.
struct Half {
  uint16_t bits;
};
// All exponent bits set: infinity or NaN.
inline bool IsFinite(Half value) { return (value.bits & 0x7c00) != 0x7c00; }
// The same number. Shifts exponent and mantissa to their places in binary32.
// The exponent bias differs by 112, so the number is then 2^112 times too
// small; multiplying by 2^112 also makes subnormal numbers right. REQUIRES: it
// is finite.
inline float ToFloat(Half value) {
  const uint32_t sign = static_cast<uint32_t>(value.bits & 0x8000) << 16;
  const uint32_t magnitude = static_cast<uint32_t>(value.bits & 0x7fff) << 13;
  const float scaled = std::bit_cast<float>(magnitude) * 0x1p112f;
  return std::bit_cast<float>(std::bit_cast<uint32_t>(scaled) | sign);
}

enum class Dtype {
  kUint8,
  kUint16,
  kUint32,
  kUint64,
  kInt64,
  kFloat16,
  kFloat32,
  kFloat64
};

// NumPy's name of the type, such as "<f4".
std::string_view DtypeName(Dtype dtype);
// The size of an element in bytes.
size_t DtypeSize(Dtype dtype);

template <typename T>
constexpr Dtype DtypeOf() {
  if constexpr (std::is_same_v<T, uint8_t>) return Dtype::kUint8;
  if constexpr (std::is_same_v<T, uint16_t>) return Dtype::kUint16;
  if constexpr (std::is_same_v<T, uint32_t>) return Dtype::kUint32;
  if constexpr (std::is_same_v<T, uint64_t>) return Dtype::kUint64;
  if constexpr (std::is_same_v<T, Half>) return Dtype::kFloat16;
  if constexpr (std::is_same_v<T, int64_t>) return Dtype::kInt64;
  if constexpr (std::is_same_v<T, float>) return Dtype::kFloat32;
  if constexpr (std::is_same_v<T, double>) return Dtype::kFloat64;
}

struct NpyHeader {
  Dtype dtype;
  uint64_t rows;
  // 1 for arrays of one dimension.
  uint64_t columns;
  // 1 or 2.
  int dimensions;
  // The offset of the first element in the file, in bytes.
  uint64_t data_offset;
};

// What the header of any .npy file says.
struct NpyDescription {
  // NumPy's name of the type, such as "<f8" or "|S12".
  std::string descr;
  bool fortran_order = false;
  // One or two extents.
  std::vector<uint64_t> shape;
  // The offset of the first element in the file, in bytes.
  uint64_t data_offset = 0;
};

// Reads the header at the start of `file`, whatever the type and order of the
// array. Errors begin with `name`: DATA_LOSS when the file is not .npy,
// INVALID_ARGUMENT for an array without, or with more than two, dimensions.
absl::StatusOr<NpyDescription> DescribeNpy(std::span<const std::byte> file,
                                           std::string_view name);

// Parses the header at the start of `file`, the bytes of a whole file, and
// never reads beyond them. Errors begin with `name`: DATA_LOSS when the file is
// not .npy, or is shorter or longer than its header says; INVALID_ARGUMENT for
// a dtype, order or shape that bundles do not use.
absl::StatusOr<NpyHeader> ParseNpyHeader(std::span<const std::byte> file,
                                         std::string_view name);

// The header of an array of `dimensions` (1 or 2) dimensions: the bytes before
// its data, padded to a multiple of 64.
std::string FormatNpyHeader(Dtype dtype, int dimensions, uint64_t rows,
                            uint64_t columns);

// A mapped .npy file. Movable; a view is valid until the array that it was last
// moved to is destroyed. Const methods are thread-safe.
class NpyArray {
 public:
  // An array without elements, and without a file.
  NpyArray() = default;
  // Errors: those of MappedFile::Open and ParseNpyHeader.
  static absl::StatusOr<NpyArray> Open(const std::filesystem::path& path);

  const NpyHeader& header() const { return header_; }
  const std::byte* data() const {
    return file_.bytes().data() + header_.data_offset;
  }
  // The size of the file.
  uint64_t size_bytes() const { return file_.bytes().size(); }

  // The elements in C order. REQUIRES: header().dtype is T's.
  template <typename T>
  std::span<const T> elements() const {
    return {reinterpret_cast<const T*>(data()), header_.rows * header_.columns};
  }

 private:
  NpyHeader header_{};
  MappedFile file_;
};

}  // namespace tributary

#endif  // TRIBUTARY_INDEX_BUNDLE_NPY_H_
