// ChooseIndex with the settings of an earlier index.
#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "index/search/choose_index.h"
#include "tests/index/search/sample_vectors.h"

namespace tributary {
namespace {

constexpr uint32_t kDim = 16;

struct Catalogue {
  Catalogue(size_t count, uint64_t seed)
      : values(MixtureVectors(count, kDim, 60, seed)),
        queries(MixtureVectors(100, kDim, 60, 2)) {}

  ChosenIndex Choose(const std::string& kind, double target_recall,
                     const v1::IndexSpec* earlier) const {
    auto chosen = ChooseIndex({.values = values,
                               .stored = {std::span<const float>(values), kDim},
                               .kind = kind,
                               .target_recall = target_recall,
                               .target_n = 50,
                               .queries = queries,
                               .threads = 2,
                               .earlier = earlier});
    EXPECT_TRUE(chosen.ok()) << chosen.status();
    return chosen.ok() ? *std::move(chosen) : ChosenIndex();
  }

  std::vector<float> values;
  std::vector<float> queries;
};

TEST(EarlierIndex, SettingsThatReachTheTargetAreTakenOverUntried) {
  for (const std::string kind : {"scan", "ivf"}) {
    const v1::IndexSpec earlier =
        Catalogue(3000, 1).Choose(kind, 0.9, nullptr).spec;
    // A little more work than was needed: other vectors are not the same.
    v1::IndexSpec generous = earlier;
    generous.set_reranked(2 * earlier.reranked());
    generous.set_probes(std::min(earlier.lists(), 1 + 2 * earlier.probes()));
    const ChosenIndex taken = Catalogue(3100, 4).Choose("auto", 0.9, &generous);
    EXPECT_TRUE(taken.took_over) << kind;
    EXPECT_EQ(taken.spec.kind(), kind);
    EXPECT_EQ(taken.spec.lists(), earlier.lists());
    EXPECT_EQ(taken.spec.probes(), generous.probes());
    EXPECT_EQ(taken.spec.reranked(), generous.reranked());
    EXPECT_LE(taken.spec.small_n_exponent(), earlier.small_n_exponent());
    EXPECT_GE(taken.spec.measured_recall(), 0.9);
    EXPECT_TRUE(taken.spec.candidates().empty());
    ASSERT_TRUE(taken.arrays.has_value());
  }
}

TEST(EarlierIndex, SettingsThatMissTheTargetAreChosenAgain) {
  const Catalogue catalogue(3000, 1);
  v1::IndexSpec earlier = catalogue.Choose("ivf", 0.9, nullptr).spec;
  earlier.set_probes(1);
  earlier.set_reranked(50);
  const ChosenIndex chosen = catalogue.Choose("ivf", 0.9, &earlier);
  EXPECT_FALSE(chosen.took_over);
  EXPECT_GT(chosen.spec.probes(), 1);
  EXPECT_GE(chosen.spec.measured_recall(), 0.9);
}

TEST(EarlierIndex, FlatStaysFlat) {
  v1::IndexSpec earlier;
  earlier.set_kind("flat");
  const ChosenIndex chosen = Catalogue(3000, 1).Choose("auto", 0.9, &earlier);
  EXPECT_TRUE(chosen.took_over);
  EXPECT_EQ(chosen.spec.kind(), "flat");
  EXPECT_EQ(chosen.spec.measured_recall(), 1);
}

TEST(EarlierIndex, InASmallCatalogueEffortFollowsItsSize) {
  // A quarter of the vectors is what is asked for at most.
  const v1::IndexSpec earlier =
      Catalogue(160, 1).Choose("scan", 0.9, nullptr).spec;
  ASSERT_EQ(earlier.measured_n(), 40);
  v1::IndexSpec generous = earlier;
  generous.set_reranked(80);
  const ChosenIndex taken = Catalogue(180, 1).Choose("scan", 0.9, &generous);
  EXPECT_TRUE(taken.took_over);
  EXPECT_EQ(taken.spec.measured_n(), 45);
  EXPECT_EQ(taken.spec.reranked(), 90);
}

}  // namespace
}  // namespace tributary
