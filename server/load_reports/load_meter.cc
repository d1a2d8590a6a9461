#include "server/load_reports/load_meter.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "fmt/format.h"
#include "server/process/memory.h"

namespace tributary {
namespace {

using LoadClock = std::chrono::steady_clock;
using xds::data::orca::v3::OrcaLoadReport;

// Of which a report speaks.
constexpr auto kLoadWindow = std::chrono::seconds(1);

// Whether the server is at fault, rather than the request.
bool IsServersFault(size_t code) {
  switch (static_cast<absl::StatusCode>(code)) {
    case absl::StatusCode::kUnknown:
    case absl::StatusCode::kDeadlineExceeded:
    case absl::StatusCode::kResourceExhausted:
    case absl::StatusCode::kInternal:
    case absl::StatusCode::kUnavailable:
    case absl::StatusCode::kDataLoss:
      return true;
    default:
      return false;
  }
}

double MemoryUtilisation() {
  const auto memory = ReadProcessMemory();
  if (!memory.ok()) return 0;
  const MemoryNumbers least = memory->least();
  if (least.total == 0 || least.total == std::numeric_limits<uint64_t>::max()) {
    return 0;
  }
  const double free =
      static_cast<double>(least.available) / static_cast<double>(least.total);
  return std::clamp(1 - free, 0.0, 1.0);
}

// Envoy's form of a report in a header.
std::string TextOf(const OrcaLoadReport& report) {
  std::string text = fmt::format(
      "TEXT cpu_utilization={:.6f},mem_utilization={:.6f},rps_fractional={:.6f}"
      ",eps={:.6f},application_utilization={:.6f}",
      report.cpu_utilization(), report.mem_utilization(),
      report.rps_fractional(), report.eps(), report.application_utilization());
  for (const auto& [name, value] : report.named_metrics()) {
    // A name with these would end its entry.
    if (name.find_first_of(",=\r\n ") != std::string::npos) continue;
    text += fmt::format(",named_metrics.{}={:.6f}", name, value);
  }
  return text;
}

std::shared_ptr<const ServerLoad> WithForms(OrcaLoadReport message) {
  auto report = std::make_shared<ServerLoad>();
  report->bytes = message.SerializeAsString();
  report->text = TextOf(message);
  report->message = std::move(message);
  return report;
}

}  // namespace

OrcaLoadReport LoadBetween(const LoadSample& before, const LoadSample& now,
                           uint32_t threads) {
  OrcaLoadReport report;
  const std::chrono::duration<double> time = now.at - before.at;
  if (time.count() <= 0) return report;
  const std::chrono::duration<double> busy = now.busy - before.busy;
  const std::chrono::duration<double> waited = now.waited - before.waited;
  const double capacity = time.count() * threads;
  report.set_cpu_utilization(busy.count() / capacity);
  report.set_application_utilization((busy + waited).count() / capacity);
  const auto answered = static_cast<double>(now.answered - before.answered);
  const auto failed = static_cast<double>(now.failed - before.failed);
  report.set_rps_fractional((answered + failed) / time.count());
  report.set_eps(failed / time.count());
  return report;
}

LoadMeter::LoadMeter(const v1::ServerConfig& config, ServerMetrics* metrics)
    : metrics_(metrics),
      threads_(config.execution().request_threads()),
      interval_(
          std::min<uint32_t>(config.load_reports().min_interval_ms(), 1000)) {
  for (const char* const method :
       {"Retrieve", "BatchRetrieve", "StreamRetrieve"}) {
    methods_.push_back(&metrics_->AddMethod("tributary.v1.Retrieval", method));
  }
  for (const char* const method : {"POST /v1/retrieve", "POST /v1/batch"}) {
    methods_.push_back(&metrics_->AddMethod("http", method));
  }
  samples_.push_back(Sample());
  latest_ = Measure(samples_.front());
  thread_ = std::thread([this] { Run(); });
}

LoadMeter::~LoadMeter() {
  {
    const MutexLock lock(&mutex_);
    stopping_ = true;
  }
  stops_.NotifyAll();
  thread_.join();
}

std::shared_ptr<const ServerLoad> LoadMeter::Latest() const {
  const MutexLock lock(&mutex_);
  return latest_;
}

void LoadMeter::Watch(std::function<void()> on_report) {
  const MutexLock lock(&watch_mutex_);
  on_report_ = std::move(on_report);
}

void LoadMeter::Run() {
  while (true) {
    {
      MutexLock lock(&mutex_);
      const LoadClock::time_point next = LoadClock::now() + interval_;
      while (!stopping_ && stops_.WaitUntil(&mutex_, next)) {
      }
      if (stopping_) return;
    }
    std::shared_ptr<const ServerLoad> report = Measure(Sample());
    {
      const MutexLock lock(&mutex_);
      latest_ = std::move(report);
    }
    const MutexLock lock(&watch_mutex_);
    if (on_report_) on_report_();
  }
}

LoadSample LoadMeter::Sample() const {
  LoadSample sample;
  sample.at = LoadClock::now();
  sample.busy = std::chrono::nanoseconds(metrics_->busy_ns.value());
  sample.waited = metrics_->wait_seconds.sum();
  sample.answered = metrics_->retrievals.value();
  for (const MethodMetrics* const method : methods_) {
    for (size_t code = 0; code < method->handled.size(); ++code) {
      if (IsServersFault(code)) sample.failed += method->handled[code].value();
    }
  }
  return sample;
}

std::shared_ptr<const ServerLoad> LoadMeter::Measure(const LoadSample& now) {
  // One sample that is older than the window stays, if there is one.
  while (samples_.size() > 1 && samples_[1].at <= now.at - kLoadWindow) {
    samples_.pop_front();
  }
  OrcaLoadReport report = LoadBetween(samples_.front(), now, threads_);
  samples_.push_back(now);
  if (now.at >= memory_read_at_ + kLoadWindow ||
      memory_read_at_ == LoadClock::time_point()) {
    memory_read_at_ = now.at;
    memory_ = MemoryUtilisation();
  }
  report.set_mem_utilization(memory_);
  metrics_->ForEachLiveRecall([&report](std::string_view name, double recall) {
    (*report.mutable_named_metrics())["live_recall." + std::string(name)] =
        recall;
  });
  return WithForms(std::move(report));
}

}  // namespace tributary
