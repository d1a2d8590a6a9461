#include "evaluation/judge.h"

#include <gtest/gtest.h>

#include "evaluation/evaluate.h"
#include "tests/index/bundle/tiny_bundle.h"

namespace tributary {
namespace {

double Point(const v1::MeasuredRecall& measured, const std::string& source,
             uint32_t k) {
  for (const auto& point : measured.points()) {
    if (point.source() == source && point.k() == k) return point.recall();
  }
  ADD_FAILURE() << source << "@" << k;
  return -1;
}

TEST(JudgeBundle, MeasuresEverySourceAndTheFusedList) {
  const auto dir = WriteTinyBundle(MakeTestDir(), 1);
  // User 10 has seen a and b; his taste ranks e, d, c; nobody proposes f but
  // popularity.
  const TestItems held_out = {{"10", {"e", "f"}}, {"20", {"a"}}};
  const auto verdict =
      JudgeBundle(dir, held_out, v1::ServerConfig(),
                  RetrieverRegistry::BuiltIn(), 1, IgnoreProgress);
  ASSERT_TRUE(verdict.ok()) << verdict.status();
  EXPECT_EQ(verdict->recall.users(), 2);
  EXPECT_EQ(verdict->recall.held_out_interactions(), 3);
  EXPECT_EQ(Point(verdict->recall, "taste", 20), .75);
  EXPECT_EQ(Point(verdict->recall, "popularity", 20), 1);
  EXPECT_EQ(Point(verdict->recall, "fused", 20), 1);
  EXPECT_FALSE(verdict->fusion.segments().empty());
}

TEST(JudgeBundle, NamesABundleThatIsNotThere) {
  const auto verdict =
      JudgeBundle(MakeTestDir() / "9", {}, v1::ServerConfig(),
                  RetrieverRegistry::BuiltIn(), 1, IgnoreProgress);
  EXPECT_EQ(verdict.status().code(), absl::StatusCode::kNotFound);
}

TEST(Evaluate, CountsUsersThatTheBundleDoesNotKnow) {
  const auto dir = WriteTinyBundle(MakeTestDir(), 1);
  const auto bundle = Bundle::Open(dir);
  ASSERT_TRUE(bundle.ok());
  const auto serving =
      ServingBundle::Open(*bundle, RetrieverRegistry::BuiltIn());
  ASSERT_TRUE(serving.ok());
  const auto lists = ListSource::Make(*serving, v1::ServerConfig());
  ASSERT_TRUE(lists.ok()) << lists.status();
  const auto users =
      FindTestUsers({{"stranger", {"f", "nothing"}}}, (*bundle)->items());
  const auto evaluation = Evaluate(*lists, users, {.ks = {1, 6}});
  ASSERT_TRUE(evaluation.ok()) << evaluation.status();
  const v1::MeasuredRecall measured = MeasuredRecallOf(*evaluation);
  // Popularity answers for strangers; it ranks f first.
  EXPECT_EQ(Point(measured, "fused", 1), .5);
  EXPECT_EQ(Point(measured, "taste", 6), 0);
}

}  // namespace
}  // namespace tributary
