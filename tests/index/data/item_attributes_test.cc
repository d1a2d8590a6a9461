// Which attributes are made of which data, and what is said about them.
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "fmt/format.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "index/data/attribute_data.h"
#include "tests/index/data/read_data_set_fixture.h"

namespace tributary {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

class ItemAttributesTest : public ReadDataSetTest {
 protected:
  // items.csv, with an interaction with each item, which are a, b, c, ...
  void WriteItems(std::string_view items, int n_items) {
    Write("items.csv", items);
    std::string interactions = "user,item\n";
    for (int i = 0; i < n_items; ++i) {
      interactions += fmt::format("u,{}\n", static_cast<char>('a' + i));
    }
    Write("interactions.csv", interactions);
  }

  absl::StatusOr<DataSet> ReadStating(
      std::initializer_list<std::pair<std::string, std::string>> types) {
    v1::Input input;
    for (const auto& [column, type] : types) {
      (*input.mutable_attributes())[column] = type;
    }
    return Read("csv", input);
  }

  static const AttributeData* FindAttribute(const DataSet& data,
                                            std::string_view name) {
    for (const auto& attribute : data.attributes) {
      if (attribute->spec.name() == name) return attribute.get();
    }
    return nullptr;
  }

  static std::vector<uint32_t> Codes(const DataSet& data,
                                     std::string_view name) {
    std::vector<uint32_t> codes;
    for (Row item = 0; item < data.items.size(); ++item) {
      codes.push_back(
          CodeOf(*FindAttribute(data, name), data.items.size(), item));
    }
    return codes;
  }

