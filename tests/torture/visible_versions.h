#ifndef TRIBUTARY_TESTS_TORTURE_VISIBLE_VERSIONS_H_
#define TRIBUTARY_TESTS_TORTURE_VISIBLE_VERSIONS_H_

#include <cstdint>
#include <filesystem>
#include <set>
#include <string>

namespace tributary {

// What a directory of versions must be like, whatever was killed in it.
struct Expected {
  // None of these may be lost.
  std::set<uint64_t> versions;
  // CURRENT is one of these; 0: there is none.
  std::set<uint64_t> current;
};

// Expects that; and that every directory that has a version's name is a whole
// version, down to its searches, and that CURRENT's is one.
void ExpectWhole(const std::filesystem::path& root, const Expected& expected);

// The names in `root`, without those that are no version's, CURRENT's or one of
// `others`, which are expected not to be there.
void ExpectNothingBeside(const std::filesystem::path& root,
                         const std::set<std::string>& others = {});

// A copy of the directory whose files are links to the same files.
void LinkTree(const std::filesystem::path& from,
              const std::filesystem::path& to);

}  // namespace tributary

#endif  // TRIBUTARY_TESTS_TORTURE_VISIBLE_VERSIONS_H_
