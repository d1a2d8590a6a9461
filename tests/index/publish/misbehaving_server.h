// A web server for tests that does to clients what servers, proxies and
// networks do.
#ifndef TRIBUTARY_TESTS_INDEX_PUBLISH_MISBEHAVING_SERVER_H_
#define TRIBUTARY_TESTS_INDEX_PUBLISH_MISBEHAVING_SERVER_H_

#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace tributary {

// What a client asked for. Names of headers are in lower case.
struct WebRequest {
  std::string method;
  std::string path;
  std::map<std::string, std::string> headers;
};

// What it gets, byte by byte; then the connection is closed.
struct WebAnswer {
  std::string bytes;
  // Instead of closing: says nothing more until the client goes away.
  bool hang = false;
  // Instead of closing: says the last kilobyte again until the client goes.
  bool endless = false;
};

// Head and body, with their length.
WebAnswer Answer(std::string_view status, std::string_view body,
                 std::string_view headers = "");

// Listens on a free port of 127.0.0.1; answers each connection's one request in
// a thread of its own.
class MisbehavingServer {
 public:
  // `answer` is called by several threads.
  explicit MisbehavingServer(
      std::function<WebAnswer(const WebRequest&)> answer);
  ~MisbehavingServer();

  // http://127.0.0.1:PORT
  std::string url() const;
  std::vector<WebRequest> requests() const;

 private:
  void Serve(int connection);

  const std::function<WebAnswer(const WebRequest&)> answer_;
  int listener_ = -1;
  int port_ = 0;
  mutable std::mutex mutex_;
  std::vector<WebRequest> requests_;
  std::vector<int> connections_;
  std::vector<std::jthread> threads_;
  std::jthread accepting_;
};

}  // namespace tributary

#endif  // TRIBUTARY_TESTS_INDEX_PUBLISH_MISBEHAVING_SERVER_H_
