// docs/bundle_format.md's program writes a bundle that is as good as any.
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <string>

#include "fmt/format.h"
#include "index/verify/verify_version.h"
#include "tests/index/bundle/tiny_bundle.h"

namespace tributary {
namespace {

// The first block of the document in this language.
std::string CodeBlock(const std::string& document,
                      const std::string& language) {
  const std::string fence = "```" + language + "\n";
  const size_t begin = document.find(fence);
  if (begin == std::string::npos) return "";
  const size_t end = document.find("```", begin + fence.size());
  return document.substr(begin + fence.size(), end - begin - fence.size());
}

TEST(BundleFormat, TheProgramWritesABundle) {
  const std::string program = CodeBlock(ReadFile(BUNDLE_FORMAT_MD), "python");
  ASSERT_FALSE(program.empty());
  const std::filesystem::path dir = MakeTestDir();
  OverwriteFile(dir / "program.py", program);
  ASSERT_EQ(
      std::system(fmt::format("cd '{}' && {} program.py", dir.string(), PYTHON3)
                      .c_str()),
      0);
  const absl::Status verified = VerifyVersion(dir / "bundles" / "1");
  EXPECT_TRUE(verified.ok()) << verified;
}

}  // namespace
}  // namespace tributary
