// What is read of embeddings that were trained elsewhere.
#include <cmath>
#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "fmt/format.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/index/data/data_files.h"
#include "tests/index/data/read_data_set_fixture.h"

namespace tributary {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

class VectorsDataTest : public ReadDataSetTest {};

TEST_F(VectorsDataTest, RowsAreSortedByKey) {
  WriteMatrix(dir_ / "two.items.npy", std::vector<float>{3, 3, 1, 1, 2, 2}, 2);
  WriteMatrix(dir_ / "two.users.npy", std::vector<float>{20, 0, 10, 0}, 2);
  WriteMatrix(dir_ / "one.items.npy", std::vector<float>{30, 10, 20}, 1);
  Write("items.ids.txt", "c\na\nb\n");
  Write("users.ids.txt", "0\n1\n");
  Write("popularity.csv", "item,score\nc,5\n");
  Write("interactions.csv", "user,item\n1,c\n9,c\n1,z\n0,a\n0,b\n");
  const auto data = Read("vectors");
  ASSERT_TRUE(data.ok()) << data.status();
  EXPECT_THAT(data->items.strings, ElementsAre("a", "b", "c"));
  EXPECT_THAT(data->users.ids, ElementsAre(0, 1));
  ASSERT_EQ(data->spaces.size(), 2);
  EXPECT_EQ(data->spaces[0].name, "one");
  EXPECT_THAT(data->spaces[0].items.values, ElementsAre(10, 20, 30));
  EXPECT_THAT(data->spaces[0].items.rows, ElementsAre(0, 1, 2));
  EXPECT_THAT(data->spaces[0].users.values, IsEmpty());
  EXPECT_THAT(data->spaces[1].items.values, ElementsAre(1, 1, 2, 2, 3, 3));
  EXPECT_THAT(data->spaces[1].users.values, ElementsAre(20, 0, 10, 0));
  EXPECT_THAT(data->item_popularity, ElementsAre(0, 0, 5));
  EXPECT_EQ(data->interactions.size(), 3);
  EXPECT_EQ(data->malformed_lines, 2);
  EXPECT_FALSE(data->trains);
}

TEST_F(VectorsDataTest, AttributesAreArraysAndColumnsOfItems) {
  WriteMatrix(dir_ / "x.items.npy", std::vector<float>{1, 2, 3}, 1);
  Write("items.ids.txt", "c\na\nb\n");
  const auto header = [](std::string_view descr) {
    std::string text = fmt::format(
        "{{'descr': '{}', 'fortran_order': False, 'shape': (3,), }}", descr);
    text.resize(117, ' ');
    text += '\n';
    return std::string("\x93NUMPY\x01\x00", 8) +
           std::string({static_cast<char>(text.size()), '\0'}) + text;
  };
  const auto array = [&]<typename T>(std::string_view name,
                                     std::string_view descr,
                                     const std::vector<T>& values) {
    Write(name,
          header(descr).append(reinterpret_cast<const char*>(values.data()),
                               values.size() * sizeof(T)));
  };
  array("attribute.price.npy", "<f4", std::vector<float>{49.9F, NAN, 0.1F});
  array("attribute.weight.npy", "<f8", std::vector<double>{0.1, 0.2, 0.1});
  array("attribute.size.npy", "<i8",
        std::vector<int64_t>{INT64_MAX, INT64_MIN, 7});
  array("attribute.big.npy", ">i4", std::vector<uint32_t>{0xFEFFFFFF, 0, 0});
  array("attribute.new.npy", "|b1", std::vector<uint8_t>{1, 0, 1});
  array("attribute.sold.npy", "|u1", std::vector<uint8_t>{1, 0, 1});
  array("attribute.pieces.npy", "|u1", std::vector<uint8_t>{1, 0, 200});
  array("attribute.since.npy", "<M8[s]",
        std::vector<int64_t>{-1, INT64_MIN, 1769860800});
  array("attribute.until.npy", "<M8[us]",
        std::vector<int64_t>{-1, 0, 1769860800125999});
  Write("attribute.brand.npy",
        header("|S4") + std::string("acme\0\0\0\0b\0\0\0", 12));
  Write("items.csv", "item,colour,Title\na,red,One\nb,blue,Two\nz,red,Three\n");
  v1::Input input;
  (*input.mutable_attributes())["colour"] = "category";
  const auto data = Read("vectors", input);
  ASSERT_TRUE(data.ok()) << data.status();
  const auto find = [&](std::string_view name) -> const AttributeData& {
    for (const auto& attribute : data->attributes) {
      if (attribute->spec.name() == name) return *attribute;
    }
    ADD_FAILURE() << name;
    return *data->attributes[0];
  };
  EXPECT_EQ(data->attributes.size(), 12);
  EXPECT_THAT(find("title").texts, ElementsAre("One", "Two"));
  EXPECT_EQ(find("price").spec.type(), v1::NUMBER);
  // The rows' order is a, b, c, and that of the arrays c, a, b.
  EXPECT_THAT(find("price").numbers, ElementsAre(0.1, 49.9));
  EXPECT_THAT(find("price").codes, ElementsAre(2, 0, 1));
  EXPECT_THAT(find("weight").numbers, ElementsAre(0.1, 0.2));
  EXPECT_THAT(find("size").integers, ElementsAre(INT64_MIN, 7, INT64_MAX));
  EXPECT_THAT(find("big").integers, ElementsAre(-2, 0));
  EXPECT_EQ(find("new").spec.type(), v1::BOOLEAN);
  EXPECT_THAT(find("new").codes, ElementsAre(0, 1, 1));
  EXPECT_EQ(find("sold").spec.type(), v1::BOOLEAN);
  EXPECT_EQ(find("pieces").spec.type(), v1::INTEGER);
  EXPECT_THAT(find("since").integers, ElementsAre(-1000, 1769860800000));
  EXPECT_THAT(find("until").integers, ElementsAre(-1, 0, 1769860800125));
  EXPECT_THAT(find("brand").texts, ElementsAre("acme", "b"));
  EXPECT_THAT(find("brand").codes, ElementsAre(2, 1, 0));
  EXPECT_THAT(find("colour").codes, ElementsAre(1, 0, 2));
  // z has no vector.
  EXPECT_EQ(data->items.size(), 3);
  EXPECT_EQ(data->malformed_lines, 1);
  EXPECT_THAT(data->item_features, IsEmpty());
  array("attribute.short.npy", "<f4", std::vector<float>{1, 2});
  ExpectError(Read("vectors"), absl::StatusCode::kDataLoss,
              "attribute.short.npy: shape (3) of <f4 needs 12 bytes");
  WriteMatrix(dir_ / "attribute.short.npy", std::vector<float>{1, 2}, 1);
  ExpectError(Read("vectors"), absl::StatusCode::kInvalidArgument,
              "attribute.short.npy: 2 values, but x.items.npy has 3 rows");
  WriteMatrix(dir_ / "attribute.short.npy", std::vector<float>(6), 2);
  ExpectError(Read("vectors"), absl::StatusCode::kInvalidArgument,
              "the shape is (3, 2), expected one value an item");
}

TEST_F(VectorsDataTest, NamesFileAndPlaceOfWhatIsWrong) {
  const auto invalid = absl::StatusCode::kInvalidArgument;
  const std::vector<float> good = {1, 2, 3, 4};
  WriteMatrix(dir_ / "x.items.npy", std::vector<float>{1, 2, 3, NAN}, 2);
  ExpectError(Read("vectors"), invalid, "x.items.npy: row 1 has NaN");
  WriteMatrix(dir_ / "x.items.npy", good, 2);
  Write("items.ids.txt", "a\na\n");
  ExpectError(Read("vectors"), invalid, "items.ids.txt:2: a key that came");
  Write("items.ids.txt", "a\n");
  ExpectError(Read("vectors"), invalid, "items.ids.txt: 1 keys");
  std::filesystem::remove(dir_ / "items.ids.txt");
  WriteMatrix(dir_ / "x.users.npy", good, 1);
  ExpectError(Read("vectors"), invalid, "x.users.npy: dimension 1");
  WriteMatrix(dir_ / "x.users.npy", good, 2);
  EXPECT_TRUE(Read("vectors").ok());
  Write("items.ids.txt", "a\nb\n");
  ExpectError(Read("vectors"), invalid, "neither users.ids.txt");
  Write("users.ids.txt", "a\nb\n");
  WriteMatrix(dir_ / "y.items.npy", good, 1);
  ExpectError(Read("vectors"), invalid, "y.items.npy: 4 rows");
  WriteMatrix(dir_ / "Y!.items.npy", good, 2);
  ExpectError(Read("vectors"), invalid, "Y!.items.npy: a space's name");
}

TEST_F(VectorsDataTest, JoinsOtherData) {
  Write("interactions.csv", "user,item\nu,b\nu,a\n");
  const std::filesystem::path vectors = dir_ / "vectors";
  std::filesystem::create_directories(vectors);
  WriteMatrix(vectors / "clip.items.npy", std::vector<float>{3, 4, 0, 2}, 2);
  OverwriteFile(vectors / "items.ids.txt", "c\nb\n");
  v1::Input input;
  input.set_vectors(vectors.string());
  (*input.mutable_metric_by_space())["clip"] = "cosine";
  const auto data = Read("csv", input);
  ASSERT_TRUE(data.ok()) << data.status();
  EXPECT_TRUE(data->trains);
  EXPECT_THAT(data->items.strings, ElementsAre("a", "b", "c"));
  ASSERT_EQ(data->spaces.size(), 1);
  EXPECT_EQ(data->spaces[0].metric, v1::COSINE);
  EXPECT_THAT(data->spaces[0].items.rows, ElementsAre(1, 2));
  EXPECT_THAT(data->spaces[0].items.values, ElementsAre(0, 1, .6F, .8F));
  std::filesystem::remove(vectors / "items.ids.txt");
  ExpectError(Read("csv", input), absl::StatusCode::kInvalidArgument,
              "nothing says whose vectors the rows of clip.items.npy are");
  input.set_metric("euclid");
  input.mutable_metric_by_space()->clear();
  ExpectError(Read("csv", input), absl::StatusCode::kInvalidArgument,
              "\"euclid\", expected inner_product or cosine");
}

TEST_F(VectorsDataTest, IdsMayBeAnArrayOrHaveAByteOrderMark) {
  WriteMatrix(dir_ / "als.items.npy", std::vector<float>{1, 2}, 1);
  Write("items.ids.txt", "\xEF\xBB\xBFsku-0\r\nsku-1\r\n");
  EXPECT_THAT(Read("vectors")->items.strings, ElementsAre("sku-0", "sku-1"));
  Write("items.ids.npy", FormatNpyHeader(Dtype::kUint64, 1, 2, 1) +
                             std::string("\5\0\0\0\0\0\0\0"
                                         "\4\0\0\0\0\0\0\0",
                                         16));
  ExpectError(Read("vectors"), absl::StatusCode::kInvalidArgument,
              "both exist");
  std::filesystem::remove(dir_ / "items.ids.txt");
  EXPECT_THAT(Read("vectors")->items.ids, ElementsAre(4, 5));
  EXPECT_THAT(Read("vectors")->spaces[0].items.values, ElementsAre(2, 1));
}

}  // namespace
}  // namespace tributary
