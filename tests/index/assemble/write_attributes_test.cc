#include "index/assemble/write_attributes.h"

#include <algorithm>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "fmt/format.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "index/assemble/build.h"
#include "index/assemble/extend.h"
#include "index/assemble/extend_files.h"
#include "index/assemble/new_items.h"
#include "index/bundle/bundle.h"
#include "index/data/data_set_builder.h"
#include "index/data/random.h"
#include "index/verify/verify_bundle.h"
#include "tests/index/bundle/tiny_bundle.h"

namespace tributary {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

// The item's values as text, "" for none; of tags, between commas.
std::string ValueOf(const AttributeColumn& attribute, Row item) {
  if (attribute.type() != v1::TAGS) {
    const uint32_t code = attribute.CodeOf(item);
    return code == attribute.values() ? "" : attribute.ValueText(code);
  }
  std::string tags;
  for (uint32_t code = 0; code < attribute.values(); ++code) {
    const auto items = attribute.ItemsWith(code);
    if (!std::ranges::binary_search(items, item)) continue;
    tags += (tags.empty() ? "" : ",") + attribute.ValueText(code);
  }
  return tags;
}

std::string ValueOf(const Bundle& bundle, std::string_view attribute,
                    std::string_view item) {
  return ValueOf(*bundle.FindAttribute(attribute), bundle.items().Find(item));
}

struct Item {
  std::string key, flag, brand, tags, year, price, since;
};

// Items with values of every type, each missing now and then. Of some columns
// the values are few, and of others many.
std::vector<Item> DrawItems(int n, uint64_t seed, std::string_view prefix) {
  Random random(seed);
  std::vector<Item> items;
  for (int i = 0; i < n; ++i) {
    Item& item = items.emplace_back();
    item.key = fmt::format("{}{:04}", prefix, i);
    const auto some = [&](std::string value) {
      return random.Below(6) == 0 ? "" : value;
    };
    item.flag = some(random.Below(2) == 0 ? "true" : "false");
    item.brand =
        some(fmt::format("brand{}", random.Below(40) * random.Below(9)));
    std::set<uint64_t> tags;
    for (uint64_t j = random.Below(5); j > 0; --j)
      tags.insert(random.Below(60));
    for (const uint64_t tag : tags) {
      item.tags += fmt::format("{}t{:02}", item.tags.empty() ? "" : ",", tag);
    }
    item.year = some(fmt::to_string(1900 + random.Below(120)));
    item.price = some(fmt::format("{}", 0.1 * double(random.Below(5000))));
    item.since = some(fmt::format("20{:02}-0{}-1{}T00:00:00Z", random.Below(30),
                                  1 + random.Below(9), random.Below(10)));
  }
  return items;
}

std::string Csv(const std::vector<Item>& items) {
  std::string csv = "item,flag,brand,tags,year,price,since\n";
  for (const Item& item : items) {
    std::string tags = item.tags;
    std::ranges::replace(tags, ',', '|');
    csv += fmt::format("{},{},{},{},{},{},{}\n", item.key, item.flag,
                       item.brand, tags, item.year, item.price, item.since);
  }
  return csv;
}

class WriteAttributesTest : public testing::Test {
 protected:
  absl::StatusOr<DataSet> Read(const std::vector<Item>& items) {
    OverwriteFile(dir_ / "items.csv", Csv(items));
    std::string interactions = "user,item\n";
    for (size_t i = 0; i < 6; ++i) interactions += "u," + items[i].key + "\n";
    OverwriteFile(dir_ / "interactions.csv", interactions);
    ReadOptions options;
    for (const auto* stated : {"brand=category", "tags=tags", "year=integer",
                               "price=number", "since=time", "flag=bool"}) {
      const std::string text = stated;
      const size_t equals = text.find('=');
      (*options.input.mutable_attributes())[text.substr(0, equals)] =
          text.substr(equals + 1);
      (*options.input.mutable_kinds())[text.substr(0, equals)] = "ignore";
    }
    return ReadDataSet("csv:" + dir_.string(), options);
  }

  std::shared_ptr<const Bundle> Build(const std::vector<Item>& items) {
    const auto data = Read(items);
    EXPECT_TRUE(data.ok()) << data.status();
    BuildRequest request;
    request.root = dir_ / "bundles";
    request.version = ++version_;
    const auto built = BuildBundle(*data, request);
    EXPECT_TRUE(built.ok()) << built.status();
    return *Bundle::Open(*built);
  }

