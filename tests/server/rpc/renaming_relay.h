// A relay between a client and a server that renames a header of the answers.
#ifndef TRIBUTARY_TESTS_SERVER_RPC_RENAMING_RELAY_H_
#define TRIBUTARY_TESTS_SERVER_RPC_RENAMING_RELAY_H_

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <string>
#include <thread>
#include <vector>

#include "gtest/gtest.h"

namespace tributary {

// gRPC's own libraries keep some headers for themselves and show programs none
// of them. Under another name of the same length they do not know the header,
// and show it. Its name is in the bytes as it is, the first time on a
// connection: gRPC does not compress names.
class RenamingRelay {
 public:
  // `server` is 127.0.0.1:port.
  RenamingRelay(const std::string& server, std::string from, std::string to)
      : port_(std::atoi(server.c_str() + server.rfind(':') + 1)),
        from_(std::move(from)),
        to_(std::move(to)),
        listening_(socket(AF_INET, SOCK_STREAM, 0)) {
    EXPECT_EQ(from_.size(), to_.size());
    sockaddr_in address = Loopback(0);
    EXPECT_EQ(bind(listening_, reinterpret_cast<sockaddr*>(&address),
                   sizeof(address)),
              0);
    EXPECT_EQ(listen(listening_, 16), 0);
    socklen_t size = sizeof(address);
    getsockname(listening_, reinterpret_cast<sockaddr*>(&address), &size);
    address_ = "127.0.0.1:" + std::to_string(ntohs(address.sin_port));
    accepting_ = std::thread([this] { Accept(); });
  }
  ~RenamingRelay() {
    stopping_ = true;
    accepting_.join();
    close(listening_);
  }
  RenamingRelay(const RenamingRelay&) = delete;
  RenamingRelay& operator=(const RenamingRelay&) = delete;

  const std::string& address() const { return address_; }

 private:
  static constexpr int kPollMs = 20;

  static sockaddr_in Loopback(int port) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<uint16_t>(port));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return address;
  }

  static bool IsReadable(int fd) {
    pollfd polled = {fd, POLLIN, 0};
    return poll(&polled, 1, kPollMs) > 0;
  }

  void Accept() {
    std::vector<std::thread> started;
    while (!stopping_) {
      if (!IsReadable(listening_)) continue;
      const int client = accept(listening_, nullptr, nullptr);
      started.emplace_back([this, client] { Relay(client); });
    }
    for (std::thread& thread : started) thread.join();
  }

  void Relay(int client) {
    const int server = socket(AF_INET, SOCK_STREAM, 0);
    const sockaddr_in address = Loopback(port_);
    if (connect(server, reinterpret_cast<const sockaddr*>(&address),
                sizeof(address)) == 0) {
      std::thread back([&] { Copy(server, client, true); });
      Copy(client, server, false);
      back.join();
    }
    close(server);
    close(client);
  }

  // Until one side has closed.
  void Copy(int from, int to, bool rename) {
    std::string held;
    while (!stopping_) {
      // What may be the first part of the name waits for the rest, but not for
      // long.
      if (!IsReadable(from)) {
        if (!Send(to, &held)) break;
        continue;
      }
      char buffer[65536];
      const ssize_t got = recv(from, buffer, sizeof(buffer), 0);
      if (got <= 0) break;
      held.append(buffer, static_cast<size_t>(got));
      if (rename) {
        for (size_t at = held.find(from_); at != std::string::npos;
             at = held.find(from_, at)) {
          held.replace(at, from_.size(), to_);
        }
        if (EndsWithinName(held)) continue;
      }
      if (!Send(to, &held)) break;
    }
    shutdown(from, SHUT_RDWR);
    shutdown(to, SHUT_RDWR);
  }

  bool EndsWithinName(const std::string& text) const {
    for (size_t length = 1; length < from_.size(); ++length) {
      if (text.ends_with(from_.substr(0, length))) return true;
    }
    return false;
  }

  static bool Send(int to, std::string* text) {
    size_t done = 0;
    while (done < text->size()) {
      const ssize_t sent =
          send(to, text->data() + done, text->size() - done, MSG_NOSIGNAL);
      if (sent <= 0) return false;
      done += static_cast<size_t>(sent);
    }
    text->clear();
    return true;
  }

  const int port_;
  const std::string from_;
  const std::string to_;
  const int listening_;
  std::string address_;
  std::atomic<bool> stopping_{false};
  std::thread accepting_;
};

}  // namespace tributary

#endif  // TRIBUTARY_TESTS_SERVER_RPC_RENAMING_RELAY_H_
