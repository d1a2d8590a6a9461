#include <cmath>
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "index/data/data_set.h"
#include "tests/index/data/compressed.h"
#include "tests/index/data/data_files.h"

namespace tributary {
namespace {

using ::testing::ContainsRegex;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class ReadDataSetTest : public testing::Test {
 protected:
  void Write(std::string_view name, std::string_view text) {
    OverwriteFile(dir_ / name, text);
  }
  absl::StatusOr<DataSet> Read(std::string_view kind, uint32_t limit = 100) {
    return ReadDataSet(std::string(kind) + ":" + dir_.string(), limit);
  }
  void ExpectError(const absl::StatusOr<DataSet>& data, absl::StatusCode code,
                   std::string_view message) {
    EXPECT_EQ(data.status().code(), code) << data.status();
    EXPECT_THAT(std::string(data.status().message()),
                HasSubstr(std::string(message)));
  }

  std::filesystem::path dir_ = MakeTestDir();
};

const FeatureColumn* Find(const std::vector<FeatureColumn>& columns,
                          std::string_view name) {
  for (const FeatureColumn& column : columns) {
    if (column.name == name) return &column;
  }
  return nullptr;
}

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

constexpr char kStanzas[] =
    "Package: libz1\nSource: zlib (1.2)\nDescription: compression\n library\n"
    "Tag: role::shared-lib,\n devel::lang:c\nSection: libs\nDepends: libc6\n"
    "\n"
    "Package: libc6\nSection: libs\nDescription: C library\n"
    "\n"
    "Package: zcat\nSource: zlib\nDepends: libc6 (>= 2.3), libz1:any,\n"
    " gone | libz1\nPre-Depends: libc6\nRecommends: libz1-dev | libc6, "
    "mail-agent\n";

TEST_F(ReadDataSetTest, DebianTakesSourcesAsUsersAndFirstAlternatives) {
  Write("stanzas", kStanzas);
  const auto data = ReadDataSet("debian:" + (dir_ / "stanzas").string(), 0);
  ASSERT_TRUE(data.ok()) << data.status();
  EXPECT_THAT(data->items.strings, ElementsAre("libc6", "libz1", "zcat"));
  EXPECT_THAT(data->users.strings, ElementsAre("zlib"));
  ASSERT_EQ(data->interactions.size(), 2);
  EXPECT_EQ(data->interactions[0].item, 0);
  EXPECT_EQ(data->interactions[1].item, 1);
  EXPECT_FALSE(data->has_times);
  EXPECT_EQ(Find(data->item_features, "tags")->text[1],
            "role::shared-lib\x1f"
            "devel::lang:c");
  EXPECT_EQ(Find(data->item_features, "description")->text[1], "compression");
  EXPECT_EQ(Find(data->item_features, "section")->text[2], "");
}

TEST_F(ReadDataSetTest, DebianNamesStanzasWithoutPackageAndSaysAptGetUpdate) {
  Write("stanzas", "Package: a\nnonsense\n\nVersion: 1\n\nPackage: b\n");
  const std::string file = (dir_ / "stanzas").string();
  const auto data = ReadDataSet("debian:" + file, 2);
  ASSERT_TRUE(data.ok()) << data.status();
  EXPECT_THAT(data->items.strings, ElementsAre("a", "b"));
  EXPECT_THAT(data->malformed,
              ElementsAre(file + ":2: no ':' after a field's name",
                          file + ":4: a stanza with empty key"));
  Write("stanzas", "");
  ExpectError(ReadDataSet("debian:" + file, 0), absl::StatusCode::kNotFound,
              "apt-get update");
}

TEST_F(ReadDataSetTest, RecBoleReadsTypedColumns) {
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

TEST_F(ReadDataSetTest, RecBoleNamesWhatIsWrong) {
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

TEST_F(ReadDataSetTest, MovieLens100kConvertsLatin1AndFlags) {
  Write("u.data", "1\t2\t5\t881250949\n");
  Write("u.item",
        "2|Am\xE9lie (2001)|01-Jan-2001||http://x|0|1|0|0|0|0|0|0|0|0|0|0|0|0|"
        "0|1|0|0|0\n3|cut|off\n");
  Write("u.user", "1|24|M|technician|85711\n");
  const auto data = Read("movielens");
  ASSERT_TRUE(data.ok()) << data.status();
  EXPECT_THAT(data->items.ids, ElementsAre(2));
  EXPECT_EQ(Find(data->item_features, "title")->text[0],
            "Am\xC3\xA9lie (2001)");
  EXPECT_EQ(Find(data->item_features, "genres")->text[0],
            "Action\x1f"
            "Sci-Fi");
  EXPECT_EQ(Find(data->user_features, "age")->numbers[0], 24);
  EXPECT_EQ(data->malformed_lines, 1);
}

TEST_F(ReadDataSetTest, MovieLens1mReadsDatFiles) {
  Write("ratings.dat", "1::2::5::978300760\n1::3::4::978300761\n");
  Write("movies.dat", "2::Jumanji (1995)::Adventure|Children's\n");
  Write("users.dat", "1::F::1::10::48067\n");
  const auto data = Read("movielens");
  ASSERT_TRUE(data.ok()) << data.status();
  EXPECT_EQ(data->interactions.size(), 2);
  EXPECT_EQ(Find(data->item_features, "genres")->text[0],
            "Adventure\x1f"
            "Children's");
  EXPECT_EQ(Find(data->user_features, "gender")->text[0], "F");
}

TEST_F(ReadDataSetTest, MovieLensCsvReadsQuotedTitlesAndTags) {
  Write("ratings.csv", "userId,movieId,rating,timestamp\n1,2,3.5,978300760\n");
  Write("movies.csv",
        "movieId,title,genres\n2,\"American President, The\",Comedy|Drama\n");
  Write("tags.csv",
        "userId,movieId,tag,timestamp\n1,2,Funny,1\n3,2,white "
        "house,1\n");
  const auto data = Read("movielens");
  ASSERT_TRUE(data.ok()) << data.status();
  EXPECT_EQ(ValueOf(*data, data->interactions[0]), 3.5F);
  EXPECT_EQ(Find(data->item_features, "title")->text[0],
            "American President, The");
  EXPECT_EQ(Find(data->item_features, "tags")->text[0],
            "funny\x1f"
            "white house");
}

TEST_F(ReadDataSetTest, CsvFindsColumnsByNameAndKindsByValue) {
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

TEST_F(ReadDataSetTest, CsvNamesWhatIsWrong) {
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

TEST_F(ReadDataSetTest, VectorsAreSortedByKey) {
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

TEST_F(ReadDataSetTest, VectorsNameFileAndPlaceOfWhatIsWrong) {
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

class InputTest : public ReadDataSetTest {
 protected:
  using ReadDataSetTest::Read;
  absl::StatusOr<DataSet> Read(std::string_view kind, const v1::Input& input) {
    ReadOptions options;
    options.input = input;
    options.max_malformed_lines = 100;
    return ReadDataSet(std::string(kind) + ":" + dir_.string(), options);
  }
  static std::string Text(const std::vector<std::string>& lines) {
    std::string text;
    for (const std::string& line : lines) text += line + "\n";
    return text;
  }
};

TEST_F(InputTest, ColumnsAreFoundByNameWhateverTheirOrder) {
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

TEST_F(InputTest, SaysWhatItUnderstood) {
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

TEST_F(InputTest, KeysAreKeptByteForByteAndBlanksAreTold) {
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

TEST_F(InputTest, KindsOfKeysCanBeStated) {
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

TEST_F(InputTest, OneOddKeyAmongNumbersIsTold) {
  std::string text = "user,item\n";
  for (int i = 0; i < 100; ++i) text += "1," + std::to_string(i) + "\n";
  Write("interactions.csv", text);
  EXPECT_THAT(Read("csv")->report.warnings, IsEmpty());
  Write("interactions.csv", text + "1,gift-card\n");
  EXPECT_THAT(Text(Read("csv")->report.warnings),
              HasSubstr("items' keys are text because 1 of 101 are not decimal "
                        "integers, such as \"gift-card\""));
}

TEST_F(InputTest, ItemsThatTheirTableLacksAreTold) {
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

TEST_F(InputTest, AKeyThatIsDescribedTwiceIsTold) {
  Write("interactions.csv", "user,item\n1,5\n");
  Write("items.csv", "item,price\n5,1\n5,2\n");
  const auto data = Read("csv");
  ASSERT_TRUE(data.ok()) << data.status();
  EXPECT_EQ(Find(data->item_features, "price")->numbers[0], 2);
  EXPECT_THAT(Text(data->report.warnings), HasSubstr("\"5\" on lines 2 and 3"));
}

TEST_F(InputTest, FilesOfOneTableAreJoined) {
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

TEST_F(InputTest, RecBoleReadsOtherNamesAndSeparators) {
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

TEST_F(InputTest, CompressedAndForeignFilesAreRead) {
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

TEST_F(InputTest, ShareOfMalformedRecordsIsALimit) {
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

TEST_F(InputTest, KindsOfColumnsCanBeStated) {
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

TEST_F(InputTest, VectorsJoinOtherData) {
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

TEST_F(InputTest, IdsOfVectorsMayBeAnArrayOrHaveAByteOrderMark) {
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
