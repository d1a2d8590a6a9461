// What the tests of all kinds of data share.
#ifndef TRIBUTARY_TESTS_INDEX_DATA_READ_DATA_SET_FIXTURE_H_
#define TRIBUTARY_TESTS_INDEX_DATA_READ_DATA_SET_FIXTURE_H_

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "index/data/data_set.h"
#include "tests/index/bundle/tiny_bundle.h"

namespace tributary {

// Writes files into a directory of its own, and reads it as one kind or
// another.
class ReadDataSetTest : public testing::Test {
 protected:
  void Write(std::string_view name, std::string_view text) {
    OverwriteFile(dir_ / name, text);
  }
  absl::StatusOr<DataSet> Read(std::string_view kind, uint32_t limit = 100) {
    return ReadDataSet(std::string(kind) + ":" + dir_.string(), limit);
  }
  absl::StatusOr<DataSet> Read(std::string_view kind, const v1::Input& input) {
    ReadOptions options;
    options.input = input;
    options.max_malformed_lines = 100;
    return ReadDataSet(std::string(kind) + ":" + dir_.string(), options);
  }
  static void ExpectError(const absl::StatusOr<DataSet>& data,
                          absl::StatusCode code, std::string_view message) {
    EXPECT_EQ(data.status().code(), code) << data.status();
    EXPECT_THAT(std::string(data.status().message()),
                testing::HasSubstr(std::string(message)));
  }
  // nullptr where there is no such column.
  static const FeatureColumn* Find(const std::vector<FeatureColumn>& columns,
                                   std::string_view name) {
    for (const FeatureColumn& column : columns) {
      if (column.name == name) return &column;
    }
    return nullptr;
  }
  static std::string Text(const std::vector<std::string>& lines) {
    std::string text;
    for (const std::string& line : lines) text += line + "\n";
    return text;
  }

  const std::filesystem::path dir_ = MakeTestDir();
};

}  // namespace tributary

#endif  // TRIBUTARY_TESTS_INDEX_DATA_READ_DATA_SET_FIXTURE_H_
