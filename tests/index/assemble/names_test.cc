// Names and text of every script, from the data to a bundle and on to an
// extended one.
#include <string>
#include <utility>
#include <vector>

#include "fmt/format.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "index/assemble/build.h"
#include "index/assemble/extend.h"
#include "index/assemble/new_items.h"
#include "index/bundle/bundle.h"
#include "index/data/data_set_builder.h"
#include "index/search/vector_index.h"
#include "index/tower/item_terms.h"
#include "index/verify/verify_version.h"
#include "tests/index/bundle/tiny_bundle.h"

namespace tributary {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;

// Items of two kinds, which users of two towns like; names are of four scripts.
DataSet Town() {
  DataSetBuilder builder;
  FeatureTable& items = builder.item_features;
  const size_t genre = items.AddColumn("类型", std::nullopt);
  const size_t moods = items.AddColumn("moods", std::nullopt);
  const size_t title = items.AddColumn("titre_\xE9", std::nullopt);
  const size_t price = items.AddColumn("price", std::nullopt);
  const char* const adjectives[] = {"大", "小", "新", "旧", "长"};
  for (int i = 0; i < 40; ++i) {
    const uint32_t item = builder.items.Add(fmt::format("item{:02}", i));
    const bool dress = i % 2 == 0;
    items.Set(genre, item, dress ? "喜剧" : "动作");
    items.Set(moods, item,
              i % 3 == 0  ? "slow"
              : i % 4 < 2 ? "dark, slow"
                          : "dark");
    items.Set(title, item,
              fmt::format("{}{}", adjectives[i / 2 % 5],
                          dress ? "红色裙子" : "蓝山咖啡"));
    items.Set(price, item, i == 7 ? "N/A" : std::to_string(i));
  }
  const size_t segment = builder.user_features.AddColumn("city", std::nullopt);
  for (int user = 0; user < 20; ++user) {
    const std::string key = fmt::format("u{}", user);
    const uint32_t row = builder.users.Add(key);
    builder.user_features.Set(segment, row,
                              user % 2 == 0 ? "北京" : "Köln/Süd");
    for (int i = 0; i < 8; ++i) {
      const int item = (user % 2 + 2 * i * (user + 1)) % 40;
      builder.AddInteraction(
          row, builder.items.Add(fmt::format("item{:02}", item)), 1, 0);
    }
  }
  return std::move(builder).Finish();
}

class NamesTest : public testing::Test {
 protected:
  NamesTest() {
    BuildRequest request;
    request.root = dir_;
    request.config.set_threads(1);
    request.config.mutable_behavior()->mutable_history()->set_epochs(2);
    v1::Popularity& popularity = *request.config.mutable_popularity();
    popularity.add_segment_columns("city");
    popularity.set_min_segment_interactions(1);
    popularity.set_min_category_interactions(1);
    const auto built = BuildBundle(Town(), request);
    EXPECT_TRUE(built.ok()) << built.status();
    bundle_ = *Bundle::Open(*built);
  }

