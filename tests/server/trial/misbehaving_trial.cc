// A trial's process that misbehaves in the way that the file `misbehave` beside
// the version names: of its environment it gets next to nothing.
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <memory>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "google/protobuf/util/json_util.h"
#include "server/trial/child_process.h"
#include "server/trial/enter_trial.h"
#include "tests/server/trial/crashes_kill.h"

namespace tributary {
namespace {

void Say(std::string_view text) {
  if (::write(kAnswerDescriptor, text.data(), text.size()) < 0) _exit(1);
}

void Eat() {
  std::vector<std::unique_ptr<std::string>> eaten;
  while (true) eaten.push_back(std::make_unique<std::string>(1 << 24, 'x'));
}

// The file of this name beside the version.
std::filesystem::path Beside(const v1::TrialRequest& request,
                             std::string_view name) {
  return std::filesystem::path(request.bundle()).parent_path() / name;
}

// The exit status is the number of variables, and their names are said.
int TellEnvironment() {
  int count = 0;
  for (char** variable = environ; *variable != nullptr; ++variable) {
    const std::string_view text = *variable;
    std::cerr << text.substr(0, text.find('=')) << std::endl;
    ++count;
  }
  return count;
}

// The exit status is the number of limits that are not there.
int CountMissingLimits() {
  int missing = ::prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1 ? 0 : 1;
  for (const auto resource : {RLIMIT_NOFILE, RLIMIT_FSIZE, RLIMIT_CORE}) {
    rlimit limit{};
    ::getrlimit(resource, &limit);
    if (limit.rlim_max > (16 << 20)) ++missing;
  }
  return missing;
}

// The exit status is how many things it could do that a trial must not do.
int CountPossible() {
  int possible = 0;
  const auto count = [&possible](const char* what, bool can) {
    if (!can) return;
    std::cerr << "can " << what << std::endl;
    ++possible;
  };
  count("open a socket", ::socket(AF_INET, SOCK_STREAM, 0) >= 0);
  count("open a unix socket", ::socket(AF_UNIX, SOCK_STREAM, 0) >= 0);
  int pair[2];
  count("make a pair", ::socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0);
  count("trace", ::ptrace(PTRACE_TRACEME, 0, nullptr, nullptr) == 0);
  count("mount", ::mount("none", "/tmp", "tmpfs", 0, nullptr) == 0);
  count("leave its namespace", ::unshare(CLONE_NEWUSER) == 0);
  const pid_t forked = ::fork();
  if (forked == 0) ::_exit(0);
  count("fork", forked > 0);
  char program[] = "/bin/true";
  char* const arguments[] = {program, nullptr};
  ::execv(program, arguments);
  count("not start a program for another reason", errno != EPERM);
  count("be root again", ::setuid(0) == 0);
  // What a trial does need.
  bool ran = false;
  std::thread([&ran] { ran = true; }).join();
  count("start no thread", !ran);
  count("open no file", !std::ifstream("/proc/self/stat").good());
  return possible;
}

// Says the user, and the effective capabilities.
int TellRights() {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);) {
    if (line.starts_with("Uid:") || line.starts_with("Gid:") ||
        line.starts_with("Groups:") || line.starts_with("CapEff:")) {
      std::ranges::replace(line, '\t', ' ');
      std::cerr << line << ";";
    }
  }
  std::cerr << std::endl;
  return 7;
}

int Misbehave(const v1::TrialRequest& request) {
  std::string how;
  std::ifstream(Beside(request, "misbehave")) >> how;
  Say("at misbehaving\n");
  if (how == "hang") {
    while (true) ::pause();
  }
  volatile uint64_t spins = 0;
  while (how == "spin") spins = spins + 1;
  if (how == "eat") Eat();
  while (how == "flood") Say(std::string(65536, 'x'));
  if (how == "crash") ::raise(SIGSEGV);
  if (how == "killed") ::raise(SIGKILL);
  if (how == "environment") return TellEnvironment();
  if (how == "rights") return CountMissingLimits();
  if (how == "calls") return CountPossible();
  if (how == "user") return TellRights();
  if (how == "half") Say("done {\"gate\"");
  if (how == "garbage") Say("done no JSON\n");
  if (how == "descriptors") {
    // The exit status is the number of open descriptors.
    int open = 0;
    for (int fd = 0; fd < 1000; ++fd) open += ::fcntl(fd, F_GETFD) >= 0;
    return open;
  }
  return 3;
}

}  // namespace
}  // namespace tributary

int main(int argc, char** argv) {
  tributary::v1::TrialRequest request;
  if (argc != 3 ||
      !google::protobuf::util::JsonStringToMessage(argv[2], &request).ok()) {
    return 1;
  }
  // For tests that check whether the process still exists: a trial may not
  // write where its version is.
  std::ofstream(tributary::Beside(request, "pid")) << ::getpid() << std::endl;
  tributary::EnterTrial(request);
  return tributary::Misbehave(request);
}
