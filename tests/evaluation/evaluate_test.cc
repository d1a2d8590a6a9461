#include "evaluation/evaluate.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <utility>

#include "evaluation/test_set.h"
#include "tests/index/bundle/tiny_bundle.h"

namespace tributary {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

v1::RetrieveRequest Where(const std::string& where) {
  v1::RetrieveRequest asked;
  asked.mutable_filter()->set_where(where);
  return asked;
}

// The tiny bundle: user 10 has had a and b; popularity is f to a.
class EvaluateTest : public testing::Test {
 protected:
  EvaluateTest() {
    const auto bundle = Bundle::Open(WriteTinyBundle(MakeTestDir(), 1));
    const auto serving =
        ServingBundle::Open(*bundle, RetrieverRegistry::BuiltIn());
    lists_.emplace(*ListSource::Make(*serving, v1::ServerConfig()));
  }

  Evaluation Measure(const TestItems& test, EvaluationOptions options) {
    users_ = FindTestUsers(test, lists_->bundle().bundle().items());
    auto evaluation = Evaluate(*lists_, users_, options);
    EXPECT_TRUE(evaluation.ok()) << evaluation.status();
    return *std::move(evaluation);
  }

  std::optional<ListSource> lists_;
  std::vector<TestUser> users_;
};

const TestItems kTest = {
    {"10", {"e", "f"}}, {"20", {"a"}}, {"stranger", {"f", "nothing"}}};

TEST_F(EvaluateTest, JudgesTheListThatIsServed) {
  for (const char* user : {"10", "20", "30", "stranger"}) {
    for (const uint32_t k : {1, 3, 6}) {
      Answers answers;
      ASSERT_TRUE(lists_->AskSources(user, k, &answers).ok());
      EXPECT_EQ(lists_->Fuse(answers), *lists_->Fused(user, k)) << user;
    }
  }
}

// In stock are a, c and e.
TEST_F(EvaluateTest, MeasuresTheListsOfAFilter) {
  const auto serving =
      ServingBundle::Open(*Bundle::Open(WriteTinyBundle(MakeTestDir(), 1)),
                          RetrieverRegistry::BuiltIn());
  const auto lists =
      ListSource::Make(*serving, v1::ServerConfig(), Where("in_stock"));
  ASSERT_TRUE(lists.ok()) << lists.status();
  EXPECT_THAT(*lists->Fused("stranger", 6), testing::ElementsAre(4, 2, 0));
  EXPECT_THAT(*lists->Alone("20", "taste", 2), testing::ElementsAre(0, 2));
  EXPECT_EQ(lists->passing()->count(), 3);
  EXPECT_EQ(lists_->passing(), nullptr);
  Answers answers;
  ASSERT_TRUE(lists->AskSources("stranger", 6, &answers).ok());
  EXPECT_EQ(lists->Fuse(answers), *lists->Fused("stranger", 6));
  // The same answers, asked of another source: nothing of the filter is left.
  ASSERT_TRUE(lists_->AskSources("stranger", 6, &answers).ok());
  EXPECT_EQ(lists_->Fuse(answers).size(), 6);

  TestItems test = {{"stranger", {"a", "f"}}, {"20", {"b"}}, {"30", {"gone"}}};
  const auto counts =
      KeepPassingPairs(lists->bundle().bundle(), *lists->passing(), &test);
  ASSERT_TRUE(counts.ok()) << counts.status();
  EXPECT_EQ(counts->passing_items, 3);
  EXPECT_EQ(counts->items, 6);
  EXPECT_EQ(counts->pairs, 4);
  EXPECT_EQ(counts->pairs_left, 1);
  const TestItems left = {{"stranger", {"a"}}};
  EXPECT_EQ(test, left);
  const auto users = FindTestUsers(test, lists->bundle().bundle().items());
  const auto evaluation = Evaluate(*lists, users, {.ks = {2, 3}});
  ASSERT_TRUE(evaluation.ok()) << evaluation.status();
  // The third of e, c, a.
  EXPECT_EQ(evaluation->lists[0].at[0][0].mean, 0);
  EXPECT_EQ(evaluation->lists[0].at[1][0].mean, 1);
  // The list has all items that a sample could be drawn of.
  EXPECT_EQ(evaluation->lists[0].sampled[0].hit, 1);

  const auto oldest =
      ListSource::Make(*serving, v1::ServerConfig(), Where("year = 1984"));
  EXPECT_EQ(
      KeepPassingPairs(lists->bundle().bundle(), *oldest->passing(), &test)
          .status(),
      absl::FailedPreconditionError("1 of 6 items pass, and none of the 1 test "
                                    "pairs has one of them"));
  EXPECT_EQ(ListSource::Make(*serving, v1::ServerConfig(), Where("in_stock ="))
                .status(),
            absl::InvalidArgumentError("filter.where: at byte 10: the filter "
                                       "ends here, expected a value"));
}

// Of the tags, f has new, d toys, c all and b sale; e has none.
TEST_F(EvaluateTest, MeasuresTheListsOfCapsBoostsAndDecay) {
  const auto serving =
      ServingBundle::Open(*Bundle::Open(WriteTinyBundle(MakeTestDir(), 1)),
                          RetrieverRegistry::BuiltIn());
  v1::RetrieveRequest capped;
  capped.add_caps()->set_attribute("tags");
  capped.mutable_caps(0)->set_max(1);
  const auto lists = ListSource::Make(*serving, v1::ServerConfig(), capped);
  ASSERT_TRUE(lists.ok()) << lists.status();
  EXPECT_TRUE(lists->shapes_lists());
  EXPECT_FALSE(lists_->shapes_lists());
  EXPECT_EQ(lists->passing(), nullptr);
  // Of the first four, c is kept out: sources are asked for b, too.
  Answers answers;
  ASSERT_TRUE(lists->AskSources("stranger", 4, &answers).ok());
  EXPECT_THAT(lists->Fuse(answers), ElementsAre(5, 4, 3, 1));
  EXPECT_THAT(*lists->Fused("stranger", 4), ElementsAre(5, 4, 3, 1));
  // A source's own list has the cap as well.
  const auto users = FindTestUsers({{"stranger", {"c", "b"}}},
                                   lists->bundle().bundle().items());
  const auto evaluation = Evaluate(*lists, users, {.ks = {4, 6}});
  ASSERT_TRUE(evaluation.ok()) << evaluation.status();
  for (const ListFigures& list : evaluation->lists) {
    if (list.name != "fused" && list.name != "popularity") continue;
    EXPECT_EQ(list.at[1][0].mean, .5) << list.name;
  }

  // No user gets the configured profiles.
  v1::ServerConfig config;
  v1::Profile* const profile = config.add_profiles();
  profile->set_name("home");
  profile->set_share(1);
  *profile->mutable_caps() = capped.caps();
  const auto plain = ListSource::Make(*serving, config);
  ASSERT_TRUE(plain.ok()) << plain.status();
  EXPECT_EQ(plain->Fused("30", 6)->size(), 6);

  v1::RetrieveRequest shaped;
  shaped.add_boosts()->set_where("year = 1984");
  shaped.mutable_boosts(0)->set_factor(1000);
  const auto boosted = ListSource::Make(*serving, v1::ServerConfig(), shaped);
  EXPECT_EQ((*boosted->Fused("stranger", 6))[0], 2);
  ASSERT_TRUE(boosted->AskSources("stranger", 6, &answers).ok());
  EXPECT_EQ(boosted->Fuse(answers), *boosted->Fused("stranger", 6));

  capped.mutable_caps(0)->set_attribute("colour");
  const auto wrong = ListSource::Make(*serving, v1::ServerConfig(), capped);
  EXPECT_EQ(wrong.status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(wrong.status().message()),
              testing::HasSubstr("caps[0].attribute"));
}

// A retriever that fails for every query.
class BrokenRetriever : public Retriever {
 public:
  absl::StatusOr<Ask> Retrieve(const RetrieverQuery&, uint32_t,
                               std::vector<ScoredRow>*) const override {
    return absl::InternalError("broken");
  }
};

TEST_F(EvaluateTest, ASourceThatFailsIsAnErrorAndNotARecallOfZero) {
  RetrieverRegistry registry;
  registry.Register("vector", [](const Bundle&, const v1::RetrieverSpec&) {
    return std::make_unique<BrokenRetriever>();
  });
  registry.Register("popularity",
                    [](const Bundle& bundle, const v1::RetrieverSpec& spec) {
                      return RetrieverRegistry::BuiltIn().Make(bundle, spec);
                    });
  const auto bundle = Bundle::Open(WriteTinyBundle(MakeTestDir(), 1));
  ASSERT_TRUE(bundle.ok()) << bundle.status();
  const auto serving = ServingBundle::Open(*bundle, registry);
  ASSERT_TRUE(serving.ok()) << serving.status();
  const auto lists = ListSource::Make(*serving, v1::ServerConfig());
  ASSERT_TRUE(lists.ok()) << lists.status();
  const auto users = FindTestUsers(kTest, (*bundle)->items());
  const auto evaluation = Evaluate(*lists, users, {.ks = {3}});
  EXPECT_EQ(evaluation.status().code(), absl::StatusCode::kInternal);
  EXPECT_THAT(std::string(evaluation.status().message()),
              testing::HasSubstr("retriever taste failed for user"));
  EXPECT_FALSE(lists->Alone("10", "taste", 3).ok());
  EXPECT_FALSE(lists->Fused("10", 3).ok());
}

TEST_F(EvaluateTest, LeavingOutASourceCostsWhatItAloneBrings) {
  const auto evaluation = Measure(kTest, {.ks = {6}});
  ASSERT_EQ(evaluation.sources.size(), 2);
  EXPECT_EQ(evaluation.sources[0].name, "taste");
  // f is popularity's alone; all that taste has, popularity has too.
  EXPECT_EQ(evaluation.sources[0].unique_hits, 0);
  EXPECT_NEAR(evaluation.sources[0].recall_lost[0].mean, 0, 1e-6);
  EXPECT_EQ(evaluation.sources[1].unique_hits, 2);
  EXPECT_NEAR(evaluation.sources[1].recall_lost[0].mean, (.5 + .5) / 3, 1e-6);
}

TEST_F(EvaluateTest, TellsSegmentsApart) {
  const auto evaluation = Measure(kTest, {.ks = {6}});
  const auto& users = evaluation.user_segments.users;
  EXPECT_THAT(users[0], ElementsAre(1, 2));  // 20 and stranger
  EXPECT_THAT(users[1], ElementsAre(0));
  EXPECT_THAT(users[2], IsEmpty());
  EXPECT_NEAR(evaluation.lists[0].by_user_segment[0].mean, .75, 1e-6);
  EXPECT_NEAR(evaluation.lists[0].by_user_segment[1].mean, 1, 1e-6);
  // a and b were had by one user each; nobody had the others.
  EXPECT_EQ(evaluation.item_segments.items[3], 4);
  EXPECT_EQ(evaluation.item_segment_users[3], 2);
  EXPECT_NEAR(evaluation.lists[0].by_item_segment[3].mean, 1, 1e-6);
}

TEST_F(EvaluateTest, ItemSegmentsAreThirdsOfTheInteractions) {
  const auto evaluation = Measure(kTest, {.ks = {6}});
  const ItemSegments& segments = evaluation.item_segments;
  EXPECT_EQ(segments.items[0] + segments.items[1] + segments.items[2], 2);
  EXPECT_EQ(segments.segment[0], 0);
  EXPECT_EQ(segments.users[0], 1);
}

TEST_F(EvaluateTest, IsTheSameOnAnyNumberOfThreads) {
  TestItems test;
  for (int i = 0; i < 200; ++i) {
    test[i % 3 == 0 ? "10" : std::to_string(i)].insert(i % 2 == 0 ? "f" : "d");
  }
  EvaluationOptions options{.ks = {1, 3}, .quota_curves = true};
  const auto one = Measure(test, options);
  options.threads = 3;
  const auto three = Measure(test, options);
  for (size_t list = 0; list < one.lists.size(); ++list) {
    for (size_t k = 0; k < 2; ++k) {
      EXPECT_EQ(one.lists[list].at[k][2].low, three.lists[list].at[k][2].low);
    }
    EXPECT_EQ(one.lists[list].gini, three.lists[list].gini);
  }
  EXPECT_EQ(one.sources[0].quota_curve, three.sources[0].quota_curve);
}

TEST_F(EvaluateTest, QuotaCurvesGoFromNothingToAll) {
  // For user 10 taste alone gives e, d, c; popularity f first.
  const auto evaluation =
      Measure({{"10", {"f"}}}, {.ks = {1}, .quota_curves = true});
  const auto& taste = evaluation.sources[0].quota_curve;
  const auto& popularity = evaluation.sources[1].quota_curve;
  ASSERT_EQ(taste.size(), kQuotaSteps + 1);
  EXPECT_EQ(taste.front()[1], 1);
  EXPECT_EQ(taste.back()[1], 0);
  EXPECT_EQ(popularity.front()[1], 0);
  EXPECT_EQ(popularity.back()[1], 1);
  EXPECT_NEAR(
      evaluation.sources[0].default_share + evaluation.sources[1].default_share,
      1, 1e-6);
  EXPECT_THAT(Measure(kTest, {.ks = {6}}).sources[0].quota_curve, IsEmpty());
}

// Calls check(figure) for every figure of the evaluation.
void ForEachFigure(const Evaluation& evaluation,
                   const std::function<void(double)>& check) {
  const auto interval = [&](const Interval& value) {
    for (const double figure : {value.mean, value.low, value.high}) {
      check(figure);
    }
  };
  for (const ListFigures& list : evaluation.lists) {
    for (const auto& at : list.at) {
      for (const Interval& value : at) interval(value);
    }
    for (const Interval& value : list.by_user_segment) interval(value);
    for (const Interval& value : list.by_item_segment) interval(value);
    for (const SampledMetrics& sampled : list.sampled) {
      check(sampled.hit);
      check(sampled.ndcg);
    }
    check(list.coverage);
    check(list.gini);
    check(list.novelty_bits.value_or(0));
    check(list.diversity.value_or(0));
  }
  for (const SourceFigures& source : evaluation.sources) {
    for (const Interval& value : source.recall_lost) interval(value);
    for (const double share : source.overlap) check(share);
    for (const auto& point : source.quota_curve) {
      check(point[0]);
      check(point[1]);
    }
    check(source.default_share);
  }
  interval(evaluation.lead_over_best_source);
}

TEST_F(EvaluateTest, EveryFigureIsANumberForEmptyAndDegenerateInput) {
  const std::vector<TestItems> tests = {
      {{"stranger", {"nothing"}}},  // every list of taste is empty
      {{"10", {"a"}}},              // seen
      {{"10", {"a", "b", "c", "d", "e", "f", "g"}}},  // more than there is
      {{"30", {"nothing"}}, {"stranger", {"f"}}},
  };
  for (const TestItems& test : tests) {
    for (const std::vector<uint32_t>& ks :
         {std::vector<uint32_t>{1}, std::vector<uint32_t>{6, 500}}) {
      const auto evaluation =
          Measure(test, {.ks = ks, .quota_curves = true, .examples = 10});
      ForEachFigure(evaluation,
                    [](double figure) { EXPECT_TRUE(std::isfinite(figure)); });
    }
  }
  const auto strangers = Measure({{"stranger", {"f"}}}, {.ks = {6}});
  EXPECT_EQ(strangers.lists[1].name, "taste");
  EXPECT_EQ(strangers.lists[1].novelty_bits, std::nullopt);
  EXPECT_EQ(strangers.lists[1].diversity, std::nullopt);
  EXPECT_NE(strangers.lists[0].novelty_bits, std::nullopt);
}

TEST_F(EvaluateTest, NothingToMeasureIsAnError) {
  for (const auto& [users, ks] :
       std::vector<std::pair<std::vector<TestUser>, std::vector<uint32_t>>>{
           {{}, {6}}, {{{"10", {4}, 1}}, {}}, {{{"10", {}, 0}}, {6}}}) {
    EXPECT_EQ(Evaluate(*lists_, users, {.ks = ks}).status().code(),
              absl::StatusCode::kInvalidArgument);
  }
}

TEST_F(EvaluateTest, ExamplesShowWhatAUserHadDidNextAndWasShown) {
  const auto evaluation = Measure(kTest, {.ks = {3}, .examples = 10});
  // User 10 alone has a history.
  ASSERT_EQ(evaluation.examples.size(), 1);
  const ExampleUser& user = evaluation.examples[0];
  EXPECT_EQ(user.key, "10");
  EXPECT_THAT(user.history, ElementsAre(0, 1));
  EXPECT_THAT(user.test_items, ElementsAre(4, 5));
  EXPECT_EQ(user.list, *lists_->Fused("10", 3));
  const auto strangers =
      Measure({{"ann", {"a"}}, {"bob", {"b"}}}, {.ks = {3}, .examples = 1});
  ASSERT_EQ(strangers.examples.size(), 1);
  EXPECT_THAT(strangers.examples[0].history, IsEmpty());
  EXPECT_THAT(Measure(kTest, {.ks = {3}}).examples, IsEmpty());
}

TEST_F(EvaluateTest, KnowsTheBestSourceAndTheLeadOverIt) {
  const auto evaluation = Measure(kTest, {.ks = {6}});
  const auto recall = [&](size_t list) {
    return evaluation.lists[list].at[0][0].mean;
  };
  ASSERT_GT(recall(2), recall(1));
  EXPECT_EQ(evaluation.best_source, 1);
  EXPECT_NEAR(evaluation.lead_over_best_source.mean, recall(0) - recall(2),
              1e-6);
}

TEST_F(EvaluateTest, ComparedWithItselfDiffersByNothing) {
  const auto evaluation = Measure(kTest, {.ks = {1, 6}});
  for (const auto& at : Compare(evaluation.fused, evaluation.fused, 1, 1)) {
    for (const Comparison& found : at) {
      EXPECT_EQ(found.difference.mean, 0);
      EXPECT_EQ(found.p_value, 1);
    }
  }
}

}  // namespace
}  // namespace tributary
