// What is read of interactions.csv, items.csv and users.csv.
#include <string>
#include <string_view>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/index/data/read_data_set_fixture.h"

namespace tributary {
namespace {

using ::testing::ElementsAre;

class CsvDataTest : public ReadDataSetTest {};

TEST_F(CsvDataTest, FindsColumnsByNameAndKindsByValue) {
  Write("interactions.csv",
        "time,item_id,user_id,outcome\n2025-01-01,b,u,2\n,a,u,\n");
  std::string items = "item,price,tags,brand,title\n";
  for (const char* item : {"a", "b", "c", "d", "e", "f"}) {
    items += std::string(item) + ",1.5,x|y,acme,title " + item + "\n";
  }
  Write("items.csv", items);
  Write("users.csv", "user,segment\nu,young\n");
  const auto data = Read("csv");
  ASSERT_TRUE(data.ok()) << data.status();
  EXPECT_EQ(data->items.size(), 6);
  ASSERT_EQ(data->interactions.size(), 2);
  EXPECT_EQ(data->interactions[0].item, 0);
  EXPECT_EQ(ValueOf(*data, data->interactions[0]), 1);
  EXPECT_EQ(data->interactions[0].time_s, 0);
  EXPECT_EQ(ValueOf(*data, data->interactions[1]), 2);
  EXPECT_EQ(data->interactions[1].time_s, 1735689600);
  using Kind = FeatureColumn::Kind;
  EXPECT_EQ(Find(data->item_features, "price")->kind, Kind::kNumber);
  EXPECT_EQ(Find(data->item_features, "tags")->kind, Kind::kTokens);
  EXPECT_EQ(Find(data->item_features, "tags")->text[0],
            "x\x1f"
            "y");
  EXPECT_EQ(Find(data->item_features, "brand")->kind, Kind::kTokens);
  EXPECT_EQ(Find(data->item_features, "title")->kind, Kind::kText);
  EXPECT_EQ(Find(data->user_features, "segment")->text[0], "young");
}

TEST_F(CsvDataTest, NamesWhatIsWrong) {
  const auto read = [&](std::string_view interactions, uint32_t limit = 9) {
    Write("interactions.csv", interactions);
    return Read("csv", limit);
  };
  ExpectError(read("user,thing\n"), absl::StatusCode::kNotFound,
              "there are \"user\", \"thing\". Name it: --columns item=COLUMN");
  const auto data = read(
      "user,item,value,time\nu,i,many,2025-01-01\nu,i,inf,2025-01-01\n"
      "u,i,1,noon\n,i,1,2025-01-01\nu,\xFF,1,2025-01-01\nu,é,1,2025-01-01\n"
      "u,i,1,2025-01-01\nu,i,1,2025-01-01\nu,i,1,2025-01-01\n"
      "u,i,1,2025-01-01\n");
  ASSERT_TRUE(data.ok()) << data.status();
  const std::string file = (dir_ / "interactions.csv").string();
  EXPECT_THAT(data->malformed,
              ElementsAre(file + ":2: the value is not a finite number",
                          file + ":3: the value is not a finite number",
                          file + ":4: the time is not written as ISO 8601",
                          file + ":5: empty key",
                          file + ":6: a key that is not UTF-8"));
  EXPECT_EQ(data->interactions.size(), 5);
  ExpectError(Read("csv", 4), absl::StatusCode::kDataLoss, file + ":2: ");
}

}  // namespace
}  // namespace tributary
