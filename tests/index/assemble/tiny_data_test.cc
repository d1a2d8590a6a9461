// What can be built can be served: tiny and odd data sets, as somebody tries
// first.
#include <cmath>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "evaluation/judge.h"
#include "fmt/format.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "index/assemble/build.h"
#include "index/data/data_set_builder.h"
#include "index/data/random.h"
#include "index/verify/verify_version.h"
#include "server/retrieval/retriever.h"
#include "tests/index/bundle/tiny_bundle.h"

namespace tributary {
namespace {

using ::testing::AnyOf;
using ::testing::HasSubstr;

// Draws the shape of a data set, and then the set. Every count may be 0.
class OddData {
 public:
  explicit OddData(uint64_t seed) : random_(seed) {}

  DataSet Make() {
    if (random_.Below(4) == 0) return MakeVectors();
    DataSetBuilder builder;
    AddInteractions(&builder);
    AddFeatures(random_.Below(3), &builder.items, &builder.item_features);
    AddFeatures(random_.Below(2), &builder.users, &builder.user_features);
    return std::move(builder).Finish();
  }

 private:
  uint64_t Small(uint64_t most) {
    return random_.Below(1 + random_.Below(most + 1));
  }

  void AddInteractions(DataSetBuilder* builder) {
    const uint64_t users = 1 + Small(30);
    const uint64_t items = 1 + Small(40);
    const uint64_t count = random_.Below(8) == 0 ? Small(3) : Small(300);
    // All equal; what was done; ratings with zeros and dislikes; huge.
    const uint64_t values = random_.Below(5);
    const bool times = random_.Below(2) == 0;
    for (uint64_t i = 0; i < count; ++i) {
      double value = 1;
      if (values == 1) value = 0;
      if (values == 2) value = static_cast<double>(random_.Below(7)) - 1;
      if (values == 3) value = 1e30 * random_.Uniform();
      const uint32_t user =
          builder->users.Add(fmt::format("u{}", random_.Below(users)));
      const uint32_t item =
          builder->items.Add(fmt::format("i{}", random_.Below(items)));
      const auto time_s = static_cast<int64_t>(
          times ? 1'700'000'000 + random_.Below(3) * random_.Below(10'000'000)
                : 0);
      EXPECT_EQ(builder->AddInteraction(user, item, static_cast<float>(value),
                                        time_s),
                "");
    }
    for (uint64_t i = 0; i < Small(5); ++i) {
      builder->items.Add(fmt::format("new{}", i));
    }
  }

  // Columns of one value, of few, of numbers, and of words.
  void AddFeatures(uint64_t columns, KeyNumbers* keys, FeatureTable* features) {
    for (uint64_t c = 0; c < columns; ++c) {
      const uint64_t form = random_.Below(5);
      const size_t column = features->AddColumn(
          random_.Below(4) == 0 ? "segment" : fmt::format("column{}", c),
          std::nullopt);
      for (uint32_t row = 0; row < keys->size(); ++row) {
        if (random_.Below(6) == 0) continue;
        features->Set(column, row, ValueOf(form));
      }
    }
  }

  std::string ValueOf(uint64_t form) {
    const uint64_t pick = random_.Below(4);
    switch (form) {
      case 0:
        return "always";
      case 1:
        return std::vector<std::string>{"北京", "上海", "Köln", "köln"}[pick];
      case 2:
        return fmt::format("{}", 1e30 * random_.Normal());
      case 3:
        return fmt::format("word{} word{}", random_.Below(9), pick);
      default:
        return std::vector<std::string>{"7", "n/a", "7", ""}[pick];
    }
  }

  // Vectors that are random, equal, zero, tiny or long.
  DataSet MakeVectors() {
    DataSet data;
    GivenSpace space;
    space.name = "given";
    space.dim = static_cast<uint32_t>(1 + Small(9));
    const uint64_t form = random_.Below(6);
    const auto add = [&](uint64_t count, KeyList* keys, GivenVectors* vectors) {
      for (uint64_t i = 0; i < count; ++i) {
        keys->ids.push_back(i);
        vectors->rows.push_back(static_cast<Row>(i));
        for (uint32_t d = 0; d < space.dim; ++d) {
          const double x = random_.Normal();
          vectors->values.push_back(static_cast<float>(
              form == 0   ? 1
              : form == 1 ? 0
              : form == 2 ? 1e-30 * x
              : form == 3 ? 1e14 * x
              : form == 4 ? static_cast<double>(random_.Below(3)) - 1
                          : x));
        }
      }
    };
    add(Small(200), &data.items, &space.items);
    add(Small(20), &data.users, &space.users);
    data.spaces.push_back(std::move(space));
    data.trains = false;
    return data;
  }

