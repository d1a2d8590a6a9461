#include "cli/replay_text.h"

#include <algorithm>
#include <chrono>
#include <set>
#include <string_view>
#include <utility>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "cli/json_object.h"
#include "fmt/core.h"
#include "google/protobuf/util/json_util.h"
#include "server/process/memory.h"
#include "text/quoted.h"

namespace tributary {
namespace {

std::string TimeText(int64_t ms) {
  return absl::FormatTime("%Y-%m-%dT%H:%M:%SZ", absl::FromUnixMillis(ms),
                          absl::UTCTimeZone());
}

double MicrosOf(const LogLinearHistogram& histogram, double share) {
  return std::chrono::duration<double, std::micro>(histogram.Quantile(share))
      .count();
}

std::string LatencyText(const LogLinearHistogram& histogram) {
  return fmt::format("p50 {:.3f} ms, p99 {:.3f} ms",
                     MicrosOf(histogram, 0.5) / 1000,
                     MicrosOf(histogram, 0.99) / 1000);
}

std::string VersionsText(const std::set<uint64_t>& versions) {
  if (versions.empty()) return "none";
  std::string text;
  for (const uint64_t version : versions) {
    text += fmt::format("{}{}", text.empty() ? "" : ", ", version);
  }
  return text;
}

double Share(uint64_t part, uint64_t all) {
  return all == 0 ? 1 : static_cast<double>(part) / static_cast<double>(all);
}

std::string CodeName(int code) {
  return absl::StatusCodeToString(static_cast<absl::StatusCode>(code));
}

// "call 17 (id-1)".
std::string CallName(const ReplayedCall& call) {
  if (call.request_id.empty()) return fmt::format("call {}", call.number);
  return fmt::format("call {} ({})", call.number, Printable(call.request_id));
}

std::string WorstText(const ReplayedCall& call) {
  std::string what;
  if (call.code_then == 0 && call.code_now == 0) {
    what = fmt::format("overlap {:.4f}, {} gained, {} lost", call.overlap,
                       call.gained, call.lost);
  } else {
    what = fmt::format("{} then, {} now", CodeName(call.code_then),
                       CodeName(call.code_now));
    if (call.code_now != 0) what += ": " + Printable(call.error_now);
  }
  return fmt::format("  {}: {}\n", CallName(call), what);
}

void AppendHashed(const Replay& replay, std::string* text) {
  const ReplayTotals& totals = replay.totals;
  if (totals.hashed == 0) return;
  *text += fmt::format(
      "hashed users     {} calls, whose users the recording does not tell. The "
      "server answered them as\n                 users that it does not know",
      totals.hashed);
  if (totals.hashed_answered() == 0) {
    *text += ", which they were then, too\n";
    return;
  }
  *text += fmt::format(
      ". It knew those of {} then: these are not compared\n"
      "                 (their mean overlap is {:.4f}); record with "
      "recording.user_keys to compare them\n",
      totals.hashed_answered(), totals.hashed_mean_overlap());
}

}  // namespace

std::string SummaryText(const RecordingSummary& recording) {
  std::string text =
      fmt::format("{}: {} calls", Printable(recording.file), recording.calls);
  if (recording.calls > 0) {
    text += fmt::format(" from {} to {}", TimeText(recording.first_ms),
                        TimeText(recording.last_ms));
  }
  return text + fmt::format(", {} torn, {} at most\n", recording.torn,
                            ByteText(recording.max_bytes));
}

std::string ReplayText(const Replay& replay, const ReplayOptions& options) {
  const ReplayTotals& totals = replay.totals;
  std::string text = fmt::format(
      "sent             {} calls to {} in {:.1f} s, {:.0f} a second\n",
      totals.sent, options.address, replay.seconds,
      static_cast<double>(totals.sent) / std::max(replay.seconds, 1e-9));
  if (replay.pages > 0) {
    text += fmt::format(
        "left out         {} calls that asked for a later page, which belongs "
        "to its first one\n",
        replay.pages);
  }
  if (replay.overwritten > 0) {
    text += fmt::format(
        "overwritten      {} calls, by a server that records meanwhile\n",
        replay.overwritten);
  }
  AppendHashed(replay, &text);
  text += fmt::format("versions         then {}; now {}\n",
                      VersionsText(totals.versions_then),
                      VersionsText(totals.versions_now));
  text += fmt::format("compared         {} calls\n", totals.compared);
  text += fmt::format("overlap          {:.4f} on average\n",
                      totals.mean_overlap());
  text += fmt::format("identical        {} calls, {:.2f} %\n", totals.identical,
                      100 * Share(totals.identical, totals.compared));
  text += fmt::format("items            {} gained, {} lost\n", totals.gained,
                      totals.lost);
  text +=
      fmt::format("errors           {} came, {} went, {} as then, {} others\n",
                  totals.errors_came, totals.errors_went, totals.errors_alike,
                  totals.errors_other);
  if (totals.reduced_then + totals.reduced_now > 0) {
    text += fmt::format(
        "reduced          {} answers then, {} now: under overload, or without "
        "a source\n",
        totals.reduced_then, totals.reduced_now);
  }
  text += fmt::format(
      "latency          then {}, in the server\n                 now  {}, seen "
      "from here\n",
      LatencyText(totals.micros_then), LatencyText(totals.micros_now));
  if (totals.worst().empty()) return text;
  text += "worst calls:\n";
  for (const ReplayedCall& call : totals.worst()) text += WorstText(call);
  return text;
}

std::string ReplayJson(const RecordingSummary& recording, const Replay& replay,
                       const ReplayOptions& options) {
  const ReplayTotals& totals = replay.totals;
  google::protobuf::Struct report;
  const auto set_text = [](google::protobuf::Struct& object, const char* name,
                           const std::string& text) {
    (*object.mutable_fields())[name].set_string_value(text);
  };
  const auto add_versions = [](google::protobuf::Struct& object,
                               const char* name,
                               const std::set<uint64_t>& versions) {
    auto& list = *(*object.mutable_fields())[name].mutable_list_value();
    for (const uint64_t version : versions) {
      list.add_values()->set_string_value(std::to_string(version));
    }
  };
  auto& file = AddObject(report, "recording");
  set_text(file, "file", Printable(recording.file));
  for (const auto& [name, number] : {std::pair("calls", recording.calls),
                                     {"torn", recording.torn},
                                     {"max_bytes", recording.max_bytes}}) {
    SetNumber(file, name, static_cast<double>(number));
  }
  if (recording.calls > 0) {
    set_text(file, "from", TimeText(recording.first_ms));
    set_text(file, "to", TimeText(recording.last_ms));
  }
  set_text(report, "server", options.address);
  SetNumber(report, "seconds", replay.seconds);
  SetNumber(report, "mean_overlap", totals.mean_overlap());
  SetNumber(report, "identical_share",
            Share(totals.identical, totals.compared));
  for (const auto& [name, number] : {std::pair("sent", totals.sent),
                                     {"pages_left_out", replay.pages},
                                     {"overwritten", replay.overwritten},
                                     {"hashed_users", totals.hashed},
                                     {"compared", totals.compared},
                                     {"identical", totals.identical},
                                     {"gained", totals.gained},
                                     {"lost", totals.lost},
                                     {"errors_came", totals.errors_came},
                                     {"errors_went", totals.errors_went},
                                     {"errors_alike", totals.errors_alike},
                                     {"errors_other", totals.errors_other},
                                     {"reduced_then", totals.reduced_then},
                                     {"reduced_now", totals.reduced_now}}) {
    SetNumber(report, name, static_cast<double>(number));
  }
  add_versions(report, "versions_then", totals.versions_then);
  add_versions(report, "versions_now", totals.versions_now);
  for (const auto& [name, histogram] :
       {std::pair("then", &totals.micros_then), {"now", &totals.micros_now}}) {
    auto& latency = AddObject(AddObject(report, "latency_us"), name);
    SetNumber(latency, "p50", MicrosOf(*histogram, 0.5));
    SetNumber(latency, "p99", MicrosOf(*histogram, 0.99));
  }
  auto& worst = *(*report.mutable_fields())["worst"].mutable_list_value();
  for (const ReplayedCall& call : totals.worst()) {
    auto& entry = *worst.add_values()->mutable_struct_value();
    SetNumber(entry, "call", static_cast<double>(call.number));
    set_text(entry, "request_id", Printable(call.request_id));
    SetNumber(entry, "overlap", call.overlap);
    SetNumber(entry, "gained", call.gained);
    SetNumber(entry, "lost", call.lost);
    set_text(entry, "code_then", CodeName(call.code_then));
    set_text(entry, "code_now", CodeName(call.code_now));
  }
  std::string json;
  google::protobuf::util::JsonPrintOptions print;
  print.add_whitespace = true;
  // Fails only for numbers that JSON does not have.
  (void)google::protobuf::util::MessageToJsonString(report, &json, print);
  return json;
}

}  // namespace tributary
