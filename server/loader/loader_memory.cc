#include "server/loader/loader_memory.h"

#include <utility>

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
      followed_(Read(kFollowedName)),
      highest_(Read(kHighestName)) {}

bool LoaderMemory::MarkFollowed(uint64_t version) {
  if (std::exchange(followed_, version) == version) return false;
  Write(kFollowedName, version);
  return true;
}

void LoaderMemory::MarkActive(uint64_t version) {
  if (version == highest_ || (version < highest_ && !allow_older_)) return;
  highest_ = version;
  Write(kHighestName, version);
}

uint64_t LoaderMemory::Read(const char* name) const {
  const auto version = ReadVersionFile(bundles_ / name);
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
