// Real programs as child processes. This folder starts the programs that users
// start and talks to them as users do.
#ifndef TRIBUTARY_TESTS_INTEGRATION_PROCESS_H_
#define TRIBUTARY_TESTS_INTEGRATION_PROCESS_H_

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace tributary {

// The path of a program that this build made.
std::string Program(const std::string& name);

struct Outcome {
  int exit_status = -1;
  // stdout and stderr together.
  std::string output;
};

// Runs a program to its end.
Outcome RunProgram(const std::vector<std::string>& arguments);

// A program in the background, its output in a file. Killed when destroyed.
class Process {
 public:
  explicit Process(const std::vector<std::string>& arguments);
  ~Process();
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;

  pid_t pid() const { return pid_; }
  std::string Output() const;

  // Waits until the output has `text`, and returns the word that follows it
  // (up to a space, a quote or the end of the line). Empty when the program
  // ended or 60 s went by without it.
  std::optional<std::string> WaitFor(const std::string& text) const;

  void Signal(int signal) const;
  // Waits for the end; -1 when it was killed by a signal.
  int Wait();
  bool HasEnded() const;

  // Resident memory now.
  uint64_t ResidentBytes() const;

 private:
  std::filesystem::path output_file_;
  pid_t pid_ = -1;
  // Known once it was waited for.
  mutable std::optional<int> status_;
};

// Calls `done` every few milliseconds until it is true; false after 60 s. There
// is no other way to wait for what another program does.
bool WaitUntil(const std::function<bool()>& done);

}  // namespace tributary

#endif  // TRIBUTARY_TESTS_INTEGRATION_PROCESS_H_
