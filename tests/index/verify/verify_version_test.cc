#include "index/verify/verify_version.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <string>

#include "tests/index/bundle/tiny_bundle.h"

namespace tributary {
namespace {

namespace fs = std::filesystem;

TEST(VerifyVersion, AcceptsABundle) {
  const auto status = VerifyVersion(WriteTinyBundle(MakeTestDir(), 1));
  EXPECT_TRUE(status.ok()) << status;
}

TEST(VerifyVersion, RunsTheGoldenQueries) {
  const fs::path dir = WriteTinyBundle(MakeTestDir(), 1);
  std::string manifest = ReadFile(dir / "manifest.json");
  const size_t golden = manifest.find("goldenQueries");
  const size_t rows = manifest.find("4", manifest.find("\"rows\"", golden));
  ASSERT_NE(rows, std::string::npos);
  manifest[rows] = '0';
  OverwriteFile(dir / "manifest.json", manifest);
  EXPECT_TRUE(absl::IsDataLoss(VerifyVersion(dir)));
}

}  // namespace
}  // namespace tributary