  Random random_;
};

Judge JudgeByLists(const DataSet& data, const RetrieverRegistry& registry) {
  return
      [&](const std::filesystem::path& bundle,
          const std::vector<Interaction>& held_out, const Progress& progress) {
        TestItems test_items;
        for (const Interaction& interaction : held_out) {
          test_items[data.users.text(interaction.user)].insert(
              data.items.text(interaction.item));
        }
        return JudgeBundle(bundle, test_items, v1::ServerConfig(), registry, 1,
                           progress);
      };
}

// Asks every retriever for users and strangers.
void ExpectGoodAnswers(const Bundle& bundle,
                       const RetrieverRegistry& registry) {
  for (const v1::RetrieverSpec& spec : bundle.manifest().retrievers()) {
    const auto retriever = registry.Make(bundle, spec);
    ASSERT_TRUE(retriever.ok()) << retriever.status();
    const Row users =
        static_cast<Row>(std::min<uint64_t>(bundle.users().size(), 8));
    for (Row user = 0; user <= users; ++user) {
      const std::vector<Row> history = {0};
      RetrieverQuery query;
      query.user = user == users ? kNoRow : user;
      if (user % 2 == 0) query.history = history;
      std::vector<ScoredRow> proposals;
      const auto asked = (*retriever)->Retrieve(query, 10, &proposals);
      ASSERT_TRUE(asked.ok()) << spec.name() << " " << asked.status();
      if (*asked == Ask::kNoQuery) continue;
      std::set<Row> rows;
      for (const ScoredRow& proposal : proposals) {
        EXPECT_TRUE(std::isfinite(proposal.score)) << spec.name();
        EXPECT_LT(proposal.row, bundle.items().size());
        EXPECT_TRUE(rows.insert(proposal.row).second) << spec.name();
      }
    }
  }
}

TEST(TinyData, WhatBuildsVerifiesAndAnswers) {
  const RetrieverRegistry registry = RetrieverRegistry::BuiltIn();
  int built = 0;
  int refused = 0;
  for (uint64_t seed = 1; seed <= 300; ++seed) {
    SCOPED_TRACE(fmt::format("seed {}", seed));
    const DataSet data = OddData(seed).Make();
    BuildRequest request;
    request.root = MakeTestDir();
    request.config.set_threads(1);
    request.config.mutable_popularity()->set_min_segment_interactions(1);
    request.config.mutable_popularity()->set_min_category_interactions(1);
    // What the epochs do is not the question here.
    request.config.mutable_behavior()->mutable_history()->set_epochs(2);
    const char* const kinds[] = {"auto", "flat", "scan", "ivf"};
    request.config.mutable_index()->set_kind(kinds[seed % 4]);
    request.config.mutable_index()->set_target_n(20);
    if (seed % 3 == 0) request.judge = JudgeByLists(data, registry);
    const auto dir = BuildBundle(data, request);
    if (!dir.ok()) {
      ++refused;
      // The data's fault or the configured index', and said to be so.
      EXPECT_THAT(
          std::string(dir.status().message()),
          AnyOf(HasSubstr("nothing to retrieve by"), HasSubstr("index.")))
          << dir.status();
      continue;
    }
    ++built;
    const absl::Status verified = VerifyVersion(*dir);
    EXPECT_TRUE(verified.ok()) << verified;
    ExpectGoodAnswers(**Bundle::Open(*dir), registry);
    std::filesystem::remove_all(request.root);
  }
  EXPECT_GT(built, 150);
  EXPECT_GT(refused, 10);
}

TEST(TinyData, VectorsWhoseScoresWouldOverflowAreRefusedByFileAndKey) {
  DataSet data;
  data.items = {v1::UTF8, {}, {"pear", "plum"}};
  data.trains = false;
  data.spaces.push_back({.name = "taste",
                         .dim = 2,
                         .items = {{0, 1}, {1, 2, 3e38F, 0}},
                         .users = {}});
  BuildRequest request;
  request.root = MakeTestDir();
  const absl::Status status = BuildBundle(data, request).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(status.message()),
              HasSubstr("taste.items.npy: the vector of item \"plum\" has "
                        "length 3e+38"));
  EXPECT_FALSE(std::filesystem::exists(request.root / "1"));
}

TEST(TinyData, SaysWhatTheDataLack) {
  BuildRequest request;
  request.root = MakeTestDir();
  DataSetBuilder zeros;
  zeros.AddInteraction(zeros.users.Add("u"), zeros.items.Add("i"), 0, 0);
  EXPECT_THAT(
      std::string(
          BuildBundle(std::move(zeros).Finish(), request).status().message()),
      HasSubstr("none of the 1 interactions has a value above 0, and items "
                "have no features"));
  EXPECT_THAT(std::string(BuildBundle(DataSet(), request).status().message()),
              HasSubstr("the data have no interaction"));
}

}  // namespace
}  // namespace tributary
