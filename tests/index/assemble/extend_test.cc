#include "index/assemble/extend.h"

#include <algorithm>
#include <functional>
#include <numeric>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "fmt/format.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "index/assemble/build.h"
#include "index/assemble/extend_files.h"
#include "index/bundle/bundle_writer.h"
#include "index/data/data_set_builder.h"
#include "index/data/row_map.h"
#include "index/search/vector_index.h"
#include "index/tower/user_tower.h"
#include "index/verify/verify_bundle.h"
#include "tests/index/bundle/tiny_bundle.h"

namespace tributary {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using Kind = FeatureColumn::Kind;

constexpr int kKinds = 5;

std::string KeyOf(int item) { return fmt::format("item{:03}", 2 * item); }

// 200 items of 5 kinds; 60 users who each like one kind; 40 items that nobody
// had yet. Keys have gaps between them.
DataSet Shop() {
  DataSetBuilder builder;
  const size_t text = builder.item_features.AddColumn("text", Kind::kText);
  const size_t extra = builder.item_features.AddColumn("extra", Kind::kText);
  for (int i = 0; i < 200; ++i) {
    const uint32_t item = builder.items.Add(KeyOf(i));
    builder.item_features.Set(text, item, fmt::format("kind{}", i % kKinds));
    builder.item_features.Set(extra, item, fmt::format("batch{}", i / 10));
  }
  for (int user = 0; user < 60; ++user) {
    for (int i = 0; i < 12; ++i) {
      const int item = (user % kKinds + kKinds * (i * (user + 3))) % 160;
      builder.AddInteraction(builder.users.Add(fmt::format("u{}", user)),
                             builder.items.Add(KeyOf(item)), 1,
                             1700000000 + user * 1000 + i);
    }
  }
  return std::move(builder).Finish();
}

std::shared_ptr<const Bundle> OpenGood(const std::filesystem::path& dir) {
  const absl::Status verified = VerifyBundle(dir);
  EXPECT_TRUE(verified.ok()) << verified;
  auto bundle = Bundle::Open(dir);
  EXPECT_TRUE(bundle.ok()) << bundle.status();
  const absl::Status tried = CheckIndexes(**bundle);
  EXPECT_TRUE(tried.ok()) << tried;
  const absl::Status encoded = CheckTowers(*bundle.value());
  EXPECT_TRUE(encoded.ok()) << encoded;
  return *std::move(bundle);
}

class ExtendTest : public testing::Test {
 protected:
  std::shared_ptr<const Bundle> Build(const DataSet& data,
                                      std::string_view index = "flat") {
    BuildRequest request;
    request.root = dir_;
    request.config.set_threads(2);
    v1::HistoryTower& tower =
        *request.config.mutable_behavior()->mutable_history();
    tower.set_epochs(30);
    tower.set_dropout(0.5);
    tower.set_weight_decay(0.5);
    tower.set_decay(0);
    tower.set_cut_share(0);
    tower.set_dropped_targets(false);
    request.config.mutable_index()->set_kind(std::string(index));
    request.config.mutable_index()->set_target_n(20);
    const auto built = BuildBundle(data, request);
    EXPECT_TRUE(built.ok()) << built.status();
    return *Bundle::Open(*built);
  }

  absl::StatusOr<Extension> TryExtend(const Bundle& from,
                                      const std::string& items) {
    OverwriteFile(dir_ / "new.csv", items);
    const auto read = ReadNewItems(dir_ / "new.csv", from);
    if (!read.ok()) return read.status();
    ExtendRequest request;
    request.root = dir_;
    request.version = ++version_;
    request.data_name = "new.csv";
    request.threads = threads_;
    return ExtendBundle(from, *read, request);
  }

  std::shared_ptr<const Bundle> Extend(const Bundle& from,
                                       const std::string& items) {
    const auto extension = TryExtend(from, items);
    EXPECT_TRUE(extension.ok()) << extension.status();
    without_vector_ = extension->without_vector;
    return OpenGood(extension->dir);
  }

