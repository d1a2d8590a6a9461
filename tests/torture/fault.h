// Starts programs so that a system call of theirs kills them or fails.
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

// Classes of calls, for Fault::calls; fault_injection.cc lists them.
inline constexpr std::string_view kChanges =
    "create,write,sync,rename,link,unlink,mkdir,truncate,bind";
inline constexpr std::string_view kAllCalls =
    "create,write,sync,rename,link,unlink,mkdir,truncate,bind,"
    "open,read,mmap,lock,close";

// What fault_record.h says of its variables.
struct Fault {
  std::filesystem::path under;
  std::string_view calls = kChanges;
  // 0: calls are counted, and that is all.
  uint32_t at = 0;
  std::string_view action = "kill_before";
  uint32_t times = 1;
  std::filesystem::path log = {};
};

// A program's arguments that inject a fault, and what came of it.
class FaultyCommand {
 public:
  FaultyCommand(const Fault& fault, std::vector<std::string> arguments);

  // For RunProgram and Process.
  const std::vector<std::string>& arguments() const { return arguments_; }

  // How many calls counted until now; true when one was hit.
  uint32_t calls() const;
  bool hit() const;
  // "rename /tmp/…/.CURRENT.new": the first call that was hit.
  std::string where() const;
  // True when the text names the file of that call, or the other one.
  bool IsNamedIn(const std::string& text) const;

 private:
  // Mapped by the program as well.
  std::shared_ptr<FaultRecord> record_;
  std::vector<std::string> arguments_;
};

// True in `make torture`: tests then do all of what they else do a part of.
bool IsTorture();

// Of `all` cases, every n-th where it is not torture, beginning with another
// one for each `turn`.
std::vector<uint32_t> ChooseCases(uint32_t all, uint32_t every, uint32_t turn);

// Adds to what is printed when the program ends, and by `make torture` as a
// whole: "counted: 1234 kills of publish".
void CountFault(const std::string& kind);

}  // namespace tributary

#endif  // TRIBUTARY_TESTS_TORTURE_FAULT_H_
