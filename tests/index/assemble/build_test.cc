#include "index/assemble/build.h"

#include <sys/wait.h>
#include <unistd.h>

#include <cmath>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "index/bundle/bundle.h"
#include "index/data/data_set_builder.h"
#include "index/data/synthetic_data.h"
#include "index/search/vector_index.h"
#include "index/tower/user_tower.h"
#include "index/verify/verify_bundle.h"
#include "tests/index/data/data_files.h"

namespace tributary {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

BuildRequest Request(std::string_view config_kind = "auto") {
  BuildRequest request;
  request.root = MakeTestDir();
  request.data_name = "test";
  request.config.set_threads(2);
  request.config.mutable_index()->set_kind(std::string(config_kind));
  // Nothing here is about what is learned.
  v1::HistoryTower& history =
      *request.config.mutable_behavior()->mutable_history();
  history.set_dim(16);
  history.set_epochs(2);
  history.set_dropout(0.5);
  history.set_weight_decay(0.5);
  history.set_decay(0.5);
  history.set_cut_share(0.5);
  history.set_dropped_targets(false);
  return request;
}

// Synthetic data in which 600 users have had anything, and a fourth of the
// items was.
DataSet ThinData() {
  DataSet data = MakeSyntheticData(1).data;
  std::erase_if(data.interactions, [](const Interaction& x) {
    return x.user >= 600 || x.item % 4 != 0;
  });
  return data;
}

std::vector<std::string> RetrieverNames(const v1::Manifest& manifest) {
  std::vector<std::string> names;
  for (const auto& retriever : manifest.retrievers()) {
    names.push_back(retriever.name());
  }
  return names;
}

std::shared_ptr<const Bundle> OpenGood(const std::filesystem::path& dir) {
  const absl::Status verified = VerifyBundle(dir);
  EXPECT_TRUE(verified.ok()) << verified;
  auto bundle = Bundle::Open(dir);
  EXPECT_TRUE(bundle.ok()) << bundle.status();
  const absl::Status tried = CheckIndexes(**bundle);
  EXPECT_TRUE(tried.ok()) << tried;
  const absl::Status encoded = CheckTowers(**bundle);
  EXPECT_TRUE(encoded.ok()) << encoded;
  return *std::move(bundle);
}

std::map<std::string, std::string> Contents(const std::filesystem::path& dir) {
  std::map<std::string, std::string> contents;
  for (const auto& entry : std::filesystem::directory_iterator(dir)) {
    contents[entry.path().filename().string()] = ReadFile(entry.path());
  }
  std::string& manifest = contents[kManifestName];
  const size_t at = manifest.find("\"createdAt\"");
  manifest.erase(at, manifest.find('\n', at) - at);
  return contents;
}

TEST(BuildBundle, WritesABundleThatVerifiesAndAnswers) {
  const DataSet data = ThinData();
  const auto built = BuildBundle(data, Request());
  ASSERT_TRUE(built.ok()) << built.status();
  EXPECT_EQ(built->filename(), "1");
  const auto bundle = OpenGood(*built);
  const v1::Manifest& manifest = bundle->manifest();
  EXPECT_THAT(RetrieverNames(manifest),
              ElementsAre("behavior", "als", "content", "item_item", "ease",
                          "covisit", "popularity", "trending", "category"));
  EXPECT_EQ(bundle->items().size(), 5000);
  EXPECT_EQ(bundle->users().size(), 2000);
  EXPECT_EQ(manifest.builder().data(), "test");
  EXPECT_EQ(manifest.golden_queries_size(), 24);
  const EmbeddingSpace* behavior = bundle->FindSpace("behavior");
  const EmbeddingSpace* content = bundle->FindSpace("content");
  EXPECT_LT(behavior->items.size(), 5000);  // new items have none
  EXPECT_EQ(content->items.size(), 5000);
  EXPECT_EQ(behavior->spec->index().kind(), "flat");
  EXPECT_EQ(behavior->spec->fingerprint().size(), 16);
  EXPECT_NE(bundle->FindSegment(bundle->Segment(0)), nullptr);
}

TEST(BuildBundle, GivesTheSameBytesForTheSameInputAndSeed) {
  const DataSet data = ThinData();
  BuildRequest request = Request("faiss");
  request.config.mutable_index()->set_target_n(50);
  const auto first = BuildBundle(data, request);
  ASSERT_TRUE(first.ok()) << first.status();
  const auto before = Contents(*first);
  std::filesystem::remove_all(*first);
  request.config.set_threads(4);
  const auto second = BuildBundle(data, request);
  ASSERT_TRUE(second.ok()) << second.status();
  const auto after = Contents(*second);
  ASSERT_EQ(before.size(), after.size());
  for (const auto& [name, bytes] : before) {
    EXPECT_TRUE(bytes == after.at(name)) << name;
  }
  EXPECT_EQ(OpenGood(*second)->FindSpace("content")->spec->index().kind(),
            "faiss");
}

TEST(BuildBundle,
     JudgesAValidationBundleWithoutTheHeldOutAndKeepsTheJudgement) {
  const DataSet data = ThinData();
  BuildRequest request = Request();
  std::filesystem::path validation_bundle;
  request.judge =
      [&](const std::filesystem::path& dir,
          const std::vector<Interaction>& held_out,
          const Progress& /*progress*/) -> absl::StatusOr<Judgement> {
    validation_bundle = dir;
    const auto bundle = OpenGood(dir);
    EXPECT_EQ(bundle->items().size(), data.items.size());
    for (const Interaction& x : held_out) {
      EXPECT_THAT(bundle->Seen(x.user),
                  testing::Not(testing::Contains(x.item)));
    }
    Judgement judgement;
    judgement.recall.set_users(7);
    judgement.fusion.add_segments()->set_name("all");
    for (const char* name : {"content", "of the validation bundle only"}) {
      judgement.fusion.add_quotas()->set_retriever(name);
    }
    return judgement;
  };
  const auto built = BuildBundle(data, request);
  ASSERT_TRUE(built.ok()) << built.status();
  EXPECT_FALSE(std::filesystem::exists(validation_bundle.parent_path()));
  const auto bundle = OpenGood(*built);
  const v1::Manifest& manifest = bundle->manifest();
  EXPECT_EQ(manifest.measured_recall().users(), 7);
  EXPECT_EQ(manifest.fusion().segments(0).name(), "all");
  ASSERT_EQ(manifest.fusion().quotas_size(), 1);
  EXPECT_EQ(manifest.fusion().quotas(0).retriever(), "content");
  // The bundle itself is made from everything.
  size_t seen = 0;
  for (Row user = 0; user < 2000; ++user) seen += bundle->Seen(user).size();
  EXPECT_EQ(seen, data.interactions.size());
}

TEST(BuildBundle, AFailedJudgeLeavesNothingBehind) {
  BuildRequest request = Request();
  request.judge = [](const auto&, const auto&,
                     const auto&) -> absl::StatusOr<Judgement> {
    return absl::InternalError("no");
  };
  const auto built = BuildBundle(ThinData(), request);
  EXPECT_EQ(built.status(), absl::InternalError("no"));
  EXPECT_TRUE(std::filesystem::is_empty(request.root));
}

// The child stands for a build that is killed while its validation bundle is
// judged: it ends without running any destructor.
TEST(BuildBundle, TheNextBuildRemovesWhatAKilledOneLeft) {
  const DataSet data = ThinData();
  BuildRequest request = Request();
  request.config.set_threads(1);
  const pid_t child = fork();
  if (child == 0) {
    request.judge = [](const auto&, const auto&,
                       const auto&) -> absl::StatusOr<Judgement> { _exit(7); };
    BuildBundle(data, request).status().IgnoreError();
    _exit(8);
  }
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  ASSERT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 7) << status;
  // What programs before 1.0 left: no process has this id.
  std::filesystem::create_directories(request.root / ".trial-1-999999999/1");
  const auto hidden = [&] {
    std::vector<std::string> names;
    for (const auto& entry :
         std::filesystem::directory_iterator(request.root)) {
      const std::string name = entry.path().filename().string();
      if (name.front() == '.') names.push_back(name);
    }
    return names;
  };
  ASSERT_THAT(hidden(), testing::Contains(testing::StartsWith(".validation-")));
  bool swept = false;
  request.judge = [&](const auto& dir, const auto&,
                      const auto&) -> absl::StatusOr<Judgement> {
    // Its own is left: it is in use.
    swept = hidden() == std::vector{dir.parent_path().filename().string()};
    return Judgement{};
  };
  const auto built = BuildBundle(data, request);
  ASSERT_TRUE(built.ok()) << built.status();
  EXPECT_TRUE(swept);
  EXPECT_THAT(hidden(), IsEmpty());
}

