// Sets of items that requests may exclude: their file, and what becomes of them
// when they are put, replaced, deleted, and when versions come and go.
#include "server/versions/item_sets.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <random>
#include <set>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "fmt/format.h"
#include "index/bundle/version_directory.h"
#include "tests/server/versions/bundle_set_fixture.h"

namespace tributary {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

StoredItemSet RandomSet(std::mt19937* random) {
  StoredItemSet set;
  for (auto n = (*random)() % 50; n > 0; --n) {
    set.keys.Add(uint64_t{(*random)() % 100});
    set.keys.Add(fmt::format("key-{}", (*random)() % 100));
  }
  set.keys.Finish();
  set.put_at = absl::FromUnixMillis((*random)());
  return set;
}

TEST(ItemKeys, ADecimalTextAndItsIntegerAreOneKey) {
  ItemKeys keys;
  for (const char* key : {"17", "017", "a", "", "a", "18446744073709551616"}) {
    keys.Add(std::string_view(key));
  }
  keys.Add(uint64_t{17});
  keys.Add(uint64_t{3});
  keys.Finish();
  EXPECT_THAT(keys.ids(), ElementsAre(3, 17));
  EXPECT_EQ(keys.texts(), "01718446744073709551616a");
  EXPECT_THAT(keys.ends(), ElementsAre(0, 3, 23, 24));
  EXPECT_EQ(keys.size(), 6);
  EXPECT_EQ(keys.size_bytes(), 6 * 8 + 24);
}

TEST(ItemSetFile, TellsWhatWasWritten) {
  std::mt19937 random(1);
  for (int round = 0; round < 50; ++round) {
    const StoredItemSet set = RandomSet(&random);
    const auto parsed = ParseItemSet(ItemSetText(set));
    ASSERT_TRUE(parsed.ok()) << parsed.status();
    EXPECT_EQ(std::vector(parsed->keys.ids().begin(), parsed->keys.ids().end()),
              std::vector(set.keys.ids().begin(), set.keys.ids().end()));
    EXPECT_EQ(parsed->keys.texts(), set.keys.texts());
    EXPECT_EQ(parsed->keys.size(), set.keys.size());
    EXPECT_EQ(parsed->put_at, set.put_at);
  }
}

TEST(ItemSetFile, EveryDamageIsNoticed) {
  std::mt19937 random(2);
  const std::string text = ItemSetText(RandomSet(&random));
  for (size_t at = 0; at < text.size(); ++at) {
    std::string damaged = text;
    damaged[at] = static_cast<char>(damaged[at] ^ 1);
    EXPECT_EQ(ParseItemSet(damaged).status().code(),
              absl::StatusCode::kDataLoss)
        << at;
    EXPECT_FALSE(ParseItemSet(text.substr(0, at)).ok()) << at;
  }
}

// Keys that no ItemKeys has, behind a sum that is right.
TEST(ItemSetFile, KeysThatAreNotFinishedAreRefused) {
  const auto with = [](std::vector<uint64_t> ids, std::vector<uint64_t> ends,
                       std::string texts) {
    return ItemKeys().Assign(std::move(ids), std::move(ends), std::move(texts));
  };
  EXPECT_TRUE(with({1, 2}, {1, 2}, "ab"));
  EXPECT_FALSE(with({2, 1}, {}, ""));
  EXPECT_FALSE(with({1, 1}, {}, ""));
  EXPECT_FALSE(with({}, {1, 2}, "ba"));
  EXPECT_FALSE(with({}, {1, 2}, "aa"));
  EXPECT_FALSE(with({}, {1, 3}, "ab"));
  EXPECT_FALSE(with({}, {2, 1}, "ab"));
  EXPECT_FALSE(with({}, {1}, "7"));
  EXPECT_FALSE(with({}, {}, "a"));
}

class ItemSetsTest : public BundleSetTest {
 protected:
  static v1::PutItemSetRequest Part(const std::string& name,
                                    const std::vector<std::string>& keys) {
    v1::PutItemSetRequest part;
    part.set_name(name);
    for (const std::string& key : keys) part.add_item_keys(key);
    return part;
  }
  static absl::StatusOr<v1::ItemSetStatus> Put(
      BundleSet* set, const std::vector<v1::PutItemSetRequest>& parts) {
    auto upload = set->BeginItemSet();
    if (!upload.ok()) return upload.status();
    for (const v1::PutItemSetRequest& part : parts) {
      if (const absl::Status added = upload->Add(part); !added.ok()) {
        return added;
      }
    }
    return set->CommitItemSet(*std::move(upload));
  }
  absl::StatusOr<v1::ItemSetStatus> Put(const std::string& name,
                                        const std::vector<std::string>& keys) {
    return Put(&set_, {Part(name, keys)});
  }
  // The keys that the set excludes from a version, in the order of rows; "none"
  // without such a set.
  static std::string Excluded(const BundleSet& set, uint64_t version,
                              const std::string& name) {
    const auto bundle = set.Snapshot(version);
    EXPECT_TRUE(bundle.ok()) << bundle.status();
    const auto found = (*bundle)->item_sets().Find(name);
    if (found == nullptr) return "none";
    std::string keys;
    const KeyTable& items = (*bundle)->bundle().items();
    for (Row row = 0; row < items.size(); ++row) {
      if (!found->others.Has(row)) keys += items.text(row);
    }
    EXPECT_EQ(keys.size(), found->known);
    return keys;
  }
  std::string Excluded(uint64_t version, const std::string& name) {
    return Excluded(set_, version, name);
  }
  std::vector<std::string> Names() const {
    std::vector<std::string> names;
    const v1::ServerStatus status = set_.GetStatus();
    for (const auto& set : status.item_sets()) names.push_back(set.name());
    return names;
  }

