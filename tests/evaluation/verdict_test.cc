#include "evaluation/verdict.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace tributary {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;
using testing::StartsWith;

// Two sources and a fused list, with these recalls at k = 20 and k = 100.
Evaluation Measured(double fused, double best, Interval lead) {
  Evaluation evaluation;
  evaluation.ks = {20, 100};
  evaluation.list_k = 100;
  evaluation.lists.resize(3);
  evaluation.lists[0].name = "fused";
  evaluation.lists[1].name = "popularity";
  evaluation.lists[2].name = "taste";
  for (ListFigures& list : evaluation.lists) list.at.resize(2);
  evaluation.lists[0].at[1][0].mean = fused;
  evaluation.lists[2].at[1][0].mean = best;
  evaluation.sources.resize(2);
  evaluation.sources[0].name = "popularity";
  evaluation.sources[1].name = "taste";
  evaluation.best_source = 1;
  evaluation.lead_over_best_source = lead;
  return evaluation;
}

Evaluation Ours() { return Measured(.5, .4, {.1, .05, .15}); }

// A rival whose recall@100 is .5 - difference.
Rival Beside(const std::string& name, Interval difference, double p_value) {
  Rival rival;
  rival.name = name;
  rival.at.resize(2);
  rival.at[1][0].mean = .5 - difference.mean;
  rival.ours_minus_theirs.resize(2);
  rival.ours_minus_theirs[1][0] = {difference, p_value};
  return rival;
}

std::string Sentence(const std::vector<Rival>& rivals) {
  return VerdictSentence(Ours(), rivals);
}

TEST(VerdictSentence, NamesTheWinnerAndByHowMuch) {
  EXPECT_EQ(Sentence({Beside("b/1", {.02, .01, .03}, .001)}),
            "This bundle wins: its recall@100 of 0.5000 is 0.0200 above that "
            "of b/1 (95% interval 0.0100 to 0.0300, p = 0.0010).");
  EXPECT_EQ(Sentence({Beside("b/1", {-.02, -.03, -.01}, .001)}),
            "b/1 wins: its recall@100 of 0.5200 is 0.0200 above that of this "
            "bundle (95% interval 0.0100 to 0.0300, p = 0.0010).");
}

TEST(VerdictSentence, SaysThatNobodyWinsWhereItIsChance) {
  EXPECT_EQ(Sentence({Beside("b/1", {.02, -.01, .05}, .2)}),
            "Nobody wins: the recall@100 of this bundle, 0.5000, and that of "
            "b/1, 0.4800, differ by no more than chance (p = 0.2000).");
  // Interval and p-value must agree.
  EXPECT_THAT(Sentence({Beside("b/1", {.02, .001, .05}, .06)}),
              StartsWith("Nobody wins"));
  EXPECT_THAT(Sentence({Beside("b/1", {-.02, -.05, .001}, .04)}),
              StartsWith("Nobody wins"));
}

TEST(VerdictSentence, OfSeveralRivalsTheBestCounts) {
  const Rival weak = Beside("weak", {.2, .1, .3}, .0001);
  const Rival equal = Beside("equal", {.001, -.01, .01}, .9);
  const Rival strong = Beside("strong", {-.1, -.2, -.05}, .0001);
  EXPECT_THAT(Sentence({weak, strong, equal}), StartsWith("strong wins"));
  EXPECT_THAT(Sentence({weak, equal}),
              StartsWith("Nobody wins: the recall@100 of this bundle, 0.5000, "
                         "and that of equal, the best of the others, "));
  EXPECT_THAT(Sentence({weak, weak}), StartsWith("This bundle wins"));
}

TEST(VerdictSentence, AloneComparesWithTheBestSource) {
  EXPECT_EQ(Sentence({}),
            "The fused list wins: its recall@100 of 0.5000 is 0.1000 above "
            "that of taste, the best source alone (95% interval 0.0500 to "
            "0.1500).");
  EXPECT_THAT(VerdictSentence(Measured(.4, .5, {-.1, -.15, -.05}), {}),
              StartsWith("The source taste wins: alone it has a recall@100 of "
                         "0.5000, 0.1000 above"));
  EXPECT_THAT(VerdictSentence(Measured(.4, .4, {0, 0, 0}), {}),
              StartsWith("Nobody wins"));
  Evaluation one = Ours();
  one.sources.resize(1);
  EXPECT_THAT(VerdictSentence(one, {}), IsEmpty());
}

TEST(WorseMeasures, AreLowerByMoreThanChanceAmongThemAll) {
  Rival rival = Beside("b/1", {-.02, -.03, -.01}, .02);
  // .05 is shared by recall and ndcg at two ks.
  EXPECT_THAT(WorseMeasures(rival), IsEmpty());
  rival.ours_minus_theirs[1][0].p_value = .012;
  rival.ours_minus_theirs[0][2] = {{-.1, -.2, -.05}, .0001};
  const std::vector<WorseMeasure> worse = WorseMeasures(rival);
  ASSERT_EQ(worse.size(), 2);
  EXPECT_EQ(worse[0].metric, 2);
  EXPECT_EQ(worse[0].k, 0);
  EXPECT_EQ(worse[1].metric, 0);
  EXPECT_EQ(worse[1].k, 1);
  const std::string sentence = WorseSentence(Ours(), rival, worse);
  EXPECT_THAT(sentence,
              StartsWith("the bundle is worse than b/1: its ndcg@20 of "));
  EXPECT_THAT(sentence, HasSubstr("; also lower: recall@100"));
}

TEST(WorseMeasures, AreNoneWhereTheBundleIsBetter) {
  EXPECT_THAT(WorseMeasures(Beside("b/1", {.1, .05, .2}, .0001)), IsEmpty());
}

TEST(WorseMeasures, OfOtherMetricsDoNotCount) {
  Rival rival = Beside("b/1", {0, 0, 0}, 1);
  rival.ours_minus_theirs[1][3] = {{-.1, -.2, -.05}, .0001};  // mrr
  EXPECT_THAT(WorseMeasures(rival), IsEmpty());
}

}  // namespace
}  // namespace tributary
