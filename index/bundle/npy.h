// NumPy's .npy format, versions 1.0 to 3.0, as far as bundles use it: little
// endian, C order, one or two dimensions. Format:
// https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html
#ifndef TRIBUTARY_INDEX_BUNDLE_NPY_H_
#define TRIBUTARY_INDEX_BUNDLE_NPY_H_

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>

#include "absl/status/statusor.h"
#include "index/bundle/mapped_file.h"

namespace tributary {

// IEEE 754 binary16, by its bits.
struct Half {
  uint16_t bits;
};

enum class Dtype { kUint8, kUint16, kUint32, kUint64, kFloat16, kFloat32 };

// What NumPy calls it, e.g. "<f4".
std::string_view DtypeName(Dtype dtype);
size_t DtypeSize(Dtype dtype);

template <typename T>
constexpr Dtype DtypeOf() {
  if constexpr (std::is_same_v<T, uint8_t>) return Dtype::kUint8;
  if constexpr (std::is_same_v<T, uint16_t>) return Dtype::kUint16;
  if constexpr (std::is_same_v<T, uint32_t>) return Dtype::kUint32;
  if constexpr (std::is_same_v<T, uint64_t>) return Dtype::kUint64;
  if constexpr (std::is_same_v<T, Half>) return Dtype::kFloat16;
  if constexpr (std::is_same_v<T, float>) return Dtype::kFloat32;
}

struct NpyHeader {
  Dtype dtype;
  uint64_t rows;
  // 1 for arrays of one dimension.
  uint64_t columns;
  int dimensions;
  // Where the data begin, in bytes.
  uint64_t data_offset;
};

// Reads the header at the start of `file`. Never reads past `file`. Errors:
// DATA_LOSS when it is not .npy, or when the header claims more than the file
// holds or less; INVALID_ARGUMENT for a dtype, order or shape that bundles do
// not use. Messages begin with `name`.
absl::StatusOr<NpyHeader> ParseNpyHeader(std::span<const std::byte> file,
                                         std::string_view name);

// The bytes that come before the data of an array of `dimensions` (1 or 2)
// dimensions; their number is a multiple of 64.
std::string FormatNpyHeader(Dtype dtype, int dimensions, uint64_t rows,
                            uint64_t columns);

// A mapped .npy file. Views stay valid as long as the array or what it was
// moved to.
class NpyArray {
 public:
  NpyArray() = default;
  static absl::StatusOr<NpyArray> Open(const std::filesystem::path& path);

  const NpyHeader& header() const { return header_; }
  const std::byte* data() const {
    return file_.bytes().data() + header_.data_offset;
  }
  uint64_t size_bytes() const { return file_.bytes().size(); }

  // The elements, in C order. REQUIRES: header().dtype is T's.
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