  const std::filesystem::path folder_ = root_ / kItemSetsName;
};

TEST_F(ItemSetsTest, ASetIsKnownToVersionsBeforeAndAfterIt) {
  for (const uint64_t version : {1, 2}) WriteTinyBundle(root_, version);
  ASSERT_TRUE(set_.Restore().ok());
  const auto put = Put("sold-out", {"a", "c", "zz", "a"});
  ASSERT_TRUE(put.ok()) << put.status();
  EXPECT_EQ(put->name(), "sold-out");
  EXPECT_EQ(put->items(), 3);
  EXPECT_EQ(put->unknown_items(), 1);
  EXPECT_GT(put->put_at().seconds(), 1'700'000'000);
  EXPECT_EQ(Excluded(2, "sold-out"), "ac");
  ASSERT_TRUE(set_.Stage(1).ok());
  EXPECT_EQ(Excluded(1, "sold-out"), "ac");
  // A request that holds the set keeps it.
  const auto held = (*set_.Snapshot(2))->item_sets().Find("sold-out");
  ASSERT_TRUE(Put("sold-out", {"f"}).ok());
  EXPECT_EQ(Excluded(1, "sold-out"), "f");
  EXPECT_EQ(Excluded(2, "sold-out"), "f");
  EXPECT_EQ(held->known, 2);
  EXPECT_NE(held->others.serial(),
            (*set_.Snapshot(2))->item_sets().Find("sold-out")->others.serial());
  ASSERT_TRUE(set_.DeleteItemSet("sold-out").ok());
  EXPECT_EQ(Excluded(1, "sold-out"), "none");
  EXPECT_EQ(Excluded(2, "sold-out"), "none");
  EXPECT_THAT(set_.GetStatus().item_sets(), IsEmpty());
  const absl::Status again = set_.DeleteItemSet("sold-out");
  EXPECT_EQ(again.code(), absl::StatusCode::kNotFound);
  EXPECT_THAT(std::string(again.message()), HasSubstr("\"sold-out\""));
}

TEST_F(ItemSetsTest, AVersionThatIsStagedWhileSetsChangeMissesNone) {
  for (const uint64_t version : {1, 2}) WriteTinyBundle(root_, version);
  ASSERT_TRUE(set_.Restore().ok());
  for (int round = 0; round < 20; ++round) {
    const std::string key = round % 2 == 0 ? "a" : "b";
    std::thread putting([&] {
      for (const char* before : {"c", "d", "e"}) {
        EXPECT_TRUE(Put("s", {before}).ok());
      }
      EXPECT_TRUE(Put("s", {key}).ok());
    });
    ASSERT_TRUE(set_.Stage(1).ok());
    putting.join();
    EXPECT_EQ(Excluded(1, "s"), key);
    EXPECT_EQ(Excluded(2, "s"), key);
    ASSERT_TRUE(set_.Unload(1).ok());
  }
}

TEST_F(ItemSetsTest, OutlivesARestart) {
  WriteTinyBundle(root_, 1);
  {
    // Without a version, too.
    BundleSet before(Config(), destructions_.Registry(), {});
    const auto put = Put(&before, {Part("b", {"a"}), Part("", {"b", "q"})});
    ASSERT_TRUE(put.ok()) << put.status();
    EXPECT_EQ(put->items(), 3);
    EXPECT_EQ(put->unknown_items(), 3);
    ASSERT_TRUE(Put(&before, {Part("a", {})}).ok());
  }
  OverwriteFile(folder_ / ".b.new", "half");
  ASSERT_TRUE(set_.Restore().ok());
  EXPECT_THAT(Names(), ElementsAre("a", "b"));
  EXPECT_EQ(Excluded(1, "b"), "ab");
  EXPECT_EQ(Excluded(1, "a"), "");
  EXPECT_FALSE(std::filesystem::exists(folder_ / ".b.new"));
  EXPECT_EQ(set_.GetStatus().item_sets(1).unknown_items(), 1);
  ASSERT_TRUE(set_.DeleteItemSet("a").ok());
  BundleSet after(Config(), destructions_.Registry(), {});
  ASSERT_TRUE(after.Restore().ok());
  EXPECT_EQ(Excluded(after, 1, "a"), "none");
  EXPECT_EQ(Excluded(after, 1, "b"), "ab");
  // The folder is no version.
  EXPECT_THAT(ListPassedOver(root_), IsEmpty());
}

TEST_F(ItemSetsTest, ADamagedFileIsLeftOut) {
  WriteTinyBundle(root_, 1);
  {
    BundleSet before(Config(), destructions_.Registry(), {});
    ASSERT_TRUE(Put(&before, {Part("bad", {"a"})}).ok());
    ASSERT_TRUE(Put(&before, {Part("good", {"a"})}).ok());
  }
  FlipAByte(folder_ / "bad");
  OverwriteFile(folder_ / "Not a name", "x");
  std::filesystem::create_directory(folder_ / "directory");
  testing::internal::CaptureStderr();
  testing::internal::CaptureStdout();
  ASSERT_TRUE(set_.Restore().ok());
  const std::string log = testing::internal::GetCapturedStderr() +
                          testing::internal::GetCapturedStdout();
  EXPECT_THAT(log, AllOf(HasSubstr("event=item_set_refused set=bad"),
                         HasSubstr("event=item_set_refused set=directory"),
                         HasSubstr("event=item_set_loaded set=good")));
  EXPECT_THAT(Names(), ElementsAre("good"));
  EXPECT_EQ(Excluded(1, "bad"), "none");
  // It can be put again.
  ASSERT_TRUE(Put("bad", {"b"}).ok());
  EXPECT_EQ(Excluded(1, "bad"), "b");
}

TEST_F(ItemSetsTest, ErrorsNameTheField) {
  WriteTinyBundle(root_, 1);
  ASSERT_TRUE(set_.Restore().ok());
  const auto message = [&](const std::vector<v1::PutItemSetRequest>& parts) {
    const absl::Status status = Put(&set_, parts).status();
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << status;
    return std::string(status.message());
  };
  EXPECT_THAT(message({}), HasSubstr("name: no message came"));
  for (const std::string& name :
       {std::string(), std::string("A"), std::string("../x"),
        std::string(64, 'a'), std::string(100'000, 'a'), std::string("a/b"),
        std::string("."), std::string("a\0b", 3)}) {
    EXPECT_THAT(message({Part(name, {"a"})}),
                AllOf(HasSubstr("name: \""), HasSubstr("expected 1 to 63")));
  }
  EXPECT_THAT(message({Part("s", {}), Part("s", {})}),
              HasSubstr("name: \"s\", expected a name in the first message"));
  EXPECT_THAT(
      message({Part("s", {"a", std::string(513, 'k')})}),
      HasSubstr("item_keys[1]: 513 bytes, limits.max_key_bytes is 512"));
  EXPECT_THAT(Names(), IsEmpty());
  EXPECT_FALSE(std::filesystem::exists(folder_));
}

TEST_F(ItemSetsTest, ThereAreLimits) {
  WriteTinyBundle(root_, 1);
  v1::ServerConfig config = Config();
  // Eight keys of one byte.
  config.mutable_filters()->set_item_sets_bytes(72);
  uint64_t told_bytes = 0;
  BundleSet set(
      config, destructions_.Registry(),
      {.on_item_sets = [&](size_t, uint64_t bytes) { told_bytes = bytes; }});
  ASSERT_TRUE(set.Restore().ok());
  ASSERT_TRUE(Put(&set, {Part("x", {"a", "b", "c", "d"})}).ok());
  EXPECT_EQ(told_bytes, 36);
  ASSERT_TRUE(Put(&set, {Part("y", {"a", "b", "c"})}).ok());
  EXPECT_EQ(told_bytes, 63);
  const absl::Status full = Put(&set, {Part("z", {"a", "b"})}).status();
  EXPECT_EQ(full.code(), absl::StatusCode::kResourceExhausted);
  EXPECT_THAT(std::string(full.message()),
              HasSubstr("filters.item_sets_bytes is"));
  // Another one in its place has its room; a larger one changes nothing.
  ASSERT_TRUE(Put(&set, {Part("y", {"a", "b", "c", "d"})}).ok());
  EXPECT_FALSE(Put(&set, {Part("y", {"a", "b", "c", "d", "e"})}).ok());
  EXPECT_EQ(Excluded(set, 1, "y"), "abcd");
  EXPECT_EQ(told_bytes, 72);
  // With less room after a restart, the first ones are loaded.
  config.mutable_filters()->set_item_sets_bytes(40);
  BundleSet smaller(config, destructions_.Registry(), {});
  ASSERT_TRUE(smaller.Restore().ok());
  EXPECT_EQ(Excluded(smaller, 1, "x"), "abcd");
  EXPECT_EQ(Excluded(smaller, 1, "y"), "none");
}

TEST_F(ItemSetsTest, ThereAreAtMost64) {
  WriteTinyBundle(root_, 1);
  ASSERT_TRUE(set_.Restore().ok());
  for (int i = 0; i < 64; ++i) {
    ASSERT_TRUE(Put(fmt::format("s{}", i), {"a"}).ok());
  }
  const absl::Status many = Put("s64", {"a"}).status();
  EXPECT_EQ(many.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(many.message()),
              HasSubstr("name: 64 item sets exist already"));
  EXPECT_TRUE(Put("s63", {"b"}).ok());
  ASSERT_TRUE(set_.DeleteItemSet("s0").ok());
  EXPECT_TRUE(Put("s64", {"a"}).ok());
}

TEST_F(ItemSetsTest, TwoArePutAtATime) {
  ASSERT_TRUE(set_.Restore().ok());
  auto first = set_.BeginItemSet();
  {
    const auto second = set_.BeginItemSet();
    ASSERT_TRUE(second.ok());
    EXPECT_EQ(set_.BeginItemSet().status().code(),
              absl::StatusCode::kResourceExhausted);
  }
  EXPECT_TRUE(set_.BeginItemSet().ok());
}

TEST_F(ItemSetsTest, WhatCannotBeWrittenChangesNothing) {
  WriteTinyBundle(root_, 1);
  ASSERT_TRUE(set_.Restore().ok());
  ASSERT_TRUE(Put("s", {"a"}).ok());
  // A directory in the place of the file.
  std::filesystem::remove(folder_ / "s");
  std::filesystem::create_directories(folder_ / "s" / "in-the-way");
  EXPECT_FALSE(Put("s", {"b"}).ok());
  EXPECT_EQ(Excluded(1, "s"), "a");
  EXPECT_FALSE(set_.DeleteItemSet("s").ok());
  EXPECT_EQ(Excluded(1, "s"), "a");
}

}  // namespace
}  // namespace tributary
