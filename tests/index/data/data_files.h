#ifndef TRIBUTARY_TESTS_INDEX_DATA_DATA_FILES_H_
#define TRIBUTARY_TESTS_INDEX_DATA_DATA_FILES_H_

#include <filesystem>
#include <span>
#include <string>

#include "index/bundle/npy.h"
#include "tests/index/bundle/tiny_bundle.h"

namespace tributary {

inline void WriteMatrix(const std::filesystem::path& path,
                        std::span<const float> values, uint64_t columns) {
  const auto bytes = std::as_bytes(values);
  OverwriteFile(
      path,
      FormatNpyHeader(Dtype::kFloat32, 2, values.size() / columns, columns) +
          std::string(reinterpret_cast<const char*>(bytes.data()),
                      bytes.size()));
}

}  // namespace tributary

#endif  // TRIBUTARY_TESTS_INDEX_DATA_DATA_FILES_H_
