// The thread of an HttpListener. This header and its sources alone know GNU
// libmicrohttpd.
#ifndef TRIBUTARY_SERVER_HTTP_HTTP_LOOP_H_
#define TRIBUTARY_SERVER_HTTP_HTTP_LOOP_H_

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <list>
#include <memory>
#include <optional>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "server/http/http_connection.h"
#include "server/http/http_listener.h"
#include "server/http/http_message.h"
#include "server/http/http_tls.h"
#include "server/http/mailbox.h"

struct MHD_Daemon;

namespace tributary {

// Accepts connections, lets libmicrohttpd read and write them, and ends those
// that take too long. Why not libmicrohttpd's own thread: its accept() stops
// for good when descriptors run out, its timeouts restart with every byte, and
// it does not see that the client of a suspended connection has gone.
// Not thread-safe, except for the mailbox.
class HttpLoop {
 public:
  // `handler` outlives the loop. Errors as HttpListener::Start.
  static absl::StatusOr<std::unique_ptr<HttpLoop>> Create(
      HttpListenerOptions options, std::vector<OwnedSocket> listening,
      std::shared_ptr<Mailbox> mailbox, HttpHandler* handler);
  // REQUIRES: Run returned, or was never called.
  ~HttpLoop();
  HttpLoop(const HttpLoop&) = delete;
  HttpLoop& operator=(const HttpLoop&) = delete;

  // Runs until the mailbox says that it is to end, and all connections are
  // closed or the time has come.
  void Run();

 private:
  using Clock = std::chrono::steady_clock;
  struct Callbacks;
  friend struct Callbacks;

  HttpLoop(HttpListenerOptions options, std::vector<OwnedSocket> listening,
           std::shared_ptr<Mailbox> mailbox, HttpHandler* handler);

  absl::Status Open();

  // One turn of the loop.
  int WaitMs();
  void Dispatch(const Watched* watched, uint32_t events);
  void TakeMail();
  void Accept();
  // False: further connections have to wait, whichever socket they are at.
  bool AcceptFrom(int listening);
  // Watches the listening sockets while more connections can be had.
  void UpdateAccepting();
  bool Full() const;
  // With all connections taken: the one that has kept the server waiting
  // longest, if that was long enough to close it for another; null if not, or
  // when others are being closed already. *wait_ms, if not null, becomes how
  // long until there may be one; -1: only an event can tell.
  HttpConnection* ToMakeRoom(int* wait_ms = nullptr);
  void MakeRoom(HttpConnection* connection);
  void Expire();
  void StartDrain();
  // Refuses requests that are still being sent.
  void RefuseIncomplete();
  // Answers what waits with 503, and gives it one chance to be written.
  void GiveUp();

  // Moves the connection to the state and starts its time.
  void Enter(HttpConnection::State state, HttpConnection* connection);
  void OnActivity(HttpConnection* connection, uint32_t events);
  // Closes what was kept waiting too long, with 408 where a request began.
  void TimeOut(HttpConnection* connection);
  // Has libmicrohttpd close it in the next turn.
  void Abandon(HttpConnection* connection);

  // A connection's life, as libmicrohttpd tells it.
  void Opened(MHD_Connection* connection, void** context);
  void Closed(HttpConnection* connection);
  void BeginRequest(const char* uri, HttpConnection* connection);
  // The three steps of a request: its head, a part of its body, its end.
  // False: the connection is to be closed.
  bool OnHead(const char* path, const char* method, HttpConnection* connection);
  bool OnBody(std::string_view part, HttpConnection* connection);
  bool OnEnd(HttpConnection* connection);
  void EndRequest(bool completed, HttpConnection* connection);

  // Gives the reply to libmicrohttpd.
  bool Send(HttpReply reply, HttpConnection* connection);
  // Writes a reply past libmicrohttpd, which takes none while it reads.
  // REQUIRES: nothing is being written on the connection.
  void SendPast(const HttpReply& reply, HttpConnection* connection);
  HttpReply TooMuchBuffered() const;
  // Counts what the connection keeps in memory of its body or reply, and
  // counts nothing any more.
  void Hold(size_t bytes, HttpConnection* connection);
  void Release(HttpConnection* connection);

  // Keeps a socket open that is being closed, and discards what comes.
  void Linger(int socket);
  // Reads from it. False: it need not be kept any longer.
  static bool Discard(LingeringSocket* lingering);

  // Constant after Create.
  const HttpListenerOptions options_;
  const std::shared_ptr<Mailbox> mailbox_;
  const std::shared_ptr<const ReplyTo::Post> post_;
  HttpHandler* const handler_;
  OwnedSocket epoll_;
  // Null where nothing is encrypted.
  std::unique_ptr<HttpTls> tls_;
  MHD_Daemon* daemon_ = nullptr;

  std::vector<OwnedSocket> listening_;
  bool accepting_ = false;
  // Not before; after an error.
  Clock::time_point accept_at_{};
  bool accept_failed_ = false;
  bool draining_ = false;
  bool ending_ = false;
  std::optional<Clock::time_point> end_;
  // Of this turn of the loop.
  Clock::time_point now_ = Clock::now();
  // Turns in a row in which libmicrohttpd wanted to run and nothing happened.
  int idle_turns_ = 0;

  size_t open_ = 0;
  // Of them those that make room.
  size_t leaving_ = 0;
  size_t buffered_bytes_ = 0;
  uint64_t last_request_ = 0;
  // By state; the connection whose time is over first is in front.
  std::array<std::list<HttpConnection>, HttpConnection::kStates> connections_;
  // Those whose reply somebody else will give, by the number of the request.
  std::unordered_map<uint64_t, HttpConnection*> waiting_;
  std::list<LingeringSocket> lingering_;
};

}  // namespace tributary

#endif  // TRIBUTARY_SERVER_HTTP_HTTP_LOOP_H_