  static std::vector<std::string> Names(const DataSet& data) {
    std::vector<std::string> names;
    for (const auto& attribute : data.attributes) {
      names.push_back(attribute->spec.name());
    }
    return names;
  }
};

TEST_F(ItemAttributesTest, ValuesAreExactAndInTheOrderOfKeys) {
  // The rows' order is a, b, c, d; d has no line.
  WriteItems(
      "item,Price,views,seen at,stock,Title\n"
      "c,0.1,9223372036854775807,2026-01-31T12:00:00.125Z,no,One\n"
      "a,16777217.5,-9223372036854775808,2026-01-31,yes,Two\n"
      "b,,NA,,,Three\n",
      4);
  const auto data = Read("csv");
  ASSERT_TRUE(data.ok()) << data.status();
  EXPECT_THAT(Names(*data),
              ElementsAre("price", "views", "seen_at", "stock", "title"));
  const AttributeData& price = *FindAttribute(*data, "price");
  EXPECT_EQ(price.spec.type(), v1::NUMBER);
  EXPECT_EQ(price.spec.column(), "Price");
  EXPECT_EQ(price.spec.values(), 2);
  EXPECT_EQ(price.spec.present(), 2);
  // As float32 it would be 16777218, and 0.1 something else.
  EXPECT_THAT(price.numbers, ElementsAre(0.1, 16777217.5));
  EXPECT_THAT(Codes(*data, "price"), ElementsAre(1, 2, 0, 2));
  const AttributeData& views = *FindAttribute(*data, "views");
  EXPECT_EQ(views.spec.type(), v1::INTEGER);
  EXPECT_THAT(views.integers, ElementsAre(INT64_MIN, INT64_MAX));
  EXPECT_EQ(FindAttribute(*data, "seen_at")->spec.type(), v1::TIME);
  EXPECT_THAT(FindAttribute(*data, "seen_at")->integers,
              ElementsAre(1769817600000, 1769860800125));
  EXPECT_THAT(Codes(*data, "stock"), ElementsAre(1, 2, 0, 2));
  const std::string text = Text(data->report.facts);
  EXPECT_THAT(text, HasSubstr("2 values, 0.1 to 16777217.5; 50 % of the items "
                              "have none  (the column \"Price\")"));
}

TEST_F(ItemAttributesTest, TypesCanBeStated) {
  WriteItems(
      "item,brand,size,kinds,price\n"
      "a,acme,7,\"x, y\",1\nb,bolt,8,y,2\nc,acme,,,3\n",
      3);
  const auto data = ReadStating({{"brand", "category"},
                                 {"size", "category"},
                                 {"kinds", "tags"},
                                 {"price", "none"}});
  ASSERT_TRUE(data.ok()) << data.status();
  EXPECT_THAT(Names(*data), ElementsAre("brand", "size", "kinds"));
  EXPECT_THAT(FindAttribute(*data, "brand")->texts,
              ElementsAre("acme", "bolt"));
  EXPECT_THAT(FindAttribute(*data, "size")->texts, ElementsAre("7", "8"));
  const AttributeData& kinds = *FindAttribute(*data, "kinds");
  EXPECT_THAT(kinds.texts, ElementsAre("x", "y"));
  EXPECT_THAT(kinds.items, ElementsAre(0, 0, 1));
  EXPECT_THAT(kinds.offsets, ElementsAre(0, 1, 3));
  EXPECT_EQ(kinds.spec.present(), 2);
  EXPECT_EQ(kinds.spec.uses(), 3);
}

TEST_F(ItemAttributesTest, IgnoredColumnsCanBeAttributes) {
  WriteItems("item,sku\na,x1\nb,x2\n", 2);
  v1::Input input;
  (*input.mutable_kinds())["sku"] = "ignore";
  EXPECT_THAT(Names(*Read("csv", input)), testing::IsEmpty());
  (*input.mutable_attributes())["sku"] = "category";
  const auto data = Read("csv", input);
  ASSERT_TRUE(data.ok()) << data.status();
  EXPECT_THAT(Names(*data), ElementsAre("sku"));
  EXPECT_EQ(Find(data->item_features, "sku"), nullptr);
}

TEST_F(ItemAttributesTest, ATagThatAnItemRepeatsCountsOnce) {
  WriteItems("item,tags\na,x|x|y\nb,y\n", 2);
  const auto data = Read("csv");
  EXPECT_THAT(FindAttribute(*data, "tags")->items, ElementsAre(0, 0, 1));
}

TEST_F(ItemAttributesTest, ValuesThatDoNotFitAreMissingUpToALimit) {
  std::string items = "item,price\na,cheap\n";
  for (char item = 'b'; item <= 'j'; ++item) {
    items += fmt::format("{},{}\n", item, item - 'a');
  }
  WriteItems(items, 10);
  const auto data = ReadStating({{"price", "number"}});
  ASSERT_TRUE(data.ok()) << data.status();
  EXPECT_EQ(FindAttribute(*data, "price")->spec.present(), 9);
  EXPECT_THAT(
      Text(data->report.warnings),
      HasSubstr("items.csv: the column \"price\" is stated to be number "
                "as an attribute, but 1 of 10 values are not, the "
                "first one \"cheap\" on line 2; they count as "
                "missing"));
  v1::Input input;
  (*input.mutable_attributes())["price"] = "number";
  input.set_max_malformed_share(0.05);
  ExpectError(Read("csv", input), absl::StatusCode::kInvalidArgument,
              "the first one \"cheap\" on line 2. Correct them, or state "
              "another type: --input.attributes 'price=none'");
  ExpectError(ReadStating({{"price", "time"}}),
              absl::StatusCode::kInvalidArgument,
              "stated to be time as an attribute, but 10 of 10 values");
}

TEST_F(ItemAttributesTest, WrongSettingsAreNamed) {
  WriteItems("item,price,Brand\na,1,x\nb,2,y\n", 2);
  ExpectError(ReadStating({{"pirce", "number"}}), absl::StatusCode::kNotFound,
              "items.csv: items have no column \"pirce\"; did you mean "
              "\"price\"?; there are price, Brand");
  ExpectError(ReadStating({{"price", "float"}}),
              absl::StatusCode::kInvalidArgument,
              "attributes: the column \"price\": \"float\", expected bool, "
              "category, tags, integer, number, time or none");
}

TEST_F(ItemAttributesTest, TwoColumnsOfOneNameAreRefused) {
  WriteItems("item,Price,price\na,1,1\nb,2,2\n", 2);
  ExpectError(Read("csv"), absl::StatusCode::kInvalidArgument,
              "attributes: the columns \"Price\" and \"price\" both give the "
              "attribute price: rename one of them, or make no attribute of "
              "it: --input.attributes 'price=none'");
  const auto data = ReadStating({{"Price", "none"}});
  ASSERT_TRUE(data.ok()) << data.status();
  EXPECT_EQ(FindAttribute(*data, "price")->spec.column(), "price");
}

TEST_F(ItemAttributesTest, MoreThanABundleMayHaveAreLeftOut) {
  std::string header = "item", a = "a", b = "b";
  for (int i = 0; i < 300; ++i) {
    header += fmt::format(",n{}", i);
    a += ",1";
    b += ",2";
  }
  WriteItems(header + "\n" + a + "\n" + b + "\n", 2);
  const auto data = ReadStating({{"n299", "number"}});
  ASSERT_TRUE(data.ok()) << data.status();
  EXPECT_EQ(data->attributes.size(), 256);
  EXPECT_NE(FindAttribute(*data, "n299"), nullptr);
  EXPECT_EQ(FindAttribute(*data, "n255"), nullptr);
  EXPECT_THAT(Text(data->report.warnings),
              HasSubstr("300 columns could be attributes, but a bundle has at "
                        "most 256: 44 are left out, such as \"n255\""));
}

TEST_F(ItemAttributesTest, EarlierTypesHoldWhileTheyFit) {
  WriteItems("item,size,price\na,1,1\nb,2,cheap\n", 2);
  ReadOptions options;
  options.earlier_attributes = {{"size", v1::NUMBER}, {"price", v1::NUMBER}};
  const auto data = ReadDataSet("csv:" + dir_.string(), options);
  ASSERT_TRUE(data.ok()) << data.status();
  EXPECT_THAT(Names(*data), ElementsAre("size"));
  EXPECT_EQ(FindAttribute(*data, "size")->spec.type(), v1::NUMBER);
  EXPECT_THAT(Text(data->report.warnings),
              HasSubstr("the column \"price\" has the type number in the "
                        "earlier bundle, but not all values are of it any "
                        "more; as an attribute it is none now"));
  (*options.input.mutable_attributes())["size"] = "category";
  const auto stated = ReadDataSet("csv:" + dir_.string(), options);
  EXPECT_EQ(FindAttribute(*stated, "size")->spec.type(), v1::CATEGORY);
}

TEST_F(ItemAttributesTest, TypedHeadersSayWhatColumnsAre) {
  Write("x.inter", "user_id:token\titem_id:token\nu\ta\nu\tb\n");
  Write("x.item",
        "item_id:token\ttags:token_seq\tbrand:token\tyear:token\t"
        "price:float\tv:float_seq\n"
        "a\tx y\tNA\t1999\t1\t0.1 0.2\nb\ty\tacme\t2020\t\t0.3\n");
  const auto data = Read("recbole");
  ASSERT_TRUE(data.ok()) << data.status();
  EXPECT_THAT(Names(*data), ElementsAre("tags", "brand", "year", "price"));
  EXPECT_THAT(FindAttribute(*data, "tags")->texts, ElementsAre("x", "y"));
  EXPECT_THAT(FindAttribute(*data, "brand")->texts, ElementsAre("NA", "acme"));
  EXPECT_EQ(FindAttribute(*data, "year")->spec.type(), v1::INTEGER);
  EXPECT_EQ(FindAttribute(*data, "price")->spec.type(), v1::NUMBER);
}

TEST_F(ItemAttributesTest, TitlesAreACategoryThoughTheyAreText) {
  WriteItems("item,Title,name,plot\na,A film,x y,p q\nb,B film,z,r s\nc,,,\n",
             3);
  const auto data = Read("csv");
  ASSERT_TRUE(data.ok()) << data.status();
  EXPECT_THAT(Names(*data), ElementsAre("title"));
  const AttributeData& title = *FindAttribute(*data, "title");
  EXPECT_EQ(title.spec.type(), v1::CATEGORY);
  EXPECT_EQ(title.spec.column(), "Title");
  EXPECT_THAT(title.texts, ElementsAre("A film", "B film"));
  EXPECT_THAT(Codes(*data, "title"), ElementsAre(0, 1, 2));
  // It is text for those who learn from it, as before.
  EXPECT_EQ(Find(data->item_features, "Title")->kind,
            FeatureColumn::Kind::kText);
}

TEST_F(ItemAttributesTest, NamesAreTitlesWhereNoColumnIsCalledTitle) {
  WriteItems("item,name\na,A film\nb,B film\n", 2);
  const auto data = Read("csv");
  ASSERT_TRUE(data.ok()) << data.status();
  EXPECT_THAT(Names(*data), ElementsAre("title"));
  EXPECT_EQ(FindAttribute(*data, "title")->spec.column(), "name");
  // As the earlier bundle says that its column has it.
  ReadOptions options;
  options.earlier_attributes = {{"name", v1::CATEGORY}};
  const auto again = ReadDataSet("csv:" + dir_.string(), options);
  ASSERT_TRUE(again.ok()) << again.status();
  EXPECT_THAT(Names(*again), ElementsAre("title"));
}

TEST_F(ItemAttributesTest, WhatIsStatedOfTitlesHolds) {
  WriteItems("item,title\na,A film\nb,B film\n", 2);
  EXPECT_THAT(Names(*ReadStating({{"title", "none"}})), IsEmpty());
  EXPECT_EQ(
      FindAttribute(*ReadStating({{"title", "tags"}}), "title")->spec.type(),
      v1::TAGS);
  v1::Input input;
  (*input.mutable_kinds())["title"] = "ignore";
  EXPECT_THAT(Names(*Read("csv", input)), IsEmpty());
  (*input.mutable_kinds())["title"] = "text";
  EXPECT_THAT(Names(*Read("csv", input)), ElementsAre("title"));
  WriteItems("item,name\na,A film\nb,B film\n", 2);
  EXPECT_THAT(Names(*ReadStating({{"name", "category"}})), ElementsAre("name"));
  // What has a type keeps it, and its name.
  WriteItems("item,title,name\na,1,A film\nb,2,B film\n", 2);
  const auto numbers = Read("csv");
  EXPECT_THAT(Names(*numbers), ElementsAre("title"));
  EXPECT_EQ(FindAttribute(*numbers, "title")->spec.type(), v1::INTEGER);
}

TEST_F(ItemAttributesTest, CodesOfManyValuesHaveSeveralBytes) {
  const auto encode = [](uint32_t n) {
    std::vector<std::string> values;
    for (uint32_t i = 0; i < n; ++i) values.push_back(fmt::to_string(n - i));
    Misfits misfits;
    return EncodeAttribute(
        {.type = v1::INTEGER}, n,
        [&](Row row) { return std::string_view(values[row]); }, &misfits);
  };
  const AttributeData data = encode(70'000);
  ASSERT_EQ(data.codes.size(), 3 * 70'000);
  EXPECT_EQ(CodeOf(data, 70'000, 0), 69'999);
  EXPECT_EQ(CodeOf(data, 70'000, 69'999), 0);
  EXPECT_EQ(data.codes[0], 1);
  EXPECT_EQ(data.codes[70'000], (69'999 >> 8) & 0xFF);
  EXPECT_EQ(encode(256).codes.size(), 2 * 256);
  EXPECT_EQ(encode(255).codes.size(), 255);
}

TEST_F(ItemAttributesTest, TimesMayHaveTheStatedForm) {
  WriteItems(
      "item,released,seen_at,shelf,year,updated,code\n"
      "a,31.12.2025,2025-12-31,31.12.2025,1999,1.1.1970 ,31.12.2025\n"
      "b,01.02.2026,2026-02-01,B2,2001,,01.02.2026\n"
      "c,,,,2001,soon,01.02.2026\n",
      3);
  v1::Input input;
  input.set_time_format("%d.%m.%Y");
  (*input.mutable_attributes())["updated"] = "time";
  (*input.mutable_attributes())["code"] = "category";
  const auto data = Read("csv", input);
  ASSERT_TRUE(data.ok()) << data.status();
  for (const char* name : {"released", "seen_at"}) {
    const AttributeData* times = FindAttribute(*data, name);
    ASSERT_NE(times, nullptr) << name;
    EXPECT_EQ(times->spec.type(), v1::TIME) << name;
    EXPECT_THAT(times->integers, ElementsAre(1767139200000, 1769904000000));
    EXPECT_THAT(Codes(*data, name), ElementsAre(0, 1, 2));
  }
  // Value by value, because it is stated; the other one is a misfit.
  EXPECT_THAT(FindAttribute(*data, "updated")->integers, ElementsAre(0));
  EXPECT_THAT(Codes(*data, "updated"), ElementsAre(0, 1, 1));
  EXPECT_EQ(FindAttribute(*data, "year")->spec.type(), v1::INTEGER);
  EXPECT_THAT(FindAttribute(*data, "code")->texts,
              ElementsAre("01.02.2026", "31.12.2025"));
  const AttributeData* shelf = FindAttribute(*data, "shelf");
  EXPECT_TRUE(shelf == nullptr || shelf->spec.type() != v1::TIME);

  // Without the form they are text.
  const auto plain = Read("csv", v1::Input());
  ASSERT_TRUE(plain.ok()) << plain.status();
  EXPECT_EQ(FindAttribute(*plain, "released"), nullptr);
  input.set_time_format("%Y");
  (*input.mutable_attributes())["updated"] = "none";
  const auto years = Read("csv", input);
  ASSERT_TRUE(years.ok()) << years.status();
  EXPECT_EQ(FindAttribute(*years, "year")->spec.type(), v1::INTEGER)
      << "numbers are times only by the name";
  input.set_time_format("day");
  EXPECT_THAT(std::string(Read("csv", input).status().message()),
              HasSubstr("time_format: \"day\""));
}

// Interactions may count in another unit than items.
TEST_F(ItemAttributesTest, UnitsHoldWhereNothingElseDoes) {
  WriteItems(
      "item,seen_at,premiere\n"
      "a,1767139200000,-86400\n"
      "b,1769904000000,86400\n",
      2);
  v1::Input input;
  input.set_time_format("seconds");
  (*input.mutable_attributes())["seen_at"] = "time";
  (*input.mutable_attributes())["premiere"] = "time";
  const auto data = Read("csv", input);
  ASSERT_TRUE(data.ok()) << data.status();
  EXPECT_THAT(FindAttribute(*data, "seen_at")->integers,
              ElementsAre(1767139200000, 1769904000000));
  EXPECT_THAT(FindAttribute(*data, "premiere")->integers,
              ElementsAre(-86400000, 86400000));
}

}  // namespace
}  // namespace tributary
