// tributary eval: measures a bundle's lists on interactions that it was made
// without.
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "cli/commands.h"
#include "cli/eval_flags.h"
#include "cli/eval_json.h"
#include "cli/eval_run.h"
#include "cli/eval_table.h"
#include "cli/held_out_items.h"
#include "cli/recall_table.h"
#include "evaluation/report/report.h"
#include "fmt/core.h"
#include "index/data/inter_file.h"
#include "status/status_macros.h"

namespace tributary {
namespace {

constexpr uint32_t kMaxEvalK = 100000;

std::string FilterWithCounts(const EvalResult& result) {
  if (!result.passing) return "";
  return fmt::format("{} ({} of {} items pass)", FilterText(result.conditions),
                     result.passing->passing_items, result.passing->items);
}

absl::Status WriteReport(const EvalFlags& flags, const EvalResult& result) {
  const Evaluation& evaluation = *result.evaluation;
  ItemGroups groups = GroupsBySegment(evaluation.item_segments);
  ItemTitles titles;
  if (!flags.data.empty()) {
    ReadOptions options;
    options.max_malformed_lines = kMaxMalformedLines;
    options.attributes = false;
    ASSIGN_OR_RETURN(const DataSet data, ReadDataSet(flags.data, options));
    titles = TitlesFrom(*result.bundle, data);
    auto by_category = GroupsByCategory(*result.bundle, data, flags.category);
    // Data without categories have titles all the same.
    if (by_category.ok() || !flags.category.empty()) {
      ASSIGN_OR_RETURN(groups, std::move(by_category));
    }
  }
  return WriteTextFile(flags.html,
                       ReportHtml({.evaluation = evaluation,
                                   .bundle = *result.bundle,
                                   .groups = groups,
                                   .titles = titles,
                                   .rivals = result.rivals,
                                   .filter = FilterWithCounts(result),
                                   .shape = ShapeText(result.conditions),
                                   .test_name = flags.test,
                                   .threads = flags.threads}));
}

void PrintEvaluation(const EvalFlags& flags, const EvalResult& result) {
  const Evaluation& evaluation = *result.evaluation;
  fmt::print("{}{}", RecallTable(MeasuredRecallOf(evaluation)),
             SummaryTable(evaluation));
  if (flags.all) fmt::print("{}", DetailTable(evaluation));
  if (result.diversity) fmt::print("{}", DiversityTable(*result.diversity));
  if (!result.rivals.empty()) {
    fmt::print("{}", RivalsTable(evaluation, result.rivals));
  }
  for (const Rival& rival : result.rivals) {
    fmt::print("{}", ComparisonTable(evaluation, rival));
  }
  const std::string verdict = VerdictSentence(evaluation, result.rivals);
  if (!verdict.empty()) fmt::print("\n{}\n", verdict);
}

absl::Status FailIfWorse(const EvalResult& result) {
  if (result.worse.empty()) return absl::OkStatus();
  return absl::FailedPreconditionError(WorseSentence(
      *result.evaluation, result.rivals[*result.baseline], result.worse));
}

absl::Status Eval(const EvalFlags& flags, const RetrieverRegistry& registry) {
  EvalResult result;
  const absl::Status status = RunEval(flags, registry, &result);
  // What is known of the test set is written after an error, too.
  if (result.counts.pairs > 0) {
    RETURN_IF_ERROR(flags.json.Write(EvalJson(result) + '\n'));
  }
  const bool nothing_but_seen = flags.test_set.allow_seen &&
                                result.counts.pairs > 0 &&
                                result.counts.seen_pairs == result.counts.pairs;
  if (!status.ok() && nothing_but_seen && flags.fail_if_worse_than.empty()) {
    fmt::print(stderr, "warning: {}; nothing was measured\n",
               std::string(status.message()));
    return absl::OkStatus();
  }
  RETURN_IF_ERROR(status);
  if (!flags.json.on_stdout()) PrintEvaluation(flags, result);
  if (!flags.html.empty()) RETURN_IF_ERROR(WriteReport(flags, result));
  return FailIfWorse(result);
}

void AddComparisonFlags(CLI::App& command, EvalFlags* flags) {
  command.add_option("--against", flags->against,
                     "Compare with this bundle: differences with confidence "
                     "intervals and p-values");
  command.add_option(
      "--lists", flags->lists,
      "FILE or NAME=FILE: compare with the candidate lists of this file, made "
      "by anything, for the same test users. The file has a header with the "
      "columns user, item, and rank or score, in any order; commas, tabs, "
      "semicolons or | separate them. May be given several times");
  command.add_option(
      "--fail-if-worse-than", flags->fail_if_worse_than,
      "Compare with this bundle, and exit with 1 if --bundle is significantly "
      "worse: if its recall or ndcg at any -k is lower, with a p-value (paired "
      "randomisation test) below 0.05 / (number of these measures)");
}

void AddTestSetFlags(CLI::App& command, EvalFlags* flags) {
  command
      .add_option(
          "--test", flags->test,
          "RecBole .inter file of interactions that the bundle was made "
          "without")
      ->required();
  command.add_option("--users", flags->users,
                     "Sample at most N users, evenly spread; 0 for all");
  flags->test_set.AddTo(command);
  command.add_option(
      "--where", flags->where,
      "Measure lists of the items that pass this filter, e.g. 'in_stock = "
      "true', on the test items that pass it in --bundle. Items of --lists "
      "that "
      "do not pass are misses");
  command.add_option("--exclude-items", flags->exclude_items,
                     "Measure lists without the items of this file, a key on "
                     "each line, on test items that are not among them: as "
                     "with --exclude-set of `tributary retrieve`");
  AddListFlags(command, &flags->list);
}

void AddReportFlags(CLI::App& command, EvalFlags* flags) {
  command.add_flag("--all", flags->all,
                   "Also print metrics by segment of users and items, the "
                   "overlap of sources, and metrics among sampled items");
  flags->json.AddWithFileTo(command, "the metrics");
  command.add_option("--html", flags->html,
                     "Write a report to this file: one HTML page with plots");
  command.add_option("--data", flags->data,
                     "Same syntax as `tributary build --data`: gives the "
                     "report the items' titles, and colours its maps by their "
                     "categories. Default: keys, and by popularity");
  command.add_option("--category", flags->category,
                     "Column of --data to colour by");
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
  AddTestSetFlags(*command, flags.get());
  command
      ->add_option("-k", flags->ks,
                   "Lengths of the list prefixes to measure, comma-separated")
      ->delimiter(',')
      ->check(CLI::Range(1u, kMaxEvalK))
      ->capture_default_str();
  AddComparisonFlags(*command, flags.get());
  AddReportFlags(*command, flags.get());
  command->add_option(
      "--diversity", flags->diversity,
      "SPACE=LAMBDA,...: also measure lists of this diversity (see `tributary "
      "retrieve`), and how different their items are: 1 - the mean cosine of "
      "all pairs in this space. SPACE alone measures that of the lists as they "
      "are");
  command->add_option("--server-config", flags->server_config,
                      "The server's YAML file, for its quotas and fusion");
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
