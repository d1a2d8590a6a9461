#include "server/trial/enter_trial.h"

#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <fstream>

#include "server/trial/confine.h"

namespace tributary {
namespace {

constexpr int kLowestPriority = 19;
// A file is mapped twice: as a part of its bundle, and while it is hashed.
constexpr uint64_t kMappings = 2;
// A trial opens one file after the other.
constexpr uint64_t kMaxOpenFiles = 256;
// It writes to its pipes alone; sanitizers may write a report.
constexpr uint64_t kMaxWrittenBytes = 16 << 20;

// The present size of this process's address space, in bytes.
uint64_t AddressSpace() {
  uint64_t pages = 0;
  std::ifstream("/proc/self/statm") >> pages;
  return pages * static_cast<uint64_t>(::sysconf(_SC_PAGESIZE));
}

void Limit(__rlimit_resource resource, uint64_t soft, uint64_t hard) {
  const rlimit limit{soft, hard};
  if (::setrlimit(resource, &limit) == 0) return;
  // A lower limit is set already.
  if (errno != EPERM && errno != EINVAL) _exit(1);
}

}  // namespace

void EnterTrial(const v1::TrialRequest& request) {
  const uint64_t address_space = AddressSpace();
  DropRights(request.bundle());
  // A change of the user takes it back.
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  // The parent may have ended before the line above.
  if (::getppid() != request.parent()) _exit(1);
  const v1::Trial& trial = request.trial();
  const uint64_t memory = address_space + kMappings * request.files_bytes() +
                          trial.max_extra_bytes();
  Limit(RLIMIT_AS, memory, memory);
  // The first sends SIGXCPU, the second SIGKILL.
  Limit(RLIMIT_CPU, trial.max_cpu_seconds(), trial.max_cpu_seconds() + 1);
  // What takes over the process by a file of the version gains nothing: no
  // further rights by programs, few files, and none that is large.
  ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
  Limit(RLIMIT_NOFILE, kMaxOpenFiles, kMaxOpenFiles);
  Limit(RLIMIT_FSIZE, kMaxWrittenBytes, kMaxWrittenBytes);
  // A version that crashes the trial is expected: no core file.
  Limit(RLIMIT_CORE, 0, 0);
  static_cast<void>(::setpriority(PRIO_PROCESS, 0, kLowestPriority));
  // Sanitizers call what is forbidden when they report something.
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
  static_cast<void>(ForbidSystemCalls());
#endif
}

}  // namespace tributary
