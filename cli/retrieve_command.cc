// tributary retrieve: asks a server for candidates and prints a table or JSON.
#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "cli/commands.h"
#include "cli/list_flags.h"
#include "cli/quota_flag.h"
#include "client/retrieval_client.h"
#include "fmt/core.h"
#include "google/protobuf/util/json_util.h"
#include "status/status_macros.h"
#include "text/quoted.h"

namespace tributary {
namespace {

struct RetrieveFlags {
  std::string user;
  uint32_t k = 0;
  std::vector<std::string> quotas;
  std::vector<std::string> recent;
  std::vector<std::string> exclude;
  std::vector<std::string> exclude_sets;
  std::string where;
  std::vector<std::string> relax;
  ListFlags list;
  bool include_seen = false;
  uint64_t bundle_version = 0;
  std::string bundle_label;
  std::string address = "127.0.0.1:7700";
  uint32_t deadline_ms = 1000;
  bool json = false;
};

absl::StatusOr<v1::RetrieveRequest> MakeRequest(const RetrieveFlags& flags) {
  v1::RetrieveRequest request;
  if (!flags.user.empty()) request.set_user_key(flags.user);
  request.set_k(flags.k);
  RETURN_IF_ERROR(SetQuotas(flags.quotas, &request));
  for (const std::string& key : flags.recent) request.add_recent_item_keys(key);
  for (const std::string& key : flags.exclude) {
    request.mutable_filter()->add_exclude_item_keys(key);
  }
  for (const std::string& name : flags.exclude_sets) {
    request.mutable_filter()->add_exclude_sets(name);
  }
  if (!flags.where.empty()) {
    request.mutable_filter()->set_where(flags.where);
  }
  if (!flags.relax.empty()) {
    request.mutable_filter()->set_when_short(v1::RELAX);
    for (const std::string& attribute : flags.relax) {
      request.mutable_filter()->add_relax(attribute);
    }
  }
  RETURN_IF_ERROR(SetListFlags(flags.list, &request));
  request.set_include_seen(flags.include_seen);
  request.set_bundle_version(flags.bundle_version);
  request.set_bundle_label(flags.bundle_label);
  return request;
}

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
  if (response.service_level() != v1::FULL_SERVICE) {
    fmt::print("the server had too much to do: {}\n",
               v1::ServiceLevel_Name(response.service_level()));
  }
  return absl::OkStatus();
}

absl::Status Retrieve(const RetrieveFlags& flags) {
  ASSIGN_OR_RETURN(const auto request, MakeRequest(flags));
  ASSIGN_OR_RETURN(
      const auto client,
      RetrievalClient::Connect(flags.address, {.deadline_ms = flags.deadline_ms,
                                               .wait_for_ready = false}));
  ASSIGN_OR_RETURN(const auto response, client->Retrieve(request));
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
  command->add_option("user", flags->user,
                      "The user's key. Default: an anonymous user");
  command->add_option("-k", flags->k,
                      "Number of candidates; 0 for the server's default");
  AddQuotaFlag(*command, &flags->quotas);
  command
      ->add_option("--recent", flags->recent,
                   "Keys of recent items, oldest first, comma-separated")
      ->delimiter(',');
  command
      ->add_option("--exclude", flags->exclude,
                   "Keys of items to exclude, comma-separated")
      ->delimiter(',');
  command->add_option("--exclude-set", flags->exclude_sets,
                      "Name of a set of items to exclude (tributary control "
                      "put-set). May be given several times");
  command->add_option(
      "--where", flags->where,
      "What items must be, e.g. 'in_stock = true AND price < 50'");
  command
      ->add_option("--relax", flags->relax,
                   "Attributes whose terms of --where may be dropped, in this "
                   "order, when fewer than k items pass; comma-separated")
      ->delimiter(',');
  AddListFlags(*command, &flags->list);
  command->add_flag("--include-seen", flags->include_seen,
                    "Do not exclude items that the user has already had");
  command->add_option(
      "--bundle-version,--version", flags->bundle_version,
      "Ask this version. Default: the one that the server chooses");
  command->add_option("--label", flags->bundle_label,
                      "Ask the version with this label, such as canary");
  command
      ->add_option("--address", flags->address,
                   "Address of the server: host:port or unix:PATH")
      ->capture_default_str();
  command
      ->add_option("--deadline-ms", flags->deadline_ms,
                   "Deadline of the call, in milliseconds")
      ->capture_default_str();
  command->add_flag("--json", flags->json, "Print the response as proto3 JSON");
  command->callback([flags] { FailUnlessOk(Retrieve(*flags)); });
}

}  // namespace tributary
