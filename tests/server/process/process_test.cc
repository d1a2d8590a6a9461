#include "server/process/process.h"

#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <functional>

#include "gtest/gtest.h"

namespace tributary {
namespace {

// The wait status of a process that runs `run`.
int StatusOf(const std::function<void()>& run) {
  const pid_t child = fork();
  if (child == 0) {
    run();
    _exit(7);
  }
  int status = 0;
  waitpid(child, &status, 0);
  return status;
}

TEST(StopSignals, ReceiveASignalThatCameBefore) {
  const int status = StatusOf([] {
    const StopSignals signals;
    if (signals.WaitFor(std::chrono::milliseconds(1))) _exit(1);
    raise(SIGTERM);
    signals.Wait();
    _exit(0);
  });
  EXPECT_EQ(status, 0);
}

TEST(StopSignals, ASecondSignalEndsTheProcess) {
  const int status = StatusOf([] {
    const StopSignals signals;
    raise(SIGTERM);
    signals.Wait();
    raise(SIGTERM);
  });
  EXPECT_TRUE(WIFSIGNALED(status));
}

TEST(StopsAtOnce, EndsTheProcessWithSuccess) {
  const int status = StatusOf([] {
    const StopSignals signals;
    const StopsAtOnce stops(&signals);
    kill(getpid(), SIGTERM);
    while (true) pause();
  });
  EXPECT_EQ(status, 0);
}

TEST(StopsAtOnce, LeavesLaterSignalsToOthers) {
  const int status = StatusOf([] {
    const StopSignals signals;
    { const StopsAtOnce stops(&signals); }
    raise(SIGTERM);
    signals.Wait();
    _exit(3);
  });
  EXPECT_EQ(WEXITSTATUS(status), 3);
}

}  // namespace
}  // namespace tributary
