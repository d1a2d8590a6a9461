// SIGTERM before the server listens.

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <string>

#include "tests/index/bundle/tiny_bundle.h"
#include "tests/integration/deployment.h"

namespace tributary {
namespace {

TEST(EarlyStop, ASignalThatWaitsWhenTheServerStartsEndsItWithSuccess) {
  const std::filesystem::path root = MakeTestDir();
  WriteTinyBundle(root, 1);
  const std::string program = Program("tributary-server");
  const std::string bundles = root.native();
  const pid_t server = fork();
  if (server == 0) {
    // A signal that is blocked waits, also for the program that follows.
    sigset_t term;
    sigemptyset(&term);
    sigaddset(&term, SIGTERM);
    sigprocmask(SIG_BLOCK, &term, nullptr);
    raise(SIGTERM);
    execl(program.c_str(), program.c_str(), "--bundles", bundles.c_str(),
          "--listen", "127.0.0.1:0", "--http", "127.0.0.1:0", "--admin", "off",
          nullptr);
    _exit(127);
  }
  int status = 0;
  waitpid(server, &status, 0);
  EXPECT_EQ(status, 0);
}

}  // namespace
}  // namespace tributary
