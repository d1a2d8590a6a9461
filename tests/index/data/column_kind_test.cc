#include "index/data/column_kind.h"

#include <cmath>
#include <string>
#include <utility>
#include <vector>

#include "fmt/format.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "index/data/bracket_list.h"
#include "index/data/feature_table.h"

namespace tributary {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Optional;
using enum ColumnKind;

using Values = std::vector<std::string>;

// `count` values, drawn in turn from `from`.
Values InTurn(const Values& from, size_t count = 40) {
  Values values;
  for (size_t i = 0; i < count; ++i) values.push_back(from[i % from.size()]);
  return values;
}

// `count` values, each of which occurs once.
Values Once(const std::string& pattern, int count = 40) {
  Values values;
  for (int i = 0; i < count; ++i) {
    values.push_back(fmt::format(fmt::runtime(pattern), 37 * i + 5));
  }
  return values;
}

struct KindCase {
  std::string name;
  Values values;
  ColumnKind kind;
};

TEST(RecogniseColumn, GoesByNameAndValues) {
  const std::vector<KindCase> cases = {
      {"price", Once("{}.5"), kNumber},
      {"year", InTurn({"1999", "2003", "2011"}), kNumber},
      {"price", InTurn({"1.5", "N/A", "7", "null", "-", "None", "nan", ""}),
       kNumber},
      {"brand_id", InTurn({"17", "4", "17", "23"}), kCategory},
      {"brandId", InTurn({"17", "4", "23"}), kCategory},
      {"zipcode", InTurn({"8001", "8002", "3000"}), kCategory},
      {"imdb_id", Once("{}"), kIgnored},
      {"", Once("{}"), kIgnored},
      {"Unnamed: 0", Once("{}"), kIgnored},
      {"Unnamed: 3", Once("{} Main Street"), kText},
      {"colour", Values(40), kIgnored},
      {"created_at", Once("17000{:05}"), kTime},
      {"releaseDate", Once("17000{:05}000"), kTime},
      {"created_at", InTurn({"2024-02-01", "2023-11-30 12:00:00", "N/A"}),
       kTime},
      {"when", InTurn({"2024-02-01T10:00:00Z", "2023-11-30"}), kTime},
      {"runtime", InTurn({"90", "120"}), kNumber},
      {"time", InTurn({"90", "120"}), kNumber},
      {"genre", InTurn({"['Action', 'Comedy']", "['Drama']", "[]", "N/A"}),
       kTags},
      {"genre", InTurn({R"([{"id": 28, "name": "Action"}])", "[]"}), kTags},
      {"genres", Values{"Action|Comedy", "Drama", "Musical"}, kTags},
      {"genre", InTurn({"Action|Comedy", "Drama", "Comedy|Drama"}), kTags},
      {"title", Once("Part {} | A Story"), kText},
      {"genre",
       InTurn({"Action, Comedy", "Drama", "Comedy, Drama", "Action", "Comedy"}),
       kTags},
      {"city", InTurn({"Portland, OR", "Salem, OR", "Austin, TX"}), kCategory},
      {"price", InTurn({"1,234", "2,345", "1,345", "2,234", "1,999"}),
       kCategory},
      {"brand", InTurn({"Acme", "Umbrella"}), kCategory},
      {"品牌", InTurn({"小米", "华为"}), kCategory},
      {"url", Once("https://example.com/{}"), kIgnored},
      {"sku", Once("SKU-{}"), kIgnored},
      {"name", Once("Lamp number {}"), kText},
      {"name", Values{"Lamp", "Chair", "Table"}, kText},
  };
  for (const KindCase& c : cases) {
    const ColumnReading reading = RecogniseColumn(c.name, c.values);
    EXPECT_EQ(ColumnKindName(reading.kind), ColumnKindName(c.kind))
        << c.name << " " << c.values[0];
  }
}

TEST(RecogniseColumn, SaysWhyNumbersAreText) {
  Values values = Once("{}.5");
  values[7] = "free of charge";
  const ColumnReading reading = RecogniseColumn("price", values);
  EXPECT_EQ(reading.kind, kText);
  EXPECT_THAT(reading.note, HasSubstr("39 values are numbers, but \"free of "
                                      "charge\" is not"));
}

TEST(ParseColumnKind, KnowsTheNamesOfTheConfiguration) {
  for (const ColumnKind kind :
       {kNumber, kTime, kCategory, kTags, kText, kIgnored}) {
    EXPECT_EQ(*ParseColumnKind(ColumnKindName(kind)), kind);
  }
  EXPECT_THAT(std::string(ParseColumnKind("float").status().message()),
              HasSubstr("\"float\", expected number, time, category"));
}

TEST(ReadNumber, KnowsNumbersTimesAndWhatIsMissing) {
  EXPECT_THAT(ReadNumber(" -2.5e3"), Optional(-2500));
  EXPECT_THAT(ReadNumber("2023-11-14T22:13:20Z"), Optional(1.7e9F));
  for (const char* missing : {"", " ", "N/A", "n/a", "nan", "NULL", "None", "-",
                              "\\N", "<NA>", "inf", "1e39"}) {
    const auto number = ReadNumber(missing);
    ASSERT_TRUE(number.has_value()) << missing;
    EXPECT_TRUE(std::isnan(*number)) << missing;
  }
  EXPECT_EQ(ReadNumber("12 kg"), std::nullopt);
}

TEST(ParseBracketList, ReadsListsAsProgramsPrintThem) {
  using Elements = std::vector<std::string>;
  EXPECT_THAT(ParseBracketList("['Action', \"Comedy\"]"),
              Optional(Elements{"Action", "Comedy"}));
  EXPECT_THAT(ParseBracketList("['Rock n\\' Roll' 'R&B']"),
              Optional(Elements{"Rock n' Roll", "R&B"}));
  EXPECT_THAT(ParseBracketList(" [u'a', None, '', b] "),
              Optional(Elements{"a", "b"}));
  EXPECT_THAT(ParseBracketList(R"(["caf\u00e9", "\ud83d\ude00", "\ud83d"])"),
              Optional(Elements{"café", "😀", "\uFFFD"}));
  EXPECT_THAT(ParseBracketList("{Action,\"Science Fiction\"}"),
              Optional(Elements{"Action", "Science Fiction"}));
  EXPECT_THAT(
      ParseBracketList("[{'id': 28, 'name': 'Action'}, {'name': 'War'}]"),
      Optional(Elements{"Action", "War"}));
  EXPECT_THAT(ParseBracketList("[]"), Optional(Elements{}));
  for (const char* other :
       {"", "[", "Action", "[Action", "['Action]", "{'a': 1}", "{\"a\":\"b\"}",
        "[['a'], ['b']]", "[{'id': 28}]", "(a, b)"}) {
    EXPECT_EQ(ParseBracketList(other), std::nullopt) << other;
  }
}

TEST(FeatureTable, ReportsWhatItMadeOfEachColumn) {
  FeatureTable table;
  const size_t index = table.AddColumn("", std::nullopt);
  const size_t price = table.AddColumn("prix_\xE9t\xE9", std::nullopt);
  const size_t genre = table.AddColumn("genre", std::nullopt);
  const size_t year = table.AddColumnOf("year", kCategory);
  const size_t size = table.AddColumnOf("size", kNumber);
  std::vector<uint32_t> order;
  for (uint32_t row = 0; row < 40; ++row) {
    order.push_back(row);
    table.Set(index, row, std::to_string(row));
    table.Set(price, row, row % 10 == 0 ? "N/A" : std::to_string(row));
    table.Set(genre, row, row % 2 == 0 ? "Action, War" : "War, Love, Action");
    table.Set(year, row, row % 2 == 0 ? "1999" : "");
    table.Set(size, row, row == 3 ? "XL" : "7");
  }
  std::vector<ColumnReport> reports;
  const auto columns = std::move(table).Finish(order, &reports);
  ASSERT_EQ(columns.size(), 4);
  EXPECT_EQ(columns[0].name, "prix_été");
  EXPECT_EQ(columns[0].kind, FeatureColumn::Kind::kNumber);
  EXPECT_TRUE(std::isnan(columns[0].numbers[10]));
  EXPECT_EQ(columns[0].numbers[11], 11);
  EXPECT_EQ(columns[2].text[0], "1999");
  ASSERT_EQ(reports.size(), 5);
  EXPECT_EQ(reports[0].kind, kIgnored);
  EXPECT_EQ(reports[0].note, "it counts the rows");
  EXPECT_EQ(reports[1].kind, kNumber);
  EXPECT_EQ(reports[1].example, "1");
  EXPECT_EQ(reports[1].present, 36);
  EXPECT_EQ(reports[1].missing, 4);
  EXPECT_EQ(reports[1].note, "missing is also written N/A");
  EXPECT_FALSE(reports[1].stated);
  EXPECT_EQ(reports[3].kind, kCategory);
  EXPECT_TRUE(reports[3].stated);
  EXPECT_EQ(reports[3].missing, 20);
  EXPECT_EQ(reports[4].missing, 1);
  EXPECT_THAT(reports[4].note, HasSubstr("1 values are not numbers and count "
                                         "as missing, such as \"XL\""));
}

TEST(FeatureTable, TagsBecomeTokensHoweverTheyAreSeparated) {
  FeatureTable table;
  const size_t list = table.AddColumn("cast", std::nullopt);
  const size_t tags = table.AddColumnOf("moods", kTags);
  table.Set(list, 0, "['Ann', 'Bob']");
  table.Set(list, 1, "[]");
  table.Set(tags, 0, "dark| slow;");
  table.Set(tags, 1, "[\"dark\"]");
  const std::vector<uint32_t> order = {1, 0};
  const auto columns = std::move(table).Finish(order);
  EXPECT_THAT(columns[0].text, ElementsAre("",
                                           "Ann\x1f"
                                           "Bob"));
  EXPECT_THAT(columns[1].text, ElementsAre("dark",
                                           "dark\x1f"
                                           "slow"));
}

TEST(FeatureTable, KeepsTheFirstLineOfARow) {
  FeatureTable table;
  EXPECT_EQ(table.SetLine(5, 2), std::nullopt);
  EXPECT_EQ(table.SetLine(0, 3), std::nullopt);
  EXPECT_THAT(table.SetLine(5, 9), Optional(2));
  EXPECT_THAT(table.SetLine(5, 10), Optional(2));
}

}  // namespace
}  // namespace tributary
