#include "server/explain/nearest_keys.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "fmt/format.h"
#include "index/bundle/bundle_writer.h"
#include "index/bundle/key_table.h"
#include "tests/index/bundle/tiny_bundle.h"

namespace tributary {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

// A mapped table; whatever else a bundle has is missing.
KeyTable TableOf(KeyList keys) {
  auto writer = BundleWriter::Create(MakeTestDir(), 1);
  EXPECT_TRUE(writer.ok()) << writer.status();
  v1::Manifest manifest;
  manifest.mutable_items()->set_kind(keys.kind);
  manifest.mutable_items()->set_count(keys.size());
  manifest.add_retrievers()->set_name("none");
  manifest.mutable_retrievers(0)->set_kind("none");
  EXPECT_TRUE(writer->AddKeys("items", keys).ok());
  const auto dir = writer->Finish(manifest);
  EXPECT_TRUE(dir.ok()) << dir.status();
  auto table = KeyTable::Open(*dir, "items", manifest.items());
  EXPECT_TRUE(table.ok()) << table.status();
  return *std::move(table);
}

// Skus with every third number, so that most keys are missing.
KeyList Skus(uint32_t count) {
  KeyList keys{v1::UTF8, {}, {}};
  for (uint32_t i = 0; i < count; ++i) {
    keys.strings.push_back(fmt::format("sku-{:07}-x", 3 * i));
  }
  std::sort(keys.strings.begin(), keys.strings.end());
  return keys;
}

KeyList Numbers(uint64_t count) {
  KeyList keys{v1::UINT64, {}, {}};
  for (uint64_t i = 0; i < count; ++i) keys.ids.push_back(1'000'000 + 7 * i);
  return keys;
}

TEST(NearestKeys, AreThoseWithTheFewestEdits) {
  const KeyTable table =
      TableOf({v1::UTF8, {}, {"abacus", "lamp", "lamps", "ramp", "zebra"}});
  EXPECT_THAT(NearestKeys(table, "lamp1"), ElementsAre("lamp", "lamps"));
  EXPECT_THAT(NearestKeys(table, "alamp"), ElementsAre("lamp"));
  EXPECT_THAT(NearestKeys(table, "zerba"), ElementsAre("zebra"));
  EXPECT_THAT(NearestKeys(table, "something else"), IsEmpty());
  EXPECT_THAT(NearestKeys(table, ""), IsEmpty());
  EXPECT_THAT(NearestKeys(table, std::string(100'000, 'x')), IsEmpty());
  EXPECT_THAT(NearestKeys(TableOf({v1::UTF8, {}, {}}), "lamp"), IsEmpty());
}

// Small tables are scanned; of large ones a part is looked at, which finds what
// one edit makes.
TEST(NearestKeys, OfALargeTableAreFoundByOneEdit) {
  for (const uint32_t count :
       {1000U, static_cast<uint32_t>(kScannedKeys) + 9}) {
    const KeyTable table = TableOf(Skus(count));
    const std::string real = "sku-0000999-x";
    for (const char* wrong :
         {"sku-000999-x", "sku-00009909-x", "sku-0009099-x", "sk-0000999-x",
          "sku-0000999-", "Sku-0000999-x"}) {
      EXPECT_THAT(NearestKeys(table, wrong), testing::Contains(real))
          << wrong << " of " << count;
    }
    EXPECT_LE(NearestKeys(table, real + "y").size(), kMaxNearestKeys);
  }
  const KeyTable numbers = TableOf(Numbers(kScannedKeys + 9));
  for (const char* wrong : {"100007", "10000007", "1000008", "1000070"}) {
    const auto keys = NearestKeys(numbers, wrong);
    EXPECT_FALSE(keys.empty()) << wrong;
    EXPECT_THAT(NearestKeys(numbers, "1000008"), testing::Contains("1000007"));
  }
}

TEST(NearestKeys, OfALargeTableHaveOtherCase) {
  KeyList keys = Skus(kScannedKeys + 9);
  keys.strings.push_back("zzz-lamp-red");
  const KeyTable table = TableOf(std::move(keys));
  EXPECT_THAT(NearestKeys(table, "zzz-Lamp-Red"),
              testing::Contains("zzz-lamp-red"));
}

}  // namespace
}  // namespace tributary
