#include "server/console/item_titles.h"

#include <random>
#include <string>

#include "gmock/gmock.h"
#include "google/protobuf/struct.pb.h"
#include "google/protobuf/util/json_util.h"
#include "gtest/gtest.h"
#include "index/assemble/write_attributes.h"
#include "index/bundle/attribute_column.h"
#include "index/data/attribute_data.h"
#include "server/console/json_text.h"
#include "tests/index/bundle/tiny_bundle.h"

namespace tributary {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

std::string ErrorOf(const std::string& json) {
  const auto request = ParseTitlesRequest(json);
  EXPECT_EQ(request.status().code(), absl::StatusCode::kInvalidArgument)
      << json.substr(0, 100);
  return std::string(request.status().message());
}

std::string WithKeys(size_t n) {
  std::string json = R"({"itemKeys": [)";
  for (size_t i = 0; i < n; ++i) json += i == 0 ? R"("k")" : R"(,"k")";
  return json + "]}";
}

TEST(ItemTitlesTest, ReadsKeysAndVersion) {
  const auto request =
      ParseTitlesRequest(R"({"itemKeys": ["a", "b\"c"], "version": "7"})");
  ASSERT_TRUE(request.ok()) << request.status();
  EXPECT_THAT(request->item_keys, ElementsAre("a", "b\"c"));
  EXPECT_EQ(request->version, 7);
  EXPECT_EQ(ParseTitlesRequest(R"({"version": 7})")->version, 7);
  EXPECT_EQ(
      ParseTitlesRequest(R"({"version": "18446744073709551615"})")->version,
      18446744073709551615U);
  EXPECT_EQ(ParseTitlesRequest("{}")->version, 0);
  EXPECT_EQ(ParseTitlesRequest(WithKeys(kMaxTitleKeys))->item_keys.size(),
            kMaxTitleKeys);
}

TEST(ItemTitlesTest, RefusesWhatIsNoRequestByTheField) {
  for (const char* json :
       {"", "no", "[]", "7", "{", R"({"itemKeys": ["a"})", "null", "\xff"}) {
    EXPECT_THAT(ErrorOf(json), StartsWith("expected {\"itemKeys\"")) << json;
  }
  EXPECT_THAT(ErrorOf(R"({"itemKeys": "a"})"), StartsWith("itemKeys: "));
  EXPECT_THAT(ErrorOf(R"({"itemKeys": ["a", 1]})"),
              StartsWith("itemKeys[1]: "));
  EXPECT_THAT(ErrorOf(R"({"itemKeys": [["a"]]})"), StartsWith("itemKeys[0]: "));
  for (const char* version :
       {"-1", "1.5", "1e99", "\"x\"", "\"\"", "\" 1\"", "true", "[1]", "null",
        "\"18446744073709551616\""}) {
    EXPECT_THAT(ErrorOf(std::string(R"({"version": )") + version + "}"),
                StartsWith("version: "))
        << version;
  }
  EXPECT_THAT(ErrorOf(R"({"keys": []})"), StartsWith("keys: there is no such"));
}

