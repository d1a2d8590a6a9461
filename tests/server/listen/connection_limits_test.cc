#include "server/listen/connection_limits.h"

#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "gtest/gtest.h"

namespace tributary {
namespace {

TEST(LimitConnections, GivesWhatIsWantedWhereItFits) {
  const ConnectionLimits wanted{4096, 4096, 64};
  EXPECT_EQ(LimitConnections(OpenFilesFor(wanted), wanted), wanted);
  EXPECT_NE(LimitConnections(OpenFilesFor(wanted) - 1, wanted), wanted);
}

TEST(LimitConnections, SharesALowLimitAndKeepsAReserve) {
  const ConnectionLimits wanted{4096, 4096, 64};
  EXPECT_EQ(LimitConnections(1024, wanted), (ConnectionLimits{416, 416, 64}));
  EXPECT_EQ(LimitConnections(256, wanted), (ConnectionLimits{84, 84, 24}));
  for (uint64_t files = 16; files < 10'000; ++files) {
    const ConnectionLimits limits = LimitConnections(files, wanted);
    EXPECT_LE(uint64_t{limits.listen} + limits.http + limits.admin,
              files - std::min<uint64_t>(kReservedOpenFiles, files / 4));
  }
}

TEST(LimitConnections, WhatOneDoesNotWantTheOtherGets) {
  EXPECT_EQ(LimitConnections(1024, {4096, 0, 0}),
            (ConnectionLimits{896, 0, 0}));
  EXPECT_EQ(LimitConnections(1024, {4096, 100, 0}),
            (ConnectionLimits{796, 100, 0}));
  EXPECT_EQ(LimitConnections(1024, {100, 4096, 0}),
            (ConnectionLimits{100, 796, 0}));
}

TEST(LimitConnections, EveryListenerThatIsThereGetsOne) {
  EXPECT_EQ(LimitConnections(0, {10, 10, 10}), (ConnectionLimits{1, 1, 1}));
}

TEST(RaiseOpenFiles, GoesUpToTheHardLimit) {
  const pid_t child = fork();
  if (child == 0) {
    const rlimit low{64, 200};
    bool right = setrlimit(RLIMIT_NOFILE, &low) == 0;
    right = right && RaiseOpenFiles(100) == 100;
    right = right && RaiseOpenFiles(50) == 100;
    right = right && RaiseOpenFiles(1000) == 200;
    _exit(right ? 0 : 1);
  }
  int status = 0;
  waitpid(child, &status, 0);
  EXPECT_EQ(status, 0);
}

}  // namespace
}  // namespace tributary
