// A trial's process that misbehaves in the way that the file `misbehave` beside
// the version names: of its environment it gets next to nothing.
#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <iostream>
#include <memory>
#include <string>
#include <string_view>
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

int Misbehave(const v1::TrialRequest& request) {
  std::string how;
  std::ifstream(Beside(request, "misbehave")) >> how;
  Say("at misbehaving\n");
  if (how == "hang") {
    // For tests that check whether the process still exists.
    std::ofstream(Beside(request, "pid")) << ::getpid() << std::endl;
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
  tributary::EnterTrial(request);
  return tributary::Misbehave(request);
}
