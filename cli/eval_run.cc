#include "cli/eval_run.h"

#include <algorithm>
#include <span>
#include <string>
#include <utility>

#include "cli/eval_lists_file.h"
#include "cli/held_out_items.h"
#include "cli/progress_line.h"
#include "cli/query_flags.h"
#include "evaluation/given_lists.h"
#include "fmt/format.h"
#include "proto/yaml/yaml_message.h"
#include "status/status_macros.h"

namespace tributary {
namespace {

// Users whose lists the report shows.
constexpr size_t kExampleUsers = 10;

// Keeps `limit` of the users, evenly spread; all when it is 0.
void Thin(uint64_t limit, std::vector<TestUser>* users) {
  if (limit == 0 || users->size() <= limit) return;
  std::vector<TestUser> kept;
  for (uint64_t i = 0; i < limit; ++i) {
    kept.push_back(std::move((*users)[i * users->size() / limit]));
  }
  *users = std::move(kept);
}

// A bundle, and its evaluation on the test users.
struct JudgedBundle {
  std::string dir;
  std::shared_ptr<const Bundle> bundle;
  std::vector<TestUser> users;
  Evaluation evaluation;
  std::optional<ListSource> lists;
};

// The bundle to judge, then those to compare it with, each once.
absl::StatusOr<std::vector<JudgedBundle>> OpenBundles(const EvalFlags& flags) {
  std::vector<JudgedBundle> bundles;
  for (const std::string& dir :
       {flags.bundle, flags.against, flags.fail_if_worse_than}) {
    const bool again = bundles.size() > 1 && bundles.back().dir == dir;
    if (dir.empty() || again) continue;
    ASSIGN_OR_RETURN(auto bundle, Bundle::Open(dir));
    bundles.push_back({dir, std::move(bundle), {}, {}, {}});
  }
  return bundles;
}

// Sets what the lists of each bundle come from, under the conditions of
// *result, and the number of items that the first bundle excludes.
absl::Status MakeListSources(const EvalFlags& flags,
                             const RetrieverRegistry& registry,
                             std::vector<JudgedBundle>* bundles,
                             EvalResult* result) {
  v1::ServerConfig config;
  if (!flags.server_config.empty()) {
    RETURN_IF_ERROR(ReadYamlFile(flags.server_config, &config));
  }
  for (JudgedBundle& judged : *bundles) {
    ASSIGN_OR_RETURN(auto serving,
                     ServingBundle::Open(judged.bundle, registry));
    const bool is_first = &judged == bundles->data();
    ASSIGN_OR_RETURN(
        const uint64_t excluded,
        ExcludeItems(result->conditions, /*may_lack_all=*/!is_first, *serving));
    if (is_first) result->excluded_items = excluded;
    ASSIGN_OR_RETURN(
        ListSource lists,
        ListSource::Make(serving, config, result->conditions.asked));
    judged.lists.emplace(std::move(lists));
  }
  return absl::OkStatus();
}

// Removes what the conditions keep out of lists from the test set, and prints
// what the lists are measured under.
absl::Status ApplyConditions(const JudgedBundle& judged, FILE* out,
                             TestItems* test_items, EvalResult* result) {
  const EvalConditions& conditions = result->conditions;
  const std::string filter = FilterText(conditions);
  if (!filter.empty()) {
    auto counts =
        KeepPassingPairs(*judged.bundle, *judged.lists->passing(), test_items);
    if (!counts.ok()) {
      return absl::Status(counts.status().code(),
                          fmt::format("{}: {}", filter,
                                      std::string(counts.status().message())));
    }
    result->passing = *counts;
    fmt::print(out,
               "filter: {}: {} of {} items pass, and {} of {} test pairs are "
               "left\n",
               filter, counts->passing_items, counts->items, counts->pairs_left,
               counts->pairs);
  }
  if (result->excluded_items < conditions.excluded.size()) {
    fmt::print(stderr, "warning: {}: {} of {} keys are no items of {}\n",
               conditions.exclude_items,
               conditions.excluded.size() - result->excluded_items,
               conditions.excluded.size(), judged.dir);
  }
  const std::string shape = ShapeText(conditions);
  if (!shape.empty()) fmt::print(out, "lists: {}\n", shape);
  return absl::OkStatus();
}

// *diversity is measured if it has a space.
absl::Status EvaluateBundle(const EvalFlags& flags, bool for_report,
                            JudgedBundle* judged, DiversityCurve* diversity) {
  const ListSource& lists = *judged->lists;
  ProgressLine progress;
  EvaluationOptions options{.ks = flags.ks,
                            .threads = flags.threads,
                            .seed = flags.seed,
                            .quota_curves = for_report,
                            .examples = for_report ? kExampleUsers : 0};
  std::sort(options.ks.begin(), options.ks.end());
  options.ks.erase(std::unique(options.ks.begin(), options.ks.end()),
                   options.ks.end());
  options.progress = [&](std::string_view step, double done) {
    progress.Show(fmt::format("{} {}", step, judged->dir), done);
  };
  ASSIGN_OR_RETURN(judged->evaluation, Evaluate(lists, judged->users, options));
  if (diversity->space.empty()) return absl::OkStatus();
  return MeasureDiversity(lists, judged->users, options,
                          judged->evaluation.list_k, diversity);
}

// Reads the files of --lists.
absl::StatusOr<std::vector<GivenLists>> ReadLists(
    const EvalFlags& flags, std::span<const JudgedBundle> bundles,
    const TestItems& test_items, const PassingItems* passing) {
  const JudgedBundle& ours = bundles[0];
  std::vector<std::string> taken = {"fused"};
  for (const auto& retriever : ours.bundle->manifest().retrievers()) {
    taken.push_back(retriever.name());
  }
  for (const JudgedBundle& other : bundles.subspan(1)) {
    taken.push_back(other.dir);
  }
  ASSIGN_OR_RETURN(const auto files, ParseListsFlags(flags.lists, taken));
  std::vector<GivenLists> lists;
  for (const ListsFile& file : files) {
    lists.emplace_back(file.name, *ours.bundle, test_items, ours.users,
                       passing);
    uint64_t malformed = 0;
    RETURN_IF_ERROR(ReadListsFile(file.path, &lists.back(), &malformed));
    if (malformed > 0) {
      fmt::print(stderr, "warning: {}: {} malformed lines were skipped\n",
                 file.path, malformed);
    }
  }
  return lists;
}

// Where --against or --fail-if-worse-than is among the rivals.
std::optional<size_t> FindRival(std::span<const Rival> rivals,
                                const std::string& dir) {
  for (size_t i = 0; i < rivals.size(); ++i) {
    if (!dir.empty() && rivals[i].name == dir) return i;
  }
  return std::nullopt;
}

}  // namespace

absl::Status RunEval(const EvalFlags& flags, const RetrieverRegistry& registry,
                     EvalResult* result) {
  ASSIGN_OR_RETURN(result->conditions, ConditionsOf(flags));
  ASSIGN_OR_RETURN(TestItems test_items, ReadTestItems(flags.test));
  ASSIGN_OR_RETURN(std::vector<JudgedBundle> bundles, OpenBundles(flags));
  result->bundle = bundles[0].bundle;
  std::vector<const Bundle*> judged_bundles;
  for (const JudgedBundle& judged : bundles) {
    judged_bundles.push_back(judged.bundle.get());
  }
  FILE* const out = flags.json.on_stdout() ? stderr : stdout;
  RETURN_IF_ERROR(CheckTestSet(flags.test_set, judged_bundles, out, &test_items,
                               &result->counts));
  RETURN_IF_ERROR(MakeListSources(flags, registry, &bundles, result));
  RETURN_IF_ERROR(ApplyConditions(bundles[0], out, &test_items, result));
  for (JudgedBundle& judged : bundles) {
    judged.users = FindTestUsers(test_items, judged.bundle->items());
    Thin(flags.users, &judged.users);
  }
  std::vector<DiversityCurve> curves(bundles.size());
  if (!flags.diversity.empty()) {
    ASSIGN_OR_RETURN(const DiversityFlag flag, ParseDiversity(flags.diversity));
    RETURN_IF_ERROR(MakeDiversityCurve(*result->bundle, flag.space,
                                       flag.lambdas, &curves[0]));
  }
  // Before the evaluation, so that a wrong file is found at once.
  ASSIGN_OR_RETURN(
      std::vector<GivenLists> lists,
      ReadLists(flags, bundles, test_items, bundles[0].lists->passing().get()));
  for (size_t i = 0; i < bundles.size(); ++i) {
    RETURN_IF_ERROR(EvaluateBundle(flags, i == 0 && !flags.html.empty(),
                                   &bundles[i], &curves[i]));
  }
  const Evaluation& ours = bundles[0].evaluation;
  for (size_t i = 1; i < bundles.size(); ++i) {
    result->rivals.push_back(RivalOf(bundles[i].dir, ours,
                                     bundles[i].evaluation, flags.seed,
                                     flags.threads));
  }
  result->against = FindRival(result->rivals, flags.against);
  result->baseline = FindRival(result->rivals, flags.fail_if_worse_than);
  if (result->baseline) {
    result->worse = WorseMeasures(result->rivals[*result->baseline]);
  }
  for (GivenLists& given : lists) {
    ASSIGN_OR_RETURN(auto rival, given.Judge(ours, flags.seed, flags.threads));
    result->rivals.push_back(std::move(rival));
  }
  result->evaluation = std::move(bundles[0].evaluation);
  if (!flags.diversity.empty()) result->diversity = std::move(curves[0]);
  return absl::OkStatus();
}

}  // namespace tributary
