#ifndef TRIBUTARY_TESTS_TORTURE_VISIBLE_VERSIONS_H_
#define TRIBUTARY_TESTS_TORTURE_VISIBLE_VERSIONS_H_

#include <cstdint>
#include <filesystem>
#include <set>
#include <string>

namespace tributary {

// What must hold in a directory of versions, even after programs were killed.
struct Expected {
  // These versions must exist.
  std::set<uint64_t> versions;
  // CURRENT must be one of these; 0 stands for a missing CURRENT.
  std::set<uint64_t> current;
};

// Expects `expected` to hold, every directory with a version's name to pass
// VerifyVersion, and CURRENT to name one of these.
void ExpectWhole(const std::filesystem::path& root, const Expected& expected);

// Expects `root` to contain only versions, CURRENT, and the names in `others`.
void ExpectNothingBeside(const std::filesystem::path& root,
                         const std::set<std::string>& others = {});

// Copies the directory; the copy's files are hard links to the same files.
void LinkTree(const std::filesystem::path& from,
              const std::filesystem::path& to);

}  // namespace tributary

#endif  // TRIBUTARY_TESTS_TORTURE_VISIBLE_VERSIONS_H_
