// What this server tells balancers about its load: ORCA reports, measured of
// the same counters that Prometheus scrapes.
#ifndef TRIBUTARY_SERVER_LOAD_REPORTS_LOAD_METER_H_
#define TRIBUTARY_SERVER_LOAD_REPORTS_LOAD_METER_H_

#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "server/metrics/server_metrics.h"
#include "sync/mutex.h"
#include "tributary/v1/config.pb.h"
#include "xds/data/orca/v3/orca_load_report.pb.h"

namespace tributary {

// A report in all its forms.
struct ServerLoad {
  xds::data::orca::v3::OrcaLoadReport message;
  // For the trailer endpoint-load-metrics-bin of gRPC.
  std::string bytes;
  // For the header endpoint-load-metrics of HTTP: "TEXT ", then name=value,
  // separated by commas.
  std::string text;
};

// The counters from which reports are made, at one moment.
struct LoadSample {
  std::chrono::steady_clock::time_point at;
  // How long calls had request threads, and waited for them, in all.
  std::chrono::nanoseconds busy{0};
  std::chrono::nanoseconds waited{0};
  uint64_t answered = 0;
  // Calls that failed by the fault of the server.
  uint64_t failed = 0;
};

// The load between two samples, `before` being the earlier one:
//   cpu_utilization          the share of the request threads' time that calls
//                            had
//   application_utilization  the same with the time that calls waited for a
//                            thread: above 1 when more calls come than are
//                            answered
//   rps_fractional           requests answered, and calls that failed, a second
//   eps                      calls that failed by the server's fault, a second
xds::data::orca::v3::OrcaLoadReport LoadBetween(const LoadSample& before,
                                                const LoadSample& now,
                                                uint32_t threads);

// Measures the load of the last second again and again, on a thread of its own.
// Beside LoadBetween, reports have mem_utilization where the machine or the
// container has a limit, and for each retriever whose live recall is known a
// named metric "live_recall.<name>". Thread-safe.
class LoadMeter {
 public:
  // `config` is complete. `metrics` outlives this.
  LoadMeter(const v1::ServerConfig& config, ServerMetrics* metrics);
  ~LoadMeter();
  LoadMeter(const LoadMeter&) = delete;
  LoadMeter& operator=(const LoadMeter&) = delete;

  // The latest report; never null.
  std::shared_ptr<const ServerLoad> Latest() const ABSL_LOCKS_EXCLUDED(mutex_);

  // Has `on_report` called after each measurement, on the meter's thread; null
  // ends that, and waits for a call in progress.
  void Watch(std::function<void()> on_report)
      ABSL_LOCKS_EXCLUDED(mutex_, watch_mutex_);

 private:
  void Run();
  LoadSample Sample() const;
  std::shared_ptr<const ServerLoad> Measure(const LoadSample& now);

  // Constant after construction.
  ServerMetrics* const metrics_;
  const uint32_t threads_;
  const std::chrono::milliseconds interval_;
  std::vector<const MethodMetrics*> methods_;

  // Used by the thread alone: the samples of the last second and the one
  // before; and the memory's utilisation, which is read once a second.
  std::deque<LoadSample> samples_;
  std::chrono::steady_clock::time_point memory_read_at_;
  double memory_ = 0;

  Mutex watch_mutex_ ABSL_ACQUIRED_BEFORE(mutex_);
  std::function<void()> on_report_ ABSL_GUARDED_BY(watch_mutex_);
  mutable Mutex mutex_;
  CondVar stops_;
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  std::shared_ptr<const ServerLoad> latest_ ABSL_GUARDED_BY(mutex_);
  std::thread thread_;
};

}  // namespace tributary

#endif  // TRIBUTARY_SERVER_LOAD_REPORTS_LOAD_METER_H_