  absl::StatusOr<std::shared_ptr<const Bundle>> Extend(
      const Bundle& from, const std::string& csv,
      const std::string& file = "new.csv") {
    OverwriteFile(dir_ / file, csv);
    auto items = ReadNewItems(dir_ / file, from);
    if (!items.ok()) return items.status();
    ignored_ = items->ignored;
    missing_ = items->missing;
    ExtendRequest request;
    request.root = dir_ / "bundles";
    request.version = ++version_;
    const auto extension = ExtendBundle(from, *items, request);
    if (!extension.ok()) return extension.status();
    const absl::Status verified = VerifyBundle(extension->dir);
    EXPECT_TRUE(verified.ok()) << verified;
    return Bundle::Open(extension->dir);
  }

  static void ExpectValues(const Bundle& bundle,
                           const std::vector<Item>& items) {
    for (const Item& item : items) {
      EXPECT_EQ(ValueOf(bundle, "flag", item.key), item.flag) << item.key;
      EXPECT_EQ(ValueOf(bundle, "brand", item.key), item.brand) << item.key;
      EXPECT_EQ(ValueOf(bundle, "tags", item.key), item.tags) << item.key;
      EXPECT_EQ(ValueOf(bundle, "year", item.key), item.year) << item.key;
      EXPECT_EQ(ValueOf(bundle, "price", item.key), item.price) << item.key;
      EXPECT_EQ(ValueOf(bundle, "since", item.key), item.since) << item.key;
    }
  }

  // What the attribute's files hold.
  static std::string Bytes(const Bundle& bundle) {
    std::string bytes;
    for (const AttributeColumn& attribute : bundle.attributes()) {
      for (const std::string_view part : AttributeFiles(attribute.spec())) {
        bytes += ReadFile(bundle.dir() / fmt::format("attribute.{}.{}",
                                                     attribute.name(), part));
      }
      bytes += attribute.spec().SerializeAsString();
    }
    return bytes;
  }

