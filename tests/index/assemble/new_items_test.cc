#include "index/assemble/new_items.h"

#include <cmath>
#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "index/assemble/build.h"
#include "index/data/data_set_builder.h"
#include "tests/index/bundle/tiny_bundle.h"

namespace tributary {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using Kind = FeatureColumn::Kind;

class NewItemsTest : public testing::Test {
 protected:
  // A bundle of items <prefix>1 to <prefix>20 with text, tags and a price.
  void Build(const std::string& prefix) {
    DataSetBuilder builder;
    const size_t text = builder.item_features.AddColumn("text", Kind::kText);
    const size_t tags = builder.item_features.AddColumn("tags", Kind::kTokens);
    const size_t price =
        builder.item_features.AddColumn("price", Kind::kNumber);
    for (int i = 1; i <= 20; ++i) {
      const uint32_t item = builder.items.Add(prefix + std::to_string(i));
      builder.item_features.Set(text, item, i % 2 == 0 ? "lamp" : "chair");
      builder.item_features.AddToken(tags, item, i % 3 == 0 ? "big" : "small");
      builder.item_features.Set(price, item, std::to_string(i));
    }
    BuildRequest request;
    request.root = dir_ / prefix;
    const auto built = BuildBundle(std::move(builder).Finish(), request);
    ASSERT_TRUE(built.ok()) << built.status();
    bundle_ = *Bundle::Open(*built);
  }

  absl::StatusOr<NewItems> Read(const std::string& contents,
                                const std::string& file = "new.csv") {
    OverwriteFile(dir_ / file, contents);
    return ReadNewItems(dir_ / file, *bundle_);
  }

  void ExpectError(const std::string& contents, absl::StatusCode code,
                   const std::vector<std::string>& named) {
    const absl::Status status = Read(contents).status();
    EXPECT_EQ(status.code(), code) << status;
    for (const std::string& name : named) {
      EXPECT_THAT(std::string(status.message()), HasSubstr(name));
    }
  }

  const std::filesystem::path dir_ = MakeTestDir();
  std::shared_ptr<const Bundle> bundle_;
};

TEST_F(NewItemsTest, ColumnsAreTheBundlesWhateverTheirOrderInTheFile) {
  ASSERT_NO_FATAL_FAILURE(Build("item"));
  const auto items = Read(
      "price,colour,item,tags,text\n"
      "12,red,zebra,big| small,\"A lamp, new\"\n"
      "nan,blue,item100,,\xE9t\xE9\n");
  ASSERT_TRUE(items.ok()) << items.status();
  EXPECT_THAT(items->keys.strings, ElementsAre("item100", "zebra"));
  ASSERT_EQ(items->columns.size(), 3);
  EXPECT_THAT(items->columns[0].text, ElementsAre("été", "A lamp, new"));
  EXPECT_THAT(items->columns[1].text, ElementsAre("", "big\x1fsmall"));
  EXPECT_TRUE(std::isnan(items->columns[2].numbers[0]));
  EXPECT_EQ(items->columns[2].numbers[1], 12);
  EXPECT_THAT(items->ignored, ElementsAre("colour"));
  EXPECT_THAT(items->missing, IsEmpty());
}

TEST_F(NewItemsTest, MissingColumnsAreEmpty) {
  ASSERT_NO_FATAL_FAILURE(Build("item"));
  const auto items = Read("item_id,text\nnew,lamp\n");
  ASSERT_TRUE(items.ok()) << items.status();
  EXPECT_THAT(items->missing, ElementsAre("tags", "price"));
  EXPECT_THAT(items->columns[1].text, ElementsAre(""));
  EXPECT_TRUE(std::isnan(items->columns[2].numbers[0]));
}

TEST_F(NewItemsTest, ReadsRecBoleItems) {
  ASSERT_NO_FATAL_FAILURE(Build("item"));
  const auto items =
      Read("item_id:token\ttags:token_seq\tprice:float\nnew\tbig small\t3\n",
           "new.item");
  ASSERT_TRUE(items.ok()) << items.status();
  EXPECT_THAT(items->columns[1].text, ElementsAre("big\x1fsmall"));
  EXPECT_THAT(items->columns[2].numbers, ElementsAre(3));
}

TEST_F(NewItemsTest, IntegerKeysAreInTheOrderOfNumbers) {
  ASSERT_NO_FATAL_FAILURE(Build(""));
  const auto items = Read("item,text\n1000,lamp\n99,chair\n");
  ASSERT_TRUE(items.ok()) << items.status();
  EXPECT_THAT(items->keys.ids, ElementsAre(99, 1000));
  EXPECT_THAT(items->columns[0].text, ElementsAre("chair", "lamp"));
}

TEST_F(NewItemsTest, NoItemsAreNoError) {
  ASSERT_NO_FATAL_FAILURE(Build("item"));
  const auto items = Read("item,text,tags,price\n");
  ASSERT_TRUE(items.ok()) << items.status();
  EXPECT_EQ(items->keys.size(), 0);
}

TEST_F(NewItemsTest, ErrorsNameFileLineAndKey) {
  ASSERT_NO_FATAL_FAILURE(Build("item"));
  const std::string header = "item,text,price\n";
  ExpectError(header + "new,lamp,1\nitem7,lamp,2\n",
              absl::StatusCode::kAlreadyExists, {"new.csv:3", "item7"});
  ExpectError(header + "new,lamp,1\nother,a,2\nnew,lamp,2\n",
              absl::StatusCode::kDataLoss, {"new.csv:4", "new", "line 2"});
  ExpectError(header + "new,lamp,cheap\n", absl::StatusCode::kDataLoss,
              {"new.csv:2", "new", "price", "cheap"});
  ExpectError(header + "new,lamp\n", absl::StatusCode::kDataLoss,
              {"new.csv:2", "2 fields"});
  ExpectError(header + ",lamp,1\n", absl::StatusCode::kDataLoss,
              {"new.csv:2", "empty key"});
  ExpectError(header + "\xff,lamp é,1\n", absl::StatusCode::kDataLoss,
              {"new.csv:2", "UTF-8"});
  ExpectError("thing,text\nnew,lamp\n", absl::StatusCode::kNotFound,
              {"new.csv", "item"});
  ExpectError("", absl::StatusCode::kNotFound, {"new.csv", "header"});
}

TEST_F(NewItemsTest, KeysAreIntegersWhereTheCataloguesAre) {
  ASSERT_NO_FATAL_FAILURE(Build(""));
  ExpectError("item,text\nnew,lamp\n", absl::StatusCode::kDataLoss,
              {"new.csv:2", "\"new\"", "integers"});
  ExpectError("item,text\n007,lamp\n", absl::StatusCode::kDataLoss,
              {"new.csv:2", "007"});
}

}  // namespace
}  // namespace tributary
