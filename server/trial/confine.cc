#include "server/trial/confine.h"

#include <grp.h>
#include <linux/audit.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace tributary {
namespace {

#if defined(__x86_64__)
constexpr uint32_t kThisArchitecture = AUDIT_ARCH_X86_64;
#elif defined(__aarch64__)
constexpr uint32_t kThisArchitecture = AUDIT_ARCH_AARCH64;
#else
constexpr uint32_t kThisArchitecture = 0;
#endif
// Calls by the numbers of x32, another way to the same calls.
constexpr uint32_t kX32Bit = 0x40000000;

constexpr uint32_t kForbidden[] = {
    // Sockets.
    __NR_socket, __NR_socketpair, __NR_connect, __NR_bind, __NR_listen,
    __NR_accept, __NR_accept4, __NR_sendto, __NR_sendmsg, __NR_sendmmsg,
    // Other processes.
    __NR_ptrace, __NR_process_vm_readv, __NR_process_vm_writev, __NR_pidfd_open,
    __NR_pidfd_getfd, __NR_pidfd_send_signal, __NR_kcmp, __NR_shmget,
    __NR_msgget, __NR_semget, __NR_mq_open,
    // Programs, and what clone does not do.
    __NR_execve, __NR_execveat,
#ifdef __NR_fork
    __NR_fork, __NR_vfork,
#endif
    // Namespaces and mounts.
    __NR_unshare, __NR_setns, __NR_mount, __NR_umount2, __NR_pivot_root,
    __NR_chroot, __NR_open_tree, __NR_move_mount, __NR_fsopen, __NR_fsmount,
    __NR_fsconfig, __NR_fspick, __NR_open_by_handle_at, __NR_mknodat,
#ifdef __NR_mknod
    __NR_mknod,
#endif
    // The kernel and the machine.
    __NR_init_module, __NR_finit_module, __NR_delete_module, __NR_kexec_load,
#ifdef __NR_kexec_file_load
    __NR_kexec_file_load,
#endif
    __NR_reboot, __NR_swapon, __NR_swapoff, __NR_acct, __NR_quotactl,
    __NR_settimeofday, __NR_clock_settime, __NR_adjtimex, __NR_clock_adjtime,
    __NR_syslog, __NR_sethostname, __NR_setdomainname,
#ifdef __NR_iopl
    __NR_iopl, __NR_ioperm,
#endif
    // Keys and users.
    __NR_add_key, __NR_request_key, __NR_keyctl, __NR_setuid, __NR_setgid,
    __NR_setreuid, __NR_setregid, __NR_setresuid, __NR_setresgid,
    __NR_setgroups, __NR_setfsuid, __NR_setfsgid, __NR_capset,
    // Calls that run calls or programs within the kernel.
    __NR_io_uring_setup, __NR_io_uring_enter, __NR_io_uring_register, __NR_bpf,
    __NR_perf_event_open, __NR_userfaultfd};

constexpr uint32_t ErrnoAction(int error) {
  return SECCOMP_RET_ERRNO | (static_cast<uint32_t>(error) & SECCOMP_RET_DATA);
}

// Appends to a program of the kernel's filter machine (BPF).
class FilterProgram {
 public:
  void Load(size_t offset) {
    Add(BPF_LD | BPF_W | BPF_ABS, 0, 0, static_cast<uint32_t>(offset));
  }
  void Return(uint32_t action) { Add(BPF_RET | BPF_K, 0, 0, action); }
  // Returns `action` if what is loaded is `value`.
  void ReturnIf(uint32_t value, uint32_t action) {
    Add(BPF_JMP | BPF_JEQ | BPF_K, 0, 1, value);
    Return(action);
  }
  void ReturnUnless(uint32_t value, uint32_t action) {
    Add(BPF_JMP | BPF_JEQ | BPF_K, 1, 0, value);
    Return(action);
  }
  void ReturnIfAnyBit(uint32_t bits, uint32_t action) {
    Add(BPF_JMP | BPF_JSET | BPF_K, 0, 1, bits);
    Return(action);
  }
  // Skips the next `count` instructions unless what is loaded is `value`.
  void SkipUnless(uint32_t value, uint8_t count) {
    Add(BPF_JMP | BPF_JEQ | BPF_K, 0, count, value);
  }

