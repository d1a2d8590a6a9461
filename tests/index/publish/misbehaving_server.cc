#include "tests/index/publish/misbehaving_server.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <sstream>
#include <utility>

#include "absl/strings/ascii.h"
#include "fmt/core.h"

namespace tributary {
namespace {

constexpr size_t kRepeatedBytes = 1024;

std::string ReadHead(int connection) {
  std::string head;
  char byte = 0;
  while (!head.ends_with("\r\n\r\n") && ::recv(connection, &byte, 1, 0) == 1) {
    head += byte;
  }
  return head;
}

WebRequest Parse(const std::string& head) {
  std::istringstream lines(head);
  WebRequest request;
  std::string line;
  lines >> request.method >> request.path;
  std::getline(lines, line);
  while (std::getline(lines, line)) {
    const size_t colon = line.find(':');
    if (colon == std::string::npos) continue;
    request.headers[absl::AsciiStrToLower(line.substr(0, colon))] =
        std::string(absl::StripAsciiWhitespace(line.substr(colon + 1)));
  }
  return request;
}

bool Send(int connection, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t sent =
        ::send(connection, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent <= 0) return false;
    bytes.remove_prefix(static_cast<size_t>(sent));
  }
  return true;
}

}  // namespace

WebAnswer Answer(std::string_view status, std::string_view body,
                 std::string_view headers) {
  return {
      fmt::format("HTTP/1.1 {}\r\nContent-Length: {}\r\nConnection: "
                  "close\r\n{}\r\n{}",
                  status, body.size(), headers, body)};
}

MisbehavingServer::MisbehavingServer(
    std::function<WebAnswer(const WebRequest&)> answer)
    : answer_(std::move(answer)) {
  listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  auto* generic = reinterpret_cast<sockaddr*>(&address);
  socklen_t size = sizeof(address);
  EXPECT_EQ(::bind(listener_, generic, size), 0);
  EXPECT_EQ(::listen(listener_, 64), 0);
  EXPECT_EQ(::getsockname(listener_, generic, &size), 0);
  port_ = ntohs(address.sin_port);
  accepting_ = std::jthread([this] {
    while (true) {
      const int connection = ::accept(listener_, nullptr, nullptr);
      if (connection < 0) return;
      const std::lock_guard lock(mutex_);
      connections_.push_back(connection);
      threads_.emplace_back([this, connection] { Serve(connection); });
    }
  });
}

MisbehavingServer::~MisbehavingServer() {
  ::shutdown(listener_, SHUT_RDWR);
  accepting_.join();
  ::close(listener_);
  for (const int connection : connections_) ::shutdown(connection, SHUT_RDWR);
  threads_.clear();
  for (const int connection : connections_) ::close(connection);
}

void MisbehavingServer::Serve(int connection) {
  const WebRequest request = Parse(ReadHead(connection));
  {
    const std::lock_guard lock(mutex_);
    requests_.push_back(request);
  }
  const WebAnswer answer = answer_(request);
  bool there = Send(connection, answer.bytes);
  const std::string_view bytes(answer.bytes);
  const auto again =
      bytes.substr(bytes.size() - std::min(bytes.size(), kRepeatedBytes));
  while (there && answer.endless) there = Send(connection, again);
  char byte = 0;
  // The client closes in the end, or the pause does nothing but wait for it.
  while (there && answer.dripping) {
    pollfd closed = {connection, POLLRDHUP, 0};
    if (::poll(&closed, 1, /*timeout_ms=*/20) > 0) break;
    there = Send(connection, "x");
  }
  if (answer.hang) (void)::recv(connection, &byte, 1, 0);
  ::shutdown(connection, SHUT_RDWR);
}

std::string MisbehavingServer::url() const {
  return fmt::format("http://127.0.0.1:{}", port_);
}

std::vector<WebRequest> MisbehavingServer::requests() const {
  const std::lock_guard lock(mutex_);
  return requests_;
}

}  // namespace tributary