  const std::filesystem::path dir_ = MakeTestDir();
  uint64_t version_ = 0;
  std::vector<std::string> ignored_;
  std::vector<std::string> missing_;
};

TEST_F(WriteAttributesTest, EveryValueIsThereAgain) {
  const std::vector<Item> items = DrawItems(700, 1, "i");
  const auto bundle = Build(items);
  EXPECT_TRUE(VerifyBundle(*bundle).ok());
  ASSERT_EQ(bundle->attributes().size(), 6);
  ExpectValues(*bundle, items);
  // More than 255 values.
  EXPECT_EQ(bundle->FindAttribute("price")->code_bytes(), 2);
  EXPECT_EQ(bundle->FindAttribute("since")->code_bytes(), 2);
  EXPECT_EQ(bundle->FindAttribute("brand")->spec().column(), "brand");
}

TEST_F(WriteAttributesTest, ValuesOfEvery32ndItemHaveABitmap) {
  const auto bundle = Build(DrawItems(700, 2, "i"));
  uint64_t with = 0;
  uint64_t without = 0;
  for (const char* name : {"flag", "brand", "tags"}) {
    const AttributeColumn& attribute = *bundle->FindAttribute(name);
    for (uint32_t code = 0; code < attribute.values(); ++code) {
      uint64_t items = 0;
      for (Row item = 0; item < 700; ++item) {
        items += attribute.type() == v1::TAGS
                     ? std::ranges::count(attribute.ItemsWith(code), item)
                     : (attribute.CodeOf(item) == code ? 1 : 0);
      }
      const bool has = !attribute.Bitmap(code).empty();
      EXPECT_EQ(has, items * 32 >= 700) << name << " " << code << " " << items;
      ++(has ? with : without);
    }
  }
  EXPECT_GT(with, 3);
  EXPECT_GT(without, 3);
  EXPECT_THAT(bundle->FindAttribute("year")->Bitmap(0), IsEmpty());
}

TEST_F(WriteAttributesTest, AnAttributeWithoutValuesCanBeWritten) {
  std::vector<Item> items(6);
  for (size_t i = 0; i < items.size(); ++i) {
    items[i].key = std::string(1, static_cast<char>('a' + i));
  }
  const auto bundle = Build(items);
  EXPECT_TRUE(VerifyBundle(*bundle).ok());
  for (const AttributeColumn& attribute : bundle->attributes()) {
    EXPECT_EQ(attribute.spec().present(), 0);
    EXPECT_EQ(ValueOf(attribute, 3), "");
  }
  const auto extended = Extend(*bundle, Csv(DrawItems(9, 3, "x")));
  ASSERT_TRUE(extended.ok()) << extended.status();
  ExpectValues(**extended, DrawItems(9, 3, "x"));
}

TEST_F(WriteAttributesTest, ExtendKeepsOldValuesAndAddsNewOnes) {
  const std::vector<Item> old = DrawItems(300, 4, "m");
  std::vector<Item> fresh = DrawItems(60, 5, "c");
  const std::vector<Item> later = DrawItems(60, 6, "z");
  fresh.insert(fresh.end(), later.begin(), later.end());
  // Values below, between and above the known ones.
  fresh[0].brand = "aaa";
  fresh[1].brand = "zzz";
  fresh[2].year = "-9223372036854775808";
  fresh[3].price = "1e+300";
  const auto before = Build(old);
  const auto after = Extend(*before, Csv(fresh));
  ASSERT_TRUE(after.ok()) << after.status();
  ExpectValues(**after, old);
  ExpectValues(**after, fresh);
  // The same as of all items at once, however they came.
  std::vector<Item> all = old;
  all.insert(all.end(), fresh.begin(), fresh.end());
  EXPECT_EQ(Bytes(**after), Bytes(*Build(all)));
}

TEST_F(WriteAttributesTest, ColumnsThatTheFileLacksAreWithoutValue) {
  const std::vector<Item> old = DrawItems(50, 7, "m");
  const auto before = Build(old);
  const auto after = Extend(*before, "item,brand,colour\nnew,acme,red\n");
  ASSERT_TRUE(after.ok()) << after.status();
  EXPECT_EQ(ValueOf(**after, "brand", "new"), "acme");
  EXPECT_EQ(ValueOf(**after, "price", "new"), "");
  EXPECT_THAT(ignored_, ElementsAre("colour"));
  EXPECT_THAT(missing_, ElementsAre("flag", "tags", "year", "price", "since"));
  ExpectValues(**after, old);
}

TEST_F(WriteAttributesTest, NewValuesMustBeOfTheBundlesType) {
  const auto before = Build(DrawItems(50, 8, "m"));
  const auto after = Extend(*before, "item,year\nnew,1999\nother,long ago\n");
  EXPECT_EQ(after.status().code(), absl::StatusCode::kDataLoss);
  EXPECT_THAT(std::string(after.status().message()),
              HasSubstr("new.csv:3: item \"other\": column year: \"long ago\" "
                        "is not of the type integer that the attribute year "
                        "has in the bundle"));
}

TEST_F(WriteAttributesTest, RecBoleItemsExtendToo) {
  const auto before = Build(DrawItems(50, 9, "m"));
  const auto after = Extend(*before,
                            "item_id:token\ttags:token_seq\tbrand:token\n"
                            "new\tx y\ta b\n",
                            "new.item");
  ASSERT_TRUE(after.ok()) << after.status();
  EXPECT_EQ(ValueOf(**after, "tags", "new"), "x,y");
  EXPECT_EQ(ValueOf(**after, "brand", "new"), "a b");
}

TEST_F(WriteAttributesTest, BundlesMadeByHandAreExtendedByName) {
  const auto tiny = *Bundle::Open(WriteTinyBundle(MakeTestDir(), 1));
  v1::Manifest manifest = tiny->manifest();
  for (v1::Attribute& attribute : *manifest.mutable_attributes()) {
    attribute.clear_column();
  }
  const auto bundle = RewriteBundle(
      *tiny, manifest, [](BundleWriter*) { return absl::OkStatus(); });
  const auto after =
      Extend(*bundle,
             "item,Brand,Created At,tags\ncc,zeta,2025-06-15T12:00,new|old\n");
  ASSERT_TRUE(after.ok()) << after.status();
  EXPECT_EQ(ValueOf(**after, "brand", "cc"), "zeta");
  EXPECT_EQ(ValueOf(**after, "created_at", "cc"), "2025-06-15T12:00:00Z");
  EXPECT_EQ(ValueOf(**after, "tags", "cc"), "new,old");
  EXPECT_EQ(ValueOf(**after, "tags", "c"), "new,sale,toys");
  EXPECT_EQ(ValueOf(**after, "brand", "f"), "bolt");
  EXPECT_EQ(ValueOf(**after, "in_stock", "f"), "false");
}

TEST_F(WriteAttributesTest, FilesOfAttributesAreKnownToExtend) {
  v1::Manifest manifest;
  v1::Attribute& tags = *manifest.add_attributes();
  tags.set_name("tags");
  tags.set_type(v1::TAGS);
  EXPECT_EQ(*TreatmentOf(manifest, "attribute.tags.items.npy"),
            FileTreatment::kMade);
  EXPECT_EQ(*TreatmentOf(manifest, "attribute.tags.keys.utf8"),
            FileTreatment::kMade);
  EXPECT_FALSE(TreatmentOf(manifest, "attribute.other.codes.npy").ok());
}

}  // namespace
}  // namespace tributary
