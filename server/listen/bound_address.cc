#include "server/listen/bound_address.h"

#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <cstdint>
#include <cstring>
#include <memory>
#include <optional>

#include "fmt/format.h"
#include "server/listen/unix_socket.h"
#include "status/status_macros.h"

namespace tributary {
namespace {

constexpr std::string_view kUnixPrefix = "unix:";
// The kernel lowers it to net.core.somaxconn, by default 4096.
constexpr int kBacklog = 1024;

struct FreeAddresses {
  void operator()(addrinfo* list) const { freeaddrinfo(list); }
};
using Addresses = std::unique_ptr<addrinfo, FreeAddresses>;

struct HostAndPort {
  std::string host;
  uint16_t port = 0;
};

// "[::1]" is the host ::1. A host with colons needs the brackets.
std::optional<HostAndPort> Split(std::string_view address) {
  const size_t colon = address.rfind(':');
  if (colon == std::string_view::npos || colon == 0) return std::nullopt;
  std::string_view host = address.substr(0, colon);
  const std::string_view text = address.substr(colon + 1);
  HostAndPort split;
  const char* const end = text.data() + text.size();
  const auto [parsed_to, error] = std::from_chars(text.data(), end, split.port);
  if (error != std::errc() || parsed_to != end) return std::nullopt;
  if (host.size() > 2 && host.front() == '[' && host.back() == ']') {
    host = host.substr(1, host.size() - 2);
  } else if (host.find(':') != std::string_view::npos) {
    return std::nullopt;
  }
  split.host = host;
  return split;
}

bool IsAnyAddress(const std::string& host) {
  return host == "*" || host == "::";
}

absl::Status BindError(std::string_view field, std::string_view address,
                       int error) {
  const auto message = [&](std::string_view why) {
    return fmt::format("{}: cannot listen on {}: {} ({})", field, address, why,
                       std::strerror(error));
  };
  switch (error) {
    case EADDRINUSE:
      return absl::UnavailableError(message(
          "another process listens on it, or is about to; stop that one or "
          "choose another port"));
    case EADDRNOTAVAIL:
      return absl::InvalidArgumentError(
          message("the address does not belong to this machine"));
    case EACCES:
    case EPERM:
      return absl::PermissionDeniedError(
          message("this user may not listen on the port"));
    default:
      return absl::UnavailableError(message("the system refused it"));
  }
}

void SetReuse(int fd, bool reuse) {
  const int value = reuse ? 1 : 0;
  setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &value, sizeof(value));
}

// Binds the socket so that no other can be bound to the address, not even one
// that does not listen yet: sockets with SO_REUSEADDR tolerate each other until
// one of them listens, and a socket without it tolerates none. But such a
// socket cannot be bound while connections of an earlier process end, which
// takes a minute. So the option is on for that moment only, if at all.
bool BindAlone(int fd, const addrinfo& address) {
  if (bind(fd, address.ai_addr, address.ai_addrlen) == 0) return true;
  if (errno != EADDRINUSE) return false;
  SetReuse(fd, true);
  if (bind(fd, address.ai_addr, address.ai_addrlen) != 0) return false;
  SetReuse(fd, false);
  return true;
}

// The descriptor, or -1 with errno.
int OpenBound(const addrinfo& address, bool both_families) {
  const int fd =
      socket(address.ai_family, SOCK_STREAM | SOCK_CLOEXEC, IPPROTO_TCP);
  if (fd < 0) return -1;
  const int only_v6 = both_families ? 0 : 1;
  if (address.ai_family == AF_INET6) {
    setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &only_v6, sizeof(only_v6));
  }
  if (BindAlone(fd, address)) return fd;
  const int error = errno;
  close(fd);
  errno = error;
  return -1;
}

