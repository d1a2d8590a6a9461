#include "index/assemble/build.h"

#include <unistd.h>

#include <string>
#include <system_error>
#include <utility>

#include "fmt/format.h"
#include "index/assemble/build_config.h"
#include "index/assemble/bundle_parts.h"
#include "index/data/hold_out.h"
#include "index/train/als/als_settings.h"
#include "index/train/history/history_choice.h"
#include "status/status_macros.h"
#include "version/version.h"

namespace tributary {
namespace {

// A hidden directory that goes when this does.
class ScratchDirectory {
 public:
  explicit ScratchDirectory(std::filesystem::path path)
      : path_(std::move(path)) {
    Remove();
  }
  ScratchDirectory(const ScratchDirectory&) = delete;
  ScratchDirectory& operator=(const ScratchDirectory&) = delete;
  ~ScratchDirectory() { Remove(); }

  const std::filesystem::path& path() const { return path_; }

 private:
  void Remove() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }

  std::filesystem::path path_;
};

WriteRequest MakeWriteRequest(const BuildRequest& request,
                              const v1::BuildConfig& config) {
  WriteRequest write{request.root,   request.version,  {},
                     config.index(), config.threads(), {}};
  write.builder.set_program("tributary build");
  write.builder.set_revision(Revision());
  write.builder.set_data(request.data_name);
  write.builder.set_seed(config.seed());
  return write;
}

// Chooses what `config` leaves to the data.
absl::Status ChooseSettings(const DataSet& data, const Progress& progress,
                            v1::BuildConfig* config, Choices* choices) {
  if (config->behavior().model() == "history") {
    v1::HistoryTower& history = *config->mutable_behavior()->mutable_history();
    ASSIGN_OR_RETURN(history,
                     ChooseHistorySettings(data, history, config->seed(),
                                           config->threads(), progress));
  }
  *config->mutable_als() = ChooseAlsSettings(
      data, config->als(), config->seed(), config->threads(), progress);
  *choices = Choose(data, *config, progress);
  return absl::OkStatus();
}

// Makes a bundle without a share of the interactions, and has it judged on
// them. They have no part in the choice of settings either.
absl::StatusOr<Judgement> Try(const DataSet& data, const BuildRequest& request,
                              v1::BuildConfig* config, Choices* choices) {
  if (!data.spaces.empty()) return Judgement{};
  if (!request.judge || config->validation_share() == 0) {
    RETURN_IF_ERROR(ChooseSettings(data, request.progress, config, choices));
    return Judgement{};
  }
  std::vector<Interaction> held_out;
  const DataSet kept =
      HoldOut(data, config->validation_share(), "validation", &held_out);
  RETURN_IF_ERROR(ChooseSettings(kept, request.progress, config, choices));
  if (held_out.empty()) return Judgement{};
  const Progress progress = [&](std::string_view step, double done) {
    request.progress(fmt::format("trial: {}", step), done);
  };
  ASSIGN_OR_RETURN(const BundleParts parts,
                   MakeParts(kept, *config, *choices, progress));
  const ScratchDirectory scratch(
      request.root / fmt::format(".trial-{}-{}", request.version, ::getpid()));
  WriteRequest write = MakeWriteRequest(request, *config);
  write.root = scratch.path();
  write.index.set_kind("flat");
  write.index.clear_by_space();
  ASSIGN_OR_RETURN(const std::filesystem::path bundle,
                   WriteParts(kept, parts, write, progress));
  progress("recall", 0);
  ASSIGN_OR_RETURN(Judgement judgement, request.judge(bundle, held_out));
  progress("recall", 1);
  return judgement;
}

}  // namespace

absl::StatusOr<std::filesystem::path> BuildBundle(const DataSet& data,
                                                  const BuildRequest& request) {
  ASSIGN_OR_RETURN(v1::BuildConfig config, CompleteBuildConfig(request.config));
  // Before the work, not after it.
  const auto target = request.root / fmt::to_string(request.version);
  std::error_code error;
  if (std::filesystem::exists(target, error)) {
    return absl::AlreadyExistsError(
        fmt::format("{}: version already exists", target.string()));
  }
  WriteRequest write = MakeWriteRequest(request, config);
  Choices choices;
  ASSIGN_OR_RETURN(write.judgement, Try(data, request, &config, &choices));
  ASSIGN_OR_RETURN(const BundleParts parts,
                   MakeParts(data, config, choices, request.progress));
  return WriteParts(data, parts, write, request.progress);
}

}  // namespace tributary
