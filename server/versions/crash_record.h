#ifndef TRIBUTARY_SERVER_VERSIONS_CRASH_RECORD_H_
#define TRIBUTARY_SERVER_VERSIONS_CRASH_RECORD_H_

#include <cstdint>
#include <filesystem>
#include <set>
#include <string>
#include <string_view>

namespace tributary {

// The file <bundles>/.server.crashes: lines "crashed VERSION after SECONDS",
// appended while the process crashes (see MarkCrashes), and "refused VERSION".
inline constexpr char kCrashRecordName[] = ".server.crashes";

// Which versions a server must not open, because it crashed whenever they were
// active. A version that passed every check may still make a library crash, and
// a server that restarts with it would crash for ever.
struct CrashRecord {
  // So many crashes in a row, of one version, each sooner than so long after
  // the start, condemn the version.
  static constexpr int kCrashesToRefuse = 3;
  static constexpr uint64_t kSoonSeconds = 600;

  std::set<uint64_t> refused;
};

// Reads the lines; others are ignored, for a crashing process may write half of
// one.
CrashRecord ParseCrashRecord(std::string_view text);

// Reads <root>/.server.crashes. A version that its lines condemn is refused
// from then on: the file is replaced. A file that cannot be read or written is
// logged, and condemns nothing.
CrashRecord ReadCrashRecord(const std::filesystem::path& root);

// The server ended as it should: forgets the crashes before, and keeps what is
// refused.
void EndCrashRecord(const std::filesystem::path& root);

}  // namespace tributary

#endif  // TRIBUTARY_SERVER_VERSIONS_CRASH_RECORD_H_