TEST(BuildBundle, DoesNotOverwriteAVersion) {
  BuildRequest request = Request();
  std::filesystem::create_directories(request.root / "1");
  EXPECT_EQ(BuildBundle(ThinData(), request).status().code(),
            absl::StatusCode::kAlreadyExists);
}

TEST(BuildBundle, ListsSeenItemsOnceAndNewestLast) {
  DataSetBuilder builder;
  const auto add = [&](std::string_view user, std::string_view item,
                       int64_t time_s) {
    builder.AddInteraction(builder.users.Add(user), builder.items.Add(item), 1,
                           time_s);
  };
  builder.users.Add("0");
  add("1", "5", 10);
  add("1", "6", 20);
  add("1", "5", 30);
  add("1", "7", 5);
  const auto built = BuildBundle(std::move(builder).Finish(), Request());
  ASSERT_TRUE(built.ok()) << built.status();
  const auto bundle = OpenGood(*built);
  EXPECT_THAT(bundle->Seen(0), IsEmpty());
  EXPECT_THAT(bundle->Seen(1), ElementsAre(2, 1, 0));
  EXPECT_THAT(bundle->Wanted(1), ElementsAre(2, 1, 0));
  EXPECT_FALSE(bundle->HasFile("seen.wanted.npy"));
}

