// Runs programs in which a chosen system call fails or kills the program.
#ifndef TRIBUTARY_TESTS_TORTURE_FAULT_H_
#define TRIBUTARY_TESTS_TORTURE_FAULT_H_

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "tests/torture/fault_record.h"

namespace tributary {

// Classes of system calls, for Fault::calls; fault_injection.cc defines them.
inline constexpr std::string_view kChanges =
    "create,write,sync,rename,link,unlink,mkdir,truncate,bind";
inline constexpr std::string_view kAllCalls =
    "create,write,sync,rename,link,unlink,mkdir,truncate,bind,"
    "open,read,mmap,lock,close";

// The fault to inject; fault_record.h describes the variables of the same
// names.
struct Fault {
  std::filesystem::path under = {};
  std::string_view calls = kChanges;
  // The number of the call to hit, from 1; 0: calls are only counted.
  uint32_t at = 0;
  std::string_view action = "kill_before";
  uint32_t times = 1;
  std::filesystem::path log = {};
};

// A command line that runs a program with a fault, and the record of the fault.
class FaultyCommand {
 public:
  FaultyCommand(const Fault& fault, std::vector<std::string> arguments);

  // The command line, for RunProgram and Process.
  const std::vector<std::string>& arguments() const { return arguments_; }

  // How many matching calls were made so far.
  uint32_t calls() const;
  // Whether the fault was injected.
  bool hit() const;
  // The first call that was hit: "rename /tmp/…/.CURRENT.new".
  std::string where() const;
  // Whether the text contains the name of a file of that call.
  bool IsNamedIn(const std::string& text) const;

 private:
  // Shared memory with the program.
  std::shared_ptr<FaultRecord> record_;
  std::vector<std::string> arguments_;
};

// Whether this is `make torture`, in which tests run all of their cases instead
// of a sample.
bool IsTorture();

// The cases to run, of 1 to `all`: all of them in torture, otherwise every
// `every`-th, at least one. `turn` shifts the sample, so that successive calls
// choose different cases.
std::vector<uint32_t> ChooseCases(uint32_t all, uint32_t every, uint32_t turn);

// Counts a fault. The program prints the counts when it ends ("counted: 1234
// kills of publish"), and `make torture` adds them up.
void CountFault(const std::string& kind);

}  // namespace tributary

#endif  // TRIBUTARY_TESTS_TORTURE_FAULT_H_
