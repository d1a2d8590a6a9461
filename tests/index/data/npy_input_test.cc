#include "index/data/npy_input.h"

#include <bit>
#include <cmath>
#include <cstring>
#include <string>
#include <vector>

#include "fmt/format.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/index/bundle/tiny_bundle.h"

namespace tributary {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

// A .npy file as NumPy writes it.
std::string Npy(std::string_view descr, std::string_view shape,
                std::string_view data, bool fortran = false) {
  std::string header =
      fmt::format("{{'descr': '{}', 'fortran_order': {}, 'shape': {}, }}",
                  descr, fortran ? "True" : "False", shape);
  header.append(64 - (10 + header.size() + 1) % 64, ' ');
  header += '\n';
  std::string file = "\x93NUMPY";
  file += {'\x01', '\x00', static_cast<char>(header.size() & 0xFF),
           static_cast<char>(header.size() >> 8)};
  return file + header + std::string(data);
}

template <typename T>
std::string Bytes(const std::vector<T>& values, bool reversed = false) {
  std::string bytes;
  for (const T value : values) {
    char of_value[sizeof(T)];
    std::memcpy(of_value, &value, sizeof(T));
    if (reversed) std::reverse(of_value, of_value + sizeof(T));
    bytes.append(of_value, sizeof(T));
  }
  return bytes;
}

absl::StatusOr<InputMatrix> ReadMatrix(std::string_view file) {
  const auto path = MakeTestDir() / "x.npy";
  OverwriteFile(path, file);
  return ReadNpyMatrix(path);
}

absl::StatusOr<std::vector<std::string>> ReadKeys(std::string_view file) {
  const auto path = MakeTestDir() / "ids.npy";
  OverwriteFile(path, file);
  return ReadNpyKeys(path);
}

TEST(ReadNpyMatrix, ReadsEveryNumericType) {
  const std::string shape = "(2, 2)";
  for (const std::string& file : {
           Npy("<f4", shape, Bytes<float>({1, 2, 3, 4})),
           Npy(">f4", shape, Bytes<float>({1, 2, 3, 4}, true)),
           Npy("<f8", shape, Bytes<double>({1, 2, 3, 4})),
           Npy(">f8", shape, Bytes<double>({1, 2, 3, 4}, true)),
           Npy("<f2", shape, Bytes<uint16_t>({0x3C00, 0x4000, 0x4200, 0x4400})),
           Npy(">f2", shape,
               Bytes<uint16_t>({0x3C00, 0x4000, 0x4200, 0x4400}, true)),
           Npy("|i1", shape, Bytes<int8_t>({1, 2, 3, 4})),
           Npy("|u1", shape, Bytes<uint8_t>({1, 2, 3, 4})),
           Npy("<i8", shape, Bytes<int64_t>({1, 2, 3, 4})),
           Npy(">i2", shape, Bytes<int16_t>({1, 2, 3, 4}, true)),
           Npy("<f4", shape, Bytes<float>({1, 3, 2, 4}), /*fortran=*/true),
           Npy(">f8", shape, Bytes<double>({1, 3, 2, 4}, true), true),
       }) {
    const auto matrix = ReadMatrix(file);
    ASSERT_TRUE(matrix.ok()) << matrix.status();
    EXPECT_EQ(matrix->rows, 2);
    EXPECT_EQ(matrix->dim, 2);
    EXPECT_THAT(matrix->values, ElementsAre(1, 2, 3, 4));
  }
  EXPECT_EQ(
      ReadMatrix(Npy("<f4", shape, Bytes<float>({1, 2, 3, 4})))->converted_from,
      "");
  EXPECT_EQ(
      ReadMatrix(Npy(">f8", shape, Bytes<double>({1, 3, 2, 4}, true), true))
          ->converted_from,
      ">f8 in Fortran order");
}

TEST(ReadNpyMatrix, NegativeIntegersKeepTheirSign) {
  EXPECT_THAT(
      ReadMatrix(Npy("|i1", "(1, 2)", Bytes<int8_t>({-128, 127})))->values,
      ElementsAre(-128, 127));
}

TEST(ReadNpyMatrix, RefusesWhatIsNoMatrixAndShowsTheRemedy) {
  const auto message = [](std::string_view file) {
    return std::string(ReadMatrix(file).status().message());
  };
  EXPECT_THAT(message(Npy("|O", "(1, 2)", "xx")),
              AllOf(HasSubstr("Python objects"), HasSubstr("np.save(")));
  EXPECT_THAT(message(Npy("<c8", "(1, 1)", "12345678")),
              HasSubstr("the type <c8 is not read"));
  // Units whose brackets are not a pair.
  for (const char* descr :
       {"<U]", "<f4]", "<M8]", "<M8[", "<M8[]", "[]", "]"}) {
    EXPECT_THAT(message(Npy(descr, "(1, 1)", "12345678")),
                HasSubstr(std::string("the type ") + descr + " is not read"));
  }
  EXPECT_THAT(message(Npy("<f4", "(2,)", Bytes<float>({1, 2}))),
              HasSubstr("expected (rows, dimensions)"));
  EXPECT_THAT(message(Npy("<f4", "(2, 0)", "")), HasSubstr("(2, 0)"));
  EXPECT_THAT(message(Npy("<f4", "(2, 2)", Bytes<float>({1, 2, 3}))),
              HasSubstr("needs 16 bytes after the header, the file holds 12"));
  EXPECT_THAT(message(Npy("<f4", "(2, 1)", Bytes<float>({1, NAN}))),
              HasSubstr("row 1 has NaN or infinity"));
  EXPECT_THAT(message(Npy("<f8", "(1, 1)", Bytes<double>({1e300}))),
              HasSubstr("row 0 has NaN or infinity"));
  EXPECT_THAT(message(Npy("<f2", "(1, 1)", Bytes<uint16_t>({0x7C00}))),
              HasSubstr("row 0 has NaN"));
  EXPECT_THAT(message("not an array"), HasSubstr("not a .npy file"));
}

TEST(ReadNpyKeys, ReadsIntegersAndStrings) {
  EXPECT_THAT(*ReadKeys(Npy("<i8", "(2,)", Bytes<int64_t>({7, 1LL << 60}))),
              ElementsAre("7", "1152921504606846976"));
  EXPECT_THAT(*ReadKeys(Npy("<u8", "(1,)", Bytes<uint64_t>({UINT64_MAX}))),
              ElementsAre("18446744073709551615"));
  EXPECT_THAT(*ReadKeys(Npy(">i4", "(2, 1)", Bytes<int32_t>({7, 300}, true))),
              ElementsAre("7", "300"));
  EXPECT_THAT(*ReadKeys(Npy("|S3", "(2,)", std::string("ab\0abc", 6))),
              ElementsAre("ab", "abc"));
  EXPECT_THAT(*ReadKeys(Npy("<U2", "(3,)",
                            Bytes<uint32_t>({U'é', U'北', U'😀', 0, U'x', 0}))),
              ElementsAre("é北", "😀", "x"));
}

TEST(ReadNpyKeys, RefusesWhatIsNoKey) {
  const auto message = [](std::string_view file) {
    return std::string(ReadKeys(file).status().message());
  };
  EXPECT_THAT(message(Npy("<i4", "(2,)", Bytes<int32_t>({1, -1}))),
              HasSubstr("row 1: a key is negative"));
  EXPECT_THAT(message(Npy("<f8", "(1,)", Bytes<double>({1}))),
              HasSubstr("no type of keys"));
  EXPECT_THAT(message(Npy("<i4", "(1, 2)", Bytes<int32_t>({1, 2}))),
              HasSubstr("expected one key a row"));
}

}  // namespace
}  // namespace tributary
