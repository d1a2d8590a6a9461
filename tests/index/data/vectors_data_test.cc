// What is read of embeddings that were trained elsewhere.
#include <cmath>
#include <filesystem>
#include <string>
#include <vector>

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
