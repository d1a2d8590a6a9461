// What the interposed library and the test that started the program share.
#ifndef TRIBUTARY_TESTS_TORTURE_FAULT_RECORD_H_
#define TRIBUTARY_TESTS_TORTURE_FAULT_RECORD_H_

#include <cstdint>

namespace tributary {

// The settings of libfault_injection.so are environment variables; without
// TRIBUTARY_FAULT_RECORD it does nothing.
//
//   TRIBUTARY_FAULT_RECORD  a file of sizeof(FaultRecord) zeros, mapped by all
//                           processes that the program starts
//   TRIBUTARY_FAULT_UNDER   calls count whose file's path begins with this
//   TRIBUTARY_FAULT_CALLS   the classes that count, as "open,read": see
//                           fault_injection.cc
//   TRIBUTARY_FAULT_AT      the call that is hit, from 1; 0: none
//   TRIBUTARY_FAULT_TIMES   how many from there on; 0: all. Default: 1
//   TRIBUTARY_FAULT_DO      kill_before, kill_after, short, or the name of an
//                           errno: EIO, ENOSPC, EMFILE, ENOMEM, EINTR
//   TRIBUTARY_FAULT_LOG     a file to which each call that counts adds a line:
//                           its function, its path, and a second path
struct FaultRecord {
  uint32_t calls;
  uint32_t hits;
  // Of the first call that was hit; the path may be cut off.
  char function[32];
  char path[236];
  // Of a rename or a link.
  char other_path[236];
};

}  // namespace tributary

#endif  // TRIBUTARY_TESTS_TORTURE_FAULT_RECORD_H_