  bool Install() {
    const sock_fprog program = {
        .len = static_cast<unsigned short>(code_.size()),
        .filter = code_.data()};
    // Of all threads.
    return syscall(__NR_seccomp, SECCOMP_SET_MODE_FILTER,
                   SECCOMP_FILTER_FLAG_TSYNC, &program) == 0;
  }

 private:
  void Add(int code, uint8_t jump_if, uint8_t jump_else, uint32_t k) {
    code_.push_back({static_cast<uint16_t>(code), jump_if, jump_else, k});
  }

  std::vector<sock_filter> code_;
};

// Nobody, on every Linux.
constexpr uid_t kNobody = 65534;

using Capabilities = __user_cap_data_struct[_LINUX_CAPABILITY_U32S_3];

__user_cap_header_struct OfThisProcess() {
  return {.version = _LINUX_CAPABILITY_VERSION_3, .pid = 0};
}

bool IsPermitted(const Capabilities& has, int capability) {
  return (has[CAP_TO_INDEX(capability)].permitted & CAP_TO_MASK(capability)) !=
         0;
}

// Leaves this process no capability, or this one only, which it has.
void KeepOnly(int capability, bool keep) {
  Capabilities left = {};
  if (keep) {
    auto& set = left[CAP_TO_INDEX(capability)];
    set.permitted = set.effective = CAP_TO_MASK(capability);
  }
  __user_cap_header_struct header = OfThisProcess();
  syscall(__NR_capset, &header, left);
}

}  // namespace

void DropRights(const std::filesystem::path& bundle) {
  if (geteuid() != 0) return;
  Capabilities has = {};
  __user_cap_header_struct header = OfThisProcess();
  syscall(__NR_capget, &header, has);
  // Without them the trial could not read the files of root, and its parent
  // could not end it.
  const bool may_change =
      IsPermitted(has, CAP_DAC_READ_SEARCH) && IsPermitted(has, CAP_KILL) &&
      IsPermitted(has, CAP_SETUID) && IsPermitted(has, CAP_SETGID);
  if (!may_change) return KeepOnly(CAP_DAC_READ_SEARCH, false);
  struct stat owner {};
  const bool others = stat(bundle.c_str(), &owner) == 0 && owner.st_uid != 0;
  const uid_t user = others ? owner.st_uid : kNobody;
  const gid_t group = others ? owner.st_gid : kNobody;
  prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0);
  // A user namespace, such as that of a container, may not have the user.
  const bool changed = setgroups(0, nullptr) == 0 &&
                       setresgid(group, group, group) == 0 &&
                       setresuid(user, user, user) == 0;
  KeepOnly(CAP_DAC_READ_SEARCH, changed);
}

bool ForbidSystemCalls() {
  if (kThisArchitecture == 0) return false;
  FilterProgram program;
  program.Load(offsetof(seccomp_data, arch));
  program.ReturnUnless(kThisArchitecture, ErrnoAction(EPERM));
  program.Load(offsetof(seccomp_data, nr));
  program.ReturnIfAnyBit(kX32Bit, ErrnoAction(EPERM));
  // Its flags are where a filter cannot see them; the C library then uses
  // clone.
  program.ReturnIf(__NR_clone3, ErrnoAction(ENOSYS));
  for (const uint32_t number : kForbidden) {
    program.ReturnIf(number, ErrnoAction(EPERM));
  }
  // Threads, but no processes.
  program.SkipUnless(__NR_clone, 4);
  program.Load(offsetof(seccomp_data, args));
  program.ReturnIfAnyBit(CLONE_THREAD, SECCOMP_RET_ALLOW);
  program.Return(ErrnoAction(EPERM));
  program.Return(SECCOMP_RET_ALLOW);
  return program.Install();
}

}  // namespace tributary