int PortOf(int fd) {
  sockaddr_storage bound{};
  socklen_t size = sizeof(bound);
  getsockname(fd, reinterpret_cast<sockaddr*>(&bound), &size);
  return ntohs(bound.ss_family == AF_INET6
                   ? reinterpret_cast<const sockaddr_in6*>(&bound)->sin6_port
                   : reinterpret_cast<const sockaddr_in*>(&bound)->sin_port);
}

absl::StatusOr<Addresses> Resolve(std::string_view field,
                                  const std::string& host,
                                  const std::string& port, int family) {
  addrinfo hints{};
  hints.ai_family = family;
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_PASSIVE | AI_NUMERICSERV;
  addrinfo* found = nullptr;
  const int error = getaddrinfo(host.c_str(), port.c_str(), &hints, &found);
  if (error == 0) return Addresses(found);
  return absl::InvalidArgumentError(fmt::format(
      "{}: the host \"{}\" is unknown: {}", field, host, gai_strerror(error)));
}

// Whether this machine lacks the address, or its family, as it may lack one of
// the addresses of a name.
bool IsMissing(int error) {
  return error == EADDRNOTAVAIL || error == EAFNOSUPPORT;
}

}  // namespace

absl::StatusOr<BoundAddress> BoundAddress::Bind(std::string_view field,
                                                std::string_view address) {
  BoundAddress bound(field, address);
  if (address.starts_with(kUnixPrefix)) {
    bound.unix_path_ = address.substr(kUnixPrefix.size());
    RETURN_IF_ERROR(PrepareUnixSocket(field, bound.unix_path_));
    return bound;
  }
  const std::optional<HostAndPort> wanted = Split(address);
  if (!wanted.has_value()) {
    return absl::InvalidArgumentError(fmt::format(
        "{}: expected host:port, with a port from 0 to 65535, found \"{}\"; "
        "an IPv6 address is written in brackets: [::1]:7700",
        field, address));
  }
  bound.host_ = wanted->host;
  RETURN_IF_ERROR(bound.BindAll(wanted->host, fmt::to_string(wanted->port)));
  bound.address_ =
      fmt::format("{}:{}", address.substr(0, address.rfind(':')), bound.port_);
  return bound;
}

absl::Status BoundAddress::BindAll(const std::string& host,
                                   const std::string& port) {
  const bool any = IsAnyAddress(host);
  ASSIGN_OR_RETURN(Addresses addresses, Resolve(field_, any ? "::" : host, port,
                                                any ? AF_INET6 : AF_UNSPEC));
  int error = 0;
  for (const addrinfo* at = addresses.get(); at != nullptr; at = at->ai_next) {
    // All addresses of a name have the same port.
    if (port_ != 0) {
      (at->ai_family == AF_INET6
           ? reinterpret_cast<sockaddr_in6*>(at->ai_addr)->sin6_port
           : reinterpret_cast<sockaddr_in*>(at->ai_addr)->sin_port) =
          htons(static_cast<uint16_t>(port_));
    }
    const int fd = OpenBound(*at, any);
    if (fd >= 0) {
      sockets_.push_back(fd);
      port_ = PortOf(fd);
    } else if (error = errno; !IsMissing(error)) {
      return BindError(field_, address_, error);
    }
  }
  if (!sockets_.empty()) return absl::OkStatus();
  // A machine without IPv6.
  if (any && error == EAFNOSUPPORT) return BindAll("0.0.0.0", port);
  return BindError(field_, address_, error);
}

BoundAddress::~BoundAddress() {
  for (const int fd : sockets_) close(fd);
}

absl::StatusOr<std::vector<int>> BoundAddress::ListenAll() && {
  if (!unix_path_.empty()) {
    ASSIGN_OR_RETURN(const int fd, BindUnixSocket(field_, unix_path_));
    sockets_.push_back(fd);
  }
  for (const int fd : sockets_) {
    // Connections inherit it; those that end must not keep the next process
    // from binding.
    SetReuse(fd, true);
    if (listen(fd, kBacklog) != 0) return BindError(field_, address_, errno);
    fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
  }
  return std::exchange(sockets_, {});
}

}  // namespace tributary
