#ifndef TRIBUTARY_SERVER_LISTEN_BOUND_ADDRESS_H_
#define TRIBUTARY_SERVER_LISTEN_BOUND_ADDRESS_H_

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"

namespace tributary {

// An address to listen on that this process has taken, so that a program finds
// out at once, and not after minutes of loading, that it cannot have it. All
// listeners of a program take theirs here: they understand the same addresses
// and fail with the same words.
//
// Nobody can connect yet: a client is refused as if no program were there, and
// tries again. Another program can no longer bind the address, even if it does
// so in this way.
//
// Movable; not thread-safe. The destructor closes the sockets.
class BoundAddress {
 public:
  // host:port, or unix:PATH. The port 0 takes any free one. The hosts "*" and
  // "[::]" are all addresses of this machine, of IPv6 and of IPv4; a name takes
  // all its addresses that this machine has. The socket of a unix address is
  // not taken, only tried out: the file is created by who listens. Errors begin
  // with `field`:
  //   INVALID_ARGUMENT    it is no address; the host is unknown, or not this
  //                       machine's
  //   UNAVAILABLE         another process listens on it, or has bound it
  //   PERMISSION_DENIED   this process may not listen on it
  // and for unix:PATH those of PrepareUnixSocket.
  static absl::StatusOr<BoundAddress> Bind(std::string_view field,
                                           std::string_view address);

  BoundAddress(BoundAddress&& other) noexcept
      : field_(std::move(other.field_)),
        address_(std::move(other.address_)),
        host_(std::move(other.host_)),
        port_(other.port_),
        unix_path_(std::move(other.unix_path_)),
        sockets_(std::exchange(other.sockets_, {})) {}
  BoundAddress& operator=(BoundAddress&&) = delete;
  ~BoundAddress();

  // As given, with the port that was taken.
  const std::string& address() const { return address_; }
  // The path of a unix: address; empty for others.
  const std::string& unix_path() const { return unix_path_; }

  // Listens on all that was bound, or creates the unix socket, with permissions
  // 0600, and listens on it. The caller closes the descriptors, which do not
  // block. UNAVAILABLE when another process has created the socket by now.
  absl::StatusOr<std::vector<int>> ListenAll() &&;

 private:
  BoundAddress(std::string_view field, std::string_view address)
      : field_(field), address_(address) {}

  absl::Status BindAll(const std::string& host, const std::string& port);

  std::string field_;
  std::string address_;
  std::string host_;
  int port_ = 0;
  std::string unix_path_;
  std::vector<int> sockets_;
};

}  // namespace tributary

#endif  // TRIBUTARY_SERVER_LISTEN_BOUND_ADDRESS_H_
