#include "index/assemble/build.h"

#include <algorithm>
#include <memory>
#include <string>
#include <system_error>
#include <utility>

#include "fmt/format.h"
#include "index/assemble/build_config.h"
#include "index/assemble/bundle_parts.h"
#include "index/assemble/take_over.h"
#include "index/bundle/bundle.h"
#include "index/bundle/durable_file.h"
#include "index/bundle/scratch_directory.h"
#include "index/bundle/version_directory.h"
#include "index/data/hold_out.h"
#include "index/train/als/als_settings.h"
#include "index/train/history/history_choice.h"
#include "index/train/neighbors/choose_neighbors.h"
#include "status/status_macros.h"
#include "version/version.h"

namespace tributary {
namespace {

// One run of BuildBundle. Settings that the configuration leaves to the data
// are chosen on the interactions that remain when those of the validation
// bundle are held out, so that the held-out ones have no part in any choice.
// The bundle itself is made of all interactions.
class Build {
 public:
  Build(const DataSet& data, const BuildRequest& request,
        v1::BuildConfig config)
      : data_(data), request_(request), config_(std::move(config)) {}

  absl::StatusOr<std::filesystem::path> Run() {
    if (request_.like.has_value()) {
      TakeOverChoices(*request_.like, data_, request_.report, &config_,
                      &choices_.neighbors);
      // The manifest may have been written by hand.
      ASSIGN_OR_RETURN(config_, CompleteBuildConfig(config_));
    }
    const bool may_take_judgement = request_.like.has_value() && data_.trains &&
                                    request_.config.validation_share() == 0;
    Judgement judgement;
    ASSIGN_OR_RETURN(judgement, Validate(!may_take_judgement));
    ASSIGN_OR_RETURN(const BundleParts parts,
                     MakeParts(data_, config_, choices_, request_.progress));
    if (may_take_judgement) {
      judgement = TakeOverJudgement(*request_.like, RetrieverNames(parts),
                                    request_.report);
      if (judgement.fusion.segments().empty()) {
        ASSIGN_OR_RETURN(judgement, Validate(true));
      }
    }
    WriteRequest write = MakeWriteRequest(&parts);
    write.judgement = std::move(judgement);
    return WriteParts(data_, parts, write, request_.progress);
  }

 private:
  bool CanJudge() const {
    return request_.judge && config_.validation_share() > 0;
  }

  WriteRequest MakeWriteRequest(const BundleParts* parts) const {
    WriteRequest write{.root = request_.root,
                       .version = request_.version,
                       .builder = {},
                       .index = config_.index(),
                       .threads = config_.threads(),
                       .judgement = {}};
    write.product = config_.product();
    write.changes_through = request_.changes_through;
    write.builder.set_program("tributary build");
    write.builder.set_revision(Revision());
    write.builder.set_data(request_.data_name);
    write.builder.set_seed(config_.seed());
    if (parts != nullptr) {
      *write.builder.mutable_chosen() = RecordChoices(config_, *parts);
    }
    if (request_.like.has_value()) {
      write.like = &*request_.like;
      write.report = request_.report;
      write.builder.set_like_version(request_.like->version());
    }
    return write;
  }

  // Makes the choices that are still open, and, if `judge`, a validation bundle
  // that is judged.
  absl::StatusOr<Judgement> Validate(bool judge) {
    // Vectors that came with the data leave nothing to choose or to judge.
    if (!data_.trains) return Judgement{};
    if (!CanJudge()) {
      if (request_.judge && judge) {
        request_.report(
            "validation_share is 0: nothing is held out, so that no recall is "
            "measured and no fusion model is learned; sources are merged by "
            "reciprocal ranks");
      }
      RETURN_IF_ERROR(ChooseOpen(data_));
      return Judgement{};
    }
    if (!judge && !HasOpenChoices()) return Judgement{};
    std::vector<Interaction> held_out;
    DataSet kept =
        HoldOut(data_, config_.validation_share(), "validation", &held_out);
    // Nothing that is judged is filtered.
    kept.attributes.clear();
    RETURN_IF_ERROR(ChooseOpen(kept));
    if (judge && held_out.empty()) {
      request_.report(
          "no user has enough interactions to hold some out: no recall is "
          "measured and no fusion model is learned");
    }
    if (!judge || held_out.empty()) return Judgement{};
    return JudgeWithout(kept, held_out);
  }