TEST(BuildBundle, HistoriesHoldWhatWasWantedAndSeenListsEverything) {
  DataSetBuilder builder;
  const auto add = [&](std::string_view user, std::string_view item,
                       float value, int64_t time_s) {
    builder.AddInteraction(builder.users.Add(user), builder.items.Add(item),
                           value, time_s);
  };
  add("1", "5", 1, 10);
  add("1", "6", -1, 20);
  add("1", "7", 1, 30);
  add("1", "8", 0, 40);
  add("2", "5", -1, 10);
  const auto built = BuildBundle(std::move(builder).Finish(), Request());
  ASSERT_TRUE(built.ok()) << built.status();
  const auto bundle = OpenGood(*built);
  EXPECT_THAT(bundle->Seen(0), ElementsAre(1, 3, 0, 2));
  EXPECT_THAT(bundle->Wanted(0), ElementsAre(0, 2));
  EXPECT_THAT(bundle->Seen(1), ElementsAre(0));
  EXPECT_THAT(bundle->Wanted(1), IsEmpty());
  EXPECT_THAT(bundle->Wanted(kNoRow), IsEmpty());
}

TEST(BuildBundle, OneUserAndOneItemAreEnough) {
  DataSetBuilder builder;
  builder.AddInteraction(builder.users.Add("u"), builder.items.Add("i"), 1, 0);
  const auto built = BuildBundle(std::move(builder).Finish(), Request("faiss"));
  ASSERT_TRUE(built.ok()) << built.status();
  // A history of one item teaches a tower nothing.
  EXPECT_THAT(RetrieverNames(OpenGood(*built)->manifest()),
              ElementsAre("als", "popularity"));
}

TEST(BuildBundle, FeaturesAloneAreEnough) {
  DataSet data = MakeSyntheticData(1).data;
  data.interactions.clear();
  const auto built = BuildBundle(data, Request());
  ASSERT_TRUE(built.ok()) << built.status();
  EXPECT_THAT(RetrieverNames(OpenGood(*built)->manifest()),
              ElementsAre("content"));
}

