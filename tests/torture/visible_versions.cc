#include "tests/torture/visible_versions.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "fmt/core.h"
#include "index/bundle/key_table.h"
#include "index/bundle/version_directory.h"
#include "index/verify/verify_version.h"

namespace tributary {
namespace {

namespace fs = std::filesystem;

// All entries with a version's name, whole or not.
std::set<uint64_t> VersionNames(const fs::path& root) {
  std::set<uint64_t> versions;
  for (const auto& entry : fs::directory_iterator(root)) {
    uint64_t version = 0;
    if (ParseDecimalKey(entry.path().filename().string(), &version)) {
      versions.insert(version);
    }
  }
  return versions;
}

}  // namespace

void ExpectWhole(const fs::path& root, const Expected& expected) {
  const std::set<uint64_t> names =
      fs::exists(root) ? VersionNames(root) : std::set<uint64_t>();
  for (const uint64_t version : names) {
    const fs::path dir = root / fmt::format("{}", version);
    const absl::Status verified = VerifyVersion(dir);
    // A loader may have removed it meanwhile; its name disappears at once.
    EXPECT_TRUE(verified.ok() || !fs::exists(dir)) << root << ": " << verified;
  }
  for (const uint64_t version : expected.versions) {
    EXPECT_TRUE(names.contains(version)) << root << " lost " << version;
  }
  const auto current = ReadCurrent(root);
  if (!current.ok()) {
    EXPECT_TRUE(absl::IsNotFound(current.status()) &&
                expected.current.contains(0))
        << current.status();
    return;
  }
  EXPECT_TRUE(expected.current.contains(*current)) << root << ": " << *current;
  EXPECT_TRUE(*current == 0 || names.contains(*current)) << root;
}

void ExpectNothingBeside(const fs::path& root,
                         const std::set<std::string>& others) {
  for (const auto& entry : fs::directory_iterator(root)) {
    const std::string name = entry.path().filename().string();
    uint64_t version = 0;
    EXPECT_TRUE(ParseDecimalKey(name, &version) || name == "CURRENT" ||
                others.contains(name))
        << entry.path() << " was left behind";
  }
}

void LinkTree(const fs::path& from, const fs::path& to) {
  fs::copy(from, to,
           fs::copy_options::recursive | fs::copy_options::create_hard_links);
}

}  // namespace tributary
