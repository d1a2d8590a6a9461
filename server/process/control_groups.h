#ifndef TRIBUTARY_SERVER_PROCESS_CONTROL_GROUPS_H_
#define TRIBUTARY_SERVER_PROCESS_CONTROL_GROUPS_H_

#include <cstdint>
#include <filesystem>
#include <string_view>
#include <vector>

namespace tributary {

// A control group (cgroup) of this process that may set limits.
struct ControlGroup {
  std::filesystem::path dir;
  // 1 or 2: the names of its files differ.
  int version = 2;
};

// The groups of <root>/proc/self/cgroup that `controller`, e.g. "memory",
// belongs to, and their ancestors. In a container the mount's root is the group
// itself, although /proc shows the group's path on the host; so directories may
// not exist. `root` is for tests.
std::vector<ControlGroup> ControlGroupsOf(const std::filesystem::path& root,
                                          std::string_view controller);

// How many processors this process may use at a time, at least 1: those that it
// may run on (sched_setaffinity), limited by the quotas of its groups, rounded
// up. A container with half of a processor gets 1, whatever its host has.
uint32_t AvailableCpus(const std::filesystem::path& root = "/");

}  // namespace tributary

#endif  // TRIBUTARY_SERVER_PROCESS_CONTROL_GROUPS_H_
