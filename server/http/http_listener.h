#ifndef TRIBUTARY_SERVER_HTTP_HTTP_LISTENER_H_
#define TRIBUTARY_SERVER_HTTP_HTTP_LISTENER_H_

#include <chrono>
#include <cstddef>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/status/statusor.h"
#include "server/http/http_message.h"
#include "sync/mutex.h"

namespace tributary {

class CertificateFiles;
class HttpLoop;
class Mailbox;

struct HttpListenerOptions {
  size_t max_connections = 64;
  size_t max_header_bytes = 16384;
  size_t max_request_bytes = 4 << 20;
  size_t max_buffered_bytes = 256 << 20;
  std::chrono::milliseconds read_timeout{5000};
  std::chrono::milliseconds keepalive{75000};
  std::chrono::milliseconds write_timeout{5000};
  // What clients are shown; null: nothing is encrypted. It outlives the
  // listener.
  const CertificateFiles* certificates = nullptr;
  // For messages and the log: "http" or "admin".
  std::string name = "http";
};

// HTTP/1.0 and 1.1 on listening sockets: one thread waits for all
// connections (epoll; GNU libmicrohttpd reads and writes). No request runs on
// it, so that no client and no request keeps another connection waiting.
//
// A connection that is open costs a descriptor and, once it has sent
// something, twice max_header_bytes of memory, besides the body that it is
// sending and the reply that it is sent:
//   max_connections   a further one takes the place of the one that has kept
//                     the server waiting longest for a request (closed; 503 if
//                     a part of it has come), and waits in the kernel's backlog
//                     while there is none; so do all while the process has no
//                     descriptors left
//   max_header_bytes  longer request lines and headers: 414 or 431
//   max_request_bytes longer bodies, declared or not: 413
//   max_buffered_bytes  bodies and replies on their way, over all connections:
//                     503 for what would be more
//   read_timeout      for a whole request, from the moment it begins (of the
//                     first one: from the connection), however it drips: 408
//   keepalive         between requests; 0 closes after each reply
//   write_timeout     for a whole reply; then the connection is reset
// A connection whose request was refused before it was read is closed after
// the reply, and what the client still sends is discarded for a moment, so
// that it finds the reply and not a reset connection.
//
// There are no ranges, no compression and no upgrades. Thread-safe.
class HttpListener {
 public:
  // Takes over `listening`, sockets that listen and do not block. `handler`
  // outlives this.
  // UNAVAILABLE when the system has no descriptors or threads left;
  // INVALID_ARGUMENT when GnuTLS does not take the certificates.
  static absl::StatusOr<std::unique_ptr<HttpListener>> Start(
      HttpListenerOptions options, const std::vector<int>& listening,
      HttpHandler* handler);
  // Shuts down at once.
  ~HttpListener();
  HttpListener(const HttpListener&) = delete;
  HttpListener& operator=(const HttpListener&) = delete;

  // Closes the listening sockets and the connections without a request; the
  // others close after their reply. Returns at once. Idempotent.
  void StartDrain();
  // StartDrain, and refuses requests that are not complete with 503; then waits
  // until all connections are closed, at most until the deadline; then answers
  // what is still waiting with 503 and closes everything, whatever clients do.
  // Idempotent.
  void Shutdown(std::chrono::steady_clock::time_point deadline);

 private:
  HttpListener(std::shared_ptr<Mailbox> mailbox,
               std::unique_ptr<HttpLoop> loop);

  const std::shared_ptr<Mailbox> mailbox_;
  const std::unique_ptr<HttpLoop> loop_;
  Mutex mutex_;
  std::thread thread_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace tributary

#endif  // TRIBUTARY_SERVER_HTTP_HTTP_LISTENER_H_