TEST(BuildBundle, NothingToRetrieveByIsAnError) {
  const auto built = BuildBundle(DataSet(), Request());
  EXPECT_EQ(built.status().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(built.status().message()),
              HasSubstr("nothing to retrieve by"));
}

TEST(BuildBundle, TakesVectorsThatWereMadeElsewhere) {
  const auto dir = MakeTestDir() / "data";
  std::filesystem::create_directories(dir);
  WriteMatrix(dir / "tower.items.npy", std::vector<float>{1, 0, 0, 1, 1, 1}, 2);
  OverwriteFile(dir / "items.ids.txt", "c\nb\na\n");
  const auto data = ReadDataSet("vectors:" + dir.string(), 0);
  ASSERT_TRUE(data.ok()) << data.status();
  BuildRequest request;
  request.root = dir / "bundles";
  request.version = 12;
  const auto built = BuildBundle(*data, request);
  ASSERT_TRUE(built.ok()) << built.status();
  const auto bundle = OpenGood(*built);
  EXPECT_THAT(RetrieverNames(bundle->manifest()), ElementsAre("tower"));
  EXPECT_THAT(bundle->FindSpace("tower")->items.floats(),
              ElementsAre(1, 1, 0, 1, 1, 0));
  EXPECT_EQ(bundle->FindSpace("tower")->spec->history_encoder(), v1::MEAN);
}

TEST(BuildBundle, SearchesASpaceAsItsOwnSettingsSay) {
  const auto dir = MakeTestDir() / "data";
  std::filesystem::create_directories(dir);
  std::vector<float> values;
  std::string ids;
  for (int i = 0; i < 400; ++i) {
    values.insert(values.end(), {std::cos(i * 0.1f), std::sin(i * 0.7f), 1});
    ids += "item" + std::to_string(i) + "\n";
  }
  for (const std::string space : {"one", "two", "three"}) {
    WriteMatrix(dir / (space + ".items.npy"), values, 3);
  }
  OverwriteFile(dir / "items.ids.txt", ids);
  const auto data = ReadDataSet("vectors:" + dir.string(), 0);
  ASSERT_TRUE(data.ok()) << data.status();
  BuildRequest request;
  request.root = dir / "bundles";
  v1::IndexChoice& index = *request.config.mutable_index();
  index.set_kind("scan");
  index.set_target_n(20);
  (*index.mutable_by_space())["two"].set_kind("ivf");
  (*index.mutable_by_space())["three"].set_target_n(30);
  const auto built = BuildBundle(*data, request);
  ASSERT_TRUE(built.ok()) << built.status();
  const auto bundle = OpenGood(*built);
  const auto spec = [&](std::string_view space) {
    return bundle->FindSpace(space)->spec->index();
  };
  EXPECT_EQ(spec("one").kind(), "scan");
  EXPECT_EQ(spec("one").measured_n(), 20);
  EXPECT_EQ(spec("two").kind(), "ivf");
  EXPECT_EQ(spec("two").measured_n(), 20);
  EXPECT_EQ(spec("three").kind(), "scan");
  EXPECT_EQ(spec("three").measured_n(), 30);

  request.version = 2;
  (*index.mutable_by_space())["four"].set_kind("ivf");
  const absl::Status unknown = BuildBundle(*data, request).status();
  EXPECT_EQ(unknown.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(unknown.message()),
              HasSubstr("index.by_space[\"four\"]"));
}

TEST(BuildBundle, NamesAColumnThatItemsDoNotHave) {
  BuildRequest request = Request();
  (*request.config.mutable_content()->mutable_column_weights())["brand"] = 2;
  const auto built = BuildBundle(ThinData(), request);
  EXPECT_EQ(built.status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(built.status().message()),
              HasSubstr("content.column_weights[\"brand\"]"));
}

}  // namespace
}  // namespace tributary
