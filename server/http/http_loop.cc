#include "server/http/http_loop.h"

#include <fcntl.h>
#include <microhttpd.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <memory>
#include <string>

#include "fmt/format.h"
#include "server/http/request_head.h"
#include "server/listen/accept_loop.h"
#include "spdlog/spdlog.h"
#include "status/status_macros.h"

namespace tributary {
namespace {

constexpr int kMaxEvents = 256;
constexpr int kAcceptsPerTurn = 64;
// How long no connection is accepted after the process ran out of descriptors.
constexpr auto kAcceptPause = std::chrono::milliseconds(100);
// What is discarded of a client that still sends after its request was
// refused.
constexpr auto kLinger = std::chrono::milliseconds(1000);
constexpr size_t kLingerBytes = 16 << 20;
constexpr size_t kMaxLingering = 64;
// libmicrohttpd keeps a request's head, its own notes on the headers, and the
// reply's head there.
constexpr size_t kPoolReserveBytes = 4096;
// After so many turns without an event the loop waits a little, so that a
// connection that libmicrohttpd can neither read nor write (one that sends a
// chunk's extension without end) does not keep the thread busy.
constexpr int kIdleTurns = 8;
constexpr int kIdleWaitMs = 5;
// While all connections are taken, one makes room for another after this time
// without a byte of a request, or with an incomplete one.
constexpr auto kSilentBeforeRoom = std::chrono::milliseconds(10);
constexpr auto kSlowBeforeRoom = std::chrono::milliseconds(250);
// How many are closed for others at a time.
constexpr size_t kMaxLeaving = 8;

Watched listening_tag{Watched::Kind::kListening};
Watched mailbox_tag{Watched::Kind::kMailbox};
Watched daemon_tag{Watched::Kind::kDaemon};

bool Watch(int epoll, int fd, uint32_t events, Watched* watched) {
  epoll_event event{};
  event.events = events;
  event.data.ptr = watched;
  return epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) == 0;
}

HttpConnection* ContextOf(MHD_Connection* connection) {
  const auto* const info =
      MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
  return static_cast<HttpConnection*>(info->socket_context);
}

HttpReply ShuttingDown() {
  return ErrorReply(absl::UnavailableError("the server is shutting down"));
}

void FreeBody(void* body) { delete static_cast<std::string*>(body); }

}  // namespace

// What libmicrohttpd calls, on the thread that runs it.
struct HttpLoop::Callbacks {
  static MHD_Result OnAccess(void* loop, MHD_Connection* mhd, const char* path,
                             const char* method, const char* /*version*/,
                             const char* data, size_t* size,
                             void** /*context*/) {
    auto* const self = static_cast<HttpLoop*>(loop);
    HttpConnection* const connection = ContextOf(mhd);
    bool go_on = false;
    if (!connection->has_head) {
      go_on = self->OnHead(path, method, connection);
    } else if (*size > 0) {
      go_on = self->OnBody({data, *size}, connection);
      *size = 0;
    } else {
      go_on = self->OnEnd(connection);
    }
    return go_on ? MHD_YES : MHD_NO;
  }

  static void OnConnection(void* loop, MHD_Connection* mhd, void** context,
                           MHD_ConnectionNotificationCode code) {
    auto* const self = static_cast<HttpLoop*>(loop);
    if (code == MHD_CONNECTION_NOTIFY_STARTED) {
      self->Opened(mhd, context);
    } else if (*context != nullptr) {
      self->Closed(static_cast<HttpConnection*>(*context));
      *context = nullptr;
    }
  }

  static void* OnUri(void* loop, const char* uri, MHD_Connection* mhd) {
    static_cast<HttpLoop*>(loop)->BeginRequest(uri, ContextOf(mhd));
    return nullptr;
  }

  static void OnCompleted(void* loop, MHD_Connection* mhd, void** /*context*/,
                          MHD_RequestTerminationCode code) {
    static_cast<HttpLoop*>(loop)->EndRequest(
        code == MHD_REQUEST_TERMINATED_COMPLETED_OK, ContextOf(mhd));
  }
};

