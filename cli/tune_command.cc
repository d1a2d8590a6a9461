// tributary tune: learns the fusion of a bundle's sources from interactions
// that it was made without.
#include <algorithm>
#include <fstream>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "cli/commands.h"
#include "cli/fusion_table.h"
#include "cli/held_out_items.h"
#include "cli/progress_line.h"
#include "evaluation/evaluate.h"
#include "evaluation/figures.h"
#include "evaluation/judge.h"
#include "fmt/core.h"
#include "google/protobuf/util/json_util.h"
#include "index/data/inter_file.h"
#include "proto/yaml/yaml_message.h"
#include "status/status_macros.h"

namespace tributary {
namespace {

struct TuneFlags {
  std::string bundle;
  std::string validation;
  std::string server_config;
  std::string out;
  uint64_t seed = 1;
  uint32_t threads = std::max(1u, std::thread::hardware_concurrency());
};

// The recall of the fused list with the present configuration.
absl::StatusOr<Recalls> RecallsNow(const ListSource& lists,
                                   const std::vector<TestUser>& users,
                                   const std::vector<uint32_t>& ks,
                                   uint32_t threads) {
  Recalls recalls(users.size());
  const auto measure = [&](size_t i) -> absl::Status {
    ASSIGN_OR_RETURN(const auto rows, lists.Fused(users[i].key, ks.back()));
    recalls[i] = RecallAt(users[i], rows, ks);
    return absl::OkStatus();
  };
  RETURN_IF_ERROR(
      ForEachUser(users.size(), threads, "lists", IgnoreProgress, measure));
  return recalls;
}

Figures ToFigures(const Recalls& recalls) {
  Figures figures(recalls.size(), recalls.front().size());
  for (size_t i = 0; i < recalls.size(); ++i) {
    std::copy(recalls[i].begin(), recalls[i].end(), figures.Of(i).begin());
  }
  return figures;
}

void PrintGains(const TunedFusion& tuned, const Recalls& now, uint64_t seed,
                uint32_t threads) {
  const Figures fused = ToFigures(tuned.recalls);
  const auto over_now =
      BootstrapMeans(fused.Minus(ToFigures(now)), seed, threads);
  const auto over_best =
      BootstrapMeans(fused.Minus(ToFigures(tuned.best_alone)), seed, threads);
  fmt::print("{:>6} {:>8} {:>8} {:>28} {:>8} {:>28}\n", "k", "tuned", "now",
             "gain (95%)", "best", "gain (95%)");
  const auto text = [](const Interval& gain) {
    return fmt::format("{:+.4f} ({:+.4f} to {:+.4f})", gain.mean, gain.low,
                       gain.high);
  };
  for (size_t j = 0; j < tuned.ks.size(); ++j) {
    fmt::print("{:>6} {:>8.4f} {:>8.4f} {:>28} {:>8.4f} {:>28}\n", tuned.ks[j],
               MeanOver(tuned.recalls, j), MeanOver(now, j), text(over_now[j]),
               MeanOver(tuned.best_alone, j), text(over_best[j]));
  }
}

// Writes JSON, which is YAML, for `tributary-server --config`.
absl::Status WriteServerConfig(const std::string& path, v1::ServerConfig config,
                               const v1::FusionModel& model) {
  *config.mutable_defaults()->mutable_fusion_model() = model;
  config.mutable_defaults()->clear_quotas();
  google::protobuf::util::JsonPrintOptions options;
  options.add_whitespace = true;
  options.preserve_proto_field_names = true;
  std::string json;
  const auto printed =
      google::protobuf::util::MessageToJsonString(config, &json, options);
  if (!printed.ok()) return absl::InternalError(std::string(printed.message()));
  return WriteTextFile(path, json);
}

absl::Status Tune(const TuneFlags& flags, const RetrieverRegistry& registry) {
  v1::ServerConfig config;
  if (!flags.server_config.empty()) {
    RETURN_IF_ERROR(ReadYamlFile(flags.server_config, &config));
  }
  ASSIGN_OR_RETURN(const TestItems items, ReadTestItems(flags.validation));
  ASSIGN_OR_RETURN(auto bundle, Bundle::Open(flags.bundle));
  ASSIGN_OR_RETURN(auto serving, ServingBundle::Open(bundle, registry));
  ASSIGN_OR_RETURN(const ListSource lists, ListSource::Make(serving, config));
  const std::vector<TestUser> users =
      SampleUsers(FindTestUsers(items, bundle->items()));
  TunedFusion tuned;
  {
    ProgressLine progress;
    ASSIGN_OR_RETURN(
        tuned, TuneBundle(lists, users, flags.threads, progress.AsProgress()));
  }
  ASSIGN_OR_RETURN(const Recalls now,
                   RecallsNow(lists, users, tuned.ks, flags.threads));
  fmt::print(
      "recall of {} users; tuned: each half of them with the model learned "
      "from "
      "the other half\n",
      users.size());
  PrintGains(tuned, now, flags.seed, flags.threads);
  PrintFusionModel(tuned.model);
  if (flags.out.empty()) return absl::OkStatus();
  return WriteServerConfig(flags.out, std::move(config), tuned.model);
}

}  // namespace

void AddTuneCommand(CLI::App& app, const RetrieverRegistry& registry) {
  auto flags = std::make_shared<TuneFlags>();
  CLI::App* command = app.add_subcommand(
      "tune",
      "Learn quotas and the fusion model of a bundle's sources from "
      "interactions "
      "that it was made without; `build` does so by default");
  command->add_option("--bundle", flags->bundle, "The bundle's directory")
      ->required();
  command
      ->add_option(
          "--validation", flags->validation,
          "RecBole .inter file of interactions that the bundle was made "
          "without")
      ->required();
  command->add_option("--server-config", flags->server_config,
                      "The server's YAML file, to which the model is added");
  command->add_option("--out", flags->out,
                      "Write the configuration to this file, for "
                      "tributary-server --config");
  command->add_option("--seed", flags->seed,
                      "Seed of the bootstrap confidence intervals");
  command
      ->add_option("--threads", flags->threads,
                   "Number of threads. Default: all cores")
      ->check(CLI::Range(1, 1024));
  command->callback(
      [flags, &registry] { FailUnlessOk(Tune(*flags, registry)); });
}

}  // namespace tributary
