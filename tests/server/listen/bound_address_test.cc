#include "server/listen/bound_address.h"

#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <string>

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
  const auto fd = (*std::move(bound)).Listen();
  ASSERT_TRUE(fd.ok()) << fd.status();
  EXPECT_EQ(Connect(port, false), 0);
  close(*fd);
}

TEST(BoundAddress, AnyAddressIsThatOfBothFamilies) {
  if (!HasIpv6()) GTEST_SKIP() << "this machine has no IPv6";
  for (const char* address : {"*:0", "[::]:0"}) {
    auto bound = BoundAddress::Bind("listen", address);
    ASSERT_TRUE(bound.ok()) << bound.status();
    const int port = PortOf(bound->address());
    EXPECT_EQ(bound->plain_address(), "[::]:" + std::to_string(port));
    const auto fd = (*std::move(bound)).Listen();
    ASSERT_TRUE(fd.ok()) << fd.status();
    EXPECT_EQ(Connect(port, false), 0) << address;
    EXPECT_EQ(Connect(port, true), 0) << address;
    close(*fd);
  }
}

TEST(BoundAddress, SaysWhichOfTheCausesItIs) {
  auto taken = BoundAddress::Bind("listen", "127.0.0.1:0");
  ASSERT_TRUE(taken.ok()) << taken.status();
  const std::string address = taken->address();
  const auto fd = (*std::move(taken)).Listen();
  ASSERT_TRUE(fd.ok()) << fd.status();
  const absl::Status in_use = BoundAddress::Bind("http", address).status();
  EXPECT_TRUE(absl::IsUnavailable(in_use)) << in_use;
  EXPECT_THAT(std::string(in_use.message()),
              AllOf(HasSubstr("http: cannot listen on " + address),
                    HasSubstr("another process listens"),
                    HasSubstr("Address already in use")));
  close(*fd);

  // A range for documentation, which no machine has.
  const absl::Status elsewhere =
      BoundAddress::Bind("http", "192.0.2.1:7700").status();
  EXPECT_TRUE(absl::IsInvalidArgument(elsewhere)) << elsewhere;
  EXPECT_THAT(std::string(elsewhere.message()),
              AllOf(HasSubstr("does not belong to this machine"),
                    testing::Not(HasSubstr("in use"))));
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
