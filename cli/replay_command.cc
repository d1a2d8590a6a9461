// tributary replay: sends the calls of a recording again, and compares.
#include <cmath>
#include <cstdint>
#include <memory>
#include <string>

#include "cli/access_flags.h"
#include "cli/commands.h"
#include "cli/json_flag.h"
#include "cli/replay_run.h"
#include "cli/replay_text.h"
#include "fmt/core.h"
#include "google/protobuf/util/json_util.h"
#include "server/recording/recording_file.h"
#include "status/status_macros.h"

namespace tributary {
namespace {

struct ReplayFlags {
  std::string file;
  ReplayOptions options;
  bool print = false;
  double fail_below = -1;
  JsonFlag json;
};

absl::StatusOr<RecordingSummary> Summarise(const std::string& file,
                                           const RecordingReader& recording) {
  RecordingSummary summary = {.file = file,
                              .calls = recording.places().size(),
                              .torn = recording.torn(),
                              .max_bytes = recording.max_bytes()};
  // A server that records may be overwriting the oldest ones.
  for (const RecordedPlace& place : recording.places()) {
    const auto call = recording.Read(place);
    if (absl::IsAborted(call.status())) continue;
    RETURN_IF_ERROR(call.status());
    summary.first_ms = call->at_ms();
    break;
  }
  if (summary.calls == 0) return summary;
  ASSIGN_OR_RETURN(const v1::RecordedCall last,
                   recording.Read(recording.places().back()));
  summary.last_ms = last.at_ms();
  return summary;
}

absl::Status PrintCalls(const RecordingReader& recording, uint64_t limit) {
  uint64_t printed = 0;
  for (const RecordedPlace& place : recording.places()) {
    if (limit != 0 && printed == limit) break;
    const auto call = recording.Read(place);
    if (absl::IsAborted(call.status())) continue;
    RETURN_IF_ERROR(call.status());
    std::string json;
    // Fails only for messages with unknown Any types.
    (void)google::protobuf::util::MessageToJsonString(*call, &json);
    fmt::print("{}\n", json);
    ++printed;
  }
  return absl::OkStatus();
}

absl::Status JudgeReplay(const Replay& replay, double fail_below) {
  if (fail_below < 0) return absl::OkStatus();
  if (replay.totals.answered() == 0) {
    return absl::FailedPreconditionError(
        "--fail-below: no call can be compared");
  }
  if (replay.totals.mean_overlap() >= fail_below) return absl::OkStatus();
  return absl::FailedPreconditionError(
      fmt::format("the mean overlap is {:.4f}, below --fail-below {}",
                  replay.totals.mean_overlap(), fail_below));
}

absl::Status ReplayOf(const ReplayFlags& flags) {
  if (flags.options.bundle_version != 0 &&
      !flags.options.bundle_label.empty()) {
    return absl::InvalidArgumentError(
        "--bundle-version, --label: expected one of them");
  }
  ASSIGN_OR_RETURN(const auto recording, RecordingReader::Open(flags.file));
  ASSIGN_OR_RETURN(const RecordingSummary summary,
                   Summarise(flags.file, *recording));
  if (flags.print) {
    fmt::print(stderr, "{}", SummaryText(summary));
    return PrintCalls(*recording, flags.options.limit);
  }
  if (!flags.json.on_stdout()) fmt::print("{}", SummaryText(summary));
  const absl::StatusOr<Replay> replay = RunReplay(*recording, flags.options);
  if (!replay.ok()) return WithAccessFlags(replay.status());
  if (!flags.json.on_stdout()) {
    fmt::print("{}", ReplayText(*replay, flags.options));
  }
  if (flags.json.given()) {
    RETURN_IF_ERROR(
        flags.json.Write(ReplayJson(summary, *replay, flags.options)));
  }
  return JudgeReplay(*replay, flags.fail_below);
}

void AddAimFlags(CLI::App& command, ReplayOptions* options) {
  command
      .add_option("--server,--address", options->address,
                  "Address of the server: host:port or unix:PATH")
      ->capture_default_str();
  command.add_option("--bundle-version", options->bundle_version,
                     "Ask this version, whatever the requests said");
  command.add_option("--label", options->bundle_label,
                     "Ask the version of this label, whatever the requests "
                     "said");
  command
      .add_option("--deadline-ms", options->client.deadline_ms,
                  "Deadline of each call, in milliseconds")
      ->check(CLI::Range(1U, 3'600'000U))
      ->capture_default_str();
  AddAccessFlags(command, &options->client.credentials);
}

void AddPaceFlags(CLI::App& command, ReplayOptions* options) {
  command
      .add_option("--rate", options->rate,
                  "Calls a second. Default: as many as the server answers")
      ->check(CLI::Range(0.001, 1e6));
  command
      .add_option("--concurrency", options->concurrency,
                  "How many calls are in progress at a time, at most")
      ->check(CLI::Range(1U, 1024U))
      ->capture_default_str();
  command.add_option("--limit", options->limit, "Take the oldest N calls only")
      ->check(CLI::Range(uint64_t{1}, uint64_t{1} << 53));
}

}  // namespace

void AddReplayCommand(CLI::App& app) {
  auto flags = std::make_shared<ReplayFlags>();
  flags->options.address = "127.0.0.1:7700";
  flags->options.client.wait_for_ready = false;
  CLI::App* command = app.add_subcommand(
      "replay", "Send the calls of a recording again, and compare the answers");
  command
      ->add_option("file", flags->file,
                   "The recording: recording.file of a server, or a copy of it")
      ->required();
  AddAimFlags(*command, &flags->options);
  AddPaceFlags(*command, &flags->options);
  command->add_option("-k,--at", flags->options.depth,
                      "Compare the first K items of each list. Default: all");
  command
      ->add_option("--worst", flags->options.worst,
                   "How many of the calls with the lowest overlap are named")
      ->check(CLI::Range(0U, 100'000U))
      ->capture_default_str();
  command
      ->add_option("--fail-below", flags->fail_below,
                   "End with exit status 1 when the mean overlap is lower")
      ->check(CLI::Range(0.0, 1.0));
  command->add_flag("--print", flags->print,
                    "Print the calls as lines of JSON, and send none");
  flags->json.AddWithFileTo(*command, "the comparison");
  command->callback([flags] { FailUnlessOk(ReplayOf(*flags)); });
}

}  // namespace tributary
