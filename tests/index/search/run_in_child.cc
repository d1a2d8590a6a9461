#include "tests/index/search/run_in_child.h"

#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdint>
#include <fstream>

namespace tributary {
namespace {

// For searches without an end.
constexpr unsigned kSeconds = 120;
constexpr uint64_t kExtraBytes = uint64_t{512} << 20;

void LimitThisProcess() {
  ::alarm(kSeconds);
#ifndef __SANITIZE_ADDRESS__  // Which reserves terabytes.
  uint64_t pages = 0;
  std::ifstream("/proc/self/statm") >> pages;
  const uint64_t bytes =
      pages * static_cast<uint64_t>(::sysconf(_SC_PAGESIZE)) + kExtraBytes;
  const rlimit limit{bytes, bytes};
  ::setrlimit(RLIMIT_AS, &limit);
#endif
}

}  // namespace

std::string RunInChild(const std::function<void()>& run) {
  const pid_t child = ::fork();
  if (child < 0) return "no child could be made";
  if (child == 0) {
    LimitThisProcess();
    run();
    ::_exit(0);
  }
  int status = 0;
  if (::waitpid(child, &status, 0) != child) return "the child got lost";
  if (WIFSIGNALED(status)) {
    return "killed by signal " + std::to_string(WTERMSIG(status));
  }
  if (WEXITSTATUS(status) == 0) return "";
  return "exit status " + std::to_string(WEXITSTATUS(status));
}

}  // namespace tributary
