#include "status/nearest_name.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace tributary {
namespace {

TEST(EditDistance, CountsSingleEdits) {
  EXPECT_EQ(EditDistance("", ""), 0);
  EXPECT_EQ(EditDistance("", "abc"), 3);
  EXPECT_EQ(EditDistance("build", "biuld"), 1);
  EXPECT_EQ(EditDistance("retriev", "retrieve"), 1);
  EXPECT_EQ(EditDistance("share", "shore"), 1);
  EXPECT_EQ(EditDistance("kitten", "sitting"), 3);
}

TEST(NearestName, IsTheNameThatWasMeant) {
  const std::vector<std::string> names = {"retrieve", "build", "bench", "-k"};
  EXPECT_EQ(NearestName("retriev", names), "retrieve");
  EXPECT_EQ(NearestName("biuld", names), "build");
  EXPECT_EQ(NearestName("--k", names), "-k");
  EXPECT_EQ(NearestName("frobnicate", names), "");
  EXPECT_EQ(NearestName("x", names), "");
}

TEST(DidYouMean, IsAClauseOrNothing) {
  EXPECT_EQ(DidYouMean("als.dims", std::vector<std::string>{"als.dim"}),
            "; did you mean \"als.dim\"?");
  EXPECT_EQ(DidYouMean("als.dims", std::vector<std::string>{"index.kind"}), "");
}

}  // namespace
}  // namespace tributary