  const std::filesystem::path dir_ = MakeTestDir();
  std::shared_ptr<const Bundle> bundle_;
};

TEST_F(NamesTest, ListsAreCalledAsTheDataSayAndShareFiles) {
  std::vector<std::string> names;
  for (const PopularityList& list : bundle_->popularity()) {
    names.push_back(list.spec().name());
    EXPECT_EQ(list.spec().has_begin(), list.spec().name() != "all");
  }
  EXPECT_THAT(names,
              UnorderedElementsAre("all", "city=北京", "city=Köln/Süd",
                                   "items-moods=dark", "items-moods=slow",
                                   "items-类型=喜剧", "items-类型=动作"));
  std::vector<std::string> files;
  for (const v1::FileEntry& file : bundle_->manifest().files()) {
    if (file.name().starts_with("popularity.")) files.push_back(file.name());
  }
  EXPECT_THAT(
      files,
      ElementsAre("popularity.all.npy", "popularity.all.scores.npy",
                  "popularity.lists.npy", "popularity.lists.scores.npy"));
  for (const Row item : bundle_->FindPopularity("items-类型=动作")->rows()) {
    EXPECT_EQ(item % 2, 1);
  }
  const PopularityList* const cologne =
      bundle_->FindPopularity("city=Köln/Süd");
  EXPECT_EQ(bundle_->Segment(bundle_->users().Find("u1")),
            cologne->spec().segment());
}

TEST_F(NamesTest, NewItemsAreReadAndPlacedByTheSameRules) {
  OverwriteFile(dir_ / "new.csv",
                "titre_\xE9,item,类型,moods,price\n"
                "\xE9,a,N/A,\"dark, slow\",-\n"
                "红色,item10a,喜剧,\"['dark', 'slow']\",1704067200.0\n"
                "咖啡,zzz,动作,,\n");
  const auto items = ReadNewItems(dir_ / "new.csv", *bundle_);
  ASSERT_TRUE(items.ok()) << items.status();
  EXPECT_THAT(items->missing, IsEmpty());
  EXPECT_THAT(items->ignored, IsEmpty());
  const std::string both = "dark\x1fslow";
  EXPECT_THAT(items->columns[0].text, ElementsAre("", "喜剧", "动作"));
  EXPECT_THAT(items->columns[1].text, ElementsAre(both, both, ""));
  EXPECT_EQ(items->columns[3].numbers[1], 1704067200.F);

  ExtendRequest request;
  request.root = dir_;
  request.version = 2;
  request.threads = 1;
  const auto extension = ExtendBundle(*bundle_, *items, request);
  ASSERT_TRUE(extension.ok()) << extension.status();
  EXPECT_TRUE(VerifyVersion(extension->dir).ok());
  const auto extended = *Bundle::Open(extension->dir);
  EXPECT_EQ(extended->items().size(), 43);
  for (const PopularityList& before : bundle_->popularity()) {
    const PopularityList& list =
        *extended->FindPopularity(before.spec().name());
    // New items join the list of everything.
    const bool of_all = before.spec().name() == "all";
    ASSERT_EQ(list.rows().size(), before.rows().size() + (of_all ? 3 : 0));
    for (size_t i = 0; !of_all && i < before.rows().size(); ++i) {
      EXPECT_EQ(extended->items().text(list.rows()[i]),
                bundle_->items().text(before.rows()[i]));
    }
    EXPECT_EQ(list.spec().has_begin(), before.spec().has_begin());
  }
  // The nearest to an item whose title shares a word are those that share it.
  const EmbeddingSpace& content = *extended->FindSpace("content");
  std::vector<float> query(content.spec->dim());
  content.items.Read(*content.items.Find(extended->items().Find("zzz")), query);
  const auto flat = MakeFlatIndex(content.items);
  std::vector<ScoredRow> hits;
  ASSERT_TRUE(flat->Search(query, 10, {}, SteadyTime::max(), &hits).ok());
  for (const ScoredRow& hit : hits) {
    const std::string key = extended->items().text(hit.row);
    if (key == "zzz") continue;
    EXPECT_EQ((key.back() - '0') % 2, 1) << key;
  }
}

TEST_F(NamesTest, TermsTellTheRulesTheyWereMadeBy) {
  const KeyTable& terms = bundle_->FindSpace("content")->features.terms;
  EXPECT_EQ(RulesOf(terms), WordRules::kUnicode);
  EXPECT_NE(terms.Find("红色"), kNoRow);

  // A table with a title as one word.
  const auto older =
      RewriteBundle(*bundle_, bundle_->manifest(), [&](BundleWriter* writer) {
        KeyList keys{v1::UTF8, {}, {"lamp", "红色裙子"}};
        return writer->AddKeys("older.terms", keys);
      });
  v1::KeyTable spec;
  spec.set_kind(v1::UTF8);
  spec.set_count(2);
  const auto table = KeyTable::Open(older->dir(), "older.terms", spec);
  ASSERT_TRUE(table.ok()) << table.status();
  EXPECT_EQ(RulesOf(*table), WordRules::kBytes);
}

}  // namespace
}  // namespace tributary
