#include "version/version.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace tributary {
namespace {

using testing::MatchesRegex;

TEST(Version, IsSemantic) {
  EXPECT_THAT(Version(), MatchesRegex("[0-9]+[.][0-9]+[.][0-9]+"));
}

TEST(Version, TheTextHasARevisionOnlyInsideACheckout) {
  const std::string revision =
      Revision().empty() ? "" : " (revision " + Revision() + ")";
  EXPECT_EQ(VersionText("tributary-server", 7, "1.51.1"),
            "tributary-server " + Version() + revision +
                ", bundle format 7, gRPC 1.51.1");
}

}  // namespace
}  // namespace tributary
