// tributary control: shows and changes a server's versions, and the item sets
// that requests may exclude, through its control plane.
#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <istream>
#include <memory>
#include <string>

#include "cli/access_flags.h"
#include "cli/commands.h"
#include "cli/control_tables.h"
#include "cli/item_set_upload.h"
#include "client/server_address.h"
#include "fmt/core.h"
#include "google/protobuf/util/json_util.h"
#include "grpcpp/client_context.h"
#include "status/status_macros.h"
#include "tributary/v1/bundles.grpc.pb.h"

namespace tributary {
namespace {

constexpr std::chrono::seconds kDeadline(10);
// Staging reads every byte of a version.
constexpr std::chrono::minutes kLongDeadline(30);

constexpr char kControlVariable[] = "TRIBUTARY_CONTROL";

// The environment is only a default, which every action shows and a flag
// replaces. CLI11's own support of variables would apply it to each action's
// option that was not given, and all of them set one and the same field.
std::string DefaultControl() {
  const char* const value = std::getenv(kControlVariable);
  return value != nullptr && *value != '\0'
             ? value
             : "unix:/var/lib/tributary/bundles/control.sock";
}

struct ControlFlags {
  std::string control = DefaultControl();
  ClientCredentials credentials;
  bool json = false;
  uint64_t version = 0;
  std::string label;
  double share = 0;
  uint64_t from = 0;
  std::string user;
  uint32_t sample = 0;
  uint32_t k = 0;
  std::string set;
  std::string file;
};

absl::StatusOr<std::unique_ptr<v1::Bundles::Stub>> Connect(
    const ControlFlags& flags) {
  ASSIGN_OR_RETURN(const auto channel,
                   OpenChannelOf("control", flags.control, flags.credentials));
  return v1::Bundles::NewStub(channel);
}

void SetDeadline(std::chrono::seconds deadline, grpc::ClientContext* context) {
  context->set_deadline(std::chrono::system_clock::now() + deadline);
}

// The outcome of a call. gRPC's codes and Abseil's have equal numbers.
absl::Status OutcomeOf(const ControlFlags& flags, const grpc::Status& status) {
  if (status.ok()) return absl::OkStatus();
  const bool unavailable = status.error_code() == grpc::StatusCode::UNAVAILABLE;
  return absl::Status(
      static_cast<absl::StatusCode>(status.error_code()),
      fmt::format("{}: {}", flags.control,
                  unavailable ? ExplainUnavailable(flags.control,
                                                   status.error_message())
                              : status.error_message()));
}

// Calls a method of the control plane.
template <typename Request, typename Response>
absl::StatusOr<Response> Call(
    const ControlFlags& flags,
    grpc::Status (v1::Bundles::Stub::*method)(grpc::ClientContext*,
                                              const Request&, Response*),
    const Request& request, std::chrono::seconds deadline = kDeadline) {
  ASSIGN_OR_RETURN(const auto stub, Connect(flags));
  grpc::ClientContext context;
  SetDeadline(deadline, &context);
  Response response;
  RETURN_IF_ERROR(
      OutcomeOf(flags, ((*stub).*method)(&context, request, &response)));
  return response;
}

// Prints the response: as JSON with --json, otherwise as `text` formats it.
template <typename Response, typename Text>
absl::Status Print(const ControlFlags& flags, absl::StatusOr<Response> response,
                   Text text) {
  RETURN_IF_ERROR(response.status());
  if (!flags.json) {
    fmt::print("{}", text(*response));
    return absl::OkStatus();
  }
  std::string json;
  google::protobuf::util::JsonPrintOptions options;
  options.add_whitespace = true;
  options.always_print_primitive_fields = true;
  // Fails only for messages with unknown Any types.
  (void)google::protobuf::util::MessageToJsonString(*response, &json, options);
  fmt::print("{}", json);
  return absl::OkStatus();
}

std::string OneBundle(const v1::BundleStatus& bundle) {
  v1::ListBundlesResponse list;
  *list.add_bundles() = bundle;
  return BundleTable(list.bundles());
}

absl::Status Status(const ControlFlags& flags) {
  return Print(
      flags, Call(flags, &v1::Bundles::Stub::GetStatus, v1::GetStatusRequest()),
      StatusText);
}

absl::Status List(const ControlFlags& flags) {
  return Print(flags,
               Call(flags, &v1::Bundles::Stub::List, v1::ListBundlesRequest()),
               [](const auto& list) { return BundleTable(list.bundles()); });
}

absl::Status Stage(const ControlFlags& flags) {
  v1::StageRequest request;
  request.set_version(flags.version);
  return Print(flags,
               Call(flags, &v1::Bundles::Stub::Stage, request, kLongDeadline),
               OneBundle);
}

absl::Status Activate(const ControlFlags& flags) {
  v1::ActivateRequest request;
  request.set_version(flags.version);
  return Print(flags, Call(flags, &v1::Bundles::Stub::Activate, request),
               OneBundle);
}

absl::Status Rollback(const ControlFlags& flags) {
  return Print(flags,
               Call(flags, &v1::Bundles::Stub::Rollback, v1::RollbackRequest(),
                    kLongDeadline),
               OneBundle);
}

absl::Status Unload(const ControlFlags& flags) {
  v1::UnloadRequest request;
  request.set_version(flags.version);
  return Print(flags, Call(flags, &v1::Bundles::Stub::Unload, request),
               [&](const auto&) {
                 return fmt::format("version {} is not in memory\n",
                                    flags.version);
               });
}

absl::Status SetLabel(const ControlFlags& flags) {
  v1::SetLabelRequest request;
  request.set_name(flags.label);
  request.set_version(flags.version);
  request.set_share(flags.share);
  return Print(flags, Call(flags, &v1::Bundles::Stub::SetLabel, request),
               StatusText);
}

absl::Status Diff(const ControlFlags& flags) {
  v1::DiffRequest request;
  request.set_from_version(flags.from);
  request.set_to_version(flags.version);
  if (!flags.user.empty()) request.set_user_key(flags.user);
  request.set_sample_users(flags.sample);
  request.set_k(flags.k);
  return Print(flags,
               Call(flags, &v1::Bundles::Stub::Diff, request, kLongDeadline),
               DiffText);
}

absl::StatusOr<v1::ItemSetStatus> SendSet(const ControlFlags& flags,
                                          std::istream& lines) {
  ASSIGN_OR_RETURN(const auto stub, Connect(flags));
  grpc::ClientContext context;
  SetDeadline(kLongDeadline, &context);
  v1::ItemSetStatus response;
  const auto writer = stub->PutItemSet(&context, &response);
  const absl::Status sent = SendItemSet(
      lines, flags.file == "-" ? "standard input" : flags.file, flags.set,
      [&](const v1::PutItemSetRequest& part) { return writer->Write(part); });
  if (!sent.ok()) {
    // Half a set must not become the set.
    context.TryCancel();
    (void)writer->Finish();
    return sent;
  }
  writer->WritesDone();
  RETURN_IF_ERROR(OutcomeOf(flags, writer->Finish()));
  return response;
}

absl::Status PutSet(const ControlFlags& flags) {
  std::ifstream file;
  if (flags.file != "-") {
    file.open(flags.file, std::ios::binary);
    if (!file.is_open() || std::filesystem::is_directory(flags.file)) {
      return absl::NotFoundError(
          fmt::format("{}: cannot be read, expected a file with the key of an "
                      "item on each line",
                      flags.file));
    }
  }
  return Print(flags, SendSet(flags, flags.file == "-" ? std::cin : file),
               [](const v1::ItemSetStatus& set) {
                 return fmt::format(
                     "item set {}: {} items, {} of them not in the active "
                     "version\n",
                     set.name(), set.items(), set.unknown_items());
               });
}

absl::Status DeleteSet(const ControlFlags& flags) {
  v1::DeleteItemSetRequest request;
  request.set_name(flags.set);
  return Print(flags, Call(flags, &v1::Bundles::Stub::DeleteItemSet, request),
               [&](const auto&) {
                 return fmt::format("there is no item set {} any more\n",
                                    flags.set);
               });
}

using Flags = std::shared_ptr<ControlFlags>;

CLI::App* AddAction(CLI::App* control, const Flags& flags, const char* name,
                    const char* what,
                    absl::Status (*run)(const ControlFlags&)) {
  CLI::App* action = control->add_subcommand(name, what);
  action
      ->add_option("--control", flags->control,
                   fmt::format("Address of the control plane: unix:PATH or "
                               "host:port. The variable {} sets the default",
                               kControlVariable))
      ->capture_default_str();
  AddAccessFlags(*action, &flags->credentials);
  action->add_flag("--json", flags->json, "Print the response as proto3 JSON");
  action->callback([flags, run] { FailUnlessOk(run(*flags)); });
  return action;
}

void AddVersion(CLI::App* action, const Flags& flags) {
  action->add_option("version", flags->version, "Number of the version")
      ->required();
}

void AddDiff(CLI::App* control, const Flags& flags) {
  CLI::App* diff = AddAction(
      control, flags, "diff",
      "Compare the lists of two versions in memory, for users that both know",
      Diff);
  diff->add_option("from", flags->from,
                   "Number of the first version; 0 for the active one")
      ->required();
  diff->add_option("to", flags->version, "Number of the second version")
      ->required();
  diff->add_option("--user", flags->user,
                   "Compare item by item for this user key");
  diff->add_option("--sample", flags->sample,
                   "Number of users; 0 for the server's default");
  diff->add_option("-k", flags->k,
                   "Length of the lists; 0 for the server's default");
}

void AddLabel(CLI::App* control, const Flags& flags) {
  CLI::App* label =
      AddAction(control, flags, "label",
                "Give a version in memory a label, by which requests may name "
                "it, and a share of the users",
                SetLabel);
  label->add_option("name", flags->label, "Name of the label, such as canary")
      ->required();
  label
      ->add_option("version", flags->version,
                   "Number of the version; 0 removes the label")
      ->required();
  label
      ->add_option("--share", flags->share,
                   "Share of the users who get the version, 0 to 1")
      ->capture_default_str();
}

void AddSetActions(CLI::App* control, const Flags& flags) {
  CLI::App* put = AddAction(control, flags, "put-set",
                            "Create or replace a set of items that requests "
                            "can exclude by name",
                            PutSet);
  put->add_option("name", flags->set,
                  "Name of the set: a-z, 0-9, '-' and '_', such as sold-out")
      ->required();
  put->add_option("file", flags->file,
                  "File with the key of an item on each line; - for standard "
                  "input")
      ->required();
  AddAction(control, flags, "delete-set",
            "Remove a set of items; requests that name it then fail", DeleteSet)
      ->add_option("name", flags->set, "Name of the set")
      ->required();
}

}  // namespace

void AddControlCommand(CLI::App& app) {
  auto flags = std::make_shared<ControlFlags>();
  CLI::App* control =
      app.add_subcommand("control", "Show and change the versions of a server");
  control->require_subcommand(1);
  AddAction(control, flags, "status",
            "Show versions, labels, item sets, the last refusal and the loader",
            Status);
  AddAction(control, flags, "list", "List the versions in memory and on disk",
            List);
  AddVersion(AddAction(control, flags, "stage",
                       "Check a version and load it into memory", Stage),
             flags);
  AddVersion(AddAction(control, flags, "activate",
                       "Make a version in memory the active one", Activate),
             flags);
  AddAction(control, flags, "rollback",
            "Make the previously active version active again; repeat to go "
            "further back",
            Rollback);
  AddVersion(AddAction(control, flags, "unload",
                       "Unload a version that is neither active, previous nor "
                       "labelled",
                       Unload),
             flags);
  AddLabel(control, flags);
  AddDiff(control, flags);
  AddSetActions(control, flags);
}

}  // namespace tributary
