// A client's socket for targets that send their input to a server.
#ifndef TRIBUTARY_TESTS_FUZZ_FUZZ_SOCKET_H_
#define TRIBUTARY_TESTS_FUZZ_FUZZ_SOCKET_H_

#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdint>
#include <string>
#include <string_view>

namespace tributary {

// Connects to 127.0.0.1 at the port of `address`, sends the bytes and the end
// of them, and returns what the server sends until it closes the connection, or
// is silent for `patience_ms`. Empty without a connection.
inline std::string Exchange(const std::string& address, std::string_view bytes,
                            int patience_ms) {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in to{};
  to.sin_family = AF_INET;
  to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  to.sin_port = htons(
      static_cast<uint16_t>(std::stoi(address.substr(address.rfind(':') + 1))));
  // A reset at the end leaves no connection in TIME_WAIT: ports would run out.
  const linger reset = {1, 0};
  setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
  std::string reply;
  if (connect(fd, reinterpret_cast<const sockaddr*>(&to), sizeof(to)) == 0) {
    while (!bytes.empty()) {
      const ssize_t sent = send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (sent <= 0) break;
      bytes.remove_prefix(static_cast<size_t>(sent));
    }
    shutdown(fd, SHUT_WR);
    char part[4096];
    ssize_t size = 0;
    for (pollfd ready = {fd, POLLIN, 0};
         poll(&ready, 1, patience_ms) == 1 &&
         (size = recv(fd, part, sizeof(part), 0)) > 0;) {
      reply.append(part, static_cast<size_t>(size));
    }
  }
  close(fd);
  return reply;
}

}  // namespace tributary

#endif  // TRIBUTARY_TESTS_FUZZ_FUZZ_SOCKET_H_
