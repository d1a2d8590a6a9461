#include "index/bundle/attribute_column.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <limits>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "google/protobuf/util/json_util.h"
#include "index/bundle/attribute_summary.h"
#include "index/bundle/bundle.h"
#include "tests/index/bundle/tiny_bundle.h"

namespace tributary {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

template <typename T>
std::string Npy(std::vector<T> values, uint64_t columns = 0) {
  std::string file =
      columns == 0
          ? FormatNpyHeader(DtypeOf<T>(), 1, values.size(), 1)
          : FormatNpyHeader(DtypeOf<T>(), 2, values.size() / columns, columns);
  return file.append(reinterpret_cast<const char*>(values.data()),
                     values.size() * sizeof(T));
}

class AttributeColumnTest : public testing::Test {
 protected:
  const AttributeColumn& Of(std::string_view name) const {
    const AttributeColumn* const found = bundle_->FindAttribute(name);
    EXPECT_NE(found, nullptr) << name;
    return *found;
  }

  // The codes of all items.
  std::vector<uint32_t> Codes(std::string_view name) const {
    std::vector<uint32_t> codes;
    for (Row item = 0; item < 6; ++item) {
      codes.push_back(Of(name).CodeOf(item));
    }
    return codes;
  }

  std::vector<std::string> Values(std::string_view name) const {
    std::vector<std::string> values;
    for (uint32_t code = 0; code < Of(name).values(); ++code) {
      values.push_back(Of(name).ValueText(code));
    }
    return values;
  }

  static absl::Status Parse(const v1::Manifest& manifest) {
    std::string json;
    EXPECT_TRUE(
        google::protobuf::util::MessageToJsonString(manifest, &json).ok());
    return ParseManifest(json).status();
  }

  // What `use` says of the attribute, opened after one of its files was
  // replaced.
  static std::string Damaged(
      const v1::Attribute& spec, const std::string& part,
      const std::string& bytes,
      const std::function<absl::Status(absl::StatusOr<AttributeColumn>)>& use) {
    static const std::filesystem::path dir = WriteTinyBundle(MakeTestDir(), 1);
    const auto path = dir / ("attribute." + spec.name() + "." + part);
    const std::string original = ReadFile(path);
    EXPECT_FALSE(original.empty()) << path;
    OverwriteFile(path, bytes);
    const absl::Status status = use(AttributeColumn::Open(dir, spec, 6));
    OverwriteFile(path, original);
    EXPECT_EQ(status.code(), absl::StatusCode::kDataLoss) << status;
    return std::string(status.message());
  }
  std::string OpenError(const std::string& name, const std::string& part,
                        const std::string& bytes) const {
    return Damaged(Of(name).spec(), part, bytes,
                   [](const auto& opened) { return opened.status(); });
  }
  std::string CheckError(const std::string& name, const std::string& part,
                         const std::string& bytes) const {
    return CheckError(Of(name).spec(), part, bytes);
  }
  static std::string CheckError(const v1::Attribute& spec,
                                const std::string& part,
                                const std::string& bytes) {
    return Damaged(spec, part, bytes, [](const auto& opened) {
      EXPECT_TRUE(opened.ok()) << opened.status();
      return opened.ok() ? opened->CheckValues() : absl::OkStatus();
    });
  }

