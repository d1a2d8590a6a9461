// tributary eval: measures a bundle's lists on interactions that it was made
// without.
#include <algorithm>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "cli/commands.h"
#include "cli/eval_json.h"
#include "cli/eval_table.h"
#include "cli/held_out_items.h"
#include "cli/progress_line.h"
#include "cli/recall_table.h"
#include "evaluation/evaluate.h"
#include "evaluation/report/report.h"
#include "fmt/core.h"
#include "index/data/inter_file.h"
#include "proto/yaml/yaml_message.h"
#include "status/status_macros.h"

namespace tributary {
namespace {

constexpr uint32_t kMaxEvalK = 100000;

struct EvalFlags {
  std::string bundle;
  std::string test;
  std::vector<uint32_t> ks = {20, 50, 100, 200, 500};
  std::string against;
  std::string json;
  std::string html;
  std::string data;
  std::string category;
  bool all = false;
  std::string server_config;
  uint64_t seed = 1;
  uint64_t users = 0;
  uint32_t threads = std::max(1u, std::thread::hardware_concurrency());
};

// Keeps `limit` of the users, evenly spread; all when it is 0.
void Thin(uint64_t limit, std::vector<TestUser>* users) {
  if (limit == 0 || users->size() <= limit) return;
  std::vector<TestUser> kept;
  for (uint64_t i = 0; i < limit; ++i) {
    kept.push_back(std::move((*users)[i * users->size() / limit]));
  }
  *users = std::move(kept);
}

absl::StatusOr<Evaluation> RunEval(const EvalFlags& flags,
                                   const RetrieverRegistry& registry,
                                   const std::string& bundle_dir,
                                   const TestItems& test_items,
                                   bool quota_curves) {
  v1::ServerConfig config;
  if (!flags.server_config.empty()) {
    RETURN_IF_ERROR(ReadYamlFile(flags.server_config, &config));
  }
  ASSIGN_OR_RETURN(auto bundle, Bundle::Open(bundle_dir));
  ASSIGN_OR_RETURN(auto serving, ServingBundle::Open(bundle, registry));
  ASSIGN_OR_RETURN(const ListSource lists, ListSource::Make(serving, config));
  std::vector<TestUser> users = FindTestUsers(test_items, bundle->items());
  Thin(flags.users, &users);

  ProgressLine progress;
  EvaluationOptions options{.ks = flags.ks,
                            .threads = flags.threads,
                            .seed = flags.seed,
                            .quota_curves = quota_curves};
  std::sort(options.ks.begin(), options.ks.end());
  options.ks.erase(std::unique(options.ks.begin(), options.ks.end()),
                   options.ks.end());
  options.progress = [&](std::string_view step, double done) {
    progress.Show(fmt::format("{} {}", step, bundle_dir), done);
  };
  return Evaluate(lists, users, options);
}

absl::Status WriteReport(const EvalFlags& flags, const Evaluation& evaluation,
                         const Comparisons& against) {
  ASSIGN_OR_RETURN(const auto bundle, Bundle::Open(flags.bundle));
  ItemGroups groups = GroupsBySegment(evaluation.item_segments);
  if (!flags.data.empty()) {
    ASSIGN_OR_RETURN(const DataSet data,
                     ReadDataSet(flags.data, kMaxMalformedLines));
    ASSIGN_OR_RETURN(groups, GroupsByCategory(*bundle, data, flags.category));
  }
  return WriteTextFile(flags.html, ReportHtml({.evaluation = evaluation,
                                               .bundle = *bundle,
                                               .groups = groups,
                                               .against = against,
                                               .test_name = flags.test,
                                               .against_name = flags.against,
                                               .threads = flags.threads}));
}

absl::Status Eval(const EvalFlags& flags, const RetrieverRegistry& registry) {
  ASSIGN_OR_RETURN(const TestItems test_items, ReadTestItems(flags.test));
  ASSIGN_OR_RETURN(
      const Evaluation evaluation,
      RunEval(flags, registry, flags.bundle, test_items, !flags.html.empty()));
  Comparisons against;
  if (!flags.against.empty()) {
    ASSIGN_OR_RETURN(
        const Evaluation other,
        RunEval(flags, registry, flags.against, test_items, false));
    against = Compare(evaluation, other, flags.seed, flags.threads);
  }
  fmt::print("{}{}", RecallTable(MeasuredRecallOf(evaluation)),
             SummaryTable(evaluation));
  if (flags.all) fmt::print("{}", DetailTable(evaluation));
  if (!against.empty()) {
    fmt::print("{}", ComparisonTable(evaluation, against));
  }
  if (!flags.json.empty()) {
    RETURN_IF_ERROR(
        WriteTextFile(flags.json, EvaluationJson(evaluation, against) + '\n'));
  }
  return flags.html.empty() ? absl::OkStatus()
                            : WriteReport(flags, evaluation, against);
}

}  // namespace

void AddEvalCommand(CLI::App& app, const RetrieverRegistry& registry) {
  auto flags = std::make_shared<EvalFlags>();
  CLI::App* command = app.add_subcommand(
      "eval",
      "Measure recall and other metrics on held-out interactions, for every "
      "source and for the fused list");
  command->add_option("--bundle", flags->bundle, "The bundle's directory")
      ->required();
  command
      ->add_option(
          "--test", flags->test,
          "RecBole .inter file of interactions that the bundle was made "
          "without")
      ->required();
  command
      ->add_option("-k", flags->ks,
                   "Lengths of the list prefixes to measure, comma-separated")
      ->delimiter(',')
      ->check(CLI::Range(1u, kMaxEvalK))
      ->capture_default_str();
  command->add_option("--against", flags->against,
                      "Compare with this bundle: differences with confidence "
                      "intervals and p-values");
  command->add_flag("--all", flags->all,
                    "Also print metrics by segment of users and items, the "
                    "overlap of sources, and metrics among sampled items");
  command->add_option("--json", flags->json,
                      "Write the metrics to this file, as JSON");
  command->add_option("--html", flags->html,
                      "Write a report to this file: one HTML page with plots");
  command->add_option("--data", flags->data,
                      "Same syntax as `tributary build --data`: colours the "
                      "report's maps by the items' categories. Default: by "
                      "popularity");
  command->add_option("--category", flags->category,
                      "Column of --data to colour by");
  command->add_option("--server-config", flags->server_config,
                      "The server's YAML file, for its quotas and fusion");
  command->add_option("--users", flags->users,
                      "Sample at most N users, evenly spread; 0 for all");
  command
      ->add_option("--seed", flags->seed,
                   "Seed of the bootstrap confidence intervals")
      ->capture_default_str();
  command->add_option("--threads", flags->threads, "Number of threads")
      ->check(CLI::Range(1, 1024))
      ->capture_default_str();
  command->callback(
      [flags, &registry] { FailUnlessOk(Eval(*flags, registry)); });
}

}  // namespace tributary
