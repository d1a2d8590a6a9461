// tributary retrieve: asks a server for candidates and prints a table or JSON.
#include <algorithm>
#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "cli/access_flags.h"
#include "cli/commands.h"
#include "cli/request_flags.h"
#include "cli/request_id_flag.h"
#include "cli/write_lists.h"
#include "client/retrieval_client.h"
#include "fmt/core.h"
#include "google/protobuf/util/json_util.h"
#include "status/status_macros.h"
#include "text/quoted.h"

namespace tributary {
namespace {

// A call for a thousand users waits behind all others.
constexpr uint32_t kListsDeadlineMs = 60'000;

struct RetrieveFlags {
  RequestFlags request;
  uint32_t page_size = 0;
  std::string page_token;
  std::string users;
  std::string out = "-";
  uint32_t users_per_call = 1000;
  uint32_t calls = 4;
  std::string address = "127.0.0.1:7700";
  ClientCredentials credentials;
  uint32_t deadline_ms = 1000;
  std::string request_id;
  bool json = false;
};

std::string SourceNames(const Candidate& candidate) {
  std::string names;
  for (const Proposal& proposal : candidate.proposals) {
    names += (names.empty() ? "" : " ") + std::string(proposal.source);
  }
  return names;
}

std::string ShortfallText(const v1::SourceReport& report) {
  if (report.shortfall() == 0) return "";
  return fmt::format("{} short: {}", report.shortfall(),
                     v1::ShortfallCause_Name(report.cause()));
}

std::string NoticeText(v1::Notice notice) {
  switch (notice) {
    case v1::SEGMENT_UNKNOWN:
      return "the bundle has no list for this segment, so popularity came from "
             "the lists for everyone";
    case v1::WEIGHTS_UNUSABLE:
      return "no source with a weight above 0 proposed an item, so all sources "
             "had the weight 1";
    default:
      return v1::Notice_Name(notice);
  }
}

void PrintFilter(const v1::FilterReport& report) {
  fmt::print("{} items pass the filter\n", report.passing_items());
  for (const std::string& value : report.unknown_values()) {
    fmt::print("  no item has {}\n", Printable(value));
  }
  for (const std::string& attribute : report.relaxed()) {
    fmt::print("  the terms on {} were dropped, because too few passed\n",
               Printable(attribute));
  }
}

absl::Status PrintTable(const v1::RetrieveResponse& response) {
  ASSIGN_OR_RETURN(const auto candidates, Candidates(response));
  size_t width = 4;
  for (const Candidate& c : candidates) {
    width = std::max(width, Printable(c.key).size());
  }
  const bool has_factors = response.factors_size() > 0;
  fmt::print("{:>4}  {:<{}}  {:>9}  {}{}\n", "", "item", width, "score",
             has_factors ? fmt::format("{:>9}  ", "factor") : "", "sources");
  for (size_t i = 0; i < candidates.size(); ++i) {
    const Candidate& candidate = candidates[i];
    fmt::print("{:>4}  {:<{}}  {:>9.6f}  {}{}\n", i + 1,
               Printable(candidate.key), width, candidate.score,
               has_factors ? fmt::format("{:>9.4g}  ", candidate.factor) : "",
               SourceNames(candidate));
  }
  for (const v1::SourceReport& report : response.source_reports()) {
    fmt::print(
        "{:<12} target {:>4}  asked {:>4}  proposed {:>4}  admitted "
        "{:>4}  {:>6} us  {}\n",
        report.name(), report.target(), report.asked(), report.proposed(),
        report.admitted(), report.micros(), ShortfallText(report));
  }
  for (const int notice : response.notices()) {
    fmt::print("notice: {}\n", NoticeText(static_cast<v1::Notice>(notice)));
  }
  if (response.has_filter()) PrintFilter(response.filter());
  for (const v1::CapReport& cap : response.caps()) {
    fmt::print("the cap on {} kept out {} of the proposed items\n",
               Printable(cap.attribute()), cap.rejected());
  }
  const std::string& label = response.bundle_label();
  fmt::print("bundle version {}{}{}{}\n", response.bundle_version(),
             label.empty() ? "" : fmt::format(" ({})", label),
             response.cold_start() ? ", cold start" : "",
             response.degraded() ? ", degraded" : "");
  if (!response.profile().empty()) {
    fmt::print("profile {}\n", response.profile());
  }
  if (!response.next_page_token().empty()) {
    fmt::print("next page: --page-token {}\n", response.next_page_token());
  }
  if (response.service_level() != v1::FULL_SERVICE) {
    fmt::print("the server had too much to do: {}\n",
               v1::ServiceLevel_Name(response.service_level()));
  }
  return absl::OkStatus();
}

// Prints to stderr, because the lists may go to stdout.
void PrintWritten(const ListsWritten& written, double seconds) {
  fmt::print(stderr,
             "{} users, {} candidates, of version {}, in {:.1f} s: {:.0f} "
             "users/s\n",
             written.users, written.candidates, written.bundle_version, seconds,
             static_cast<double>(written.users) / seconds);
  if (written.cold_starts > 0) {
    fmt::print(stderr, "{} users are not in the bundle: cold starts\n",
               written.cold_starts);
  }
  if (written.degraded > 0) {
    fmt::print(stderr, "{} lists lack a source that failed or was late\n",
               written.degraded);
  }
}

absl::Status RetrieveForAll(const RetrieveFlags& flags,
                            const v1::RetrieveRequest& request) {
  if (!flags.request.user.empty()) {
    return absl::InvalidArgumentError(
        "--users: expected no user on the command line beside it");
  }
  const auto start = std::chrono::steady_clock::now();
  ASSIGN_OR_RETURN(
      const ListsWritten written,
      WriteLists({.address = flags.address,
                  .client = {.deadline_ms =
                                 std::max(flags.deadline_ms, kListsDeadlineMs),
                             .credentials = flags.credentials},
                  .request = request,
                  .users = flags.users,
                  .out = flags.out,
                  .users_per_call = flags.users_per_call,
                  .calls = flags.calls}));
  const std::chrono::duration<double> seconds =
      std::chrono::steady_clock::now() - start;
  PrintWritten(written, seconds.count());
  if (written.failed == 0) return absl::OkStatus();
  return absl::FailedPreconditionError(
      fmt::format("{} users have no list; the first: {}", written.failed,
                  written.first_error));
}

absl::Status Retrieve(const RetrieveFlags& flags) {
  ASSIGN_OR_RETURN(auto request, RequestOf(flags.request));
  request.set_page_size(flags.page_size);
  request.set_page_token(flags.page_token);
  if (!flags.users.empty()) return RetrieveForAll(flags, request);
  const auto client = RetrievalClient::Connect(
      flags.address, {.deadline_ms = flags.deadline_ms,
                      .wait_for_ready = false,
                      .credentials = flags.credentials});
  if (!client.ok()) return WithAccessFlags(client.status());
  const auto answered =
      (*client)->Retrieve(request, {.request_id = flags.request_id});
  if (!answered.ok()) return WithRequestIdNamed(answered.status());
  const v1::RetrieveResponse& response = *answered;
  if (!flags.json) return PrintTable(response);
  std::string json;
  google::protobuf::util::JsonPrintOptions options;
  options.add_whitespace = true;
  // Fails only for messages with unknown Any types.
  (void)google::protobuf::util::MessageToJsonString(response, &json, options);
  fmt::print("{}", json);
  return absl::OkStatus();
}

}  // namespace

void AddRetrieveCommand(CLI::App& app) {
  auto flags = std::make_shared<RetrieveFlags>();
  CLI::App* command =
      app.add_subcommand("retrieve", "Ask a server for a user's candidates");
  command->add_option("user", flags->request.user,
                      "The user's key. Default: an anonymous user");
  AddRequestFlags(*command, &flags->request);
  command->add_option("--page-size", flags->page_size,
                      "How many of the k candidates to return at most. "
                      "Default: all of them");
  command->add_option("--page-token", flags->page_token,
                      "Continue after the page whose reply said so, with the "
                      "same other flags");
  command
      ->add_option("--address", flags->address,
                   "Address of the server: host:port or unix:PATH")
      ->capture_default_str();
  command
      ->add_option("--deadline-ms", flags->deadline_ms,
                   "Deadline of the call, in milliseconds")
      ->capture_default_str();
  AddRequestIdFlag(*command, &flags->request_id);
  AddAccessFlags(*command, &flags->credentials);
  CLI::Option* const users = command->add_option(
      "--users", flags->users,
      "Ask for every user of this file, a key on each line (- for stdin), and "
      "write their lists to --out, all of one version");
  command
      ->add_option("--out", flags->out,
                   "With --users: a CSV file with the columns user, item, rank "
                   "and score; - for stdout")
      ->needs(users)
      ->capture_default_str();
  command
      ->add_option("--users-per-call", flags->users_per_call,
                   "With --users: how many users a call asks for, at most the "
                   "server's limits.max_stream")
      ->needs(users)
      ->check(CLI::Range(1U, 1'000'000U))
      ->capture_default_str();
  command
      ->add_option("--calls", flags->calls,
                   "With --users: how many calls are made at a time")
      ->needs(users)
      ->check(CLI::Range(1U, 64U))
      ->capture_default_str();
  command->add_flag("--json", flags->json, "Print the response as proto3 JSON");
  command->callback([flags] { FailUnlessOk(Retrieve(*flags)); });
}

}  // namespace tributary