  static std::shared_ptr<const Bundle> OpenTiny() {
    static const std::shared_ptr<const Bundle> bundle =
        *Bundle::Open(WriteTinyBundle(MakeTestDir(), 1));
    return bundle;
  }
  const std::shared_ptr<const Bundle> bundle_ = OpenTiny();
};

TEST_F(AttributeColumnTest, ReadsEveryType) {
  for (const AttributeColumn& attribute : bundle_->attributes()) {
    EXPECT_TRUE(attribute.CheckValues().ok()) << attribute.name();
    EXPECT_EQ(attribute.n_items(), 6);
  }
  EXPECT_EQ(bundle_->FindAttribute("colour"), nullptr);
  EXPECT_THAT(Values("in_stock"), ElementsAre("false", "true"));
  EXPECT_THAT(Codes("in_stock"), ElementsAre(1, 0, 1, 2, 1, 0));
  EXPECT_THAT(Values("brand"), ElementsAre("acme", "bolt", "core"));
  EXPECT_THAT(Codes("brand"), ElementsAre(0, 1, 0, 3, 2, 1));
  EXPECT_THAT(Values("year"), ElementsAre("1984", "1999", "2020"));
  EXPECT_THAT(Codes("year"), ElementsAre(1, 2, 0, 1, 3, 2));
  EXPECT_THAT(Values("price"), ElementsAre("0.5", "9.99", "49.9", "100"));
  EXPECT_THAT(Codes("price"), ElementsAre(1, 2, 0, 3, 1, 4));
  EXPECT_THAT(Values("created_at"),
              ElementsAre("2024-01-01T00:00:00Z", "2025-06-15T12:00:00Z",
                          "2026-01-01T00:00:00Z"));
  EXPECT_THAT(Codes("created_at"), ElementsAre(0, 1, 3, 2, 0, 1));
  EXPECT_EQ(Of("price").Number(1), 9.99);
  EXPECT_EQ(Of("created_at").Number(0), 1704067200000.0);
  EXPECT_THAT(Values("tags"), ElementsAre("new", "sale", "toys"));
  EXPECT_THAT(Of("tags").ItemsWith(0), ElementsAre(0, 2, 5));
  EXPECT_THAT(Of("tags").ItemsWith(1), ElementsAre(1, 2));
  EXPECT_THAT(Of("tags").ItemsWith(2), ElementsAre(0, 2, 3));
}

TEST_F(AttributeColumnTest, FindsValuesAndBounds) {
  EXPECT_EQ(Of("brand").Find("bolt"), 1);
  EXPECT_EQ(Of("brand").Find("bol"), std::nullopt);
  EXPECT_EQ(Of("brand").Find("zebra"), std::nullopt);
  EXPECT_EQ(Of("brand").LowerBound("b"), 1);
  EXPECT_EQ(Of("brand").LowerBound("zebra"), 3);
  EXPECT_EQ(Of("year").Find(int64_t{1999}), 1);
  EXPECT_EQ(Of("year").Find(int64_t{2000}), std::nullopt);
  EXPECT_EQ(Of("year").LowerBound(int64_t{2000}), 2);
  EXPECT_EQ(Of("price").Find(49.9), 2);
  EXPECT_EQ(Of("price").Find(49.90001), std::nullopt);
  EXPECT_EQ(Of("price").LowerBound(1e9), 4);
}

TEST_F(AttributeColumnTest, HasBitmapsOfFrequentValues) {
  EXPECT_THAT(Of("in_stock").Bitmap(0), ElementsAre(0b100010));
  EXPECT_THAT(Of("in_stock").Bitmap(1), ElementsAre(0b010101));
  EXPECT_THAT(Of("tags").Bitmap(2), ElementsAre(0b001101));
  EXPECT_THAT(Of("brand").Bitmap(2), ElementsAre(0b010000));
}

TEST_F(AttributeColumnTest, IsDescribedForPeople) {
  EXPECT_EQ(DescribeAttribute(Of("in_stock")),
            "true 50 %, false 33 %; 17 % of the items have none");
  EXPECT_EQ(DescribeAttribute(Of("tags")),
            "3 values: \"new\" 50 %, \"toys\" 50 %, \"sale\" 33 %; 17 % of the "
            "items have none");
  EXPECT_EQ(DescribeAttribute(Of("price")),
            "4 values, 0.5 to 100; 17 % of the items have none");
  EXPECT_EQ(DescribeAttribute(Of("created_at")),
            "3 values, 2024-01-01T00:00:00Z to 2026-01-01T00:00:00Z; 17 % of "
            "the items have none");
}

TEST_F(AttributeColumnTest, OpenRefusesOtherShapes) {
  EXPECT_THAT(OpenError("brand", "codes.npy", Npy<uint8_t>({0, 1, 0}, 3)),
              HasSubstr("attribute.brand.codes.npy: |u1 [1, 3], but by the "
                        "manifest it is |u1 [1, 6]"));
  EXPECT_THAT(OpenError("brand", "codes.npy",
                        Npy<uint8_t>({0, 0, 0, 0, 0, 0, 0, 1, 0, 3, 2, 1}, 6)),
              HasSubstr("|u1 [2, 6]"));
  EXPECT_THAT(OpenError("year", "values.npy", Npy<double>({1984, 1999, 2020})),
              HasSubstr("attribute.year.values.npy: <f8 [3, 1], but by the "
                        "manifest it is <i8 [3, 1]"));
  EXPECT_THAT(OpenError("price", "values.npy", Npy<double>({1})),
              HasSubstr("<f8 [1, 1], but by the manifest it is <f8 [4, 1]"));
  EXPECT_THAT(OpenError("tags", "items.npy", Npy<Row>({0})),
              HasSubstr("attribute.tags.items.npy: <u4 [1, 1]"));
  EXPECT_THAT(OpenError("tags", "items.offsets.npy", Npy<uint64_t>({0, 8})),
              HasSubstr("attribute.tags.items.offsets.npy: <u8 [2, 1]"));
  EXPECT_THAT(OpenError("tags", "frequent.npy", Npy<uint32_t>({0})),
              HasSubstr("attribute.tags.frequent.npy: <u4 [1, 1]"));
  EXPECT_THAT(OpenError("tags", "bitmaps.npy", Npy<uint64_t>({1, 2, 3, 4}, 2)),
              HasSubstr("attribute.tags.bitmaps.npy: <u8 [2, 2], but by the "
                        "manifest it is <u8 [3, 1]"));
  EXPECT_THAT(OpenError("brand", "keys.offsets.npy", Npy<uint64_t>({0, 4})),
              HasSubstr("attribute.brand.keys.offsets.npy"));
}

TEST_F(AttributeColumnTest, CheckFindsWrongDictionaries) {
  constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  for (const double wrong : {kNan, kInfinity, 0.5, -1.0}) {
    EXPECT_THAT(
        CheckError("price", "values.npy", Npy<double>({0.5, wrong, 49.9, 100})),
        HasSubstr("attribute.price.values.npy: value 1 is "));
  }
  EXPECT_THAT(
      CheckError("year", "values.npy", Npy<int64_t>({1984, 2020, 1999})),
      HasSubstr("attribute.year.values.npy: value 2 is 1999: values must be "
                "finite, unique and ascending"));
  EXPECT_THAT(CheckError("brand", "keys.utf8", "boltacmecore"),
              HasSubstr("attribute.brand.keys.utf8"));
}

TEST_F(AttributeColumnTest, CheckFindsWrongCodes) {
  EXPECT_THAT(
      CheckError("brand", "codes.npy", Npy<uint8_t>({0, 1, 0, 4, 2, 1}, 6)),
      HasSubstr("attribute.brand.codes.npy: item 3 has the code 4, expected "
                "0 to 3"));
  EXPECT_THAT(
      CheckError("year", "codes.npy", Npy<uint8_t>({1, 2, 0, 3, 3, 2}, 6)),
      HasSubstr("4 items have a value, but by the manifest 5 have 5"));
  v1::Attribute more = Of("year").spec();
  more.set_uses(6);
  EXPECT_THAT(
      CheckError(more, "codes.npy", Npy<uint8_t>({1, 2, 0, 1, 3, 2}, 6)),
      HasSubstr("5 items have a value, but by the manifest 5 have 6"));
}

TEST_F(AttributeColumnTest, CheckFindsWrongTags) {
  EXPECT_THAT(
      CheckError("tags", "items.npy", Npy<Row>({0, 2, 6, 1, 2, 0, 2, 3})),
      HasSubstr("attribute.tags.items.npy: entry 2 is 6, expected ascending "
                "rows below 6"));
  EXPECT_THAT(
      CheckError("tags", "items.npy", Npy<Row>({0, 0, 5, 1, 2, 0, 2, 3})),
      HasSubstr("entry 1 is 0"));
  EXPECT_THAT(
      CheckError("tags", "items.npy", Npy<Row>({0, 2, 5, 1, 2, 0, 2, 4})),
      HasSubstr("bitmaps.npy: the bitmap of value 2 differs"));
  EXPECT_THAT(
      CheckError("tags", "items.npy", Npy<Row>({0, 2, 5, 2, 4, 0, 2, 4})),
      HasSubstr("4 items have a value, but by the manifest 5 have one"));
  EXPECT_THAT(
      CheckError("tags", "items.offsets.npy", Npy<uint64_t>({0, 3, 5, 7})),
      HasSubstr("the offsets run from 0 to 7, but attribute.tags.items.npy has "
                "8 entries"));
  EXPECT_THAT(
      CheckError("tags", "items.offsets.npy", Npy<uint64_t>({0, 3, 3, 8})),
      HasSubstr("value 1 ends at 3, not after its beginning at 3"));
  EXPECT_THAT(
      CheckError("tags", "items.offsets.npy", Npy<uint64_t>({0, 9, 10, 8})),
      HasSubstr("value 0 ends at 9, not after its beginning at 0 and at most "
                "at 8"));
}

TEST_F(AttributeColumnTest, CheckFindsWrongBitmaps) {
  EXPECT_THAT(CheckError("brand", "frequent.npy", Npy<uint32_t>({0, 0, 2})),
              HasSubstr("attribute.brand.frequent.npy: entry 1 is 0, expected "
                        "ascending codes below 3"));
  EXPECT_THAT(CheckError("brand", "frequent.npy", Npy<uint32_t>({0, 1, 3})),
              HasSubstr("entry 2 is 3"));
  EXPECT_THAT(
      CheckError("brand", "bitmaps.npy", Npy<uint64_t>({5, 34, 48}, 1)),
      HasSubstr("attribute.brand.bitmaps.npy: the bitmap of value 2 differs "
                "from the items' values"));
  // A bit of an item that does not exist.
  EXPECT_THAT(
      CheckError("in_stock", "bitmaps.npy", Npy<uint64_t>({34, 21 + 64}, 1)),
      HasSubstr("the bitmap of value 1 differs"));
}

TEST_F(AttributeColumnTest, UncheckedFilesAreReadWithoutHarm) {
  const auto dir = WriteTinyBundle(MakeTestDir(), 1);
  OverwriteFile(dir / "attribute.brand.codes.npy",
                Npy<uint8_t>({255, 1, 0, 4, 2, 1}, 6));
  OverwriteFile(dir / "attribute.tags.items.offsets.npy",
                Npy<uint64_t>({7, 3, 1'000'000, 8}));
  const auto brand = AttributeColumn::Open(dir, Of("brand").spec(), 6);
  EXPECT_EQ(brand->CodeOf(0), 3);
  const auto tags = AttributeColumn::Open(dir, Of("tags").spec(), 6);
  EXPECT_THAT(tags->ItemsWith(0), IsEmpty());
  EXPECT_THAT(tags->ItemsWith(1), ElementsAre(1, 2, 0, 2, 3));
  EXPECT_THAT(tags->ItemsWith(2), IsEmpty());
}

TEST_F(AttributeColumnTest, ManifestsThatAreWrongAreRefused) {
  using Change = std::function<void(v1::Manifest*)>;
  const std::pair<Change, std::string> kCases[] = {
      {[](auto* m) { m->mutable_attributes(0)->set_name("In_stock"); },
       "attributes[0].name: \"In_stock\", expected 1 to 64 lower-case letters"},
      {[](auto* m) { m->mutable_attributes(0)->set_name("1st"); },
       "attributes[0].name: \"1st\""},
      {[](auto* m) {
         m->mutable_attributes(0)->set_name(std::string(65, 'a'));
       },
       "attributes[0].name"},
      {[](auto* m) { m->mutable_attributes(0)->set_name("../a"); },
       "attributes[0].name"},
      {[](auto* m) { m->mutable_attributes(1)->set_name("in_stock"); },
       "attributes[1].name: \"in_stock\" occurs twice"},
      {[](auto* m) { m->mutable_attributes(0)->clear_type(); },
       "attributes[\"in_stock\"].type: 0 is no known type"},
      {[](auto* m) { m->mutable_attributes(0)->set_values(3); },
       "attributes[\"in_stock\"].values: 3, expected 2"},
      {[](auto* m) { m->mutable_attributes(1)->set_values(kNoRow); },
       "attributes[\"brand\"].values: 4294967295, expected less than"},
      {[](auto* m) { m->mutable_attributes(1)->set_present(7); },
       "attributes[\"brand\"].present: 7, but there are 6 items"},
      {[](auto* m) { m->mutable_attributes(1)->set_frequent(4); },
       "attributes[\"brand\"].frequent: 4, expected at most 3"},
      {[](auto* m) { m->mutable_attributes(3)->set_frequent(1); },
       "attributes[\"year\"].frequent: 1, expected at most 0"},
      {[](auto* m) {
         for (int i = 0; i < 300; ++i) {
           *m->add_attributes() = m->attributes(0);
         }
       },
       "attributes: 306 entries, expected at most 256"},
  };
  for (const auto& [change, expected] : kCases) {
    v1::Manifest manifest = bundle_->manifest();
    change(&manifest);
    EXPECT_THAT(std::string(Parse(manifest).message()), HasSubstr(expected));
  }
  EXPECT_TRUE(Parse(bundle_->manifest()).ok());
}

TEST_F(AttributeColumnTest, BitmapsWhoseCountIsLostAreRefused) {
  const auto dir = WriteTinyBundle(MakeTestDir(), 1);
  v1::Manifest manifest = bundle_->manifest();
  for (v1::Attribute& spec : *manifest.mutable_attributes()) {
    if (spec.name() == "brand") spec.clear_frequent();
  }
  std::string json;
  ASSERT_TRUE(
      google::protobuf::util::MessageToJsonString(manifest, &json).ok());
  OverwriteFile(dir / kManifestName, json);
  EXPECT_THAT(std::string(Bundle::Open(dir).status().message()),
              HasSubstr("attributes[\"brand\"].frequent: 0, but files lists "
                        "attribute.brand.bitmaps.npy"));
}

TEST(AttributeNamesTest, HaveLowerCaseLettersDigitsAndUnderscores) {
  for (const char* name : {"a", "_", "_1st", "a9_b"}) {
    EXPECT_TRUE(IsAttributeName(name)) << name;
  }
  EXPECT_TRUE(IsAttributeName(std::string(64, 'a')));
  for (const char* name : {"", "9", "A", "a b", "ä", "a.b", "a/b", "a-b"}) {
    EXPECT_FALSE(IsAttributeName(name)) << name;
  }
}

TEST(CodeBytesTest, HoldTheCodeOfMissingValues) {
  const std::pair<uint64_t, uint32_t> kCases[] = {
      {0, 1},     {1, 1},       {255, 1},           {256, 2},       {65535, 2},
      {65536, 3}, {1 << 24, 4}, {(1 << 24) - 1, 3}, {0xFFFFFFFE, 4}};
  for (const auto& [values, bytes] : kCases) {
    EXPECT_EQ(CodeBytes(values), bytes) << values;
  }
}

}  // namespace
}  // namespace tributary
