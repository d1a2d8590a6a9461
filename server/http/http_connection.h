// The parts of HttpLoop's state.
#ifndef TRIBUTARY_SERVER_HTTP_HTTP_CONNECTION_H_
#define TRIBUTARY_SERVER_HTTP_HTTP_CONNECTION_H_

#include <unistd.h>

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <list>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "server/http/http_message.h"
#include "server/http/http_tls.h"

struct MHD_Connection;

namespace tributary {

// A descriptor that is closed with it. -1: none.
class OwnedSocket {
 public:
  explicit OwnedSocket(int fd = -1) : fd_(fd) {}
  OwnedSocket(OwnedSocket&& other) noexcept
      : fd_(std::exchange(other.fd_, -1)) {}
  OwnedSocket& operator=(OwnedSocket&& other) noexcept {
    Close();
    fd_ = std::exchange(other.fd_, -1);
    return *this;
  }
  ~OwnedSocket() { Close(); }

  int fd() const { return fd_; }
  void Close() {
    if (fd_ >= 0) close(fd_);
    fd_ = -1;
  }

 private:
  int fd_;
};

// What an event of epoll is about.
struct Watched {
  enum class Kind { kListening, kMailbox, kDaemon, kConnection, kLingering };
  Kind kind;
};

// An open connection and its request.
struct HttpConnection : Watched {
  enum State {
    // A request is being sent, or is expected as the first.
    kReading,
    // Between two requests.
    kKept,
    // The reply is being made.
    kWorking,
    // The reply is being read.
    kWriting,
    kStates,
  };

  MHD_Connection* mhd = nullptr;
  int socket = -1;
  State state = kReading;
  std::chrono::steady_clock::time_point deadline;
  // Where it is in the list of its state.
  std::list<HttpConnection>::iterator at;
  // Whether the client sent anything of the request that is being read.
  bool began = false;
  bool peer_closed = false;
  // Whether the client may be sending what nobody reads any more.
  bool unread = false;
  bool timed_out = false;
  // Whether it is being closed for another connection.
  bool makes_room = false;
  size_t buffered_bytes = 0;
  // Null where nothing is encrypted.
  std::unique_ptr<TlsConnection> tls;

  // The request. Reset with each.
  bool has_head = false;
  bool uri_too_long = false;
  uint64_t number = 0;
  HttpRequest request;
  // request.request_id, which outlives the request here.
  std::string request_id;
  std::optional<HttpReply> reply;
  std::shared_ptr<std::atomic<bool>> cancelled;
};

// A socket that is closed once the client has closed it, too.
struct LingeringSocket : Watched {
  OwnedSocket socket;
  std::chrono::steady_clock::time_point deadline;
  size_t left_bytes = 0;
  std::list<LingeringSocket>::iterator at;
};

}  // namespace tributary

#endif  // TRIBUTARY_SERVER_HTTP_HTTP_CONNECTION_H_
