#include "tests/integration/process.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <fstream>
#include <string>
#include <system_error>
#include <thread>

#include "fmt/core.h"
#include "tests/index/bundle/tiny_bundle.h"

extern char** environ;

namespace tributary {
namespace {

constexpr auto kPatience = std::chrono::seconds(60);
constexpr auto kPollInterval = std::chrono::milliseconds(5);

pid_t Spawn(const std::vector<std::string>& arguments,
            const std::filesystem::path& output_file) {
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, output_file.c_str(),
                                   O_WRONLY | O_CREAT | O_APPEND, 0644);
  posix_spawn_file_actions_adddup2(&actions, STDOUT_FILENO, STDERR_FILENO);
  std::vector<char*> argv;
  for (const std::string& argument : arguments) {
    argv.push_back(const_cast<char*>(argument.c_str()));
  }
  argv.push_back(nullptr);
  pid_t pid = -1;
  const int error =
      ::posix_spawnp(&pid, argv[0], &actions, nullptr, argv.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  EXPECT_EQ(error, 0) << arguments[0] << ": " << strerror(error);
  return pid;
}

}  // namespace

std::string Program(const std::string& name) {
  return std::string(TRIBUTARY_BIN_DIR) + "/" + name;
}

Outcome RunProgram(const std::vector<std::string>& arguments) {
  Process process(arguments);
  const int exit_status = process.Wait();
  return {exit_status, process.Output()};
}

Process::Process(const std::vector<std::string>& arguments)
    : output_file_(MakeTestDir() / "output"),
      pid_(Spawn(arguments, output_file_)) {}

Process::~Process() {
  if (pid_ > 0 && !HasEnded()) {
    Signal(SIGKILL);
    Wait();
  }
  std::error_code ignored;
  std::filesystem::remove_all(output_file_.parent_path(), ignored);
}

std::string Process::Output() const { return ReadFile(output_file_); }

std::optional<std::string> Process::WaitFor(const std::string& text) const {
  std::optional<std::string> word;
  WaitUntil([&] {
    // Asked first: what a program wrote before it ended counts.
    const bool ended = HasEnded();
    const std::string output = Output();
    const size_t at = output.find(text);
    // The word is complete when something comes after it.
    const size_t begin = at + text.size();
    const size_t end = at == std::string::npos
                           ? std::string::npos
                           : output.find_first_of(" \"\n", begin);
    if (end != std::string::npos) word = output.substr(begin, end - begin);
    return word.has_value() || ended;
  });
  return word;
}

void Process::Signal(int signal) const { ::kill(pid_, signal); }

int Process::Wait() {
  if (!status_) {
    int status = 0;
    ::waitpid(pid_, &status, 0);
    status_ = status;
  }
  return WIFEXITED(*status_) ? WEXITSTATUS(*status_) : -1;
}

bool Process::HasEnded() const {
  int status = 0;
  if (!status_ && ::waitpid(pid_, &status, WNOHANG) == pid_) status_ = status;
  return status_.has_value();
}

uint64_t Process::ResidentBytes() const {
  std::ifstream statm(fmt::format("/proc/{}/statm", pid_));
  uint64_t total_pages = 0;
  uint64_t resident_pages = 0;
  statm >> total_pages >> resident_pages;
  return resident_pages * static_cast<uint64_t>(::sysconf(_SC_PAGESIZE));
}

bool WaitUntil(const std::function<bool()>& done) {
  const auto give_up = std::chrono::steady_clock::now() + kPatience;
  while (!done()) {
    if (std::chrono::steady_clock::now() > give_up) return false;
    std::this_thread::sleep_for(kPollInterval);
  }
  return true;
}

}  // namespace tributary