TEST(ItemTitlesTest, BoundsWhatIsParsed) {
  EXPECT_THAT(ErrorOf(WithKeys(kMaxTitleKeys + 1)), HasSubstr("at most 1000"));
  EXPECT_THAT(ErrorOf(WithKeys(100'000)), HasSubstr("more than 1000 keys"));
  EXPECT_THAT(ErrorOf(R"({"itemKeys": )" + std::string(100'000, '[')),
              HasSubstr("more than 1000 keys"));
  // Commas within keys are no marks.
  const std::string commas(5000, ',');
  EXPECT_TRUE(ParseTitlesRequest(R"({"itemKeys": [")" + commas + "\"]}").ok());
  EXPECT_THAT(ErrorOf(std::string(kMaxTitlesBodyBytes + 1, ' ')),
              HasSubstr("bytes"));
}

TEST(ItemTitlesTest, OutlivesEveryText) {
  std::mt19937 random(1);
  const std::string good =
      R"({"itemKeys": ["a", "b\u00e9", "\\"], "version": "7", "x": [1e3, null]})";
  for (int round = 0; round < 20'000; ++round) {
    std::string text = good;
    for (uint32_t change = random() % 6 + 1; change > 0; --change) {
      const size_t at = random() % text.size();
      if (random() % 3 == 0) {
        text.erase(at, random() % 5);
      } else {
        text.insert(at, 1, static_cast<char>(random() % 256));
      }
      if (text.empty()) text = "{";
    }
    const auto request = ParseTitlesRequest(text);
    if (!request.ok()) continue;
    EXPECT_LE(request->item_keys.size(), kMaxTitleKeys);
  }
}

class TitledBundleTest : public testing::Test {
 protected:
  // Titles of the items a to f.
  static std::shared_ptr<const ServingBundle> WithTitles(
      const std::vector<std::string>& titles) {
    const auto tiny = Bundle::Open(WriteTinyBundle(MakeTestDir(), 1));
    EXPECT_TRUE(tiny.ok()) << tiny.status();
    Misfits misfits;
    AttributeData data = EncodeAttribute(
        {.type = v1::CATEGORY, .as_they_are = true}, titles.size(),
        [&](Row row) { return std::string_view(titles[row]); }, &misfits);
    data.spec.set_name(kTitleAttribute);
    v1::Manifest manifest = (*tiny)->manifest();
    // The bundle's own attributes are written by hand; this one is added.
    const auto bundle =
        RewriteBundle(**tiny, manifest, [&](BundleWriter* writer) {
          return WriteAttribute(data, titles.size(), writer, &manifest);
        });
    return Serving(bundle);
  }
  static std::shared_ptr<const ServingBundle> Serving(
      std::shared_ptr<const Bundle> bundle) {
    auto serving =
        ServingBundle::Open(std::move(bundle), RetrieverRegistry::BuiltIn());
    EXPECT_TRUE(serving.ok()) << serving.status();
    return *serving;
  }
};

TEST_F(TitledBundleTest, ABundleWithoutTitlesSaysSo) {
  const auto tiny = Bundle::Open(WriteTinyBundle(MakeTestDir(), 1));
  ASSERT_TRUE(tiny.ok());
  EXPECT_EQ(TitlesJson({.item_keys = {"a"}, .version = 0}, *Serving(*tiny)),
            R"({"version":"1","hasTitles":false,"titles":{}})");
}

TEST_F(TitledBundleTest, SaysTheTitlesOfTheKeysThatHaveOne) {
  // One byte before the limit stands a character of two.
  const std::string cut(kMaxTitleBytes - 1, 'x');
  const auto bundle = WithTitles({"<b>\"A\"", "B", cut + "éé", "", "B", "F"});
  const std::string json = TitlesJson(
      {.item_keys = {"a", "c", "d", "zzz", "", "e", "a"}, .version = 0},
      *bundle);
  EXPECT_THAT(json, Not(HasSubstr("<")));
  google::protobuf::Struct reply;
  ASSERT_TRUE(google::protobuf::util::JsonStringToMessage(json, &reply).ok())
      << json;
  EXPECT_TRUE(reply.fields().at("hasTitles").bool_value());
  const auto& titles = reply.fields().at("titles").struct_value().fields();
  EXPECT_EQ(titles.size(), 3) << json;
  EXPECT_EQ(titles.at("a").string_value(), "<b>\"A\"");
  EXPECT_EQ(titles.at("c").string_value(), cut + "…");
  EXPECT_EQ(titles.at("e").string_value(), "B");
}

TEST(JsonTextTest, AnyBytesBecomeAString) {
  EXPECT_EQ(JsonString("a\"b\\c"), R"("a\"b\\c")");
  EXPECT_EQ(JsonString("<é\n\x01\x7f"), "\"\\u003cé\\u000a\\u0001\\u007f\"");
  EXPECT_EQ(JsonString("\xff\xc3"), R"("\ufffd\ufffd")");
  EXPECT_EQ(JsonString(std::string(1, '\0')), R"("\u0000")");
  std::mt19937 random(2);
  for (int round = 0; round < 5000; ++round) {
    std::string bytes(random() % 20, 0);
    for (char& byte : bytes) byte = static_cast<char>(random() % 256);
    google::protobuf::Value value;
    EXPECT_TRUE(
        google::protobuf::util::JsonStringToMessage(JsonString(bytes), &value)
            .ok());
  }
  EXPECT_EQ(JsonNumber(0.5), "0.5");
  EXPECT_EQ(JsonNumber(123456789), "123456789");
  EXPECT_EQ(JsonNumber(-1.0 / 0.0), "null");
  EXPECT_EQ(JsonNumber(0.0 / 0.0), "null");
}

}  // namespace
}  // namespace tributary
