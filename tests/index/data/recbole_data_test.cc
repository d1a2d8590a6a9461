// What is read of files in RecBole's form.
#include <cmath>
#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/index/data/read_data_set_fixture.h"

namespace tributary {
namespace {

using ::testing::ElementsAre;

class RecBoleDataTest : public ReadDataSetTest {};

TEST_F(RecBoleDataTest, ReadsTypedColumns) {
  Write("x.inter",
        "user_id:token\titem_id:token\trating:float\ttimestamp:float\n"
        "10\t7\t4.5\t1735689800\n9\t7\t1\t1735689600\n"
        "10\t30\t2\t1735689700\n");
  Write("x.item",
        "item_id:token\ttitle:token_seq\tprice:float\tv:float_seq\n"
        "100\tBlue Chair\t9.5\t1 2\n7\tRed Chair\t\t1 2\n");
  Write("x.user", "user_id:token\tage:token\n10\t24\n");
  const auto data = Read("recbole");
  ASSERT_TRUE(data.ok()) << data.status();
  EXPECT_EQ(data->items.kind, v1::UINT64);
  EXPECT_THAT(data->items.ids, ElementsAre(7, 30, 100));
  EXPECT_THAT(data->users.ids, ElementsAre(9, 10));
  // By user, then time.
  ASSERT_EQ(data->interactions.size(), 3);
  EXPECT_EQ(data->interactions[1].item, 1);
  EXPECT_EQ(ValueOf(*data, data->interactions[2]), 4.5F);
  EXPECT_EQ(data->interactions[2].time_s, 1735689800);
  EXPECT_TRUE(data->has_times);
  EXPECT_THAT(Find(data->item_features, "title")->text, ElementsAre("Red\x1f"
                                                                    "Chair",
                                                                    "",
                                                                    "Blue\x1f"
                                                                    "Chair"));
  EXPECT_TRUE(std::isnan(Find(data->item_features, "price")->numbers[0]));
  EXPECT_EQ(Find(data->item_features, "price")->numbers[2], 9.5F);
  EXPECT_EQ(Find(data->item_features, "v"), nullptr);
  EXPECT_EQ(Find(data->user_features, "age")->text[1], "24");
}

TEST_F(RecBoleDataTest, NamesWhatIsWrong) {
  Write("x.inter", "user_id:token\titem_id:token\n1\t2\n1\n\t3\n1\t4\n1\t5\n");
  const auto data = Read("recbole", 2);
  ASSERT_TRUE(data.ok()) << data.status();
  const std::string file = (dir_ / "x.inter").string();
  EXPECT_EQ(data->malformed_lines, 2);
  EXPECT_THAT(data->malformed, ElementsAre(file + ":3: 1 fields, expected 2",
                                           file + ":4: empty key"));
  ExpectError(Read("recbole", 1), absl::StatusCode::kDataLoss, "x.inter:3");
  Write("x.inter", "user_id:token\tthing:token\n");
  ExpectError(
      Read("recbole"), absl::StatusCode::kNotFound,
      "no column is known as the item; there are \"user_id\", \"thing\"");
  Write("x.inter", "user_id\titem_id\n");
  ExpectError(Read("recbole"), absl::StatusCode::kNotFound, "no type");
  Write("x.inter", "user_id:token\titem_id:token\tvalue:float\n");
  Write("y.inter", "user_id:token\titem_id:token\n");
  ExpectError(Read("recbole"), absl::StatusCode::kInvalidArgument,
              "files of one table need the same header");
}

TEST_F(RecBoleDataTest, ReadsOtherNamesAndSeparators) {
  Write("x.inter",
        "artist_id:token,session_id:token,weight:float,ts:token\n"
        "7,s1,3,1735689600\n");
  const auto data = Read("recbole");
  ASSERT_TRUE(data.ok()) << data.status();
  EXPECT_THAT(data->items.ids, ElementsAre(7));
  EXPECT_THAT(data->users.strings, ElementsAre("s1"));
  EXPECT_EQ(ValueOf(*data, data->interactions[0]), 3);
  EXPECT_EQ(data->interactions[0].time_s, 1735689600);
}

}  // namespace
}  // namespace tributary
