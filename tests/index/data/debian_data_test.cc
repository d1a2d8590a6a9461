// What is read of Debian's package index.
#include <algorithm>
#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/index/data/read_data_set_fixture.h"

namespace tributary {
namespace {

using ::testing::ElementsAre;

class DebianDataTest : public ReadDataSetTest {};

constexpr char kStanzas[] =
    "Package: libz1\nSource: zlib (1.2)\nDescription: compression\n library\n"
    "Tag: role::shared-lib,\n devel::lang:c\nSection: libs\nDepends: libc6\n"
    "\n"
    "Package: libc6\nSection: libs\nDescription: C library\n"
    "\n"
    "Package: zcat\nSource: zlib\nDepends: libc6 (>= 2.3), libz1:any,\n"
    " gone | libz1\nPre-Depends: libc6\nRecommends: libz1-dev | libc6, "
    "mail-agent\n";

TEST_F(DebianDataTest, TakesSourcesAsUsersAndFirstAlternatives) {
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
  const auto title = std::ranges::find(
      data->attributes, "title",
      [](const auto& attribute) { return attribute->spec.name(); });
  ASSERT_NE(title, data->attributes.end());
  EXPECT_THAT((*title)->texts, ElementsAre("C library", "compression"));
  // Nobody learns twice from a description.
  EXPECT_EQ(Find(data->item_features, "title"), nullptr);
}

TEST_F(DebianDataTest, NamesStanzasWithoutPackageAndSaysAptGetUpdate) {
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

}  // namespace
}  // namespace tributary
