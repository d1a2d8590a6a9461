// tributary build: makes a bundle from raw data.
#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "cli/commands.h"
#include "cli/json_flag.h"
#include "cli/progress_line.h"
#include "cli/split_flags.h"
#include "cli/store_changes.h"
#include "evaluation/judge.h"
#include "fmt/core.h"
#include "google/protobuf/struct.pb.h"
#include "index/assemble/build.h"
#include "index/assemble/build_config.h"
#include "index/assemble/expected_steps.h"
#include "index/bundle/bundle.h"
#include "index/bundle/version_reservation.h"
#include "index/data/apply_changes.h"
#include "index/data/feedback.h"
#include "index/data/hold_out.h"
#include "index/data/inter_file.h"
#include "index/parallel/progress.h"
#include "proto/yaml/config_flags.h"
#include "server/process/control_groups.h"
#include "status/status_macros.h"

namespace tributary {
namespace {

constexpr uint32_t kMaxThreads = 1024;

struct BuildFlags {
  std::string data;
  std::string out;
  // Shorter spellings of settings: "user=customer_id", ...; see v1::Input.
  std::vector<std::string> columns;
  std::string vectors;
  bool strict = false;
  // Whether to stop when the data are read.
  bool dry_run = false;
  JsonFlag json;
  ProgressStyle progress = ProgressStyle::kAuto;
  uint64_t version = 0;
  double holdout = 0;
  std::optional<SplitBy> holdout_by;
  std::string test_out;
  // The directory of an earlier bundle; empty: none.
  std::string like;
  // The store whose live changes the data are to have; empty: none.
  std::string changes;
  v1::S3 s3;
  uint64_t changes_in_data = 0;
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

void ReportMalformed(const DataSet& data, ProgressLine* progress) {
  if (data.malformed_lines == 0) return;
  progress->Say(
      fmt::format("skipped {} malformed lines:", data.malformed_lines));
  for (const std::string& line : data.malformed) {
    progress->Say(fmt::format("  {}", line));
  }
}

// Prints what was understood of the input. With strict, warnings are errors.
absl::Status Report(const DataSet& data, const BuildFlags& flags, bool strict,
                    ProgressLine* progress) {
  const bool is_result = flags.dry_run && !flags.json.on_stdout();
  for (const std::string& fact : data.report.facts) {
    if (is_result) {
      fmt::print("  {}\n", fact);
    } else {
      progress->Say(fact);
    }
  }
  ReportMalformed(data, progress);
  for (const std::string& warning : data.report.warnings) {
    progress->Say(fmt::format("warning: {}", warning));
  }
  if (!strict || data.report.warnings.empty()) return absl::OkStatus();
  return absl::InvalidArgumentError(
      fmt::format("{} warnings about the data, which --strict makes errors, "
                  "the first one: {}",
                  data.report.warnings.size(), data.report.warnings[0]));
}

// As --json prints it. `bundle` is empty after a dry run.
absl::Status WriteJson(const BuildFlags& flags, const DataSet& data,
                       const std::string& bundle) {
  google::protobuf::Struct object;
  auto& members = *object.mutable_fields();
  if (!bundle.empty()) members["bundle"].set_string_value(bundle);
  const auto add = [&](const char* name,
                       const std::vector<std::string>& lines) {
    auto& list = *members[name].mutable_list_value();
    for (const std::string& line : lines) {
      list.add_values()->set_string_value(line);
    }
  };
  add("understood", data.report.facts);
  add("warnings", data.report.warnings);
  add("malformed", data.malformed);
  members["malformedLines"].set_number_value(
      static_cast<double>(data.malformed_lines));
  return flags.json.Write(object);
}

absl::StatusOr<DataSet> ReadTrainingData(
    const BuildFlags& flags, const v1::BuildConfig& config,
    const std::optional<v1::Manifest>& like,
    const std::vector<v1::Change>& changes, ProgressLine* progress) {
  ReadOptions options;
  options.input = config.input();
  options.feedback = config.feedback();
  options.max_malformed_lines = config.max_malformed_lines();
  if (like.has_value()) {
    for (const v1::Attribute& attribute : like->attributes()) {
      options.earlier_attributes[attribute.column()] = attribute.type();
    }
  }
  progress->Show("read " + flags.data, 0);
  absl::StatusOr<DataSet> data = ReadDataSet(
      flags.data, options, DataChanges{changes, flags.changes_in_data});
  progress->EndStep();
  RETURN_IF_ERROR(data.status());
  RETURN_IF_ERROR(Report(*data, flags, config.input().strict(), progress));
  if (flags.holdout == 0 || flags.dry_run) return data;
  std::vector<Interaction> held_out;
  ASSIGN_OR_RETURN(data, SplitTest(*std::move(data), flags.holdout_by,
                                   flags.holdout, 0, &held_out));
  RETURN_IF_ERROR(WriteInterFile(flags.test_out, *data, held_out));
  progress->Say(fmt::format("held out {} interactions: {}", held_out.size(),
                            flags.test_out));
  return data;
}

// The configuration with what the shorter flags say.
absl::StatusOr<v1::BuildConfig> WithShortFlags(const BuildFlags& flags) {
  v1::BuildConfig config = flags.config;
  v1::Input& input = *config.mutable_input();
  for (const std::string& column : flags.columns) {
    const size_t equals = column.find('=');
    if (equals == std::string::npos) {
      return absl::InvalidArgumentError(fmt::format(
          "--columns {}: expected ROLE=COLUMN, as in user=customer_id",
          column));
    }
    (*input.mutable_columns())[column.substr(0, equals)] =
        column.substr(equals + 1);
  }
  if (!flags.vectors.empty()) input.set_vectors(flags.vectors);
  if (flags.strict) input.set_strict(true);
  return config;
}

absl::Status Build(const BuildFlags& flags, const RetrieverRegistry& registry) {
  if ((flags.holdout > 0) != !flags.test_out.empty()) {
    return absl::InvalidArgumentError(
        "--holdout and --test-out must be given together: --test-out is the "
        "file for the held-out interactions");
  }
  if (flags.out.empty() && !flags.dry_run) {
    return absl::InvalidArgumentError(
        "--out is required: the directory that the bundle is written to");
  }
  BuildRequest request;
  // Not completed: with --like, what is set explicitly wins.
  ASSIGN_OR_RETURN(request.config, WithShortFlags(flags));
  // A container may use less than its machine has.
  if (!request.config.has_threads()) {
    request.config.set_threads(std::min(kMaxThreads, AvailableCpus()));
  }
  ASSIGN_OR_RETURN(const v1::BuildConfig config,
                   CompleteBuildConfig(request.config));
  ASSIGN_OR_RETURN(request.like, ReadEarlier(flags.like));
  StoreChanges changes;
  if (!flags.changes.empty()) {
    ASSIGN_OR_RETURN(changes, ReadStoreChanges(flags.changes, flags.s3));
  }
  request.changes_through = changes.through;
  ProgressLine progress(flags.progress);
  if (flags.dry_run) {
    ASSIGN_OR_RETURN(const DataSet data,
                     ReadTrainingData(flags, config, request.like,
                                      changes.changes, &progress));
    return WriteJson(flags, data, "");
  }
  // Before the work: OUT may not be writable, and another build may run.
  ASSIGN_OR_RETURN(const VersionReservation reservation,
                   VersionReservation::Take(flags.out, flags.version));
  ASSIGN_OR_RETURN(const DataSet data,
                   ReadTrainingData(flags, config, request.like,
                                    changes.changes, &progress));
  request.root = flags.out;
  request.version = reservation.version();
  request.data_name = flags.data;
  request.judge = MakeJudge(data, registry, config.threads());
  request.progress = progress.AsProgress();
  request.report = [&](std::string_view line) { progress.Say(line); };
  progress.Expect(ExpectedBuildSteps(data, request));
  ASSIGN_OR_RETURN(const auto dir, BuildBundle(data, request));
  if (!flags.json.on_stdout()) fmt::print("{}\n", dir.string());
  return WriteJson(flags, data, dir.string());
}

}  // namespace

void AddBuildCommand(CLI::App& app, const RetrieverRegistry& registry) {
  auto flags = std::make_shared<BuildFlags>();
  CLI::App* command =
      app.add_subcommand("build", "Make a bundle from raw data");
  command
      ->add_option("--data", flags->data,
                   "Data to build from: debian | recbole:DIR | movielens:DIR | "
                   "csv:DIR | csv:FILE | vectors:DIR | synthetic[:SEED]")
      ->required();
  command->add_option("--out", flags->out, "Write the bundle to OUT/<version>");
  command->add_flag("--dry-run", flags->dry_run,
                    "Print what is understood of the data, and stop");
  flags->json.AddTo(*command, "what was read, and the bundle's directory,");
  AddProgressFlag(*command, &flags->progress);
  command->add_flag("--strict", flags->strict,
                    "Take warnings about the data as errors");
  command
      ->add_option("--columns", flags->columns,
                   "The column of each role, as in user=customer_id,item=sku,"
                   "value=rating,time=ts,type=event. Roles that are not given "
                   "are recognised by the columns' names")
      ->delimiter(',');
  command->add_option("--vectors", flags->vectors,
                      "Directory with vectors, as vectors:DIR has them, to add "
                      "as further spaces");
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
      "and the types of attributes are taken over from it, together with its "
      "fusion model and measured recall (--validation_share above 0 measures "
      "anew)");
  command->add_option(
      "--changes", flags->changes,
      "The store, a directory or s3://BUCKET/PREFIX, whose live changes the "
      "data are to have: attributes, new items and events. What is taken down "
      "stays in the catalogue, as it may be restored");
  command
      ->add_option("--changes-in-data", flags->changes_in_data,
                   "The number of the last live change whose event the "
                   "interactions have already")
      ->needs("--changes");
  command
      ->add_option_function<std::string>(
          "--changes-endpoint",
          [flags](const std::string& endpoint) {
            flags->s3.set_endpoint(endpoint);
          },
          "The address of the S3 service of --changes. Default: that of AWS")
      ->needs("--changes");
  AddConfigFlags(*command, &flags->config);
  command->callback(
      [flags, &registry] { FailUnlessOk(Build(*flags, registry)); });
}

}  // namespace tributary
