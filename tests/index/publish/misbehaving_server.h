// A web server for tests that misbehaves like real servers, proxies and
// networks.
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

// A client's request. Names of headers are in lower case.
struct WebRequest {
  std::string method;
  std::string path;
  std::map<std::string, std::string> headers;
};

// The reply, as bytes. The connection is closed afterwards.
struct WebAnswer {
  std::string bytes;
  // Instead of closing, sends nothing until the client closes.
  bool hang = false;
  // Instead of closing, repeats the last kilobyte until the client closes.
  bool endless = false;
  // Instead of closing, sends a byte now and then until the client closes.
  bool dripping = false;
};

// A reply of head and body, with a Content-Length.
WebAnswer Answer(std::string_view status, std::string_view body,
                 std::string_view headers = "");

// Listens on a free port of 127.0.0.1. Answers one request per connection, each
// on a thread of its own.
class MisbehavingServer {
 public:
  // `answer` must be thread-safe.
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
