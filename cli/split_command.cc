// tributary split: splits data into training and test interactions.
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "cli/commands.h"
#include "cli/json_flag.h"
#include "cli/split_flags.h"
#include "fmt/core.h"
#include "index/data/hold_out.h"
#include "index/data/split_files.h"
#include "proto/yaml/config_flags.h"
#include "status/status_macros.h"

namespace tributary {
namespace {

constexpr uint32_t kMaxMalformedLines = 100;

struct SplitCommandFlags {
  std::string data;
  std::string out;
  std::optional<SplitBy> by;
  double share = 0.2;
  uint64_t seed = 0;
  v1::Input input;
  JsonFlag json;
};

absl::Status SplitIntoFiles(const SplitCommandFlags& flags) {
  ReadOptions options;
  options.input = flags.input;
  options.max_malformed_lines = kMaxMalformedLines;
  options.attributes = false;
  ASSIGN_OR_RETURN(DataSet data, ReadDataSet(flags.data, options));
  for (const std::string& fact : data.report.facts) {
    fmt::print(stderr, "  {}\n", fact);
  }
  for (const std::string& warning : data.report.warnings) {
    fmt::print(stderr, "warning: {}\n", warning);
  }
  std::vector<Interaction> held_out;
  ASSIGN_OR_RETURN(data, SplitTest(std::move(data), flags.by, flags.share,
                                   flags.seed, &held_out));
  RETURN_IF_ERROR(WriteSplitFiles(flags.out, data, held_out));
  if (flags.json.on_stdout()) {
    return flags.json.WriteObject(
        {{"train", fmt::format("recbole:{}", flags.out)},
         {"trainInteractions", fmt::to_string(data.interactions.size())},
         {"test", fmt::format("{}/test/test.inter", flags.out)},
         {"testInteractions", fmt::to_string(held_out.size())}});
  }
  fmt::print("train  {} interactions  recbole:{}\n", data.interactions.size(),
             flags.out);
  fmt::print("test   {} interactions  {}/test/test.inter\n", held_out.size(),
             flags.out);
  return absl::OkStatus();
}

}  // namespace

void AddSplitCommand(CLI::App& app) {
  auto flags = std::make_shared<SplitCommandFlags>();
  CLI::App* command = app.add_subcommand(
      "split", "Split data into RecBole files for training and for testing");
  command
      ->add_option("--data", flags->data,
                   "Same syntax as `tributary build --data`")
      ->required();
  command
      ->add_option(
          "--out", flags->out,
          "Directory to write to. Then build with --data recbole:OUT and "
          "evaluate with --test OUT/test/test.inter")
      ->required();
  AddSplitByFlag(*command, "--by", &flags->by);
  command
      ->add_option("--share", flags->share,
                   "Share of the interactions to hold out")
      ->check(CLI::Range(0.0, 0.9))
      ->capture_default_str();
  command
      ->add_option("--seed", flags->seed,
                   "Seed of the hash that chooses, for --by hash")
      ->capture_default_str();
  flags->json.AddTo(*command, "what was written");
  AddConfigFlags(*command, &flags->input);
  command->callback([flags] { FailUnlessOk(SplitIntoFiles(*flags)); });
}

}  // namespace tributary
