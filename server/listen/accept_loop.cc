#include "server/listen/accept_loop.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstdint>
#include <cstring>
#include <utility>

#include "spdlog/spdlog.h"
#include "status/status_macros.h"

namespace tributary {
namespace {

// How long the loop waits for descriptors, before it tries again.
constexpr int kRetryMs = 10;
// The same for connections to be closed: looking costs a system call for each.
constexpr int kFullRetryMs = 50;
// Connections that are accepted before the loop looks at other listeners.
constexpr int kAcceptedInARow = 64;

// Logs at most one line a second.
void LogAcceptFailure(const std::string& address, int error) {
  using Clock = std::chrono::steady_clock;
  static std::atomic<int64_t> next_log_ns{0};
  const int64_t now_ns = Clock::now().time_since_epoch().count();
  int64_t next = next_log_ns.load(std::memory_order_relaxed);
  if (now_ns < next ||
      !next_log_ns.compare_exchange_strong(next, now_ns + 1'000'000'000)) {
    return;
  }
  spdlog::warn(
      "event=accept_failed address={} error=\"{}\" hint=\"new "
      "connections wait until this passes\"",
      address, std::strerror(error));
}

}  // namespace

bool ConcernsOneConnection(int error) {
  switch (error) {
    case ECONNABORTED:
    case EINTR:
    case EPERM:
    case EPROTO:
    case ENETDOWN:
    case ENOPROTOOPT:
    case EHOSTDOWN:
    case ENONET:
    case EHOSTUNREACH:
    case EOPNOTSUPP:
    case ENETUNREACH:
      return true;
    default:
      return false;
  }
}

void OpenSockets::Add(int fd) {
  struct stat file {};
  if (fstat(fd, &file) == 0) sockets_.push_back({fd, file.st_ino});
}

void OpenSockets::Sweep() {
  std::erase_if(sockets_, [](const Socket& socket) {
    struct stat file {};
    return fstat(socket.fd, &file) != 0 || !S_ISSOCK(file.st_mode) ||
           file.st_ino != socket.inode;
  });
}

void OpenSockets::Disconnect() {
  Sweep();
  for (const Socket& socket : sockets_) shutdown(socket.fd, SHUT_RDWR);
}

absl::StatusOr<std::unique_ptr<AcceptLoop>> AcceptLoop::Start(
    BoundAddress bound, size_t max_connections, OnConnection on_connection) {
  std::string address = bound.address();
  std::string unix_path = bound.unix_path();
  ASSIGN_OR_RETURN(std::vector<int> listening, std::move(bound).ListenAll());
  return std::unique_ptr<AcceptLoop>(new AcceptLoop(
      std::move(address), std::move(unix_path), std::move(listening),
      max_connections, std::move(on_connection)));
}

AcceptLoop::AcceptLoop(std::string address, std::string unix_path,
                       std::vector<int> listening, size_t max_connections,
                       OnConnection on_connection)
    : address_(std::move(address)),
      unix_path_(std::move(unix_path)),
      listening_(std::move(listening)),
      max_connections_(max_connections),
      on_connection_(std::move(on_connection)),
      wake_(eventfd(0, EFD_CLOEXEC)),
      thread_([this] { Run(); }) {}

AcceptLoop::~AcceptLoop() {
  Stop();
  close(wake_);
}

void AcceptLoop::Stop() {
  if (stopping_.exchange(true)) return;
  const uint64_t one = 1;
  [[maybe_unused]] const ssize_t written = write(wake_, &one, sizeof(one));
  thread_.join();
  for (const int fd : listening_) close(fd);
  if (!unix_path_.empty()) unlink(unix_path_.c_str());
}

void AcceptLoop::Run() {
  while (Wait()) {
    wait_ms_ = -1;
    for (const int fd : listening_) AcceptFrom(fd);
  }
}

bool AcceptLoop::Wait() {
  std::vector<pollfd> polled = {{wake_, POLLIN, 0}};
  // After a failure the listeners would be ready at once.
  if (wait_ms_ < 0) {
    for (const int fd : listening_) polled.push_back({fd, POLLIN, 0});
  }
  poll(polled.data(), polled.size(), wait_ms_);
  return !stopping_;
}

bool AcceptLoop::Full() {
  if (open_.size() < max_connections_) return false;
  open_.Sweep();
  return open_.size() >= max_connections_;
}

void AcceptLoop::AcceptFrom(int listening) {
  for (int i = 0; i < kAcceptedInARow && !stopping_; ++i) {
    if (Full()) {
      wait_ms_ = kFullRetryMs;
      return;
    }
    const int fd =
        accept4(listening, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd < 0) {
      if (errno == EAGAIN || errno == EWOULDBLOCK) return;
      if (ConcernsOneConnection(errno)) continue;
      LogAcceptFailure(address_, errno);
      wait_ms_ = kRetryMs;
      return;
    }
    const int on = 1;
    // Fails on unix sockets, which have nothing to delay.
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    open_.Add(fd);
    on_connection_(fd);
  }
}

}  // namespace tributary