  const std::filesystem::path dir_ = MakeTestDir();
  uint64_t version_ = 1;
  uint32_t threads_ = 2;
  std::vector<std::string> without_vector_;
};

// New items before, among and behind the others.
constexpr char kNew[] =
    "item,text,extra\n"
    "aaa,kind0,batch3\n"
    "item001,kind1,batch4\n"
    "item177,kind2,batch5\n"
    "zzz,kind3,batch6\n"
    "item003,nothing,known\n";

std::vector<std::string> Keys(const Bundle& bundle, std::span<const Row> rows) {
  std::vector<std::string> keys;
  for (const Row row : rows) {
    keys.push_back(row == kNoRow ? "" : bundle.items().text(row));
  }
  return keys;
}

std::vector<float> VectorOf(const Bundle& bundle, const VectorTable& table,
                            std::string_view key) {
  const auto position = table.Find(bundle.items().Find(key));
  if (!position) return {};
  std::vector<float> vector(table.dim());
  table.Read(*position, vector);
  return vector;
}

TEST_F(ExtendTest, WhatTheBundleKnewStaysTheSameByKey) {
  const auto from = Build(Shop());
  const auto to = Extend(*from, kNew);
  EXPECT_EQ(to->items().size(), from->items().size() + 5);
  EXPECT_EQ(to->version(), 2);
  ASSERT_EQ(to->users().size(), from->users().size());
  for (Row user = 0; user < from->users().size(); ++user) {
    EXPECT_EQ(Keys(*from, from->Seen(user)), Keys(*to, to->Seen(user)));
  }
  for (size_t s = 0; s < from->spaces().size(); ++s) {
    for (Row row = 0; row < from->items().size(); ++row) {
      const std::string key = from->items().text(row);
      EXPECT_EQ(VectorOf(*from, from->spaces()[s].items, key),
                VectorOf(*to, to->spaces()[s].items, key))
          << key;
    }
    EXPECT_EQ(from->spaces()[s].spec->fingerprint(),
              to->spaces()[s].spec->fingerprint());
  }
  const PopularityList& old_trending = *from->FindPopularity("trending");
  const PopularityList& trending = *to->FindPopularity("trending");
  EXPECT_EQ(Keys(*from, old_trending.rows()), Keys(*to, trending.rows()));
}

TEST_F(ExtendTest, NewItemsGetTheVectorsOfTheirLikes) {
  const auto from = Build(Shop());
  const auto to = Extend(*from, kNew);
  EXPECT_THAT(without_vector_, ElementsAre("item003"));
  // Of the same kind and batch.
  const EmbeddingSpace& content = *to->FindSpace("content");
  const auto known = VectorOf(*to, content.items, KeyOf(41));
  const auto fresh = VectorOf(*to, content.items, "item001");
  ASSERT_EQ(fresh.size(), known.size());
  for (size_t d = 0; d < fresh.size(); ++d) {
    EXPECT_NEAR(fresh[d], known[d], 1e-3) << d;
  }
  EXPECT_THAT(VectorOf(*to, content.items, "item003"), IsEmpty());
  // Users who like kind 3 find the new one of kind 3 before those of others.
  const EmbeddingSpace& als = *to->FindSpace("als");
  const Row user = to->users().Find("u3");
  std::vector<float> query(als.spec->dim());
  als.users.Read(*als.users.Find(user), query);
  const auto score = [&](std::string_view key) {
    const auto vector = VectorOf(*to, als.items, key);
    return std::inner_product(query.begin(), query.end(), vector.begin(), 0.0);
  };
  EXPECT_GT(score("zzz"), score("aaa"));
  EXPECT_GT(score("zzz"), score("item001"));
  EXPECT_GT(score("zzz"), score("item177"));
}

TEST_F(ExtendTest, NewItemsStandLastInListsOfTheWholeCatalogue) {
  const auto from = Build(Shop());
  const auto to = Extend(*from, kNew);
  const PopularityList& all = *to->FindPopularity("all");
  EXPECT_EQ(all.rows().size(), to->items().size());
  const auto keys = Keys(*to, all.rows());
  // Nobody had some of the others either: ties are in the order of keys.
  const auto untouched =
      std::count(all.scores().begin(), all.scores().end(), 0.0f);
  EXPECT_GT(untouched, 5);
  const std::set<std::string> last(keys.end() - untouched, keys.end());
  for (const char* key : {"aaa", "item001", "item177", "zzz", "item003"}) {
    EXPECT_TRUE(last.contains(key)) << key;
  }
  EXPECT_TRUE(std::is_sorted(keys.end() - untouched, keys.end()));
  const auto popular = Keys(*to, to->FindPopularity("trending")->rows());
  EXPECT_THAT(popular, testing::Not(testing::Contains("zzz")));
}

TEST_F(ExtendTest, IndexesAreBuiltAgainOrExact) {
  const auto from = Build(Shop(), "faiss");
  const auto to = Extend(*from, kNew);
  for (const EmbeddingSpace& space : to->spaces()) {
    const EmbeddingSpace& old = *from->FindSpace(space.spec->name());
    ASSERT_EQ(old.spec->index().kind(), "faiss");
    if (space.spec->name() == "content") {
      // Many vectors are equal here: which of them are the best is chance.
      EXPECT_EQ(space.spec->index().kind(), "flat");
      EXPECT_FALSE(to->HasFile("content.index"));
    } else {
      EXPECT_EQ(space.spec->index().factory(), old.spec->index().factory());
    }
    EXPECT_EQ(space.spec->item_vectors(), old.spec->item_vectors() + 4);
  }
}

TEST_F(ExtendTest, NoItemsGiveTheSameBundleAsANewVersion) {
  const auto from = Build(Shop());
  const auto to = Extend(*from, "item,text,extra\n");
  EXPECT_EQ(to->version(), 2);
  ASSERT_EQ(from->manifest().files_size(), to->manifest().files_size());
  for (int i = 0; i < to->manifest().files_size(); ++i) {
    EXPECT_EQ(from->manifest().files(i).sha256(),
              to->manifest().files(i).sha256())
        << to->manifest().files(i).name();
  }
}

TEST_F(ExtendTest, CanBeExtendedAgain) {
  const auto from = Build(Shop());
  const auto once = Extend(*from, kNew);
  const auto twice = Extend(*once, "item,text,extra\nbbb,kind4,batch7\n");
  EXPECT_EQ(twice->items().size(), 206);
  EXPECT_FALSE(VectorOf(*twice, twice->spaces().data()->items, "bbb").empty());
}

TEST_F(ExtendTest, GivesTheSameBytesOnAnyNumberOfThreads) {
  const auto from = Build(Shop(), "faiss");
  threads_ = 1;
  const auto one = Extend(*from, kNew);
  threads_ = 4;
  const auto four = Extend(*from, kNew);
  for (int i = 0; i < one->manifest().files_size(); ++i) {
    EXPECT_EQ(one->manifest().files(i).sha256(),
              four->manifest().files(i).sha256())
        << one->manifest().files(i).name();
  }
}

TEST_F(ExtendTest, ItemsWithoutAnEncoderJoinWithoutVectors) {
  DataSet data = Shop();
  data.item_features.clear();
  const auto from = Build(data);
  const auto to = Extend(*from, "item\nzzz\n");
  EXPECT_THAT(without_vector_, ElementsAre("zzz"));
  EXPECT_NE(to->items().Find("zzz"), kNoRow);
  EXPECT_EQ(to->spaces().size(), from->spaces().size());
}

TEST_F(ExtendTest, ExistingVersionsAndDamagedBundlesAreRefused) {
  const auto from = Build(Shop());
  version_ = 0;
  EXPECT_EQ(TryExtend(*from, kNew).status().code(),
            absl::StatusCode::kAlreadyExists);
  std::string seen = ReadFile(from->dir() / "seen.rows.npy");
  seen.back() = static_cast<char>(seen.back() ^ 1);
  OverwriteFile(from->dir() / "seen.rows.npy", seen);
  const auto refused = TryExtend(*from, kNew);
  EXPECT_EQ(refused.status().code(), absl::StatusCode::kDataLoss);
  EXPECT_THAT(std::string(refused.status().message()),
              HasSubstr("seen.rows.npy"));
  EXPECT_FALSE(std::filesystem::exists(dir_ / "2"));
}

// Files of kinds that are to come.
class ExtendFilesTest : public ExtendTest {
 protected:
  // Rewrites the bundle with one file more.
  template <typename T>
  std::shared_ptr<const Bundle> With(const Bundle& bundle,
                                     std::string_view name,
                                     const std::vector<T>& values,
                                     uint64_t columns) {
    return RewriteBundle(bundle, bundle.manifest(), [&](BundleWriter* writer) {
      return writer->AddArray<T>(name, values, columns);
    });
  }
};

TEST_F(ExtendFilesTest, ClicksOnNewItemsCountInHistories) {
  const auto from = Build(Shop());
  const auto to = Extend(*from, kNew);
  EXPECT_TRUE(CheckTowers(*to).ok()) << CheckTowers(*to);
  const v1::EmbeddingSpace& spec = to->manifest().spaces(0);
  EXPECT_EQ(spec.user_tower().history().item_vectors(),
            from->manifest().spaces(0).item_vectors() + 4);
  EXPECT_EQ(Keys(*from, {{from->manifest().golden_queries(0).history(0)}}),
            Keys(*to, {{to->manifest().golden_queries(0).history(0)}}));
  const auto tower = UserTower::Open(*to, to->spaces()[0]);
  ASSERT_TRUE(tower.ok()) << tower.status();
  std::vector<float> query;
  const Row fresh = to->items().Find("item177");
  EXPECT_TRUE((*tower)->Encode(kNoRow, {{fresh}}, &query));
  const Row unknown = to->items().Find("item003");
  EXPECT_FALSE((*tower)->Encode(kNoRow, {{unknown}}, &query));
}

// A context of a city, which the first layer drops, before a trained tower.
TEST_F(ExtendFilesTest, KeepsTheFeaturesOfUserTowers) {
  const auto built = Build(Shop());
  v1::Manifest manifest = built->manifest();
  v1::EmbeddingSpace& space = *manifest.mutable_spaces(0);
  v1::Tower& spec = *space.mutable_user_tower();
  const uint32_t dim = spec.history().dim();
  v1::FeatureInput& city = *spec.add_features();
  city.set_kind(v1::FeatureInput::CATEGORIES);
  city.set_column("city");
  city.set_dim(1);
  city.set_categories(2);
  spec.set_context_dim(1);
  spec.add_default_context(0);
  v1::Layer first;
  first.set_kind(v1::Layer::LINEAR);
  first.set_weights("city.w.npy");
  first.set_bias("city.b.npy");
  const auto others = spec.layers();
  *spec.mutable_layers() = {};
  *spec.add_layers() = first;
  spec.mutable_layers()->MergeFrom(others);
  for (v1::GoldenQuery& golden : *manifest.mutable_golden_queries()) {
    if (golden.space() != space.name()) continue;
    golden.add_features()->add_categories("rome");
  }
  std::vector<float> weights(size_t{dim} * (dim + 1));
  for (size_t i = 0; i < dim; ++i) weights[i * (dim + 1) + i] = 1;
  const std::string stem = space.name() + ".user_tower.0";
  const auto from = RewriteBundle(*built, manifest, [&](BundleWriter* writer) {
    absl::Status status =
        writer->AddArray<float>("city.w.npy", weights, dim + 1);
    status.Update(
        writer->AddArray<float>("city.b.npy", std::vector<float>(dim), 0));
    status.Update(
        writer->AddArray<float>(stem + ".npy", std::vector<float>{0, 1, 2}, 1));
    status.Update(writer->AddKeys(stem, {v1::UTF8, {}, {"paris", "rome"}}));
    return status;
  });
  const auto to = Extend(*from, kNew);
  EXPECT_TRUE(CheckTowers(*to).ok()) << CheckTowers(*to);
  EXPECT_EQ(to->manifest().golden_queries(0).features_size(), 1);
  const auto tower = UserTower::Open(*to, to->spaces()[0]);
  ASSERT_TRUE(tower.ok()) << tower.status();
  const std::vector<std::string_view> rome = {"rome"}, lima = {"lima"};
  EXPECT_TRUE((*tower)->KnowsAny(std::vector<UserFeature>{{"city", rome}}));
  EXPECT_FALSE((*tower)->KnowsAny(std::vector<UserFeature>{{"city", lima}}));
}

TEST_F(ExtendFilesTest, RowsAreMovedAsTheFilesKindAsks) {
  const auto root = MakeTestDir();
  // Items a to f.
  const auto tiny = *Bundle::Open(WriteTinyBundle(root, 1));
  const uint32_t x = kNoRow;
  std::vector<float> scores(12);
  std::iota(scores.begin(), scores.end(), 1.0f);
  const auto from =
      With<float>(*With<uint32_t>(*tiny, "neighbors.x.rows.npy",
                                  {1, x, 2, 3, 5, x, 0, 1, 3, 5, 4, x}, 2),
                  "neighbors.x.scores.npy", scores, 2);
  // Then 0, a, b, c, c1, d, e, f.
  const RowMap map(from->items(),
                   {.kind = v1::UTF8, .ids = {}, .strings = {"0", "c1"}});
  auto writer = BundleWriter::Create(root, 2);
  ASSERT_TRUE(writer.ok());
  for (const char* file : {"neighbors.x.rows.npy", "neighbors.x.scores.npy",
                           "seen.rows.npy", "users.keys.npy"}) {
    const absl::Status status = TakeOverFile(*from, file, map, &*writer);
    EXPECT_TRUE(status.ok()) << status;
  }
  const auto dir = writer->Finish(from->manifest());
  ASSERT_TRUE(dir.ok()) << dir.status();
  const auto moved = [&](std::string_view file) {
    return *NpyArray::Open(*dir / file);
  };
  EXPECT_THAT(moved("neighbors.x.rows.npy").elements<uint32_t>(),
              ElementsAre(x, x, 2, x, 3, 5, 7, x, x, x, 1, 2, 5, 7, 6, x));
  EXPECT_THAT(moved("neighbors.x.scores.npy").elements<float>(),
              ElementsAre(0, 0, 1, 2, 3, 4, 5, 6, 0, 0, 7, 8, 9, 10, 11, 12));
  EXPECT_THAT(moved("seen.rows.npy").elements<uint32_t>(), ElementsAre(1, 2));
  EXPECT_THAT(moved("users.keys.npy").elements<uint64_t>(),
              ElementsAre(10, 20, 30));
}

TEST_F(ExtendFilesTest, AShapeThatDoesNotFitIsNamed) {
  const auto root = MakeTestDir();
  const auto tiny = *Bundle::Open(WriteTinyBundle(root, 1));
  const RowMap map(tiny->items(),
                   {.kind = v1::UTF8, .ids = {}, .strings = {"0"}});
  const std::vector<std::vector<uint32_t>> wrong = {{1, 2, 3},
                                                    {0, 0, 0, 0, 0, 6}};
  for (const std::vector<uint32_t>& rows : wrong) {
    const auto from = With<uint32_t>(*tiny, "neighbors.x.rows.npy", rows, 1);
    auto writer = BundleWriter::Create(root, 2);
    ASSERT_TRUE(writer.ok());
    const absl::Status status =
        TakeOverFile(*from, "neighbors.x.rows.npy", map, &*writer);
    EXPECT_EQ(status.code(), absl::StatusCode::kDataLoss);
    EXPECT_THAT(std::string(status.message()),
                HasSubstr("neighbors.x.rows.npy"));
  }
}

TEST_F(ExtendFilesTest, AFileOfAnUnknownKindIsRefusedByName) {
  const auto from = With<uint32_t>(*Build(Shop()), "surprise.npy", {1, 2}, 0);
  const auto refused = TryExtend(*from, kNew);
  EXPECT_EQ(refused.status().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(refused.status().message()),
              HasSubstr("surprise.npy"));
}

}  // namespace
}  // namespace tributary
