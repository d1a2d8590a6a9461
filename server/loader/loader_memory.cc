#include "server/loader/loader_memory.h"

#include <string>
#include <utility>

#include "fmt/format.h"
#include "index/bundle/version_file.h"
#include "spdlog/spdlog.h"

namespace tributary {
namespace {

constexpr char kFollowedName[] = ".loader.followed";
constexpr char kHighestName[] = ".loader.highest";

}  // namespace

LoaderMemory::LoaderMemory(std::filesystem::path bundles, bool allow_older)
    : bundles_(std::move(bundles)),
      allow_older_(allow_older),
      followed_(ReadFollowed()) {
  Highest().IgnoreError();
}

bool LoaderMemory::MarkFollowed(uint64_t version) {
  if (std::exchange(followed_, version) == version) return false;
  Write(kFollowedName, version);
  return true;
}

absl::StatusOr<uint64_t> LoaderMemory::Highest() {
  if (highest_.has_value()) return *highest_;
  const std::filesystem::path path = bundles_ / kHighestName;
  const auto version = ReadVersionFile(path);
  if (version.ok()) return highest_.emplace(*version);
  return absl::FailedPreconditionError(fmt::format(
      "the highest version that was active is not known, and an older one must "
      "not come back: {}; repair {}, or write that version's number into it",
      std::string(version.status().message()), path.native()));
}

void LoaderMemory::MarkActive(uint64_t version) {
  if (!highest_.has_value()) return;
  if (version == highest_ || (version < *highest_ && !allow_older_)) return;
  highest_ = version;
  Write(kHighestName, version);
}

uint64_t LoaderMemory::ReadFollowed() const {
  const auto version = ReadVersionFile(bundles_ / kFollowedName);
  if (version.ok()) return *version;
  spdlog::warn("event=loader_state_read_failed reason={:?}",
               version.status().ToString());
  return 0;
}

void LoaderMemory::Write(const char* name, uint64_t version) const {
  const absl::Status written = WriteVersionFile(bundles_ / name, version);
  if (written.ok()) return;
  spdlog::warn("event=loader_state_write_failed version={} reason={:?}",
               version, written.ToString());
}

}  // namespace tributary
