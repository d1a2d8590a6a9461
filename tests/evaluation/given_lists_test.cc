#include "evaluation/given_lists.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/index/bundle/tiny_bundle.h"

namespace tributary {
namespace {

using testing::AllOf;
using testing::HasSubstr;

const TestItems kTest = {{"10", {"e", "zinc"}}, {"20", {"a"}}, {"30", {"b"}}};

// The tiny bundle: items a to f; user 10 has had a and b.
class GivenListsTest : public testing::Test {
 protected:
  GivenListsTest() {
    bundle_ = *Bundle::Open(WriteTinyBundle(MakeTestDir(), 1));
    const auto serving =
        ServingBundle::Open(bundle_, RetrieverRegistry::BuiltIn());
    const auto source = ListSource::Make(*serving, v1::ServerConfig());
    users_ = FindTestUsers(kTest, bundle_->items());
    ours_ = *Evaluate(*source, users_, {.ks = {1, 3}});
  }

  GivenLists Lists() const { return {"theirs", *bundle_, kTest, users_}; }

  std::shared_ptr<const Bundle> bundle_;
  std::vector<TestUser> users_;
  Evaluation ours_;
};

TEST_F(GivenListsTest, AreJudgedByTheSameMetrics) {
  GivenLists lists = Lists();
  // Out of order: what counts is the place.
  lists.Add("10", "c", 2);
  lists.Add("10", "e", 1);
  lists.Add("20", "f", -7);
  lists.Add("20", "a", -5.5);
  const auto rival = lists.Judge(ours_, 1, 1);
  ASSERT_TRUE(rival.ok()) << rival.status();
  EXPECT_EQ(rival->name, "theirs");
  ASSERT_EQ(rival->at.size(), 2);
  // User 10 has one of two test items, user 30 has no list.
  EXPECT_NEAR(rival->at[0][0].mean, (.5 + 0 + 0) / 3, 1e-6);
  EXPECT_NEAR(rival->at[1][0].mean, (.5 + 1 + 0) / 3, 1e-6);
  EXPECT_NEAR(rival->at[1][3].mean, (1 + .5 + 0) / 3, 1e-6);  // mrr
  EXPECT_NEAR(rival->coverage, 4 / 6.0, 1e-12);
  EXPECT_EQ(rival->counts->test_users_without_list, 1);
  for (size_t k = 0; k < 2; ++k) {
    EXPECT_NEAR(rival->ours_minus_theirs[k][0].difference.mean,
                ours_.lists[0].at[k][0].mean - rival->at[k][0].mean, 1e-6);
  }
}

TEST_F(GivenListsTest, GetCreditForATestItemThatTheCatalogueLacks) {
  GivenLists lists = Lists();
  lists.Add("10", "zinc", 1);
  lists.Add("10", "tin", 2);
  lists.Add("10", "e", 3);
  const auto rival = lists.Judge(ours_, 1, 1);
  ASSERT_TRUE(rival.ok()) << rival.status();
  EXPECT_NEAR(rival->at[0][0].mean, .5 / 3, 1e-6);
  EXPECT_NEAR(rival->at[1][0].mean, 1. / 3, 1e-6);
  EXPECT_EQ(rival->counts->items, 3);
  // zinc is in the test set.
  EXPECT_EQ(rival->counts->unknown_items, 1);
  EXPECT_NEAR(rival->coverage, 1 / 6.0, 1e-12);
}

TEST_F(GivenListsTest, CountWhatCannotBeUsed) {
  GivenLists lists = Lists();
  lists.Add("10", "a", 1);  // had it
  lists.Add("10", "c", 2);
  lists.Add("10", "c", 5);  // a repeat
  lists.Add("10", "e", 3);
  lists.Add("ann", "a", 1);
  lists.Add("ann", "b", 2);
  const auto rival = lists.Judge(ours_, 1, 1);
  ASSERT_TRUE(rival.ok()) << rival.status();
  EXPECT_EQ(rival->counts->users, 2);
  EXPECT_EQ(rival->counts->users_not_tested, 1);
  EXPECT_EQ(rival->counts->entries, 4);
  EXPECT_EQ(rival->counts->repeats, 1);
  EXPECT_EQ(rival->counts->seen_entries, 1);
  // The repeat takes no place: e is the third.
  EXPECT_NEAR(rival->at[1][0].mean, .5 / 3, 1e-6);
}

TEST_F(GivenListsTest, UnderAFilterOnlyItemsThatPassCount) {
  // c and e pass, and b, which nobody is shown.
  RowSet rows(6);
  for (const Row row : {1, 2, 4}) rows.Add(row);
  const PassingItems passing(rows);
  GivenLists lists("theirs", *bundle_, kTest, users_, &passing);
  lists.Add("10", "c", 1);
  lists.Add("10", "e", 2);
  lists.Add("10", "f", 3);
  lists.Add("10", "zinc", 4);
  lists.Add("20", "c", 1);
  const auto rival = lists.Judge(ours_, 1, 1);
  ASSERT_TRUE(rival.ok()) << rival.status();
  EXPECT_NEAR(rival->coverage, 2 / 3.0, 1e-12);
  EXPECT_EQ(rival->counts->not_passing_entries, 2);
}

TEST_F(GivenListsTest, OfOtherUsersAreAnErrorThatShowsKeys) {
  GivenLists lists = Lists();
  lists.Add("u10", "e", 1);
  const auto rival = lists.Judge(ours_, 1, 1);
  EXPECT_EQ(rival.status().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(rival.status().message()),
              AllOf(HasSubstr("theirs: no test user has a list"),
                    HasSubstr("look like u10, the test set's like 10")));
  EXPECT_FALSE(Lists().Judge(ours_, 1, 1).ok());
}

TEST_F(GivenListsTest, OfEqualPlacesAreInTheOrderOfTheFile) {
  GivenLists lists = Lists();
  lists.Add("20", "f", 0);
  lists.Add("20", "a", 0);
  const auto rival = lists.Judge(ours_, 1, 1);
  ASSERT_TRUE(rival.ok()) << rival.status();
  EXPECT_EQ(rival->at[0][0].mean, 0);
  EXPECT_NEAR(rival->at[1][0].mean, 1 / 3.0, 1e-6);
}

TEST_F(GivenListsTest, OfTheBundleItselfDifferByNothing) {
  const auto serving =
      ServingBundle::Open(bundle_, RetrieverRegistry::BuiltIn());
  const auto source = ListSource::Make(*serving, v1::ServerConfig());
  GivenLists lists = Lists();
  for (const TestUser& user : users_) {
    const std::vector<Row> rows = *source->Fused(user.key, 3);
    for (size_t rank = 0; rank < rows.size(); ++rank) {
      lists.Add(user.key, bundle_->items().text(rows[rank]),
                static_cast<double>(rank));
    }
  }
  const auto rival = lists.Judge(ours_, 1, 1);
  ASSERT_TRUE(rival.ok()) << rival.status();
  for (const auto& at : rival->ours_minus_theirs) {
    for (const Comparison& found : at) {
      EXPECT_EQ(found.difference.mean, 0);
      EXPECT_EQ(found.p_value, 1);
    }
  }
  EXPECT_EQ(rival->coverage, ours_.lists[0].coverage);
  EXPECT_EQ(rival->counts->seen_entries, 0);
}

}  // namespace
}  // namespace tributary
