#ifndef TRIBUTARY_SERVER_LISTEN_ACCEPT_LOOP_H_
#define TRIBUTARY_SERVER_LISTEN_ACCEPT_LOOP_H_

#include <sys/types.h>

#include <atomic>
#include <cstddef>
#include <functional>
#include <string>
#include <thread>
#include <vector>

#include "absl/status/statusor.h"
#include "server/listen/bound_address.h"

namespace tributary {

// Whether an errno of accept(2) is that of one connection, which was gone
// before it was accepted; the next one may be fine. Others, such as EMFILE,
// last.
bool ConcernsOneConnection(int error);

// Which of the descriptors that were given away are open still. Their owner
// closes them without saying so, and the number may belong to another file by
// then: a socket is known by its inode. Not thread-safe.
class OpenSockets {
 public:
  // REQUIRES: fd is an open socket.
  void Add(int fd);
  // Forgets those that were closed.
  void Sweep();
  // Ends the connections of those that are open; their owners close them.
  void Disconnect();
  size_t size() const { return sockets_.size(); }

 private:
  struct Socket {
    int fd;
    ino_t inode;
  };
  std::vector<Socket> sockets_;
};

// Accepts connections on a thread of its own, and gives them away, at most so
// many at a time; further ones wait in the kernel's backlog. An accept that
// fails, for lack of descriptors or memory, is tried again shortly after, for
// as long as it takes: gRPC 1.51's own listener never accepts again after
// EMFILE. Thread-safe.
class AcceptLoop {
 public:
  // Owns the connection's descriptor, which does not block. Called on the
  // loop's thread.
  using OnConnection = std::function<void(int fd)>;

  // Listens on `bound`. Errors are those of BoundAddress::ListenAll.
  static absl::StatusOr<std::unique_ptr<AcceptLoop>> Start(
      BoundAddress bound, size_t max_connections, OnConnection on_connection);
  ~AcceptLoop();
  AcceptLoop(const AcceptLoop&) = delete;
  AcceptLoop& operator=(const AcceptLoop&) = delete;

  // As given to BoundAddress, with the port that was taken.
  const std::string& address() const { return address_; }

  // Stops listening; connections that wait in the backlog are refused. Returns
  // when on_connection is called no more. Idempotent.
  void Stop();
  // Ends the connections that were given away and are still open: their owner
  // reads the end, however much the client sends. REQUIRES: Stop has returned.
  void Disconnect() { open_.Disconnect(); }

 private:
  AcceptLoop(std::string address, std::string unix_path,
             std::vector<int> listening, size_t max_connections,
             OnConnection on_connection);

  void Run();
  // Waits for connections; false when the loop is to stop.
  bool Wait();
  void AcceptFrom(int listening);
  bool Full();

  // Constant after construction.
  const std::string address_;
  const std::string unix_path_;
  const std::vector<int> listening_;
  const size_t max_connections_;
  const OnConnection on_connection_;
  // An eventfd that ends Wait.
  const int wake_;

  std::atomic<bool> stopping_{false};
  // The loop's own, until it has stopped.
  OpenSockets open_;
  int wait_ms_ = -1;
  std::thread thread_;
};

}  // namespace tributary

#endif  // TRIBUTARY_SERVER_LISTEN_ACCEPT_LOOP_H_
