// What all kinds of data have in common: columns, keys, what is told, and
// limits.
#include <string>
#include <string_view>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/index/data/compressed.h"
#include "tests/index/data/read_data_set_fixture.h"

namespace tributary {
namespace {

using ::testing::ContainsRegex;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

TEST_F(ReadDataSetTest, RefusesOtherForms) {
  for (const char* data : {"", "csv", "csv:", "debian:", "parquet:x",
                           "synthetic:x", "synthetic:"}) {
    ExpectError(ReadDataSet(data, 0), absl::StatusCode::kInvalidArgument,
                std::string("data: \"") + data);
  }
}

TEST_F(ReadDataSetTest, APathAloneIsTakenForCsv) {
  ExpectError(ReadDataSet(dir_.string(), 0), absl::StatusCode::kInvalidArgument,
              "did you mean csv:" + dir_.string() + "?");
}

TEST_F(ReadDataSetTest, NamesTheFileThatIsMissing) {
  const auto not_found = absl::StatusCode::kNotFound;
  ExpectError(Read("csv"), not_found, "interactions.csv");
  ExpectError(Read("recbole"), not_found, "*.inter");
  ExpectError(Read("movielens"), not_found, "u.data");
  ExpectError(Read("vectors"), not_found, ".items.npy");
  ExpectError(ReadDataSet("recbole:/nowhere", 0), not_found, "/nowhere");
}

TEST_F(ReadDataSetTest, KeysAreIntegersOnlyIfAllAre) {
  const auto kind = [&](std::string_view key) {
    Write("interactions.csv",
          "user,item\n1,10\n1,9\n1," + std::string(key) + "\n");
    const auto data = Read("csv");
    EXPECT_TRUE(data.ok()) << data.status();
    return data->items;
  };
  EXPECT_THAT(kind("100").ids, ElementsAre(9, 10, 100));
  EXPECT_THAT(kind("18446744073709551615").kind, v1::UINT64);
  EXPECT_THAT(kind("007").strings, ElementsAre("007", "10", "9"));
  EXPECT_THAT(kind("18446744073709551616").kind, v1::UTF8);
}

TEST_F(ReadDataSetTest, ColumnsAreFoundByNameWhateverTheirOrder) {
  for (const char* header :
       {",userId,movieId,rating,timestamp\n0,1,111,5,1735689600\n",
        "timestamp,rating,movieId,userId\n1735689600,5,111,1\n",
        "Timestamp;Rating;Movie Id;USER_ID\n1735689600;5,0;111;1\n"}) {
    for (const char* kind : {"movielens", "csv"}) {
      Write("ratings.csv", header);
      const auto data = Read(kind);
      ASSERT_TRUE(data.ok()) << data.status();
      EXPECT_THAT(data->users.ids, ElementsAre(1));
      EXPECT_THAT(data->items.ids, ElementsAre(111));
      EXPECT_EQ(ValueOf(*data, data->interactions[0]), 5);
      EXPECT_EQ(data->interactions[0].time_s, 1735689600);
    }
  }
}

TEST_F(ReadDataSetTest, SaysWhatItUnderstood) {
  Write("interactions.csv",
        "customer,sku,event,event_time,channel,created_at\n"
        "k1,a,view,2025-01-01,web,2025-01-01\n"
        "k1,b,view,2025-01-02,web,2025-01-02\n"
        "k1,a,cart,2025-01-03,app,2025-01-03\n");
  Write("items.csv", "sku,price\na,1\nb,2\n");
  Write("notes.txt", "nothing");
  const auto data = Read("csv");
  ASSERT_TRUE(data.ok()) << data.status();
  const std::string facts = Text(data->report.facts);
  EXPECT_THAT(facts, HasSubstr("interactions.csv: 3 records, ASCII, separated "
                               "by comma"));
  EXPECT_THAT(facts, ContainsRegex("customer +user +\"k1\""));
  EXPECT_THAT(facts, ContainsRegex("sku +item +\"a\""));
  EXPECT_THAT(facts, ContainsRegex("event +type +\"view\""));
  EXPECT_THAT(facts, ContainsRegex("event_time +time .*ISO 8601"));
  EXPECT_THAT(facts, ContainsRegex("channel +ignored +\"web\""));
  EXPECT_THAT(facts, HasSubstr("it might be the time, which event_time is"));
  EXPECT_THAT(facts, HasSubstr("from 2025-01-01T00:00:00Z to 2025-01-03"));
  EXPECT_THAT(facts, ContainsRegex("price +number"));
  EXPECT_THAT(facts, HasSubstr("not read: notes.txt"));
  EXPECT_THAT(facts, HasSubstr("1 users (keys are text), 2 items (keys are "
                               "text), 3 interactions: 2 pairs of user and "
                               "item, 1 repeats"));
  EXPECT_THAT(data->report.warnings, IsEmpty());
}

TEST_F(ReadDataSetTest, KeysAreKeptByteForByteAndBlanksAreTold) {
  Write("interactions.csv",
        "user,item\nu, padded \nu,\" quoted\"\nu,nan\nu,NULL\nu,007\n");
  const auto data = Read("csv");
  ASSERT_TRUE(data.ok()) << data.status();
  EXPECT_THAT(data->items.strings,
              ElementsAre(" padded ", " quoted", "007", "NULL", "nan"));
  EXPECT_THAT(
      Text(data->report.warnings),
      HasSubstr("2 keys have blanks around them, such as \" padded \""));
  v1::Input input;
  input.set_trim_keys(true);
  EXPECT_THAT(Read("csv", input)->items.strings,
              ElementsAre("007", "NULL", "nan", "padded", "quoted"));
}

TEST_F(ReadDataSetTest, KindsOfKeysCanBeStated) {
  Write("interactions.csv", "user,item\n1,10\n2,9\n");
  v1::Input input;
  input.set_item_keys("text");
  EXPECT_THAT(Read("csv", input)->items.strings, ElementsAre("10", "9"));
  EXPECT_EQ(Read("csv", input)->users.kind, v1::UINT64);
  Write("interactions.csv", "user,item\n1,10\n2,x9\n");
  input.set_item_keys("number");
  ExpectError(Read("csv", input), absl::StatusCode::kInvalidArgument,
              "item_keys: number, but 1 of 2 keys are none, such as \"x9\"");
  input.set_item_keys("integer");
  ExpectError(Read("csv", input), absl::StatusCode::kInvalidArgument,
              "expected auto, number or text");
}

TEST_F(ReadDataSetTest, OneOddKeyAmongNumbersIsTold) {
  std::string text = "user,item\n";
  for (int i = 0; i < 100; ++i) text += "1," + std::to_string(i) + "\n";
  Write("interactions.csv", text);
  EXPECT_THAT(Read("csv")->report.warnings, IsEmpty());
  Write("interactions.csv", text + "1,gift-card\n");
  EXPECT_THAT(Text(Read("csv")->report.warnings),
              HasSubstr("items' keys are text because 1 of 101 are not decimal "
                        "integers, such as \"gift-card\""));
}

TEST_F(ReadDataSetTest, ItemsThatTheirTableLacksAreTold) {
  std::string text = "user,item\n";
  for (int i = 100; i < 200; ++i) text += "1," + std::to_string(i) + "\n";
  Write("interactions.csv", text + "1,7\n1,8\n");
  std::string items = "id,price\n";
  for (int i = 100; i < 200; ++i) items += std::to_string(i) + ",1\n";
  Write("items.csv", items);
  EXPECT_THAT(Text(Read("csv")->report.warnings),
              HasSubstr("2 of 102 interactions (1.96 %) have an item that this "
                        "table lacks, such as \"7\""));
  Write("interactions.csv", "user,item\n1,100.0\n1,101.0\n");
  ExpectError(Read("csv"), absl::StatusCode::kInvalidArgument,
              "has none of the interactions' items: the interactions have "
              "\"100.0\", this table has \"100\"");
}

TEST_F(ReadDataSetTest, AKeyThatIsDescribedTwiceIsTold) {
  Write("interactions.csv", "user,item\n1,5\n");
  Write("items.csv", "item,price\n5,1\n5,2\n");
  const auto data = Read("csv");
  ASSERT_TRUE(data.ok()) << data.status();
  EXPECT_EQ(Find(data->item_features, "price")->numbers[0], 2);
  EXPECT_THAT(Text(data->report.warnings), HasSubstr("\"5\" on lines 2 and 3"));
}

TEST_F(ReadDataSetTest, FilesOfOneTableAreJoined) {
  Write("x.train.inter", "user_id:token\titem_id:token\n1\t2\n");
  Write("x.test.inter", "user_id:token\titem_id:token\n1\t3\n");
  const auto data = Read("recbole");
  ASSERT_TRUE(data.ok()) << data.status();
  EXPECT_EQ(data->interactions.size(), 2);
  EXPECT_THAT(Text(data->report.warnings), HasSubstr("x.test.inter is read"));
  const auto one =
      ReadDataSet("recbole:" + (dir_ / "x.train.inter").string(), 0);
  ASSERT_TRUE(one.ok()) << one.status();
  EXPECT_EQ(one->interactions.size(), 1);
}

TEST_F(ReadDataSetTest, CompressedAndForeignFilesAreRead) {
  Write("interactions.csv.gz",
        Gzip("\xFF\xFE" + std::string("u\0,\0i\0t\0e\0m\0_\0i\0d\0\n\0"
                                      "1\0,\0\xFC\0\n\0",
                                      26)));
  v1::Input input;
  (*input.mutable_columns())["user"] = "u";
  const auto data = Read("csv", input);
  ASSERT_TRUE(data.ok()) << data.status();
  EXPECT_THAT(data->items.strings, ElementsAre("ü"));
  EXPECT_THAT(Text(data->report.facts), HasSubstr("UTF-16, separated by comma, "
                                                  "gzip"));
}

TEST_F(ReadDataSetTest, ShareOfMalformedRecordsIsALimit) {
  Write("interactions.csv", "user,item\n1\n2\n1,2\n");
  ExpectError(Read("csv"), absl::StatusCode::kDataLoss,
              "2 of 3 records are malformed");
  v1::Input input;
  input.set_max_malformed_share(0.9);
  EXPECT_TRUE(Read("csv", input).ok());
  Write("interactions.csv", "user,item\n");
  ExpectError(Read("csv"), absl::StatusCode::kInvalidArgument,
              "interactions.csv: no interaction");
}

TEST_F(ReadDataSetTest, KindsOfColumnsCanBeStated) {
  Write("interactions.csv", "user,item\n1,5\n1,6\n");
  Write("items.csv", "item,brand,note\n5,17,x\n6,18,y\n");
  v1::Input input;
  (*input.mutable_kinds())["brand"] = "text";
  (*input.mutable_kinds())["note"] = "ignore";
  const auto data = Read("csv", input);
  ASSERT_TRUE(data.ok()) << data.status();
  EXPECT_EQ(Find(data->item_features, "brand")->kind,
            FeatureColumn::Kind::kText);
  EXPECT_EQ(Find(data->item_features, "note"), nullptr);
  (*input.mutable_kinds())["colour"] = "text";
  ExpectError(Read("csv", input), absl::StatusCode::kInvalidArgument,
              "has a column \"colour\"; there are brand, note");
}

}  // namespace
}  // namespace tributary
