#include "server/listen/accept_loop.h"

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <filesystem>
#include <future>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "sync/mutex.h"
#include "tests/index/bundle/tiny_bundle.h"
#include "tests/server/rpc/raw_http2.h"

namespace tributary {
namespace {

// The connections that a loop has given away.
class Connections {
 public:
  ~Connections() {
    for (const int fd : fds_) close(fd);
  }
  void Add(int fd) {
    const MutexLock lock(&mutex_);
    fds_.push_back(fd);
    changed_.NotifyAll();
  }
  void WaitFor(size_t count) {
    MutexLock lock(&mutex_);
    while (fds_.size() < count) changed_.Wait(&mutex_);
  }
  size_t count() {
    const MutexLock lock(&mutex_);
    return fds_.size();
  }
  void CloseFirst() {
    const MutexLock lock(&mutex_);
    close(fds_.front());
    // The descriptor stays in fds_ as a number that another file may take.
    fds_.front() = -1;
  }

 private:
  Mutex mutex_;
  CondVar changed_;
  std::vector<int> fds_ ABSL_GUARDED_BY(mutex_);
};

std::unique_ptr<AcceptLoop> StartAt(const std::string& address,
                                    size_t max_connections,
                                    Connections* connections) {
  auto bound = BoundAddress::Bind("listen", address);
  EXPECT_TRUE(bound.ok()) << bound.status();
  auto loop =
      AcceptLoop::Start(*std::move(bound), max_connections,
                        [connections](int fd) { connections->Add(fd); });
  EXPECT_TRUE(loop.ok()) << loop.status();
  return *std::move(loop);
}

TEST(AcceptLoop, GivesConnectionsAwayThatDoNotBlock) {
  Connections connections;
  const auto loop = StartAt("127.0.0.1:0", 8, &connections);
  const int client = ConnectTo(loop->address());
  ASSERT_GE(client, 0);
  connections.WaitFor(1);
  close(client);
}

TEST(AcceptLoop, HoldsAtMostSoManyConnections) {
  Connections connections;
  const auto loop = StartAt("127.0.0.1:0", 2, &connections);
  std::vector<int> clients;
  for (int i = 0; i < 3; ++i) {
    clients.push_back(ConnectTo(loop->address()));
    // The kernel completes the third one, which waits in the backlog.
    ASSERT_GE(clients.back(), 0);
  }
  connections.WaitFor(2);
  EXPECT_EQ(connections.count(), 2);
  connections.CloseFirst();
  connections.WaitFor(3);
  for (const int fd : clients) close(fd);
}

TEST(AcceptLoop, AcceptsAgainOnceThereAreDescriptors) {
  Connections connections;
  const auto loop = StartAt("127.0.0.1:0", 100, &connections);
  const int early = ConnectTo(loop->address());
  connections.WaitFor(1);
  rlimit before{};
  ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &before), 0);
  // The client's own descriptor, and no other one.
  const int client = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  std::vector<int> taken;
  rlimit low = before;
  low.rlim_cur = 64;
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &low), 0);
  for (int fd = dup(client); fd >= 0; fd = dup(client)) taken.push_back(fd);
  sockaddr_in to{};
  socklen_t size = sizeof(to);
  ASSERT_EQ(getpeername(early, reinterpret_cast<sockaddr*>(&to), &size), 0);
  ASSERT_EQ(connect(client, reinterpret_cast<sockaddr*>(&to), size), 0);
  EXPECT_EQ(connections.count(), 1);
  for (const int fd : taken) close(fd);
  connections.WaitFor(2);
  setrlimit(RLIMIT_NOFILE, &before);
  close(client);
  close(early);
}

TEST(AcceptLoop, RemovesItsUnixSocketWhenItStops) {
  const std::filesystem::path path = MakeTestDir() / "s";
  Connections connections;
  const auto loop = StartAt("unix:" + path.native(), 1, &connections);
  EXPECT_TRUE(std::filesystem::exists(path));
  loop->Stop();
  EXPECT_FALSE(std::filesystem::exists(path));
}

TEST(AcceptLoop, EndsConnectionsThatItsOwnerStillHas) {
  Connections connections;
  const auto loop = StartAt("127.0.0.1:0", 8, &connections);
  const int client = ConnectTo(loop->address());
  connections.WaitFor(1);
  loop->Stop();
  loop->Disconnect();
  char byte = 0;
  EXPECT_EQ(recv(client, &byte, 1, 0), 0);
  close(client);
}

TEST(OpenSockets, ForgetsASocketWhoseNumberAnotherFileHas) {
  OpenSockets open;
  int pair[2];
  ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
  open.Add(pair[0]);
  open.Add(pair[1]);
  open.Sweep();
  EXPECT_EQ(open.size(), 2);
  // The same number, another socket.
  int other[2];
  ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM, 0, other), 0);
  ASSERT_EQ(dup2(other[0], pair[0]), pair[0]);
  open.Sweep();
  EXPECT_EQ(open.size(), 1);
  close(pair[1]);
  open.Sweep();
  EXPECT_EQ(open.size(), 0);
  for (const int fd : {pair[0], other[0], other[1]}) close(fd);
}

}  // namespace
}  // namespace tributary
