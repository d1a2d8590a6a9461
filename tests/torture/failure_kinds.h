#ifndef TRIBUTARY_TESTS_TORTURE_FAILURE_KINDS_H_
#define TRIBUTARY_TESTS_TORTURE_FAILURE_KINDS_H_

#include <cstdint>
#include <string_view>

namespace tributary {

// A way in which classes of system calls fail; see fault_record.h.
struct FailureKind {
  std::string_view calls;
  std::string_view action;
  // How many consecutive calls fail; 0: all later ones, as on a full disk.
  uint32_t times = 1;
};

inline constexpr FailureKind kFailureKinds[] = {
    {"open", "EIO"},
    {"open", "EMFILE"},
    {"create", "ENOSPC"},
    {"create", "EMFILE"},
    {"read", "EIO"},
    {"read", "EINTR"},
    {"read", "short"},
    {"write", "EIO"},
    {"write", "ENOSPC"},
    {"write", "EINTR"},
    {"write", "short"},
    {"sync", "EIO"},
    {"rename", "EIO"},
    {"rename,link", "ENOSPC"},
    {"mkdir,link,bind", "ENOSPC"},
    {"unlink", "EIO"},
    {"truncate", "EIO"},
    {"mmap", "ENOMEM"},
    {"lock", "EIO"},
    {"close", "EIO"},
    {"create,write,mkdir,rename,link,sync", "ENOSPC", 0},
};

}  // namespace tributary

#endif  // TRIBUTARY_TESTS_TORTURE_FAILURE_KINDS_H_
