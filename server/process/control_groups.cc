#include "server/process/control_groups.h"

#include <sched.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <optional>
#include <string>
#include <thread>

#include "fmt/format.h"

namespace tributary {
namespace {

namespace fs = std::filesystem;

// The processors' time that a group may use, in processors; nothing without a
// limit. Version 2 has "max 100000" or "150000 100000" in one file.
std::optional<double> CpuLimit(const ControlGroup& group) {
  double quota_us = -1;
  double period_us = 0;
  if (group.version == 2) {
    std::ifstream(group.dir / "cpu.max") >> quota_us >> period_us;
  } else {
    std::ifstream(group.dir / "cpu.cfs_quota_us") >> quota_us;
    std::ifstream(group.dir / "cpu.cfs_period_us") >> period_us;
  }
  if (!(quota_us > 0 && period_us > 0)) return std::nullopt;
  return quota_us / period_us;
}

}  // namespace

std::vector<ControlGroup> ControlGroupsOf(const fs::path& root,
                                          std::string_view controller) {
  std::vector<ControlGroup> groups;
  std::ifstream lines(root / "proc/self/cgroup");
  // "number:controllers:path"; version 2 has no controllers there.
  for (std::string line; std::getline(lines, line);) {
    const size_t first = line.find(':');
    const size_t second = line.find(':', first + 1);
    if (first == std::string::npos || second == std::string::npos) continue;
    const std::string names = line.substr(first + 1, second - first - 1);
    const bool version2 = names.empty();
    if (!version2 &&
        fmt::format(",{},", names).find(fmt::format(",{},", controller)) ==
            std::string::npos) {
      continue;
    }
    const fs::path mount =
        version2 ? root / "sys/fs/cgroup" : root / "sys/fs/cgroup" / controller;
    for (fs::path path = line.substr(second + 1);; path = path.parent_path()) {
      groups.push_back({mount / path.relative_path(), version2 ? 2 : 1});
      if (!path.has_relative_path()) break;
    }
  }
  return groups;
}

uint32_t AvailableCpus(const fs::path& root) {
  cpu_set_t may_use;
  CPU_ZERO(&may_use);
  double cpus = sched_getaffinity(0, sizeof(may_use), &may_use) == 0
                    ? CPU_COUNT(&may_use)
                    : std::thread::hardware_concurrency();
  for (const ControlGroup& group : ControlGroupsOf(root, "cpu")) {
    cpus = std::min(cpus, CpuLimit(group).value_or(cpus));
  }
  return static_cast<uint32_t>(std::max(1.0, std::ceil(cpus)));
}

}  // namespace tributary
