// HTTP as bytes on a socket, for what no client library sends.
#ifndef TRIBUTARY_TESTS_SERVER_HTTP_RAW_CLIENT_H_
#define TRIBUTARY_TESTS_SERVER_HTTP_RAW_CLIENT_H_

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdint>
#include <string>
#include <string_view>

namespace tributary {

// A connection to 127.0.0.1.
class RawClient {
 public:
  // Without a receive buffer of that size, the kernel chooses it.
  explicit RawClient(int receive_buffer_bytes = 0)
      : fd_(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    if (receive_buffer_bytes == 0) return;
    setsockopt(fd_, SOL_SOCKET, SO_RCVBUF, &receive_buffer_bytes,
               sizeof(receive_buffer_bytes));
  }
  RawClient(RawClient&& other) noexcept
      : fd_(other.fd_), got_(std::move(other.got_)) {
    other.fd_ = -1;
  }
  RawClient(const RawClient&) = delete;
  ~RawClient() { Close(); }

  bool Connect(uint16_t port) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return connect(fd_, reinterpret_cast<sockaddr*>(&address),
                   sizeof(address)) == 0;
  }
  void Close() {
    if (fd_ >= 0) close(fd_);
    fd_ = -1;
  }
  // Tells the server that nothing more comes.
  void EndSending() const { shutdown(fd_, SHUT_WR); }
  // False when the server has closed the connection.
  bool Send(std::string_view bytes) {
    while (!bytes.empty()) {
      const ssize_t sent = send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (sent < 0) return false;
      bytes.remove_prefix(static_cast<size_t>(sent));
    }
    return true;
  }
  // Whether there is something to read, or the connection is closed, within
  // the time.
  bool Readable(int timeout_ms) const {
    pollfd waited{fd_, POLLIN, 0};
    return poll(&waited, 1, timeout_ms) == 1;
  }
  // The next reply, with as much of a body as it announces (none for HEAD).
  // What there is, if the connection ends before.
  std::string Reply(bool is_head = false) {
    size_t end = std::string::npos;
    while ((end = got_.find("\r\n\r\n")) == std::string::npos) {
      if (!Receive()) return TakeAll();
    }
    size_t size = end + 4;
    const std::string_view head(got_.data(), end);
    const size_t length = head.find("Content-Length: ");
    if (length != std::string_view::npos && !is_head) {
      size += std::stoul(std::string(head.substr(length + 16)));
    }
    while (got_.size() < size) {
      if (!Receive()) return TakeAll();
    }
    std::string reply = got_.substr(0, size);
    got_.erase(0, size);
    return reply;
  }
  // Everything until the server closes the connection.
  std::string Rest() {
    while (Receive()) {
    }
    return TakeAll();
  }

 private:
  bool Receive() {
    std::array<char, 65536> part;
    const ssize_t size = recv(fd_, part.data(), part.size(), 0);
    if (size > 0) got_.append(part.data(), static_cast<size_t>(size));
    return size > 0;
  }
  std::string TakeAll() {
    std::string all;
    all.swap(got_);
    return all;
  }

  int fd_;
  std::string got_;
};

}  // namespace tributary

#endif  // TRIBUTARY_TESTS_SERVER_HTTP_RAW_CLIENT_H_