  bool HasOpenChoices() const {
    if (chosen_) return false;
    const v1::HistoryTower& history = config_.behavior().history();
    const bool open_history =
        config_.behavior().model() == "history" &&
        !(history.has_epochs() && history.has_dropout() &&
          history.has_weight_decay() && history.has_decay() &&
          history.has_cut_share() && history.has_dropped_targets());
    return open_history || !config_.als().has_alpha() ||
           !config_.als().has_regularization() ||
           choices_.neighbors.size() < NeighborKinds(data_, config_).size();
  }

  absl::Status ChooseOpen(const DataSet& data) {
    if (chosen_) return absl::OkStatus();
    chosen_ = true;
    if (config_.behavior().model() == "history") {
      v1::HistoryTower& history =
          *config_.mutable_behavior()->mutable_history();
      ASSIGN_OR_RETURN(
          history, ChooseHistorySettings(data, history, config_.seed(),
                                         config_.threads(), request_.progress));
    }
    *config_.mutable_als() =
        ChooseAlsSettings(data, config_.als(), config_.seed(),
                          config_.threads(), request_.progress);
    choices_.neighbors = ChooseNeighborMethods(
        data, config_, std::move(choices_.neighbors), request_.progress);
    return absl::OkStatus();
  }

  absl::StatusOr<Judgement> JudgeWithout(
      const DataSet& kept, const std::vector<Interaction>& held_out) {
    const Progress progress = [&](std::string_view step, double done) {
      request_.progress(fmt::format("validation: {}", step), done);
    };
    ASSIGN_OR_RETURN(const BundleParts parts,
                     MakeParts(kept, config_, choices_, progress));
    std::error_code ignored;
    std::filesystem::create_directories(request_.root, ignored);
    ASSIGN_OR_RETURN(
        const ScratchDirectory scratch,
        ScratchDirectory::Create(request_.root, kValidation, request_.version));
    WriteRequest write = MakeWriteRequest(nullptr);
    write.root = scratch.path();
    write.like = nullptr;
    // Recall is that of the sources, not of their indexes.
    write.index.set_kind("flat");
    write.index.clear_by_space();
    ASSIGN_OR_RETURN(const std::filesystem::path bundle,
                     WriteParts(kept, parts, write, progress));
    return request_.judge(bundle, held_out, progress);
  }

  const DataSet& data_;
  const BuildRequest& request_;
  v1::BuildConfig config_;
  Choices choices_;
  // Whether nothing is left to choose.
  bool chosen_ = false;
};

std::string KindText(v1::KeyKind kind) {
  return kind == v1::UINT64 ? "numbers" : "text";
}

// The newest version in `root` that can be opened, below `version`; null when
// there is none.
std::shared_ptr<const Bundle> OpenPrevious(const std::filesystem::path& root,
                                           uint64_t version) {
  const auto versions = ListVersions(root);
  if (!versions.ok()) return nullptr;
  for (auto earlier = versions->rbegin(); earlier != versions->rend();
       ++earlier) {
    if (*earlier >= version) continue;
    const auto bundle = Bundle::Open(VersionPath(root, *earlier));
    if (bundle.ok()) return *bundle;
  }
  return nullptr;
}

// Keys that become text make every caller find nothing, and the gate refuses
// such a version; whoever builds it should know first.
void TellOfKeyKinds(const DataSet& data, const BuildRequest& request) {
  const auto previous = OpenPrevious(request.root, request.version);
  if (previous == nullptr) return;
  const auto tell = [&](const char* table, v1::KeyKind before,
                        v1::KeyKind now) {
    if (before == now) return;
    request.report(fmt::format(
        "warning: {} keys are {} here and {} in version {}: the gate refuses "
        "such a change{}",
        table, KindText(now), KindText(before), previous->version(),
        now == v1::UTF8 ? "; a single key that is no number causes it" : ""));
  };
  tell("item", previous->items().kind(), data.items.kind);
  if (previous->users().size() > 0 && data.users.size() > 0) {
    tell("user", previous->users().kind(), data.users.kind);
  }
}

}  // namespace

absl::StatusOr<std::filesystem::path> BuildBundle(const DataSet& data,
                                                  const BuildRequest& request) {
  ASSIGN_OR_RETURN(v1::BuildConfig config, CompleteBuildConfig(request.config));
  // Checked before the work is done.
  const auto target = request.root / fmt::to_string(request.version);
  std::error_code error;
  if (std::filesystem::exists(target, error)) {
    return absl::AlreadyExistsError(
        fmt::format("{}: version already exists", target.string()));
  }
  if (std::filesystem::exists(request.root, error)) {
    // What cannot be removed is no reason not to build.
    RemoveLeftovers(request.root).IgnoreError();
  }
  TellOfKeyKinds(data, request);
  return Build(data, request, std::move(config)).Run();
}

}  // namespace tributary
