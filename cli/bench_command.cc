// tributary bench: puts load on a server and reports rates, latencies and
// errors.
#include <cmath>
#include <memory>
#include <string>
#include <vector>

#include "cli/access_flags.h"
#include "cli/bench_output.h"
#include "cli/commands.h"
#include "cli/json_flag.h"
#include "cli/progress_line.h"
#include "cli/quota_flag.h"
#include "client/load/load_generator.h"
#include "fmt/core.h"
#include "status/status_macros.h"

namespace tributary {
namespace {

constexpr uint32_t kClosedCallers = 4;
constexpr uint32_t kOpenCallers = 256;
constexpr double kMaxSeconds = 86'400;

struct BenchFlags {
  LoadOptions load;
  uint32_t k = 500;
  std::vector<std::string> quotas;
  std::string where;
  std::vector<std::string> exclude_sets;
  bool include_seen = false;
  std::string users;
  std::string user_range;
  bool cold = false;
  // 0 for the default of the kind of loop.
  uint32_t callers = 0;
  double warm_up_s = 1;
  double duration_s = 10;
  JsonFlag json;
};

std::chrono::nanoseconds Seconds(double seconds) {
  return std::chrono::nanoseconds(std::llround(seconds * 1e9));
}

// One of --users, --user-range and --cold must be given: the figures of users
// whom the server does not know look like those of any other users.
absl::StatusOr<UserKeys> ReadUsers(const BenchFlags& flags) {
  if (!flags.users.empty()) return UserKeys::ReadFile(flags.users);
  if (!flags.user_range.empty()) return UserKeys::ParseRange(flags.user_range);
  if (flags.cold) return UserKeys();
  return absl::InvalidArgumentError(
      "no users given: pass one of --users FILE, --user-range LOW-HIGH, or "
      "--cold for users whom the server does not know");
}

absl::StatusOr<LoadOptions> MakeOptions(const BenchFlags& flags) {
  LoadOptions options = flags.load;
  ASSIGN_OR_RETURN(options.users, ReadUsers(flags));
  options.request.set_k(flags.k);
  options.request.set_include_seen(flags.include_seen);
  RETURN_IF_ERROR(SetQuotas(flags.quotas, &options.request));
  if (!flags.where.empty()) {
    options.request.mutable_filter()->set_where(flags.where);
  }
  for (const std::string& name : flags.exclude_sets) {
    options.request.mutable_filter()->add_exclude_sets(name);
  }
  options.callers = flags.callers;
  if (options.callers == 0) {
    options.callers = options.rate > 0 ? kOpenCallers : kClosedCallers;
  }
  options.warm_up = Seconds(flags.warm_up_s);
  options.duration = Seconds(flags.duration_s);
  return options;
}

absl::Status Bench(const BenchFlags& flags) {
  ASSIGN_OR_RETURN(const LoadOptions options, MakeOptions(flags));
  const auto generator = LoadGenerator::Connect(options);
  if (!generator.ok()) return WithAccessFlags(generator.status());
  LoadReport report;
  {
    ProgressLine line;
    report = (*generator)->Run([&](double done, uint64_t calls) {
      line.Show(fmt::format("load, {} calls", calls), done);
    });
  }
  if (!flags.json.on_stdout()) {
    fmt::print("{}\n{}", LoadText(options), LoadReportText(report));
  }
  if (flags.json.given()) {
    RETURN_IF_ERROR(flags.json.Write(LoadReportJson(options, report)));
  }
  if (report.answered > 0) return absl::OkStatus();
  return absl::UnavailableError("no call was answered");
}

void AddRequestFlags(CLI::App& command, BenchFlags* flags) {
  command
      .add_option("--address", flags->load.address, "host:port or unix:PATH")
      ->capture_default_str();
  AddAccessFlags(command, &flags->load.credentials);
  command.add_option("-k", flags->k, "Number of candidates of each call")
      ->check(CLI::Range(1U, UINT32_MAX))
      ->capture_default_str();
  AddQuotaFlag(command, &flags->quotas);
  command.add_option("--where", flags->where,
                     "What items must be, e.g. 'in_stock = true'");
  command.add_option("--exclude-set", flags->exclude_sets,
                     "Name of a set of items to exclude (tributary control "
                     "put-set). May be given several times");
  command.add_flag("--include-seen", flags->include_seen,
                   "Do not exclude items that the users have already had");
  auto* users =
      command.add_option_group("users", "Users to retrieve for: pass one of");
  users->add_option("--users", flags->users,
                    "File with one user key on each line");
  users->add_option("--user-range", flags->user_range,
                    "Range of integer keys, such as 1-943");
  users->add_flag("--cold", flags->cold, "Users whom the server does not know");
  users->require_option(0, 1);
}

void AddLoadFlags(CLI::App& command, BenchFlags* flags) {
  command.add_option("--rate", flags->load.rate,
                     "Open loop: this many calls per second, at random times. "
                     "Default: closed loop, each caller calls again when its "
                     "call is answered");
  command.add_option("--callers", flags->callers,
                     "Maximum number of calls in progress. Default: 4 in a "
                     "closed loop, 256 in an open loop");
  command
      .add_option("--connections", flags->load.connections,
                  "Number of TCP connections, shared by the callers")
      ->capture_default_str();
  command
      .add_option("--threads", flags->load.threads,
                  "Number of threads of the load generator")
      ->capture_default_str();
  command
      .add_option("--deadline-ms", flags->load.deadline_ms,
                  "Deadline of each call, in milliseconds")
      ->capture_default_str();
  command
      .add_option("--warm-up", flags->warm_up_s,
                  "Seconds of load before the measurement")
      ->check(CLI::Range(0.0, kMaxSeconds))
      ->capture_default_str();
  command
      .add_option("--duration", flags->duration_s, "Seconds of the measurement")
      ->check(CLI::Range(0.0, kMaxSeconds))
      ->capture_default_str();
  command
      .add_option("--seed", flags->load.seed,
                  "Seed of the choice of users and call times")
      ->capture_default_str();
  flags->json.AddWithFileTo(command, "the figures");
}

}  // namespace

void AddBenchCommand(CLI::App& app) {
  auto flags = std::make_shared<BenchFlags>();
  flags->load.address = "127.0.0.1:7700";
  CLI::App* command =
      app.add_subcommand("bench",
                         "Put load on a server and report rates, errors, and "
                         "latencies from the time at which each call was due");
  AddRequestFlags(*command, flags.get());
  AddLoadFlags(*command, flags.get());
  command->callback([flags] { FailUnlessOk(Bench(*flags)); });
}

}  // namespace tributary
