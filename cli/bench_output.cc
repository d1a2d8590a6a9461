#include "cli/bench_output.h"

#include <array>
#include <chrono>
#include <string_view>
#include <utility>

#include "absl/status/status.h"
#include "cli/json_object.h"
#include "fmt/format.h"
#include "google/protobuf/struct.pb.h"
#include "google/protobuf/util/json_util.h"

namespace tributary {
namespace {

using google::protobuf::Struct;

// Above this share of busy time, the load generator affects the measurement.
constexpr double kTooBusy = 0.85;

constexpr std::array<std::pair<std::string_view, double>, 4> kQuantiles = {
    {{"p50", .5}, {"p90", .9}, {"p99", .99}, {"p99_9", .999}}};

double Micros(std::chrono::nanoseconds duration) {
  return std::chrono::duration<double, std::micro>(duration).count();
}

// gRPC's codes and Abseil's have equal numbers and names.
std::string CodeName(size_t code) {
  return absl::StatusCodeToString(static_cast<absl::StatusCode>(code));
}

std::string QuantilesText(std::string_view what, const LogLinearHistogram& h) {
  std::string text = fmt::format("{:<12}mean {:.0f}", what, Micros(h.mean()));
  for (const auto& [name, share] : kQuantiles) {
    text += fmt::format("  {} {:.0f}", name, Micros(h.Quantile(share)));
  }
  return text + fmt::format("  max {:.0f} us\n", Micros(h.max()));
}

std::string ErrorsText(const LoadReport& report) {
  std::string text = fmt::format("errors      {}", report.failed());
  for (size_t code = 0; code < report.errors.size(); ++code) {
    if (report.errors[code] == 0) continue;
    text += fmt::format("  {} {}", CodeName(code), report.errors[code]);
  }
  return text + '\n';
}

void SetQuantiles(const LogLinearHistogram& h, Struct& object) {
  SetNumber(object, "mean", Micros(h.mean()));
  for (const auto& [name, share] : kQuantiles) {
    SetNumber(object, name, Micros(h.Quantile(share)));
  }
  SetNumber(object, "max", Micros(h.max()));
}

}  // namespace

std::string LoadText(const LoadOptions& options) {
  return options.rate > 0
             ? fmt::format("open loop, {:g} calls/s, at most {} at a time",
                           options.rate, options.callers)
             : fmt::format("closed loop, {} callers", options.callers);
}

std::string LoadReportText(const LoadReport& report) {
  const auto answered = static_cast<double>(report.answered);
  std::string text = fmt::format(
      "answered    {} in {:.2f} s: {:.0f}/s, {:.0f} candidates each\n",
      report.answered, report.wall_s, report.Qps(),
      answered > 0 ? static_cast<double>(report.candidates) / answered : 0);
  text += QuantilesText("latency", report.latency);
  text += fmt::format("            (quantiles are at most {:.1f}% too large)\n",
                      100 * LogLinearHistogram::kMaxRelativeError);
  text += fmt::format(
      "sources     {:.0f} us of the latency, the sum over sources by the "
      "server's clock\n",
      answered > 0 ? static_cast<double>(report.sources_us) / answered : 0);
  text += QuantilesText("sent late", report.lag);
  text += fmt::format(
      "replies     degraded {}  reduced {}  short {}  cold start {}\n",
      report.degraded, report.reduced, report.short_replies,
      report.cold_starts);
  text += ErrorsText(report);
  if (report.unsent > 0) {
    text += fmt::format(
        "unsent      {} calls, because no caller was free in time\n",
        report.unsent);
  }
  if (report.generator_busy > kTooBusy) {
    text += fmt::format(
        "warning     the busiest thread of the load generator was busy {:.0f}% "
        "of the time: use more --threads, or another machine\n",
        100 * report.generator_busy);
  }
  return text;
}

std::string LoadReportJson(const LoadOptions& options,
                           const LoadReport& report) {
  Struct root;
  (*root.mutable_fields())["mode"].set_string_value(
      options.rate > 0 ? "open" : "closed");
  SetNumber(root, "rate", options.rate);
  SetNumber(root, "callers", options.callers);
  SetNumber(root, "connections", options.connections);
  SetNumber(root, "k", options.request.k());
  SetNumber(root, "wall_s", report.wall_s);
  SetNumber(root, "qps", report.Qps());
  SetNumber(root, "answered", static_cast<double>(report.answered));
  SetNumber(root, "candidates", static_cast<double>(report.candidates));
  SetNumber(root, "degraded", static_cast<double>(report.degraded));
  SetNumber(root, "reduced", static_cast<double>(report.reduced));
  SetNumber(root, "short", static_cast<double>(report.short_replies));
  SetNumber(root, "cold_starts", static_cast<double>(report.cold_starts));
  SetNumber(root, "sources_us", static_cast<double>(report.sources_us));
  SetNumber(root, "unsent", static_cast<double>(report.unsent));
  SetNumber(root, "generator_busy", report.generator_busy);
  SetQuantiles(report.latency, AddObject(root, "latency_us"));
  SetQuantiles(report.lag, AddObject(root, "sent_late_us"));
  Struct& errors = AddObject(root, "errors");
  for (size_t code = 0; code < report.errors.size(); ++code) {
    if (report.errors[code] == 0) continue;
    SetNumber(errors, CodeName(code), static_cast<double>(report.errors[code]));
  }
  std::string json;
  google::protobuf::util::JsonPrintOptions pretty;
  pretty.add_whitespace = true;
  // Fails only for numbers that are not finite.
  (void)google::protobuf::util::MessageToJsonString(root, &json, pretty);
  return json;
}

}  // namespace tributary
