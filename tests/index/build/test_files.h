#ifndef TRIBUTARY_TESTS_INDEX_BUILD_TEST_FILES_H_
#define TRIBUTARY_TESTS_INDEX_BUILD_TEST_FILES_H_

#include <filesystem>
#include <fstream>
#include <span>
#include <string>
#include <string_view>

#include "gtest/gtest.h"
#include "index/bundle/npy.h"

namespace tributary {

// A directory of the running test alone, empty at first.
inline std::filesystem::path FreshDirectory() {
  const auto* const info =
      testing::UnitTest::GetInstance()->current_test_info();
  const auto dir =
      std::filesystem::path(testing::TempDir()) /
      (std::string("build_") + info->test_suite_name() + "_" + info->name());
  std::filesystem::remove_all(dir);
  std::filesystem::create_directories(dir);
  return dir;
}

inline void WriteText(const std::filesystem::path& path,
                      std::string_view text) {
  std::ofstream(path, std::ios::binary) << text;
}

inline std::string ReadText(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

inline void WriteMatrix(const std::filesystem::path& path,
                        std::span<const float> values, uint64_t columns) {
  const auto bytes = std::as_bytes(values);
  WriteText(path, FormatNpyHeader(Dtype::kFloat32, 2, values.size() / columns,
                                  columns) +
                      std::string(reinterpret_cast<const char*>(bytes.data()),
                                  bytes.size()));
}

}  // namespace tributary

#endif  // TRIBUTARY_TESTS_INDEX_BUILD_TEST_FILES_H_
