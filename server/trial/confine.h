#ifndef TRIBUTARY_SERVER_TRIAL_CONFINE_H_
#define TRIBUTARY_SERVER_TRIAL_CONFINE_H_

#include <filesystem>

namespace tributary {

// Takes from this process, if it is root's, the rights of root: it becomes a
// process of the version's owner, or of nobody (65534) where that is root, and
// keeps no capability but to read all files (CAP_DAC_READ_SEARCH), so that it
// reads what root has fetched. In a container without CAP_DAC_READ_SEARCH,
// CAP_KILL, CAP_SETUID and CAP_SETGID, or whose user namespace does not have
// that user, it stays root's process, without any capability: it may do with files what their owner may. Other processes are
// left as they are.
void DropRights(const std::filesystem::path& bundle);

// From now on, these system calls of this process fail with EPERM: those for
// sockets and other ways to reach processes (ptrace, process_vm_*, pidfd_*,
// shared memory and message queues); for starting programs and processes, but
// not threads; for namespaces, mounts, modules, keys, clocks and users; and
// io_uring, bpf, perf and userfaultfd. It is a filter of the kernel (seccomp),
// which nothing takes off again. Returns false where the kernel or the
// processor has none. REQUIRES: no_new_privs is set, or the process has
// CAP_SYS_ADMIN.
bool ForbidSystemCalls();

}  // namespace tributary

#endif  // TRIBUTARY_SERVER_TRIAL_CONFINE_H_
