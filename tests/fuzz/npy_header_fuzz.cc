#include <span>

#include "index/bundle/npy.h"
#include "tests/fuzz/fuzz_target.h"

int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using tributary::Require;
  const std::span file(reinterpret_cast<const std::byte*>(data), size);
  const auto header = tributary::ParseNpyHeader(file, "input.npy");
  if (!header.ok()) return 0;
  Require(header->dimensions == 1 || header->dimensions == 2);
  Require(header->data_offset <= size);
  // Compares by division, so that nothing overflows.
  const uint64_t bytes = size - header->data_offset;
  const uint64_t elements = bytes / tributary::DtypeSize(header->dtype);
  Require(bytes % tributary::DtypeSize(header->dtype) == 0);
  if (header->columns == 0 || header->rows == 0) {
    Require(elements == 0);
  } else {
    Require(elements % header->columns == 0 &&
            elements / header->columns == header->rows);
  }
  return 0;
}
