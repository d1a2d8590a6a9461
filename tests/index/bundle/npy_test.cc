#include "index/bundle/npy.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <span>
#include <string>

namespace tributary {
namespace {

using testing::HasSubstr;

std::span<const std::byte> Bytes(const std::string& text) {
  return std::as_bytes(std::span(text));
}

// What numpy.save writes for np.array([[1.5, 2]], '<f4').
std::string NumpyFile() {
  std::string header =
      "{'descr': '<f4', 'fortran_order': False, 'shape': (1, 2), }";
  header.append(117 - header.size(), ' ');
  header += '\n';
  std::string file = "\x93NUMPY";
  file += {'\x01', '\x00', '\x76', '\x00'};
  file += header;
  file += std::string("\x00\x00\xc0\x3f\x00\x00\x00\x40", 8);
  return file;
}

std::string WithHeader(const std::string& from, const std::string& to) {
  std::string file = NumpyFile();
  file.replace(file.find(from), from.size(), to);
  return file;
}

TEST(Npy, ReadsWhatNumpyWrites) {
  const std::string file = NumpyFile();
  const auto header = ParseNpyHeader(Bytes(file), "x.npy");
  ASSERT_TRUE(header.ok()) << header.status();
  EXPECT_EQ(header->dtype, Dtype::kFloat32);
  EXPECT_EQ(header->dimensions, 2);
  EXPECT_EQ(header->rows, 1);
  EXPECT_EQ(header->columns, 2);
  EXPECT_EQ(header->data_offset, 128);
}

TEST(Npy, ReadsItsOwnHeadersAndAlignsTheData) {
  for (const Dtype dtype : {Dtype::kUint16, Dtype::kUint32, Dtype::kUint64,
                            Dtype::kFloat16, Dtype::kFloat32}) {
    for (const int dimensions : {1, 2}) {
      const uint64_t columns = dimensions == 1 ? 1 : 7;
      std::string file = FormatNpyHeader(dtype, dimensions, 3, columns);
      EXPECT_EQ(file.size() % 64, 0);
      file.append(3 * columns * DtypeSize(dtype), '\0');
      const auto header = ParseNpyHeader(Bytes(file), "x.npy");
      ASSERT_TRUE(header.ok()) << header.status();
      EXPECT_EQ(header->dtype, dtype);
      EXPECT_EQ(header->dimensions, dimensions);
      EXPECT_EQ(header->rows, 3);
      EXPECT_EQ(header->columns, columns);
    }
  }
}

TEST(Npy, RejectsEveryTruncation) {
  const std::string file = NumpyFile();
  for (size_t size = 0; size < file.size(); ++size) {
    const auto header = ParseNpyHeader(Bytes(file.substr(0, size)), "x.npy");
    EXPECT_FALSE(header.ok()) << size;
    EXPECT_THAT(std::string(header.status().message()), HasSubstr("x.npy"));
  }
}

TEST(Npy, RejectsBytesAfterTheData) {
  EXPECT_EQ(ParseNpyHeader(Bytes(NumpyFile() + "x"), "x.npy").status().code(),
            absl::StatusCode::kDataLoss);
}

TEST(Npy, RejectsAHeaderThatClaimsMoreThanTheFileHolds) {
  for (const char* shape : {"(2, 2)", "(9, 9)"}) {
    const auto header = ParseNpyHeader(Bytes(WithHeader("(1, 2)", shape)), "x");
    EXPECT_EQ(header.status().code(), absl::StatusCode::kDataLoss);
  }
}

TEST(Npy, RejectsAShapeWhoseSizeOverflows) {
  // In the first shape the number of elements overflows; in the second the
  // number of bytes does, to the 8 that the file holds. The new shapes replace
  // padding, so that the header's size stays.
  for (const char* shape :
       {"(9223372036854775809, 2), }   ", "(4611686018427387906, 1), }   "}) {
    const std::string file =
        WithHeader("(1, 2), }                     ", shape);
    const auto header = ParseNpyHeader(Bytes(file), "x.npy");
    EXPECT_EQ(header.status().code(), absl::StatusCode::kDataLoss) << shape;
    EXPECT_THAT(std::string(header.status().message()), HasSubstr("2^64"));
  }
}

TEST(Npy, RejectsFormatsThatBundlesDoNotUse) {
  for (const auto& [from, to] :
       {std::pair("<f4", "<c8"), std::pair("<f4", ">f4"),
        std::pair("False", "True "), std::pair("(1, 2)", "()    "),
        std::pair("(1, 2), }", "(1,2,1)}"), std::pair("'shape'", "'sharp'")}) {
    const auto header = ParseNpyHeader(Bytes(WithHeader(from, to)), "x.npy");
    EXPECT_EQ(header.status().code(), absl::StatusCode::kInvalidArgument)
        << to << ": " << header.status();
  }
}

}  // namespace
}  // namespace tributary
