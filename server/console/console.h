// The console: one page for people at /console, which shows what the server
// answers, why, and how it is doing. It reads, and changes nothing.
//
// page/ has what the browser runs, uplot/ a chart library with its licence;
// both are compiled into the program. The page asks /v1/retrieve and
// /v1/explain as any client does, and the paths below for the rest.
#ifndef TRIBUTARY_SERVER_CONSOLE_CONSOLE_H_
#define TRIBUTARY_SERVER_CONSOLE_CONSOLE_H_

#include <chrono>
#include <cstddef>
#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <thread>

#include "absl/status/statusor.h"
#include "server/console/metrics_history.h"
#include "server/console/metrics_sample.h"
#include "server/http/http_message.h"
#include "server/metrics/server_metrics.h"
#include "server/versions/bundle_set.h"
#include "sync/mutex.h"
#include "tributary/v1/config.pb.h"

namespace tributary {

struct ConsoleOptions {
  // How often the metrics are sampled, and how many samples are kept: an hour
  // of them.
  std::chrono::milliseconds sample_interval{10'000};
  size_t samples = 360;
  // How old an answer about status or history may be, so that many readers
  // cost no more than one.
  std::chrono::milliseconds max_age{500};
  // Requests that wait at a time; further ones are refused.
  size_t max_waiting = 64;
};

// Answers:
//   GET  /console               the page
//   GET  /console/NAME          a file of it
//   GET  /console/api/status    ConsoleStatusJson
//   GET  /console/api/history   MetricsHistory::Json
//   POST /console/api/titles    TitlesJson
// One thread of its own answers the last three and samples the metrics, so that
// nobody can keep more than this one busy by asking. Its priority is that of
// others: it takes locks that requests take, too, if briefly. Thread-safe.
class Console final : public HttpRoutes {
 public:
  // `config` is complete. `bundles` and `metrics` outlive it.
  Console(const v1::ServerConfig& config, const BundleSet* bundles,
          const ServerMetrics* metrics, ConsoleOptions options = {});
  // Requests that wait then are not answered.
  ~Console() override;

  const char* MethodFor(std::string_view path) const override;
  std::optional<HttpReply> Handle(HttpRequest request,
                                  ReplyTo reply_to) override;

 private:
  using Clock = std::chrono::steady_clock;
  struct Waiting {
    HttpRequest request;
    ReplyTo reply_to;
  };
  // An answer that may be given again.
  struct Kept {
    std::optional<HttpReply> reply;
    Clock::time_point made;
  };

  void Run();
  MetricsSample TakeSample();
  HttpReply Answer(const HttpRequest& request);
  HttpReply Titles(const std::string& body) const;
  template <typename Make>
  const HttpReply& KeptOr(Kept* kept, const Make& make) const;

  const v1::ServerConfig config_;
  const BundleSet* const bundles_;
  const ServerMetrics* const metrics_;
  const ConsoleOptions options_;

  // Of the thread alone.
  SourceNames names_;
  MetricsHistory history_;
  Kept status_;
  Kept columns_;

  Mutex mutex_;
  CondVar changed_;
  std::deque<Waiting> waiting_ ABSL_GUARDED_BY(mutex_);
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  std::thread thread_;
};

}  // namespace tributary

#endif  // TRIBUTARY_SERVER_CONSOLE_CONSOLE_H_
