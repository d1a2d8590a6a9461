// tributary plan: what a deployment needs, before it is built or from a bundle.
#include <algorithm>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "cli/commands.h"
#include "cli/json_flag.h"
#include "cli/json_object.h"
#include "cli/plan_estimate.h"
#include "fmt/core.h"
#include "google/protobuf/struct.pb.h"
#include "index/bundle/bundle.h"
#include "server/process/memory.h"
#include "status/field_error.h"
#include "status/status_macros.h"

namespace tributary {
namespace {

// A flag whose value may be "50M".
struct Amount {
  const char* flag;
  std::string text;
  const char* help;
  // Where it goes.
  double* value;
};

struct PlanFlags {
  PlannedBundle bundle;
  PlannedLoad load;
  std::string directory;
  std::vector<Amount> amounts;
  JsonFlag json;
};

bool IsBytes(const PlanLine& line) {
  return line.name != "cpu_us" && line.name != "cores" &&
         line.name != "replicas" && line.name != "download";
}

std::string ValueText(const PlanLine& line) {
  if (IsBytes(line)) return ByteText(static_cast<uint64_t>(line.value));
  if (line.name == "replicas") return fmt::format("{:.0f}", line.value);
  return fmt::format("{:.1f}", line.value);
}

void PrintLines(const char* title, const std::vector<PlanLine>& lines) {
  if (lines.empty()) return;
  size_t width = 0;
  for (const PlanLine& line : lines) width = std::max(width, line.what.size());
  fmt::print("\n{}\n", title);
  for (const PlanLine& line : lines) {
    fmt::print("  {:<{}}  {:>10}  = {}\n", line.what, width, ValueText(line),
               line.formula);
  }
}

absl::Status WritePlanJson(const DeploymentPlan& plan, const JsonFlag& json) {
  google::protobuf::Struct object;
  for (const auto* lines :
       {&plan.version, &plan.memory, &plan.load, &plan.disk}) {
    for (const PlanLine& line : *lines) {
      auto& entry = AddObject(object, line.name);
      SetNumber(entry, "value", line.value);
      (*entry.mutable_fields())["formula"].set_string_value(line.formula);
    }
  }
  return json.Write(object);
}

absl::StatusOr<std::vector<PlanLine>> PartsFor(PlanFlags* flags) {
  PlannedBundle& bundle = flags->bundle;
  if (flags->directory.empty()) {
    if (bundle.items <= 0) {
      return FieldError("--items", "expected the number of items, or --bundle");
    }
    flags->load.items = bundle.items;
    flags->load.dim = bundle.dim;
    flags->load.searches = bundle.spaces;
    return PlannedParts(bundle);
  }
  ASSIGN_OR_RETURN(const auto opened, Bundle::Open(flags->directory));
  const v1::Manifest& manifest = opened->manifest();
  flags->load.items = static_cast<double>(manifest.items().count());
  flags->load.searches = manifest.spaces_size();
  uint32_t dim = 1;
  for (const v1::EmbeddingSpace& space : manifest.spaces()) {
    dim = std::max(dim, space.dim());
  }
  flags->load.dim = dim;
  return PartsOf(manifest);
}

absl::Status PrintPlan(PlanFlags* flags) {
  for (const Amount& amount : flags->amounts) {
    if (amount.text.empty()) continue;
    ASSIGN_OR_RETURN(*amount.value, ParseAmount(amount.flag, amount.text));
  }
  const PlannedLoad& load = flags->load;
  if (load.utilisation <= 0 || load.utilisation > 1) {
    return FieldError("--utilisation", "{}, expected above 0 to 1",
                      load.utilisation);
  }
  if (load.cores < 1) {
    return FieldError("--cores", "{}, expected at least 1", load.cores);
  }
  if (load.bandwidth <= 0) {
    return FieldError("--bandwidth", "{}, expected more than 0",
                      load.bandwidth);
  }
  ASSIGN_OR_RETURN(std::vector<PlanLine> parts, PartsFor(flags));
  const DeploymentPlan plan = MakePlan(std::move(parts), load);
  if (flags->json.given()) return WritePlanJson(plan, flags->json);
  PrintLines("memory of a version", plan.version);
  PrintLines("memory of a server", plan.memory);
  PrintLines("load", plan.load);
  PrintLines("disk", plan.disk);
  fmt::print(
      "\nThe times are those of one machine (docs/sizing.md): measure yours "
      "with `tributary bench`.\n");
  return absl::OkStatus();
}

}  // namespace

void AddPlanCommand(CLI::App& app) {
  auto flags = std::make_shared<PlanFlags>();
  CLI::App* command = app.add_subcommand(
      "plan",
      "Estimate memory, cores, replicas, disk and download time, with the "
      "arithmetic");
  command->add_option("--bundle", flags->directory,
                      "Take sizes from this bundle");
  PlannedBundle& bundle = flags->bundle;
  PlannedLoad& load = flags->load;
  flags->amounts = {
      {"--items", "", "Items of the catalogue, as in 50M", &bundle.items},
      {"--users", "", "Users that the bundle knows", &bundle.users},
      {"--dim", "", "Values of a vector. Default: 64", &bundle.dim},
      {"--spaces", "", "Embedding spaces. Default: 2", &bundle.spaces},
      {"--user-vector-spaces", "",
       "Of these, how many store a vector for each user. Default: 1",
       &bundle.stored_user_spaces},
      {"--history", "", "Items that are kept of a user. Default: 0",
       &bundle.history},
      {"--tables", "", "Tables of neighbours. Default: 1", &bundle.tables},
      {"--neighbors", "", "Neighbours of an item. Default: 200",
       &bundle.neighbors},
      {"--item-key-bytes", "",
       "Bytes of an item's key; 0 for integers, the default",
       &bundle.item_key_bytes},
      {"--user-key-bytes", "", "The same of users", &bundle.user_key_bytes},
      {"--qps", "", "Calls a second, of all replicas together", &load.qps},
      {"--k", "", "Candidates of a call. Default: 500", &load.k},
      {"--utilisation", "",
       "The share of a core's time that calls may take. Default: 0.5",
       &load.utilisation},
      {"--cores", "", "Cores of a replica. Default: 16", &load.cores},
      {"--labels", "", "Labels beside the active version. Default: 0",
       &load.labels},
      {"--bandwidth", "",
       "From the store to a replica, in bytes a second. Default: 100M",
       &load.bandwidth}};
  for (Amount& amount : flags->amounts) {
    command->add_option(amount.flag, amount.text, amount.help);
  }
  flags->json.AddTo(*command, "the plan");
  command->callback([flags] { FailUnlessOk(PrintPlan(flags.get())); });
}

}  // namespace tributary
