// Arrays that other programs saved with NumPy, in whatever type and order.
#ifndef TRIBUTARY_INDEX_DATA_NPY_INPUT_H_
#define TRIBUTARY_INDEX_DATA_NPY_INPUT_H_

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "tributary/v1/manifest.pb.h"

namespace tributary {

// A matrix as float32 in C order.
struct InputMatrix {
  uint64_t rows = 0;
  uint32_t dim = 0;
  std::vector<float> values;
  // What it was converted from, such as ">f8 in Fortran order"; "" when the
  // file has float32 in C order.
  std::string converted_from;
};

// Reads a matrix of floating-point numbers (2, 4 or 8 bytes), integers (1 to 8
// bytes) or booleans, of either byte order, in C or Fortran order. Errors:
// those of MappedFile::Open and DescribeNpy; DATA_LOSS when the file is shorter
// or longer than its header says; INVALID_ARGUMENT, naming the path and the
// NumPy call that mends it, for another type, for a shape that is not two
// extents of which the second is 1 to 65536, and for a row with a value that is
// not finite as float32.
absl::StatusOr<InputMatrix> ReadNpyMatrix(const std::filesystem::path& path);

// Reads an array of one dimension as keys: of integers, or of strings ('U' or
// 'S'). Errors: as ReadNpyMatrix; also for a negative integer.
absl::StatusOr<std::vector<std::string>> ReadNpyKeys(
    const std::filesystem::path& path);

// A value for each row, as text.
struct InputColumn {
  v1::AttributeType type = v1::CATEGORY;
  // "" where a value is missing: NaN, infinity or NaT.
  std::vector<std::string> values;
};

// Reads an array of one dimension as an attribute: of booleans (BOOLEAN);
// integers (INTEGER; BOOLEAN if they are uint8, and 0 and 1); floating-point
// numbers (NUMBER; a float32 is the shortest decimal number that gives it, so
// that 49.9 is 49.9); datetime64 of s, ms, us, ns or days (TIME); or strings
// (CATEGORY). Errors: as ReadNpyMatrix.
absl::StatusOr<InputColumn> ReadNpyColumn(const std::filesystem::path& path);

}  // namespace tributary

#endif  // TRIBUTARY_INDEX_DATA_NPY_INPUT_H_
