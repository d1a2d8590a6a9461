#include "evaluation/test_set.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/index/bundle/tiny_bundle.h"

namespace tributary {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

// The tiny bundle has the users 10, 20 and 30 and the items a to f; user 10 has
// had a and b.
class TestSetTest : public testing::Test {
 protected:
  std::string Problem(const TestItems& test, bool cold_users_count = false) {
    const absl::Status status = CheckPairsAreLeft(
        CountTestSet(test, *bundle_), test, *bundle_, cold_users_count);
    EXPECT_TRUE(status.ok() ||
                status.code() == absl::StatusCode::kFailedPrecondition);
    return std::string(status.message());
  }

  const std::shared_ptr<const Bundle> bundle_ =
      *Bundle::Open(WriteTinyBundle(MakeTestDir(), 1));
};

TEST_F(TestSetTest, CountsWhatIsUnknownAndWhatWasSeen) {
  const TestItems test = {{"10", {"a", "c", "zinc"}},
                          {"20", {"a"}},
                          {"ann", {"c", "zinc", "zirconium"}}};
  const TestSetCounts counts = CountTestSet(test, *bundle_);
  EXPECT_EQ(counts.users, 3);
  EXPECT_EQ(counts.unknown_users, 1);
  EXPECT_EQ(counts.items, 4);
  EXPECT_EQ(counts.unknown_items, 2);
  EXPECT_EQ(counts.pairs, 7);
  EXPECT_EQ(counts.pairs_of_unknown_users, 3);
  EXPECT_EQ(counts.pairs_of_unknown_items, 3);
  EXPECT_EQ(counts.seen_pairs, 1);
  EXPECT_EQ(counts.pairs_of_known_items, 3);
  EXPECT_EQ(counts.pairs_left, 2);
  EXPECT_EQ(TestSetLine(counts),
            "test set: 1 of 3 users unknown, 2 of 4 items unknown, 1 of 7 "
            "pairs in training");
  EXPECT_THAT(SeenSentence(counts, *bundle_),
              AllOf(HasSubstr("the bundle has seen this test set: 1 of 7"),
                    HasSubstr("user 10 with item a")));
}

TEST_F(TestSetTest, RemovesWhatWasSeenAndUsersWithNothingElse) {
  TestItems test = {{"10", {"a", "c"}}, {"20", {"a"}}, {"ann", {"a"}}};
  RemoveSeenPairs(*bundle_, &test);
  EXPECT_EQ(test, (TestItems{{"10", {"c"}}, {"20", {"a"}}, {"ann", {"a"}}}));
  test = {{"10", {"a", "b"}}, {"20", {"a"}}};
  RemoveSeenPairs(*bundle_, &test);
  EXPECT_EQ(test, (TestItems{{"20", {"a"}}}));
}

TEST_F(TestSetTest, APairIsLeftIfItsUserAndItemAreKnownAndItWasNotSeen) {
  EXPECT_EQ(Problem({{"10", {"c"}}}), "");
  EXPECT_EQ(Problem({{"10", {"a", "c"}}, {"ann", {"zinc"}}}), "");
  EXPECT_THAT(Problem({{"10", {"a", "b"}}}),
              HasSubstr("no test pair is left: 2 of 2 pairs were in training"));
  EXPECT_THAT(Problem({}), HasSubstr("no test pair is left"));
  // Users and items are known, but never of one unseen pair.
  EXPECT_THAT(Problem({{"10", {"a", "zinc"}}, {"ann", {"b"}}}),
              HasSubstr("of 3 pairs, 1 have an unknown user, 1 an unknown item,"
                        " and 1 were in training"));
}

TEST_F(TestSetTest, ShowsKeysWhereThoseOfTheTestSetAreOthers) {
  EXPECT_THAT(Problem({{"u10", {"c"}}, {"u20", {"a"}}}),
              AllOf(HasSubstr("no test pair is left: 2 of 2 users are unknown; "
                              "the bundle's user keys look like 10, 20, 30, "
                              "the test set's like u10, u20"),
                    HasSubstr("--allow-cold-users"), Not(HasSubstr("items"))));
  EXPECT_THAT(Problem({{"10", {"c.jpg", "d.jpg"}}}),
              HasSubstr("2 of 2 items are unknown; the bundle's item keys look "
                        "like a, c, f, the test set's like c.jpg, d.jpg"));
  EXPECT_THAT(Problem({{"u10", {"7"}}}),
              AllOf(HasSubstr("1 of 1 users are unknown"),
                    HasSubstr("1 of 1 items are unknown")));
}

TEST_F(TestSetTest, ColdUsersAreJudgedOnRequest) {
  EXPECT_EQ(Problem({{"u10", {"c"}}}, true), "");
  EXPECT_NE(Problem({{"u10", {"zinc"}}}, true), "");
}

TEST_F(TestSetTest, LongKeysAreCutBetweenCharacters) {
  std::string long_key;
  for (int i = 0; i < 50; ++i) long_key += "é";
  const std::string problem = Problem({{"u1" + long_key, {"c"}}});
  EXPECT_THAT(problem, HasSubstr("éé..."));
  EXPECT_THAT(problem, Not(HasSubstr(long_key)));
}

TEST_F(TestSetTest, SaysWhenMostIsUnknown) {
  const auto sentence = [&](const TestItems& test) {
    return MostlyUnknownSentence(CountTestSet(test, *bundle_), test, *bundle_);
  };
  EXPECT_EQ(sentence({{"10", {"c"}}, {"20", {"d"}}, {"ann", {"c"}}}), "");
  EXPECT_THAT(sentence({{"10", {"c"}}, {"ann", {"c"}}}),
              HasSubstr("1 of 2 users are unknown; the bundle's user keys"));
  EXPECT_THAT(sentence({{"10", {"c", "zinc"}}}),
              HasSubstr("1 of 2 items are unknown; the bundle's item keys"));
}

}  // namespace
}  // namespace tributary
