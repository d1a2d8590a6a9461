#include "server/listen/connection_limits.h"

#include <sys/resource.h>

#include <algorithm>

namespace tributary {
namespace {

// What of `available` goes to a listener that wants `wanted`.
uint32_t ShareOf(uint64_t available, uint32_t wanted) {
  if (wanted == 0) return 0;
  return static_cast<uint32_t>(
      std::clamp<uint64_t>(available, 1, uint64_t{wanted}));
}

}  // namespace

uint64_t OpenFilesFor(const ConnectionLimits& wanted) {
  return uint64_t{wanted.listen} + wanted.http + wanted.admin +
         kReservedOpenFiles;
}

ConnectionLimits LimitConnections(uint64_t max_open_files,
                                  const ConnectionLimits& wanted) {
  if (max_open_files >= OpenFilesFor(wanted)) return wanted;
  const uint64_t available =
      max_open_files - std::min(kReservedOpenFiles, max_open_files / 4);
  ConnectionLimits limits;
  limits.admin = ShareOf(available / 8, wanted.admin);
  const uint64_t rest = available - std::min<uint64_t>(available, limits.admin);
  const uint64_t half = rest / 2;
  limits.listen =
      ShareOf(std::max(half, rest - std::min<uint64_t>(rest, wanted.http)),
              wanted.listen);
  limits.http =
      ShareOf(rest - std::min<uint64_t>(rest, limits.listen), wanted.http);
  return limits;
}

uint64_t RaiseOpenFiles(uint64_t files) {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return files;
  if (limit.rlim_cur >= files) return limit.rlim_cur;
  const rlim_t before = limit.rlim_cur;
  limit.rlim_cur = std::min<rlim_t>(files, limit.rlim_max);
  if (setrlimit(RLIMIT_NOFILE, &limit) != 0) return before;
  return limit.rlim_cur;
}

}  // namespace tributary
