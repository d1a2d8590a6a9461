#include "server/loader/refusals.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/index/bundle/tiny_bundle.h"

namespace tributary {
namespace {

using testing::HasSubstr;

v1::RefusalReport Report(uint64_t version) {
  v1::RefusalReport report;
  report.set_version(version);
  report.set_reason("as it is");
  report.set_fingerprint("f");
  return report;
}

class RefusalsTest : public testing::Test {
 protected:
  const std::filesystem::path bundles_ = MakeTestDir();
  const Refusals refusals_{bundles_};
};

TEST_F(RefusalsTest, WhatIsSavedIsLoaded) {
  EXPECT_FALSE(refusals_.Load(7).has_value());
  ASSERT_TRUE(refusals_.Save(Report(7)).ok());
  const auto loaded = Refusals(bundles_).Load(7);
  ASSERT_TRUE(loaded.has_value());
  EXPECT_EQ(loaded->SerializeAsString(), Report(7).SerializeAsString());
  EXPECT_THAT(ReadFile(refusals_.TextPath(7)), HasSubstr("as it is"));
  refusals_.Remove(7);
  EXPECT_FALSE(refusals_.Load(7).has_value());
}

TEST_F(RefusalsTest, AReportThatIsBrokenOrAnothersIsNone) {
  ASSERT_TRUE(refusals_.Save(Report(7)).ok());
  OverwriteFile(bundles_ / ".refused" / "7.json", "{");
  EXPECT_FALSE(refusals_.Load(7).has_value());
  OverwriteFile(bundles_ / ".refused" / "7.json", R"({"version": "8"})");
  EXPECT_FALSE(refusals_.Load(7).has_value());
}

TEST_F(RefusalsTest, TheHighestVersionsReportsAreKept) {
  for (uint64_t version = 1; version <= 30; ++version) {
    ASSERT_TRUE(refusals_.Save(Report(version)).ok());
  }
  EXPECT_FALSE(refusals_.Load(10).has_value());
  EXPECT_FALSE(std::filesystem::exists(refusals_.TextPath(10)));
  EXPECT_TRUE(refusals_.Load(11).has_value());
}

}  // namespace
}  // namespace tributary
