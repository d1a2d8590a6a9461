#ifndef TRIBUTARY_SERVER_HTTP_SCRAPES_H_
#define TRIBUTARY_SERVER_HTTP_SCRAPES_H_

#include <array>
#include <cstddef>
#include <functional>
#include <string>
#include <thread>
#include <vector>

#include "absl/status/status.h"
#include "server/http/http_message.h"
#include "sync/mutex.h"
#include "tributary/v1/bundles.pb.h"

namespace tributary {

// Where the answers come from. Thread-safe.
struct ScrapeSources {
  // The metrics' text.
  std::function<std::string()> metrics;
  // OK, or what is missing.
  std::function<absl::Status()> ready;
  // Null where Status is not called.
  std::function<v1::ServerStatus()> status;
};

// Answers /metrics, /readyz, /v1/health and /v1/status on a thread of its own:
// a text of metrics takes about a millisecond, and the others take locks.
// Requests that come while one is being answered are answered together, with
// one text, so that nobody can keep more than this one thread busy by asking.
// Thread-safe.
class Scrapes {
 public:
  explicit Scrapes(ScrapeSources sources);
  // Requests that wait then are not answered.
  ~Scrapes();

  void Metrics(ReplyTo reply_to) { Add(Kind::kMetrics, std::move(reply_to)); }
  // Readiness as text, or as a HealthCheckResponse in JSON.
  void Ready(ReplyTo reply_to) { Add(Kind::kReady, std::move(reply_to)); }
  void Health(ReplyTo reply_to) { Add(Kind::kHealth, std::move(reply_to)); }
  void Status(ReplyTo reply_to) { Add(Kind::kStatus, std::move(reply_to)); }

 private:
  enum class Kind { kReady, kHealth, kStatus, kMetrics };
  static constexpr size_t kKinds = 4;
  // By kind.
  using Waiting = std::array<std::vector<ReplyTo>, kKinds>;

  void Add(Kind kind, ReplyTo reply_to);
  void Run();
  HttpReply Answer(Kind kind) const;

  const ScrapeSources sources_;
  Mutex mutex_;
  CondVar changed_;
  Waiting waiting_ ABSL_GUARDED_BY(mutex_);
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  std::thread thread_;
};

}  // namespace tributary

#endif  // TRIBUTARY_SERVER_HTTP_SCRAPES_H_
