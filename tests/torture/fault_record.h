// Memory that libfault_injection.so shares with the test that started the
// program.
#ifndef TRIBUTARY_TESTS_TORTURE_FAULT_RECORD_H_
#define TRIBUTARY_TESTS_TORTURE_FAULT_RECORD_H_

#include <cstdint>

namespace tributary {

// The settings of libfault_injection.so are environment variables; without
// TRIBUTARY_FAULT_RECORD it does nothing.
//
//   TRIBUTARY_FAULT_RECORD  a file of sizeof(FaultRecord) zeros, mapped by all
//                           processes that the program starts
//   TRIBUTARY_FAULT_UNDER   only calls on paths with this prefix match
//   TRIBUTARY_FAULT_CALLS   only calls of these classes match, as "open,read":
//                           see fault_injection.cc
//   TRIBUTARY_FAULT_AT      number of the matching call to hit, from 1; 0: none
//   TRIBUTARY_FAULT_TIMES   how many matching calls to hit from there on; 0:
//   all;
//                           default 1
//   TRIBUTARY_FAULT_DO      kill_before, kill_after, short, or the name of an
//                           errno: EIO, ENOSPC, EMFILE, ENOMEM, EINTR
//   TRIBUTARY_FAULT_LOG     a file to which each matching call adds a line: its
//                           function, its path, and a second path if it has one
struct FaultRecord {
  // Matching calls, and how many of them were hit.
  uint32_t calls;
  uint32_t hits;
  // The first call that was hit. Long paths are truncated.
  char function[32];
  char path[236];
  // The second path of a rename or a link.
  char other_path[236];
};

}  // namespace tributary

#endif  // TRIBUTARY_TESTS_TORTURE_FAULT_RECORD_H_
