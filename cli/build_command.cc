// tributary build: makes a bundle from raw data.
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "cli/commands.h"
#include "cli/progress_line.h"
#include "cli/split_flags.h"
#include "evaluation/judge.h"
#include "fmt/core.h"
#include "index/assemble/build.h"
#include "index/assemble/build_config.h"
#include "index/bundle/bundle.h"
#include "index/bundle/version_directory.h"
#include "index/data/hold_out.h"
#include "index/data/inter_file.h"
#include "index/parallel/progress.h"
#include "proto/yaml/config_flags.h"
#include "status/status_macros.h"

namespace tributary {
namespace {

struct BuildFlags {
  std::string data;
  std::string out;
  uint64_t version = 0;
  double holdout = 0;
  std::optional<SplitBy> holdout_by;
  std::string test_out;
  // The directory of an earlier bundle; empty: none.
  std::string like;
  v1::BuildConfig config;
};

// Judges a validation bundle by the lists that the server would serve from it.
Judge MakeJudge(const DataSet& data, const RetrieverRegistry& registry,
                uint32_t threads) {
  return
      [&data, &registry, threads](
          const std::filesystem::path& validation_bundle,
          const std::vector<Interaction>& held_out, const Progress& progress) {
        TestItems test_items;
        for (const Interaction& interaction : held_out) {
          test_items[data.users.text(interaction.user)].insert(
              data.items.text(interaction.item));
        }
        return JudgeBundle(validation_bundle, test_items, v1::ServerConfig(),
                           registry, threads, progress);
      };
}

// The manifest of the bundle that --like names.
absl::StatusOr<std::optional<v1::Manifest>> ReadEarlier(
    const std::string& dir) {
  if (dir.empty()) return std::nullopt;
  const auto bundle = Bundle::Open(dir);
  if (!bundle.ok()) {
    return absl::Status(bundle.status().code(),
                        fmt::format("--like {}: {}", dir,
                                    std::string(bundle.status().message())));
  }
  return (*bundle)->manifest();
}

void ReportMalformed(const DataSet& data) {
  if (data.malformed_lines == 0) return;
  fmt::print(stderr, "skipped {} malformed lines:\n", data.malformed_lines);
  for (const std::string& line : data.malformed) {
    fmt::print(stderr, "  {}\n", line);
  }
}

absl::StatusOr<DataSet> ReadTrainingData(const BuildFlags& flags,
                                         const v1::BuildConfig& config) {
  ASSIGN_OR_RETURN(DataSet data,
                   ReadDataSet(flags.data, config.max_malformed_lines()));
  ReportMalformed(data);
  fmt::print(stderr, "  {} users, {} items, {} interactions\n",
             data.users.size(), data.items.size(), data.interactions.size());
  if (flags.holdout == 0) return data;
  std::vector<Interaction> held_out;
  ASSIGN_OR_RETURN(data, SplitTest(std::move(data), flags.holdout_by,
                                   flags.holdout, 0, &held_out));
  RETURN_IF_ERROR(WriteInterFile(flags.test_out, data, held_out));
  fmt::print(stderr, "  held out {} interactions: {}\n", held_out.size(),
             flags.test_out);
  return data;
}

absl::Status Build(const BuildFlags& flags, const RetrieverRegistry& registry) {
  if ((flags.holdout > 0) != !flags.test_out.empty()) {
    return absl::InvalidArgumentError(
        "--holdout and --test-out must be given together: --test-out is the "
        "file for the held-out interactions");
  }
  ASSIGN_OR_RETURN(const v1::BuildConfig config,
                   CompleteBuildConfig(flags.config));
  BuildRequest request;
  ASSIGN_OR_RETURN(request.like, ReadEarlier(flags.like));
  ProgressLine progress;
  progress.Show("read " + flags.data, 0);
  ASSIGN_OR_RETURN(const DataSet data, ReadTrainingData(flags, config));
  request.root = flags.out;
  request.version = flags.version;
  if (request.version == 0) {
    ASSIGN_OR_RETURN(request.version, NextVersion(flags.out));
  }
  request.data_name = flags.data;
  // Not the completed one: with --like, what is set explicitly wins.
  request.config = flags.config;
  request.judge = MakeJudge(data, registry, config.threads());
  request.progress = progress.AsProgress();
  request.report = [&](std::string_view line) { progress.Say(line); };
  ASSIGN_OR_RETURN(const auto dir, BuildBundle(data, request));
  fmt::print("{}\n", dir.string());
  return absl::OkStatus();
}

}  // namespace

void AddBuildCommand(CLI::App& app, const RetrieverRegistry& registry) {
  auto flags = std::make_shared<BuildFlags>();
  CLI::App* command =
      app.add_subcommand("build", "Make a bundle from raw data");
  command
      ->add_option("--data", flags->data,
                   "Data to build from: debian | recbole:DIR | movielens:DIR | "
                   "csv:DIR | vectors:DIR | synthetic[:SEED]")
      ->required();
  command->add_option("--out", flags->out, "Write the bundle to OUT/<version>")
      ->required();
  command->add_option("--version", flags->version,
                      "Number of the bundle. Default: one above the highest in "
                      "OUT");
  command
      ->add_option(
          "--holdout", flags->holdout,
          "Share of the interactions to hold out, for `tributary eval`")
      ->check(CLI::Range(0.0, 0.9));
  AddSplitByFlag(*command, "--holdout-by", &flags->holdout_by);
  command->add_option("--test-out", flags->test_out,
                      "RecBole .inter file for the held-out interactions");
  command->add_option(
      "--like", flags->like,
      "Directory of an earlier bundle. Settings that the build would choose "
      "are "
      "taken over from it, together with its fusion model and measured recall "
      "(--validation_share above 0 measures anew)");
  AddConfigFlags(*command, &flags->config);
  command->callback(
      [flags, &registry] { FailUnlessOk(Build(*flags, registry)); });
}

}  // namespace tributary
