#ifndef TRIBUTARY_SERVER_HTTP_SCRAPES_H_
#define TRIBUTARY_SERVER_HTTP_SCRAPES_H_

#include <functional>
#include <string>
#include <thread>
#include <vector>

#include "absl/status/status.h"
#include "server/http/http_message.h"
#include "sync/mutex.h"

namespace tributary {

// Answers /metrics and /readyz on a thread of its own: a text of metrics takes
// about a millisecond, and readiness takes locks. Requests that come while one
// is being answered are answered together, with one text, so that nobody can
// keep more than this one thread busy by asking. Thread-safe.
class Scrapes {
 public:
  // `text` makes the metrics' text; `ready` is OK, or says what is missing.
  Scrapes(std::function<std::string()> text,
          std::function<absl::Status()> ready);
  // Requests that wait then are not answered.
  ~Scrapes();

  void Metrics(ReplyTo reply_to);
  void Ready(ReplyTo reply_to);

 private:
  struct Waiting {
    std::vector<ReplyTo> metrics;
    std::vector<ReplyTo> ready;
    bool empty() const { return metrics.empty() && ready.empty(); }
  };

  void Run();
  void Answer(const Waiting& waiting) const;

  const std::function<std::string()> text_;
  const std::function<absl::Status()> ready_;
  Mutex mutex_;
  CondVar changed_;
  Waiting waiting_ ABSL_GUARDED_BY(mutex_);
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  std::thread thread_;
};

}  // namespace tributary

#endif  // TRIBUTARY_SERVER_HTTP_SCRAPES_H_