absl::StatusOr<std::unique_ptr<HttpLoop>> HttpLoop::Create(
    HttpListenerOptions options, std::vector<OwnedSocket> listening,
    std::shared_ptr<Mailbox> mailbox, HttpHandler* handler) {
  std::unique_ptr<HttpLoop> loop(new HttpLoop(
      std::move(options), std::move(listening), std::move(mailbox), handler));
  const absl::Status opened = loop->Open();
  if (!opened.ok()) return opened;
  return loop;
}

HttpLoop::HttpLoop(HttpListenerOptions options,
                   std::vector<OwnedSocket> listening,
                   std::shared_ptr<Mailbox> mailbox, HttpHandler* handler)
    : options_(std::move(options)),
      mailbox_(std::move(mailbox)),
      post_(std::make_shared<const ReplyTo::Post>(
          [mail = mailbox_](uint64_t request, HttpReply reply) {
            mail->Reply(request, std::move(reply));
          })),
      handler_(handler),
      listening_(std::move(listening)) {}

absl::Status HttpLoop::Open() {
  const int on = 1;
  for (const OwnedSocket& listening : listening_) {
    // Connections inherit it: a reply is written in two parts.
    setsockopt(listening.fd(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
  }
  epoll_ = OwnedSocket(epoll_create1(EPOLL_CLOEXEC));
  std::vector<MHD_OptionItem> tls_options;
  if (options_.certificates != nullptr) {
    ASSIGN_OR_RETURN(tls_, HttpTls::Create(options_.certificates));
    tls_options = {
        {MHD_OPTION_HTTPS_CERT_CALLBACK, 0, TlsCertificateCallback()},
        {MHD_OPTION_HTTPS_PRIORITIES, 0,
         const_cast<char*>(HttpTls::Priorities())}};
  }
  tls_options.push_back({MHD_OPTION_END, 0, nullptr});
  daemon_ = MHD_start_daemon(
      MHD_USE_EPOLL | MHD_USE_NO_LISTEN_SOCKET | MHD_ALLOW_SUSPEND_RESUME |
          (tls_ == nullptr ? 0U : static_cast<unsigned>(MHD_USE_TLS)),
      0, nullptr, nullptr, &Callbacks::OnAccess, this, MHD_OPTION_ARRAY,
      tls_options.data(), MHD_OPTION_CONNECTION_LIMIT,
      static_cast<unsigned>(options_.max_connections),
      MHD_OPTION_CONNECTION_MEMORY_LIMIT,
      2 * options_.max_header_bytes + kPoolReserveBytes,
      MHD_OPTION_NOTIFY_CONNECTION, &Callbacks::OnConnection, this,
      MHD_OPTION_NOTIFY_COMPLETED, &Callbacks::OnCompleted, this,
      MHD_OPTION_URI_LOG_CALLBACK, &Callbacks::OnUri, this, MHD_OPTION_END);
  const auto* const info =
      daemon_ == nullptr
          ? nullptr
          : MHD_get_daemon_info(daemon_, MHD_DAEMON_INFO_EPOLL_FD);
  if (epoll_.fd() < 0 || info == nullptr ||
      !Watch(epoll_.fd(), info->epoll_fd, EPOLLIN, &daemon_tag) ||
      !Watch(epoll_.fd(), mailbox_->descriptor(), EPOLLIN, &mailbox_tag)) {
    return absl::UnavailableError(
        fmt::format("{}: cannot wait for connections: {}", options_.name,
                    std::strerror(errno)));
  }
  return absl::OkStatus();
}

HttpLoop::~HttpLoop() {
  ending_ = true;
  if (daemon_ != nullptr) MHD_stop_daemon(daemon_);
}

void HttpLoop::Run() {
  std::array<epoll_event, kMaxEvents> events{};
  while (!ending_) {
    UpdateAccepting();
    const int count =
        epoll_wait(epoll_.fd(), events.data(), kMaxEvents, WaitMs());
    now_ = Clock::now();
    idle_turns_ = count > 0 ? 0 : idle_turns_ + 1;
    // libmicrohttpd closes connections only in MHD_run and Accept, so that no
    // event here is of a closed one.
    bool accept = false;
    bool mail = false;
    for (int i = 0; i < count; ++i) {
      const auto* const watched = static_cast<Watched*>(events[i].data.ptr);
      accept = accept || watched->kind == Watched::Kind::kListening;
      mail = mail || watched->kind == Watched::Kind::kMailbox;
      Dispatch(watched, events[i].events);
    }
    if (mail) TakeMail();
    MHD_run(daemon_);
    if (accept) Accept();
    Expire();
    const bool over = end_.has_value() && (open_ == 0 || now_ >= *end_);
    if (over) GiveUp();
  }
}

int HttpLoop::WaitMs() {
  int room_ms = -1;
  if (!accepting_ && !draining_ && Full()) ToMakeRoom(&room_ms);
  auto next = Clock::time_point::max();
  MHD_UNSIGNED_LONG_LONG daemon_ms = 0;
  if (MHD_get_timeout(daemon_, &daemon_ms) == MHD_YES) {
    if (daemon_ms == 0) return idle_turns_ < kIdleTurns ? 0 : kIdleWaitMs;
    next = Clock::now() + std::chrono::milliseconds(daemon_ms);
  }
  for (const auto state : {HttpConnection::kReading, HttpConnection::kKept,
                           HttpConnection::kWriting}) {
    if (connections_[state].empty()) continue;
    next = std::min(next, connections_[state].front().deadline);
  }
  if (!lingering_.empty()) next = std::min(next, lingering_.front().deadline);
  if (accept_at_ > now_) next = std::min(next, accept_at_);
  if (room_ms >= 0) {
    next = std::min(next, Clock::now() + std::chrono::milliseconds(room_ms));
  }
  if (end_.has_value()) next = std::min(next, *end_);
  if (next == Clock::time_point::max()) return -1;
  const auto left =
      std::chrono::ceil<std::chrono::milliseconds>(next - Clock::now());
  return static_cast<int>(std::clamp<int64_t>(left.count(), 0, 60'000));
}

void HttpLoop::Dispatch(const Watched* watched, uint32_t events) {
  if (watched->kind == Watched::Kind::kConnection) {
    OnActivity(const_cast<HttpConnection*>(
                   static_cast<const HttpConnection*>(watched)),
               events);
  } else if (watched->kind == Watched::Kind::kLingering) {
    auto* const lingering = const_cast<LingeringSocket*>(
        static_cast<const LingeringSocket*>(watched));
    if (!Discard(lingering)) lingering_.erase(lingering->at);
  }
}

void HttpLoop::TakeMail() {
  Mailbox::Mail mail = mailbox_->Take();
  for (auto& [number, reply] : mail.replies) {
    const auto found = waiting_.find(number);
    if (found == waiting_.end()) continue;
    HttpConnection* const connection = found->second;
    waiting_.erase(found);
    connection->reply = std::move(reply);
    MHD_resume_connection(connection->mhd);
  }
  if (mail.drain) StartDrain();
  if (mail.end.has_value() && !end_.has_value()) RefuseIncomplete();
  end_ = mail.end;
}

void HttpLoop::UpdateAccepting() {
  const bool wanted =
      !draining_ && now_ >= accept_at_ && (!Full() || ToMakeRoom() != nullptr);
  if (wanted == accepting_) return;
  accepting_ = wanted;
  for (const OwnedSocket& listening : listening_) {
    if (!wanted) {
      epoll_ctl(epoll_.fd(), EPOLL_CTL_DEL, listening.fd(), nullptr);
    } else if (!Watch(epoll_.fd(), listening.fd(), EPOLLIN, &listening_tag) &&
               errno != EEXIST) {
      // The next turn tries again.
      accepting_ = false;
    }
  }
}

bool HttpLoop::Full() const {
  return open_ + lingering_.size() >= options_.max_connections;
}

HttpConnection* HttpLoop::ToMakeRoom(int* wait_ms) {
  if (leaving_ >= kMaxLeaving) return nullptr;
  for (const auto state : {HttpConnection::kKept, HttpConnection::kReading}) {
    std::list<HttpConnection>& list = connections_[state];
    if (list.empty() || list.front().timed_out) continue;
    HttpConnection& oldest = list.front();
    const auto since = oldest.deadline - (state == HttpConnection::kKept
                                              ? options_.keepalive
                                              : options_.read_timeout);
    const auto patience = oldest.began ? kSlowBeforeRoom : kSilentBeforeRoom;
    const auto left = since + patience - now_;
    if (left.count() <= 0) return &oldest;
    if (wait_ms == nullptr) continue;
    const int left_ms = static_cast<int>(
        std::chrono::ceil<std::chrono::milliseconds>(left).count());
    *wait_ms = *wait_ms < 0 ? left_ms : std::min(*wait_ms, left_ms);
  }
  return nullptr;
}

void HttpLoop::MakeRoom(HttpConnection* connection) {
  if (connection->began) {
    SendPast(ErrorReply(absl::ResourceExhaustedError(
                            "all of transport.max_connections are taken, and "
                            "the request was not complete"),
                        503),
             connection);
  }
  connection->makes_room = true;
  ++leaving_;
  // To the end of its list.
  Enter(connection->state, connection);
  Abandon(connection);
}

void HttpLoop::Accept() {
  for (const OwnedSocket& listening : listening_) {
    if (!AcceptFrom(listening.fd())) return;
  }
}

bool HttpLoop::AcceptFrom(int listening) {
  for (int i = 0; i < kAcceptsPerTurn && !draining_; ++i) {
    if (Full()) {
      if (HttpConnection* const oldest = ToMakeRoom()) MakeRoom(oldest);
      return false;
    }
    sockaddr_storage address{};
    socklen_t size = sizeof(address);
    const int fd = accept4(listening, reinterpret_cast<sockaddr*>(&address),
                           &size, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd >= 0) {
      accept_failed_ = false;
      MHD_add_connection(daemon_, fd, reinterpret_cast<sockaddr*>(&address),
                         size);
      continue;
    }
    const int error = errno;
    if (error == EAGAIN) return true;
    if (ConcernsOneConnection(error)) continue;
    // Above all EMFILE. Trying again at once would keep the thread busy.
    accept_at_ = now_ + kAcceptPause;
    if (!accept_failed_) {
      spdlog::warn("event=accept_failed listener={} connections={} error={:?}",
                   options_.name, open_, std::strerror(error));
    }
    accept_failed_ = true;
    return false;
  }
  return true;
}

void HttpLoop::Expire() {
  for (const auto state : {HttpConnection::kReading, HttpConnection::kKept,
                           HttpConnection::kWriting}) {
    std::list<HttpConnection>& list = connections_[state];
    while (!list.empty() && list.front().deadline <= now_) {
      TimeOut(&list.front());
    }
  }
  while (!lingering_.empty() && lingering_.front().deadline <= now_) {
    lingering_.pop_front();
  }
}

void HttpLoop::TimeOut(HttpConnection* connection) {
  // To the end of its list: libmicrohttpd closes it in the next turn.
  Enter(connection->state, connection);
  if (connection->state == HttpConnection::kReading && connection->began &&
      !connection->timed_out) {
    SendPast(ErrorReply(absl::DeadlineExceededError(
                            "the request was not complete within "
                            "transport.http_read_timeout_ms"),
                        408),
             connection);
  }
  if (connection->state == HttpConnection::kWriting) {
    // Without this the kernel would keep the reply for minutes.
    const linger reset{1, 0};
    setsockopt(connection->socket, SOL_SOCKET, SO_LINGER, &reset,
               sizeof(reset));
  }
  Abandon(connection);
}

void HttpLoop::Abandon(HttpConnection* connection) {
  connection->timed_out = true;
  shutdown(connection->socket, SHUT_RDWR);
  // libmicrohttpd does not look at the socket of a connection that it can
  // neither read nor write; at this it does, after a second.
  MHD_set_connection_option(connection->mhd, MHD_CONNECTION_OPTION_TIMEOUT, 1U);
}

void HttpLoop::StartDrain() {
  if (draining_) return;
  draining_ = true;
  UpdateAccepting();
  listening_.clear();
  for (const auto state : {HttpConnection::kReading, HttpConnection::kKept}) {
    for (const HttpConnection& connection : connections_[state]) {
      if (!connection.began) shutdown(connection.socket, SHUT_RDWR);
    }
  }
}

void HttpLoop::RefuseIncomplete() {
  const HttpReply refusal = ShuttingDown();
  for (HttpConnection& connection : connections_[HttpConnection::kReading]) {
    if (connection.began && !connection.timed_out) {
      SendPast(refusal, &connection);
    }
    connection.timed_out = true;
    shutdown(connection.socket, SHUT_RDWR);
  }
}

void HttpLoop::GiveUp() {
  ending_ = true;
  const HttpReply refusal = ShuttingDown();
  for (const auto& [number, connection] : waiting_) {
    connection->cancelled->store(true, std::memory_order_relaxed);
    connection->reply = refusal;
    MHD_resume_connection(connection->mhd);
  }
  waiting_.clear();
  MHD_run(daemon_);
  MHD_run(daemon_);
}

void HttpLoop::Enter(HttpConnection::State state, HttpConnection* connection) {
  std::list<HttpConnection>& from = connections_[connection->state];
  std::list<HttpConnection>& to = connections_[state];
  to.splice(to.end(), from, connection->at);
  connection->state = state;
  connection->deadline =
      now_ + (state == HttpConnection::kReading ? options_.read_timeout
              : state == HttpConnection::kKept  ? options_.keepalive
                                                : options_.write_timeout);
}

void HttpLoop::OnActivity(HttpConnection* connection, uint32_t events) {
  if ((events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0) {
    connection->peer_closed = true;
    if (connection->cancelled != nullptr) {
      connection->cancelled->store(true, std::memory_order_relaxed);
    }
  }
  const bool waits = connection->state == HttpConnection::kReading ||
                     connection->state == HttpConnection::kKept;
  if (connection->began || !waits) return;
  // A handshake is no request.
  if (connection->tls != nullptr && !connection->tls->established) return;
  // An event may be about bytes that libmicrohttpd has read already.
  char byte = 0;
  if (recv(connection->socket, &byte, 1, MSG_PEEK | MSG_DONTWAIT) != 1) return;
  if (connection->state == HttpConnection::kKept) {
    Enter(HttpConnection::kReading, connection);
  }
  connection->began = true;
}

void HttpLoop::Opened(MHD_Connection* mhd, void** context) {
  std::list<HttpConnection>& reading = connections_[HttpConnection::kReading];
  HttpConnection& connection = reading.emplace_back();
  connection.kind = Watched::Kind::kConnection;
  connection.at = std::prev(reading.end());
  connection.mhd = mhd;
  connection.socket =
      MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_CONNECTION_FD)
          ->connect_fd;
  connection.deadline = now_ + options_.read_timeout;
  if (tls_ != nullptr) connection.tls = tls_->Begin(mhd);
  ++open_;
  *context = &connection;
  // Where the kernel has no memory for it, nobody would notice a client that
  // goes, and the request is answered all the same.
  Watch(epoll_.fd(), connection.socket, EPOLLIN | EPOLLRDHUP | EPOLLET,
        &connection);
}

void HttpLoop::Closed(HttpConnection* connection) {
  epoll_ctl(epoll_.fd(), EPOLL_CTL_DEL, connection->socket, nullptr);
  const bool unread =
      connection->unread ||
      (connection->state == HttpConnection::kReading && connection->began);
  // Who makes room does not stay.
  if (unread && !ending_ && !connection->makes_room) Linger(connection->socket);
  if (connection->makes_room) --leaving_;
  Release(connection);
  --open_;
  connections_[connection->state].erase(connection->at);
}

void HttpLoop::BeginRequest(const char* uri, HttpConnection* connection) {
  if (connection->state == HttpConnection::kKept) {
    Enter(HttpConnection::kReading, connection);
  }
  connection->began = true;
  connection->uri_too_long =
      uri != nullptr && std::strlen(uri) > options_.max_header_bytes;
}

bool HttpLoop::OnHead(const char* path, const char* method,
                      HttpConnection* connection) {
  connection->has_head = true;
  HttpRequest& request = connection->request;
  request.method = method;
  request.path = path;
  if (connection->tls != nullptr) {
    request.certificate_names = connection->tls->client_names;
  }
  std::optional<HttpReply> refusal =
      ReadHead(connection->mhd, options_.max_header_bytes,
               options_.max_request_bytes, &request);
  connection->request_id = request.request_id;
  if (connection->uri_too_long) {
    refusal = ErrorReply(
        absl::InvalidArgumentError(fmt::format(
            "the request's target is longer than transport.max_header_bytes, "
            "{}",
            options_.max_header_bytes)),
        414);
  }
  // Where the request ends is known only if its head was accepted.
  const bool ends_here = !refusal.has_value() && !request.has_body;
  if (!refusal.has_value()) refusal = handler_->Refuse(&request);
  if (!refusal.has_value()) return true;
  handler_->Refused(request, refusal->code);
  if (ends_here) {
    connection->reply = std::move(refusal);
    return true;
  }
  // libmicrohttpd closes the connection after a reply at this moment.
  connection->unread = true;
  return Send(*std::move(refusal), connection);
}

bool HttpLoop::OnBody(std::string_view part, HttpConnection* connection) {
  std::string& body = connection->request.body;
  const bool too_long = part.size() > options_.max_request_bytes - body.size();
  const bool too_much =
      part.size() > options_.max_buffered_bytes - buffered_bytes_;
  if (!too_long && !too_much) {
    body.append(part);
    Hold(part.size(), connection);
    return true;
  }
  connection->unread = true;
  SendPast(too_long ? ErrorReply(absl::InvalidArgumentError(
                                     fmt::format("the body is longer than "
                                                 "limits.max_request_bytes, {}",
                                                 options_.max_request_bytes)),
                                 413)
                    : TooMuchBuffered(),
           connection);
  return false;
}

bool HttpLoop::OnEnd(HttpConnection* connection) {
  if (connection->reply.has_value()) {
    HttpReply reply = *std::move(connection->reply);
    connection->reply.reset();
    return Send(std::move(reply), connection);
  }
  // libmicrohttpd may ask again while the reply is being made.
  if (connection->number != 0) return true;
  connection->number = ++last_request_;
  connection->cancelled =
      std::make_shared<std::atomic<bool>>(connection->peer_closed);
  Release(connection);
  std::optional<HttpReply> reply = handler_->Handle(
      std::move(connection->request),
      ReplyTo(connection->number, post_, connection->cancelled));
  if (reply.has_value()) return Send(*std::move(reply), connection);
  waiting_.emplace(connection->number, connection);
  Enter(HttpConnection::kWorking, connection);
  MHD_suspend_connection(connection->mhd);
  return true;
}

void HttpLoop::EndRequest(bool completed, HttpConnection* connection) {
  Release(connection);
  connection->has_head = false;
  connection->uri_too_long = false;
  connection->number = 0;
  connection->request = HttpRequest();
  connection->request_id.clear();
  connection->reply.reset();
  connection->cancelled.reset();
  if (!completed || connection->unread) return;
  connection->began = false;
  Enter(HttpConnection::kKept, connection);
  if (draining_) shutdown(connection->socket, SHUT_RDWR);
  if (connection->peer_closed) {
    // libmicrohttpd, which has had its event, would not notice. Requests that
    // have come already are answered before this time is over.
    MHD_set_connection_option(connection->mhd, MHD_CONNECTION_OPTION_TIMEOUT,
                              1U);
  }
}

bool HttpLoop::Send(HttpReply reply, HttpConnection* connection) {
  if (reply.body.size() > options_.max_buffered_bytes - buffered_bytes_) {
    reply = TooMuchBuffered();
  }
  Hold(reply.body.size(), connection);
  auto* const body = new std::string(std::move(reply.body));
  MHD_Response* const response =
      MHD_create_response_from_buffer_with_free_callback_cls(
          body->size(), body->data(), FreeBody, body);
  if (response == nullptr) {
    delete body;
    return false;
  }
  const auto add = [response](const char* name, const std::string& value) {
    MHD_add_response_header(response, name, value.c_str());
  };
  add("Content-Type", reply.content_type);
  if (!reply.allow.empty()) add("Allow", reply.allow);
  if (reply.retry_after_s != 0) {
    add("Retry-After", fmt::to_string(reply.retry_after_s));
  }
  for (const auto& [name, value] : reply.headers) add(name.c_str(), value);
  if (!connection->request_id.empty()) {
    add(kRequestIdName, connection->request_id);
  }
  if (draining_ || options_.keepalive.count() == 0) add("Connection", "close");
  Enter(HttpConnection::kWriting, connection);
  const MHD_Result queued = MHD_queue_response(
      connection->mhd, static_cast<unsigned>(reply.status), response);
  MHD_destroy_response(response);
  return queued == MHD_YES;
}

void HttpLoop::SendPast(const HttpReply& reply, HttpConnection* connection) {
  if (connection->has_head) {
    handler_->Refused(connection->request, reply.code);
  }
  const std::string text = fmt::format(
      "HTTP/1.1 {} {}\r\nConnection: close\r\nContent-Type: {}\r\n{}{}"
      "Content-Length: {}\r\n\r\n{}",
      reply.status, MHD_get_reason_phrase_for(reply.status), reply.content_type,
      reply.retry_after_s == 0
          ? ""
          : fmt::format("Retry-After: {}\r\n", reply.retry_after_s),
      connection->request_id.empty()
          ? ""
          : fmt::format("{}: {}\r\n", kRequestIdName, connection->request_id),
      reply.body.size(), reply.body);
  if (connection->tls != nullptr) {
    // Before the handshake is over there is nothing that a client could read.
    if (connection->tls->established)
      HttpTls::Send(connection->tls.get(), text);
    return;
  }
  // It fits into the socket's buffer, which is empty.
  [[maybe_unused]] const ssize_t sent =
      send(connection->socket, text.data(), text.size(),
           MSG_DONTWAIT | MSG_NOSIGNAL);
}

HttpReply HttpLoop::TooMuchBuffered() const {
  return ErrorReply(absl::ResourceExhaustedError(fmt::format(
                        "requests and replies that are on their way have "
                        "transport.max_buffer_bytes, {}",
                        options_.max_buffered_bytes)),
                    503);
}

void HttpLoop::Hold(size_t bytes, HttpConnection* connection) {
  connection->buffered_bytes += bytes;
  buffered_bytes_ += bytes;
}

void HttpLoop::Release(HttpConnection* connection) {
  buffered_bytes_ -= std::exchange(connection->buffered_bytes, 0);
}

void HttpLoop::Linger(int socket) {
  if (lingering_.size() == kMaxLingering) return;
  LingeringSocket& lingering = lingering_.emplace_back();
  lingering.kind = Watched::Kind::kLingering;
  lingering.at = std::prev(lingering_.end());
  lingering.socket = OwnedSocket(fcntl(socket, F_DUPFD_CLOEXEC, 0));
  lingering.left_bytes = kLingerBytes;
  lingering.deadline = now_ + kLinger;
  if (lingering.socket.fd() >= 0 && Discard(&lingering) &&
      Watch(epoll_.fd(), lingering.socket.fd(), EPOLLIN, &lingering)) {
    return;
  }
  lingering_.pop_back();
}

bool HttpLoop::Discard(LingeringSocket* lingering) {
  std::array<char, 65536> scratch;
  const ssize_t size = recv(lingering->socket.fd(), scratch.data(),
                            scratch.size(), MSG_DONTWAIT);
  if (size < 0) return errno == EAGAIN || errno == EINTR;
  if (size == 0 || static_cast<size_t>(size) > lingering->left_bytes) {
    return false;
  }
  lingering->left_bytes -= static_cast<size_t>(size);
  return true;
}

}  // namespace tributary
