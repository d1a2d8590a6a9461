// tributary tune: learns the fusion of a bundle's sources from interactions
// that it was made without.
#include <algorithm>
#include <fstream>
#include <memory>
#include <string>
#include <vector>

#include "cli/commands.h"
#include "cli/fusion_table.h"
#include "cli/held_out_items.h"
#include "cli/json_flag.h"
#include "cli/progress_line.h"
#include "cli/test_set_check.h"
#include "cli/tune_json.h"
#include "evaluation/evaluate.h"
#include "evaluation/figures.h"
#include "evaluation/judge.h"
#include "fmt/core.h"
#include "google/protobuf/util/json_util.h"
#include "index/data/inter_file.h"
#include "proto/yaml/yaml_message.h"
#include "server/process/control_groups.h"
#include "status/status_macros.h"

namespace tributary {
namespace {

struct TuneFlags {
  std::string bundle;
  std::string validation;
  std::string server_config;
  std::string out;
  TestSetFlags test_set;
  JsonFlag json;
  uint64_t seed = 1;
  uint32_t threads = std::min(1024U, AvailableCpus());
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

void MeasureGains(uint64_t seed, uint32_t threads, TuneResult* result) {
  const Figures fused = ToFigures(result->tuned.recalls);
  result->over_now =
      BootstrapMeans(fused.Minus(ToFigures(result->now)), seed, threads);
  result->over_best = BootstrapMeans(
      fused.Minus(ToFigures(result->tuned.best_alone)), seed, threads);
}

void PrintGains(const TuneResult& result) {
  const TunedFusion& tuned = result.tuned;
  fmt::print(
      "recall of {} users; tuned: each half of them with the model learned "
      "from the other half\n",
      result.now.size());
  fmt::print("{:>6} {:>8} {:>8} {:>28} {:>8} {:>28}\n", "k", "tuned", "now",
             "gain (95%)", "best", "gain (95%)");
  const auto text = [](const Interval& gain) {
    return fmt::format("{:+.4f} ({:+.4f} to {:+.4f})", gain.mean, gain.low,
                       gain.high);
  };
  for (size_t j = 0; j < tuned.ks.size(); ++j) {
    fmt::print("{:>6} {:>8.4f} {:>8.4f} {:>28} {:>8.4f} {:>28}\n", tuned.ks[j],
               MeanOver(tuned.recalls, j), MeanOver(result.now, j),
               text(result.over_now[j]), MeanOver(tuned.best_alone, j),
               text(result.over_best[j]));
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
  ASSIGN_OR_RETURN(TestItems items, ReadTestItems(flags.validation));
  ASSIGN_OR_RETURN(auto bundle, Bundle::Open(flags.bundle));
  TuneResult result;
  const Bundle* const judged[] = {bundle.get()};
  RETURN_IF_ERROR(CheckTestSet(flags.test_set, judged,
                               flags.json.on_stdout() ? stderr : stdout, &items,
                               &result.counts));
  ASSIGN_OR_RETURN(auto serving, ServingBundle::Open(bundle, registry));
  ASSIGN_OR_RETURN(const ListSource lists, ListSource::Make(serving, config));
  const std::vector<TestUser> users =
      SampleUsers(FindTestUsers(items, bundle->items()));
  {
    ProgressLine progress;
    ASSIGN_OR_RETURN(result.tuned, TuneBundle(lists, users, flags.threads,
                                              progress.AsProgress()));
  }
  ASSIGN_OR_RETURN(result.now,
                   RecallsNow(lists, users, result.tuned.ks, flags.threads));
  MeasureGains(flags.seed, flags.threads, &result);
  RETURN_IF_ERROR(flags.json.Write(TuneJson(result) + '\n'));
  if (!flags.json.on_stdout()) {
    PrintGains(result);
    PrintFusionModel(result.tuned.model);
  }
  if (flags.out.empty()) return absl::OkStatus();
  return WriteServerConfig(flags.out, std::move(config), result.tuned.model);
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
  flags->test_set.AddTo(*command);
  command->add_option("--server-config", flags->server_config,
                      "The server's YAML file, to which the model is added");
  command->add_option("--out", flags->out,
                      "Write the configuration to this file, for "
                      "tributary-server --config");
  flags->json.AddWithFileTo(*command, "the recalls and the model");
  command->add_option("--seed", flags->seed,
                      "Seed of the bootstrap confidence intervals");
  command
      ->add_option("--threads", flags->threads,
                   "Number of threads. Default: as many as the process may "
                   "use processors")
      ->check(CLI::Range(1, 1024));
  command->callback(
      [flags, &registry] { FailUnlessOk(Tune(*flags, registry)); });
}

}  // namespace tributary
