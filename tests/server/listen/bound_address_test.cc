#include "server/listen/bound_address.h"

#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <string>
#include <vector>

#include "tests/index/bundle/tiny_bundle.h"

namespace tributary {
namespace {

using testing::AllOf;
using testing::HasSubstr;

int PortOf(const std::string& address) {
  return std::stoi(address.substr(address.rfind(':') + 1));
}

// 0, or the errno of connecting to 127.0.0.1 or ::1.
int Connect(int port, bool ipv6) {
  const int fd = socket(ipv6 ? AF_INET6 : AF_INET, SOCK_STREAM, 0);
  if (fd < 0) return errno;
  sockaddr_in6 v6{};
  v6.sin6_family = AF_INET6;
  v6.sin6_addr = in6addr_loopback;
  v6.sin6_port = htons(static_cast<uint16_t>(port));
  sockaddr_in v4{};
  v4.sin_family = AF_INET;
  v4.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  v4.sin_port = v6.sin6_port;
  const int result =
      ipv6 ? connect(fd, reinterpret_cast<sockaddr*>(&v6), sizeof(v6))
           : connect(fd, reinterpret_cast<sockaddr*>(&v4), sizeof(v4));
  const int error = result == 0 ? 0 : errno;
  close(fd);
  return error;
}

// A connection to 127.0.0.1.
int ConnectedTo(int port) {
  const int fd = socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(static_cast<uint16_t>(port));
  EXPECT_EQ(connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof(address)),
            0);
  return fd;
}

void Close(const std::vector<int>& fds) {
  for (const int fd : fds) close(fd);
}

bool HasIpv6() {
  const int fd = socket(AF_INET6, SOCK_STREAM, 0);
  sockaddr_in6 address{};
  address.sin6_family = AF_INET6;
  address.sin6_addr = in6addr_loopback;
  const bool has = fd >= 0 && bind(fd, reinterpret_cast<sockaddr*>(&address),
                                   sizeof(address)) == 0;
  if (fd >= 0) close(fd);
  return has;
}

TEST(BoundAddress, NobodyCanConnectBeforeItListens) {
  auto bound = BoundAddress::Bind("http", "127.0.0.1:0");
  ASSERT_TRUE(bound.ok()) << bound.status();
  const int port = PortOf(bound->address());
  EXPECT_GT(port, 0);
  EXPECT_EQ(Connect(port, false), ECONNREFUSED);
  const auto fds = (*std::move(bound)).ListenAll();
  ASSERT_TRUE(fds.ok()) << fds.status();
  EXPECT_EQ(Connect(port, false), 0);
  Close(*fds);
}

TEST(BoundAddress, AnyAddressIsThatOfBothFamilies) {
  if (!HasIpv6()) GTEST_SKIP() << "this machine has no IPv6";
  for (const char* address : {"*:0", "[::]:0"}) {
    auto bound = BoundAddress::Bind("listen", address);
    ASSERT_TRUE(bound.ok()) << bound.status();
    const int port = PortOf(bound->address());
    const auto fds = (*std::move(bound)).ListenAll();
    ASSERT_TRUE(fds.ok()) << fds.status();
    EXPECT_EQ(Connect(port, false), 0) << address;
    EXPECT_EQ(Connect(port, true), 0) << address;
    Close(*fds);
  }
}

TEST(BoundAddress, SaysWhichOfTheCausesItIs) {
  auto taken = BoundAddress::Bind("listen", "127.0.0.1:0");
  ASSERT_TRUE(taken.ok()) << taken.status();
  const std::string address = taken->address();
  const auto fds = (*std::move(taken)).ListenAll();
  ASSERT_TRUE(fds.ok()) << fds.status();
  const absl::Status in_use = BoundAddress::Bind("http", address).status();
  EXPECT_TRUE(absl::IsUnavailable(in_use)) << in_use;
  EXPECT_THAT(std::string(in_use.message()),
              AllOf(HasSubstr("http: cannot listen on " + address),
                    HasSubstr("another process listens"),
                    HasSubstr("Address already in use")));
  Close(*fds);

  // A range for documentation, which no machine has.
  const absl::Status elsewhere =
      BoundAddress::Bind("http", "192.0.2.1:7700").status();
  EXPECT_TRUE(absl::IsInvalidArgument(elsewhere)) << elsewhere;
  EXPECT_THAT(std::string(elsewhere.message()),
              AllOf(HasSubstr("does not belong to this machine"),
                    testing::Not(HasSubstr("in use"))));
}

// Two programs may load for minutes before they listen.
TEST(BoundAddress, TheSecondToBindFailsAtOnceThoughNobodyListens) {
  const auto first = BoundAddress::Bind("listen", "127.0.0.1:0");
  ASSERT_TRUE(first.ok()) << first.status();
  const absl::Status second =
      BoundAddress::Bind("listen", first->address()).status();
  EXPECT_TRUE(absl::IsUnavailable(second)) << second;
  EXPECT_THAT(std::string(second.message()),
              HasSubstr("another process listens on it, or is about to"));
}

// The side that closes a connection first remembers it for a minute. The
// second round shows that this holds after a bind that had to look past such
// connections.
TEST(BoundAddress, ConnectionsThatEndAreNotInTheWayOfTheNext) {
  std::string address = "127.0.0.1:0";
  for (int round = 0; round < 3; ++round) {
    auto bound = BoundAddress::Bind("listen", address);
    ASSERT_TRUE(bound.ok()) << bound.status() << " in round " << round;
    address = bound->address();
    EXPECT_TRUE(
        absl::IsUnavailable(BoundAddress::Bind("listen", address).status()))
        << "in round " << round;
    const auto fds = (*std::move(bound)).ListenAll();
    ASSERT_TRUE(fds.ok()) << fds.status();
    const int client = ConnectedTo(PortOf(address));
    pollfd waiting{fds->front(), POLLIN, 0};
    ASSERT_EQ(poll(&waiting, 1, 5000), 1);
    const int accepted = accept(fds->front(), nullptr, nullptr);
    ASSERT_GE(accepted, 0);
    close(accepted);
    // Waits for the end that the other side has sent.
    char byte = 0;
    EXPECT_EQ(recv(client, &byte, 1, 0), 0);
    close(client);
    Close(*fds);
  }
}

TEST(BoundAddress, RefusesWhatIsNoAddress) {
  for (const char* address :
       {"", "7700", "localhost", "localhost:", ":7700", "::1:7700",
        "127.0.0.1:65536", "127.0.0.1:-1", "127.0.0.1:http", "[::1]",
        "no.such.host.invalid:7700"}) {
    const absl::Status status = BoundAddress::Bind("listen", address).status();
    EXPECT_TRUE(absl::IsInvalidArgument(status)) << address << " " << status;
    EXPECT_THAT(std::string(status.message()), HasSubstr("listen: "));
  }
}

TEST(BoundAddress, TriesAUnixSocketOutAndLeavesNothing) {
  const std::filesystem::path dir = MakeTestDir();
  const auto bound =
      BoundAddress::Bind("control", "unix:" + (dir / "socket").string());
  ASSERT_TRUE(bound.ok()) << bound.status();
  EXPECT_EQ(bound->unix_path(), dir / "socket");
  EXPECT_FALSE(std::filesystem::exists(dir / "socket"));
  EXPECT_TRUE(absl::IsNotFound(
      BoundAddress::Bind("control", "unix:/no/such/directory/s").status()));
}

}  // namespace
}  // namespace tributary
