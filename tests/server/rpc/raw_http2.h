// HTTP/2 by hand, for clients that gRPC's own library would never be.
#ifndef TRIBUTARY_TESTS_SERVER_RPC_RAW_HTTP2_H_
#define TRIBUTARY_TESTS_SERVER_RPC_RAW_HTTP2_H_

#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "gtest/gtest.h"

namespace tributary {

// A connection to "127.0.0.1:port"; -1 if there is none. The caller closes it.
inline int ConnectTo(const std::string& address) {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in to{};
  to.sin_family = AF_INET;
  to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  to.sin_port = htons(
      static_cast<uint16_t>(std::stoi(address.substr(address.rfind(':') + 1))));
  if (fd >= 0 &&
      connect(fd, reinterpret_cast<const sockaddr*>(&to), sizeof(to)) == 0) {
    return fd;
  }
  if (fd >= 0) close(fd);
  return -1;
}

struct Http2Frame {
  uint8_t type = 0;
  uint8_t flags = 0;
  uint32_t stream = 0;
  std::string payload;
};

inline constexpr uint8_t kDataFrame = 0;
inline constexpr uint8_t kHeadersFrame = 1;
inline constexpr uint8_t kRstStreamFrame = 3;
inline constexpr uint8_t kSettingsFrame = 4;
inline constexpr uint8_t kPingFrame = 6;
inline constexpr uint8_t kContinuationFrame = 9;
inline constexpr uint8_t kEndStream = 1;
inline constexpr uint8_t kEndHeaders = 4;

inline std::string FrameBytes(uint8_t type, uint8_t flags, uint32_t stream,
                              std::string_view payload) {
  std::string bytes;
  for (const int shift : {16, 8, 0}) {
    bytes += static_cast<char>(payload.size() >> shift);
  }
  bytes += static_cast<char>(type);
  bytes += static_cast<char>(flags);
  for (const int shift : {24, 16, 8, 0}) {
    bytes += static_cast<char>(stream >> shift);
  }
  return bytes += payload;
}

// A client's end of a connection.
class RawHttp2 {
 public:
  // Offers the window for what the server sends on a stream.
  explicit RawHttp2(const std::string& address, uint32_t initial_window = 65535)
      : fd_(ConnectTo(address)) {
    std::string settings = {'\0', '\4'};
    for (const int shift : {24, 16, 8, 0}) {
      settings += static_cast<char>(initial_window >> shift);
    }
    Send("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" +
         FrameBytes(kSettingsFrame, 0, 0, settings));
  }
  RawHttp2(RawHttp2&& other) noexcept
      : fd_(std::exchange(other.fd_, -1)), next_(other.next_) {}
  ~RawHttp2() {
    if (fd_ >= 0) close(fd_);
  }

  bool connected() const { return fd_ >= 0; }

  // How long Send waits for a server that takes nothing; by default for ever.
  void SetSendTimeout(std::chrono::milliseconds timeout) {
    const timeval time = {timeout.count() / 1000,
                          timeout.count() % 1000 * 1000};
    setsockopt(fd_, SOL_SOCKET, SO_SNDTIMEO, &time, sizeof(time));
  }

  // Forgets what the server has sent; does not wait. False when the server has
  // closed the connection.
  bool Discard() {
    char bytes[65536];
    ssize_t size = 0;
    while ((size = recv(fd_, bytes, sizeof(bytes), MSG_DONTWAIT)) > 0) {
    }
    return size < 0 && errno == EAGAIN;
  }

  // False when the server has closed the connection, or the time is over.
  bool Send(std::string_view bytes) {
    while (!bytes.empty()) {
      const ssize_t sent = send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (sent <= 0) return false;
      bytes.remove_prefix(static_cast<size_t>(sent));
    }
    return true;
  }

  // The frames of a call, without sending them. `message` is a protobuf
  // message; without one the call is left open.
  std::string CallBytes(const std::string& method,
                        std::optional<std::string> message) {
    const uint32_t stream = next_;
    next_ += 2;
    std::string bytes =
        FrameBytes(kHeadersFrame, kEndHeaders, stream, Headers(method));
    if (!message.has_value()) return bytes;
    std::string data(1, '\0');
    for (const int shift : {24, 16, 8, 0}) {
      data += static_cast<char>(message->size() >> shift);
    }
    return bytes + FrameBytes(kDataFrame, kEndStream, stream, data + *message);
  }
  uint32_t last_stream() const { return next_ - 2; }

  static std::string ResetBytes(uint32_t stream) {
    return FrameBytes(kRstStreamFrame, 0, stream,
                      std::string_view("\0\0\0\x08", 4));  // CANCEL
  }

  // The next frame; nothing after the timeout, or when the server has closed
  // the connection.
  std::optional<Http2Frame> Read(
      std::chrono::milliseconds timeout = std::chrono::seconds(60)) {
    while (buffer_.size() < 9 || buffer_.size() < 9 + Length()) {
      pollfd ready = {fd_, POLLIN, 0};
      if (poll(&ready, 1, static_cast<int>(timeout.count())) <= 0) {
        return std::nullopt;
      }
      char bytes[16384];
      const ssize_t size = recv(fd_, bytes, sizeof(bytes), 0);
      if (size <= 0) return std::nullopt;
      buffer_.append(bytes, static_cast<size_t>(size));
    }
    Http2Frame frame;
    const auto byte = [&](size_t i) {
      return static_cast<uint32_t>(static_cast<uint8_t>(buffer_[i]));
    };
    frame.type = static_cast<uint8_t>(byte(3));
    frame.flags = static_cast<uint8_t>(byte(4));
    frame.stream = byte(5) << 24 | byte(6) << 16 | byte(7) << 8 | byte(8);
    frame.payload = buffer_.substr(9, Length());
    buffer_.erase(0, 9 + frame.payload.size());
    return frame;
  }

  // Reads until a frame of this type; false if there is none.
  bool ReadUntil(uint8_t type) {
    while (const auto frame = Read()) {
      if (frame->type == type) return true;
    }
    return false;
  }

 private:
  size_t Length() const {
    size_t length = 0;
    for (size_t i = 0; i < 3; ++i) {
      length = length << 8 | static_cast<uint8_t>(buffer_[i]);
    }
    return length;
  }

  // Literals without indexing and without Huffman (RFC 7541, 6.2.2).
  static std::string Headers(const std::string& method) {
    std::string block;
    const std::pair<std::string, std::string> fields[] = {
        {":method", "POST"}, {":scheme", "http"},
        {":path", method},   {":authority", "test"},
        {"te", "trailers"},  {"content-type", "application/grpc"},
    };
    for (const auto& [name, value] : fields) {
      block += '\0';
      block += static_cast<char>(name.size());
      block += name;
      block += static_cast<char>(value.size());
      block += value;
    }
    return block;
  }

  int fd_;
  uint32_t next_ = 1;
  std::string buffer_;
};

inline constexpr char kRetrieveMethod[] = "/tributary.v1.Retrieval/Retrieve";

}  // namespace tributary

#endif  // TRIBUTARY_TESTS_SERVER_RPC_RAW_HTTP2_H_
