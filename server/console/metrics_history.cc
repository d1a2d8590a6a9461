#include "server/console/metrics_history.h"

#include <cstdint>
#include <iterator>
#include <limits>

#include "fmt/format.h"
#include "server/console/json_text.h"

namespace tributary {
namespace {

// Rates over less say little.
constexpr double kShortestSeconds = 1;
constexpr double kNothing = std::numeric_limits<double>::quiet_NaN();

// `before` and the sample after it.
struct Interval {
  const MetricsSample& before;
  const MetricsSample& after;

  double seconds() const { return after.unix_seconds - before.unix_seconds; }
  double PerSecond(double MetricsSample::*sum) const {
    const double s = seconds();
    return s > 0 ? (after.*sum - before.*sum) / s : kNothing;
  }
  double Milliseconds(double share) const {
    auto calls = after.latency;
    for (size_t i = 0; i < calls.size(); ++i) calls[i] -= before.latency[i];
    return QuantileOf(calls, share) * 1e3;
  }
  double Recall(size_t source) const {
    const SourceSample& from = before.sources[source];
    const SourceSample& to = after.sources[source];
    const double expected = to.recall_expected - from.recall_expected;
    return expected > 0 ? (to.recall_hits - from.recall_hits) / expected
                        : kNothing;
  }
};

// "name": [a number for each interval].
template <typename Of>
void AddColumn(std::string_view name, std::span<const Interval> intervals,
               const Of& of, std::string* json) {
  *json += JsonString(name) + ":[";
  bool first = true;
  for (const Interval& interval : intervals) {
    if (!first) *json += ',';
    first = false;
    *json += JsonNumber(of(interval));
  }
  *json += ']';
}

std::string ColumnsJson(std::span<const Interval> intervals,
                        std::span<const std::string> names) {
  std::string json = "{";
  const auto add = [&](std::string_view name, const auto& of) {
    if (json.size() > 1) json += ',';
    AddColumn(name, intervals, of, &json);
  };
  const auto add_rate = [&](std::string_view name, double MetricsSample::*sum) {
    add(name, [sum](const Interval& i) { return i.PerSecond(sum); });
  };
  const auto add_state = [&](std::string_view name,
                             double MetricsSample::*state) {
    add(name, [state](const Interval& i) { return i.after.*state; });
  };
  // A time with milliseconds has more digits than other numbers.
  json += "\"times\":[";
  for (size_t i = 0; i < intervals.size(); ++i) {
    fmt::format_to(std::back_inserter(json), "{}{:.1f}", i == 0 ? "" : ",",
                   intervals[i].after.unix_seconds);
  }
  json += "]";
  add_rate("answeredPerSecond", &MetricsSample::answered);
  add_rate("failedPerSecond", &MetricsSample::failed);
  add_rate("refusedPerSecond", &MetricsSample::refused);
  add("p50Ms", [](const Interval& i) { return i.Milliseconds(.5); });
  add("p99Ms", [](const Interval& i) { return i.Milliseconds(.99); });
  add_state("serviceLevel", &MetricsSample::service_level);
  add_state("inFlight", &MetricsSample::in_flight);
  add_state("waiting", &MetricsSample::waiting);
  add_rate("cores", &MetricsSample::cpu_seconds);
  add_state("residentBytes", &MetricsSample::resident_bytes);
  json += ",\"recall\":{";
  for (size_t source = 0; source < names.size(); ++source) {
    if (source > 0) json += ',';
    AddColumn(
        names[source], intervals,
        [source](const Interval& i) { return i.Recall(source); }, &json);
  }
  return json + "}}";
}

// What the sources did after `before`.
std::string SourcesJson(const Interval& interval,
                        std::span<const std::string> names) {
  std::string json = "[";
  for (size_t place = 0; place < names.size(); ++place) {
    const SourceSample& from = interval.before.sources[place];
    const SourceSample& to = interval.after.sources[place];
    fmt::format_to(
        std::back_inserter(json),
        "{}{{\"name\":{},\"admitted\":{},\"proposed\":{},\"searches\":{},"
        "\"recall\":{},\"recallExpected\":{},\"shortfall\":{{",
        place == 0 ? "" : ",", JsonString(names[place]),
        JsonNumber(to.admitted - from.admitted),
        JsonNumber(to.proposed - from.proposed),
        JsonNumber(to.searches - from.searches),
        JsonNumber(interval.Recall(place)),
        JsonNumber(to.recall_expected - from.recall_expected));
    for (size_t cause = 1; cause < to.shortfall.size(); ++cause) {
      const auto value = static_cast<int>(cause);
      if (!v1::ShortfallCause_IsValid(value)) continue;
      fmt::format_to(std::back_inserter(json), "{}\"{}\":{}",
                     cause == 1 ? "" : ",", v1::ShortfallCause_Name(value),
                     JsonNumber(to.shortfall[cause] - from.shortfall[cause]));
    }
    json += "},\"overlap\":{";
    bool first = true;
    for (size_t other = 0; other < names.size(); ++other) {
      if (other == place) continue;
      fmt::format_to(std::back_inserter(json), "{}{}:{}", first ? "" : ",",
                     JsonString(names[other]),
                     JsonNumber(to.overlap[other] - from.overlap[other]));
      first = false;
    }
    json += "}}";
  }
  return json + "]";
}

std::string NowJson(const MetricsSample& now) {
  return fmt::format(
      "{{\"unixSeconds\":{:.1f},\"answered\":{},\"failed\":{},\"refused\":{},"
      "\"p50Ms\":{},\"p99Ms\":{},\"inFlight\":{},\"waiting\":{},"
      "\"concurrencyLimit\":{},\"serviceLevel\":{},\"residentBytes\":{},"
      "\"memoryLimitBytes\":{},\"memoryAvailableBytes\":{}}}",
      now.unix_seconds, JsonNumber(now.answered), JsonNumber(now.failed),
      JsonNumber(now.refused), JsonNumber(QuantileOf(now.latency, .5) * 1e3),
      JsonNumber(QuantileOf(now.latency, .99) * 1e3), JsonNumber(now.in_flight),
      JsonNumber(now.waiting), JsonNumber(now.concurrency_limit),
      JsonNumber(now.service_level), JsonNumber(now.resident_bytes),
      JsonNumber(now.memory_limit_bytes),
      JsonNumber(now.memory_available_bytes));
}

}  // namespace

MetricsHistory::MetricsHistory(size_t capacity) : ring_(capacity) {}

void MetricsHistory::Add(const MetricsSample& sample) {
  ring_[(first_ + size_) % ring_.size()] = sample;
  if (size_ < ring_.size()) {
    ++size_;
  } else {
    first_ = (first_ + 1) % ring_.size();
  }
}

std::string MetricsHistory::Json(const MetricsSample& now,
                                 std::span<const std::string> names) const {
  std::vector<Interval> intervals;
  intervals.reserve(size_);
  for (size_t i = 0; i < size_; ++i) {
    const Interval interval{at(i), i + 1 < size_ ? at(i + 1) : now};
    if (i > 0 && interval.seconds() < kShortestSeconds) continue;
    intervals.push_back(interval);
  }
  const MetricsSample nothing;
  const MetricsSample& oldest = size_ > 0 ? at(0) : now;
  return fmt::format(
      "{{\"now\":{},\"oldestUnixSeconds\":{:.1f},\"columns\":{},"
      "\"sources\":{{\"life\":{},\"hour\":{}}}}}",
      NowJson(now), oldest.unix_seconds, ColumnsJson(intervals, names),
      SourcesJson({nothing, now}, names), SourcesJson({oldest, now}, names));
}

}  // namespace tributary
