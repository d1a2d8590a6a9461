// The part of NumPy's .npy format, versions 1.0 to 3.0, that bundles use:
// little-endian arrays of one or two dimensions in C order. Format:
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

// A float16 (IEEE 754 binary16), as its bits.
struct Half {
  uint16_t bits;
};

enum class Dtype { kUint8, kUint16, kUint32, kUint64, kFloat16, kFloat32 };

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
  if constexpr (std::is_same_v<T, float>) return Dtype::kFloat32;
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
