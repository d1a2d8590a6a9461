// The input is a .npy file of any type, read as vectors, as keys and as an
// attribute.
#include <cmath>
#include <string>

#include "index/data/attribute_value.h"
#include "index/data/npy_input.h"
#include "tests/fuzz/fuzz_target.h"

int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const auto path = tributary::FuzzDir() / "x.npy";
  tributary::WriteInput(path, tributary::AsText(data, size));
  if (const auto matrix = tributary::ReadNpyMatrix(path); matrix.ok()) {
    tributary::Require(matrix->values.size() == matrix->rows * matrix->dim);
    for (const float value : matrix->values) {
      tributary::Require(std::isfinite(value));
    }
  }
  tributary::ReadNpyKeys(path).IgnoreError();
  if (const auto column = tributary::ReadNpyColumn(path); column.ok()) {
    for (const std::string& value : column->values) {
      tributary::Require(tributary::FitsAttribute(column->type, value));
    }
  }
  return 0;
}
