#include "server/loader/loader.h"

#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <system_error>
#include <utility>
#include <vector>

#include "fmt/core.h"
#include "google/protobuf/util/time_util.h"
#include "index/bundle/bundle.h"
#include "index/bundle/product.h"
#include "index/bundle/scratch_directory.h"
#include "index/bundle/version_directory.h"
#include "index/publish/directory_store.h"
#include "index/publish/open_store.h"
#include "index/sign/signed_current.h"
#include "index/verify/verify_version.h"
#include "server/gate/gate_report.h"
#include "server/loader/loader_config.h"
#include "spdlog/spdlog.h"
#include "status/status_macros.h"
#include "status/status_message.h"

namespace tributary {
namespace {

using google::protobuf::util::TimeUtil;
using Kind = LoaderAction::Kind;
namespace fs = std::filesystem;

constexpr char kLockName[] = ".loader.lock";
// A version during whose staging the server was lost this often is refused.
constexpr int kMaxLostStages = 3;

// Whether the server may have crashed during the call.
bool IsLost(const absl::Status& status) {
  return absl::IsUnavailable(status) || absl::IsDeadlineExceeded(status);
}

}  // namespace

absl::StatusOr<std::unique_ptr<Loader>> Loader::Create(
    v1::LoaderConfig config) {
  ASSIGN_OR_RETURN(config, CompleteLoaderConfig(std::move(config)));
  ASSIGN_OR_RETURN(auto store,
                   OpenStore(config.store(), {config.download(), config.s3()}));
  ASSIGN_OR_RETURN(PublicKeys keys,
                   PublicKeys::Read({config.public_keys().begin(),
                                     config.public_keys().end()}));
  RETURN_IF_ERROR(CheckVersionsRoot("bundles", config.bundles()));
  std::error_code error;
  fs::create_directories(config.bundles(), error);
  if (error) {
    return absl::ErrnoToStatus(error.value(),
                               fmt::format("bundles: user {} cannot create {}",
                                           ::geteuid(), config.bundles()));
  }
  if (fs::equivalent(config.store(), config.bundles(), error)) {
    return absl::InvalidArgumentError(
        fmt::format("bundles: {} is the store itself, from which the loader "
                    "must not delete",
                    config.bundles()));
  }
  auto lock = FileLock::TryAcquire(fs::path(config.bundles()) / kLockName);
  if (absl::IsUnavailable(lock.status())) {
    return absl::FailedPreconditionError(
        config.bundles() + ": another tributary-loader has locked it");
  }
  if (!lock.ok()) {
    return absl::Status(lock.status().code(),
                        fmt::format("bundles: {} (as user {})",
                                    MessageOf(lock.status()), ::geteuid()));
  }
  ASSIGN_OR_RETURN(auto server,
                   BundlesClient::Connect(config.control(), config.access()));
  std::unique_ptr<SpanExporter> exporter;
  if (!config.tracing().otlp_endpoint().empty()) {
    ASSIGN_OR_RETURN(exporter, SpanExporter::Create(config.tracing()));
  }
  return std::unique_ptr<Loader>(
      new Loader(std::move(config), *std::move(lock), std::move(store),
                 std::move(keys), std::move(server), std::move(exporter)));
}

Loader::Loader(v1::LoaderConfig config, FileLock lock,
               std::unique_ptr<Store> store, PublicKeys keys,
               std::unique_ptr<BundlesClient> server,
               std::unique_ptr<SpanExporter> exporter)
    : config_(std::move(config)),
      lock_(std::move(lock)),
      trial_(config_),
      refusals_(config_.bundles()),
      store_(std::move(store)),
      keys_(std::move(keys)),
      memory_(config_.bundles(), config_.allow_older()),
      server_(std::move(server)),
      exporter_(std::move(exporter)),
      trace_(exporter_.get()) {
  if (exporter_ != nullptr) exporter_->Start(&tracing_metrics_);
  status_.set_store(config_.store());
  status_.set_last_good_version(memory_.followed());
}

absl::StatusOr<LoaderAction> Loader::Step(std::stop_token stop) {
  const auto action = TakeStep(stop);
  Report(action.status(), stop);
  return action;
}

absl::StatusOr<LoaderAction> Loader::TakeStep(const std::stop_token& stop) {
  ASSIGN_OR_RETURN(const LoaderView view, Look(stop));
  if (stop.stop_requested()) return absl::CancelledError("stop requested");
  const LoaderAction action = Decide(view);
  trace_.Begin(action);
  const absl::Status status = Act(action, stop);
  trace_.End(action, status,
             refused_.has_value() && refused_->version() == action.version);
  failed_ = status.ok() ? LoaderAction{} : action;
  if (status.ok()) return action;
  return absl::Status(status.code(),
                      fmt::format("{} version {}: {}", ActionName(action.kind),
                                  action.version, MessageOf(status)));
}

absl::StatusOr<LoaderView> Loader::Look(std::stop_token stop) {
  LoaderView view;
  ASSIGN_OR_RETURN(view.current, ReadCurrentVersion(stop));
  SeeCurrent(view.current);
  const auto server = server_->GetStatus(stop);
  SeeServer(server);
  if (server.ok()) view.server = *server;
  ASSIGN_OR_RETURN(const std::vector<uint64_t> on_host,
                   ListVersions(config_.bundles()));
  view.on_host.insert(on_host.begin(), on_host.end());
  view.followed = memory_.followed() == view.current;
  view.refused = IsStillRefused(view.server, stop);
  view.gate_checked = gate_checked_.version == view.current &&
                      gate_checked_.serving == serving_;
  ASSIGN_OR_RETURN(view.highest, memory_.Highest());
  view.allow_older = config_.allow_older();
  view.keep = config_.keep();
  view.failed = failed_;
  SeeHeldBack(view);
  return view;
}

absl::StatusOr<uint64_t> Loader::ReadCurrentVersion(
    const std::stop_token& stop) const {
  if (config_.max_current_age_seconds() == 0) return store_->ReadCurrent(stop);
  const auto text =
      store_->ReadSmallFile(kSignedCurrentName, kMaxSignedCurrentBytes, stop);
  if (absl::IsNotFound(text.status())) {
    // A store into which nothing was published yet is no error.
    ASSIGN_OR_RETURN(const uint64_t current, store_->ReadCurrent(stop));
    if (current == 0) return current;
    return absl::FailedPreconditionError(fmt::format(
        "{}/{}: missing, and max_current_age_seconds needs it: publish with "
        "--sign, or run `tributary refresh`",
        store_->url(), kSignedCurrentName));
  }
  if (!text.ok()) return text.status();
  ASSIGN_OR_RETURN(const SignedCurrent current, ParseSignedCurrent(*text));
  const int64_t now_ms =
      std::chrono::duration_cast<std::chrono::milliseconds>(
          std::chrono::system_clock::now().time_since_epoch())
          .count();
  RETURN_IF_ERROR(CheckSignedCurrent(current, keys_, now_ms,
                                     config_.max_current_age_seconds()));
  return current.version;
}

void Loader::SeeCurrent(uint64_t current) {
  // CURRENT may be missing for a while, perhaps with its volume.
  if (current == 0 || current == current_) return;
  // Whoever moves CURRENT wants the version, whatever its last verdict was.
  if (current_ != 0) refusals_.Remove(current);
  current_ = current;
  trace_.Follow(current);
  RecallRefusal();
  gate_checked_ = {};
  verified_ = 0;
  lost_stages_ = 0;
  if (memory_.followed() != current) memory_.ForgetFollowed();
  // A partial download of this version is kept, to be resumed, unless the
  // version is complete.
  std::error_code error;
  const bool on_host =
      fs::exists(VersionPath(config_.bundles(), current), error);
  const absl::Status tidied =
      RemoveLeftovers(config_.bundles(), on_host ? 0 : current);
  if (!tidied.ok()) {
    spdlog::warn("event=leftovers_remove_failed reason={:?}",
                 MessageOf(tidied));
  }
}

void Loader::SeeServer(const absl::StatusOr<ServerView>& server) {
  if (server.ok() && server->active != 0) {
    memory_.MarkActive(server->active);
    if (server->active == current_) MarkFollowed(current_);
  }
  if (server.ok()) {
    server_started_ = server->started;
    serving_ = server->active != 0 ? server->active
                                   : ReadCurrent(config_.bundles()).value_or(0);
  }
  if (server.ok() == server_reachable_) return;
  server_reachable_ = server.ok();
  if (server.ok()) {
    spdlog::info("event=server_reachable control={}", config_.control());
  } else if (!absl::IsCancelled(server.status())) {
    spdlog::warn("event=server_unreachable control={} reason={:?}",
                 config_.control(), MessageOf(server.status()));
  }
}

void Loader::SeeHeldBack(const LoaderView& view) {
  const std::string before = std::exchange(
      held_back_,
      IsHeldBack(view)
          ? fmt::format(
                "version {} is held back: it is older than {}, which was "
                "active on this host, and allow_older is false",
                view.current, view.highest)
          : "");
  if (held_back_.empty() || held_back_ == before) return;
  spdlog::warn("event=held_back version={} reason={:?}", view.current,
               held_back_);
}

void Loader::MarkFollowed(uint64_t version) {
  if (!memory_.MarkFollowed(version)) return;
  status_.set_last_good_version(version);
  *status_.mutable_last_good_at() = TimeUtil::GetCurrentTime();
}

absl::Status Loader::Act(const LoaderAction& action, std::stop_token stop) {
  const uint64_t version = action.version;
  if (action.kind == Kind::kGate || action.kind == Kind::kStage ||
      action.kind == Kind::kActivate) {
    ASSIGN_OR_RETURN(const bool is_ours, IsOurs(version, stop));
    if (!is_ours) return absl::OkStatus();
  }
  switch (action.kind) {
    case Kind::kNothing:
      return absl::OkStatus();
    case Kind::kFetch:
      return Fetch(version, stop);
    case Kind::kStage:
      return Stage(version, std::move(stop));
    case Kind::kGate:
      return CheckGate(version, stop);
    case Kind::kActivate:
      return Activate(version, std::move(stop));
    case Kind::kReport:
      return server_->Refuse(version, refused_->reason(), std::move(stop));
    case Kind::kDelete:
      RETURN_IF_ERROR(RemoveVersion(config_.bundles(), version));
      spdlog::info("event=deleted version={}", version);
      return absl::OkStatus();
  }
  return absl::InternalError("no such action");
}

absl::Status Loader::CheckOrigin(const SignedManifest& manifest) const {
  RETURN_IF_ERROR(keys_.Check(manifest));
  if (config_.product().empty()) return absl::OkStatus();
  ASSIGN_OR_RETURN(const v1::Manifest parsed, ParseManifest(manifest.json));
  return CheckProduct(parsed, config_.product());
}

absl::StatusOr<bool> Loader::IsOurs(uint64_t version,
                                    const std::stop_token& stop) {
  if (keys_.empty() && config_.product().empty()) return true;
  // The version may have been fetched before the loader had keys.
  ASSIGN_OR_RETURN(
      const SignedManifest manifest,
      DirectoryStore(config_.bundles()).ReadManifest(version, stop));
  const absl::Status status = CheckOrigin(manifest);
  if (!status.ok()) {
    Refuse(version, manifest.Fingerprint(), std::string(MessageOf(status)),
           trial_.VerifyDependsOn());
  }
  return status.ok();
}

absl::Status Loader::Fetch(uint64_t version, const std::stop_token& stop) {
  ASSIGN_OR_RETURN(const SignedManifest manifest,
                   store_->ReadManifest(version, stop));
  gate_checked_ = {};
  if (absl::Status status = CheckOrigin(manifest); !status.ok()) {
    Refuse(version, manifest.Fingerprint(), std::string(MessageOf(status)),
           trial_.VerifyDependsOn());
    return absl::OkStatus();
  }
  FetchOptions options;
  options.download = config_.download();
  options.exclusive = true;
  options.counts = &fetch_counts_;
  options.stop = stop;
  options.check = [&](const fs::path& dir) {
    const auto began = std::chrono::steady_clock::now();
    absl::Status verified = trial_.Verify(dir, stop);
    trace_.Part("verify", began, verified);
    return verified;
  };
  const uint64_t fetched = fetch_counts_.fetched_bytes;
  const uint64_t shared = fetch_counts_.shared_bytes;
  const auto start = std::chrono::steady_clock::now();
  const absl::Status status =
      FetchVersion(store_.get(), version, manifest, config_.bundles(), options);
  if (BlamesVersion(status)) {
    Refuse(version, manifest.Fingerprint(), std::string(MessageOf(status)),
           trial_.VerifyDependsOn());
    return absl::OkStatus();
  }
  RETURN_IF_ERROR(status);
  verified_ = version;
  const std::chrono::duration<double> seconds =
      std::chrono::steady_clock::now() - start;
  spdlog::info(
      "event=fetched version={} seconds={:.3f} fetched_bytes={} "
      "shared_bytes={}",
      version, seconds.count(), fetch_counts_.fetched_bytes - fetched,
      fetch_counts_.shared_bytes - shared);
  return absl::OkStatus();
}

absl::Status Loader::CheckGate(uint64_t version, const std::stop_token& stop) {
  ASSIGN_OR_RETURN(
      const SignedManifest manifest,
      DirectoryStore(config_.bundles()).ReadManifest(version, stop));
  const auto start = std::chrono::steady_clock::now();
  const auto report =
      trial_.Gate(version, serving_, verified_ != version, stop);
  if (BlamesVersion(report.status()) && verified_ != version) {
    // The copy was good when it was fetched, so the store's may still be.
    spdlog::warn("event=copy_removed version={} reason={:?}", version,
                 MessageOf(report.status()));
    return RemoveVersion(config_.bundles(), version);
  }
  if (BlamesVersion(report.status())) {
    Refuse(version, manifest.Fingerprint(),
           std::string(MessageOf(report.status())), trial_.VerifyDependsOn());
    return absl::OkStatus();
  }
  RETURN_IF_ERROR(report.status());
  const bool forced = !report->passed() && trial_.IsForced(version);
  if (!report->passed() && !forced) {
    Refuse(version, manifest.Fingerprint(), "the gate: " + GateReasons(*report),
           trial_.GateDependsOn(version, serving_), &*report);
    return absl::OkStatus();
  }
  if (forced) {
    spdlog::warn("event=forced version={} reason={:?}", version,
                 GateReasons(*report));
  }
  gate_checked_ = {version, serving_, forced};
  const std::chrono::duration<double> seconds =
      std::chrono::steady_clock::now() - start;
  spdlog::info(
      "event=gate_checked version={} against={} queries={} seconds={:.3f}",
      version, report->old_version(), report->queries(), seconds.count());
  return absl::OkStatus();
}

absl::Status Loader::Stage(uint64_t version, std::stop_token stop) {
  // The manifest of the copy, from which a repaired one in the store differs.
  ASSIGN_OR_RETURN(
      const SignedManifest manifest,
      DirectoryStore(config_.bundles()).ReadManifest(version, stop));
  const absl::Status status =
      server_->Stage(version, std::move(stop), trace_.traceparent());
  if (IsLost(status)) ++lost_stages_;
  if (BlamesVersion(status)) {
    Refuse(version, manifest.Fingerprint(), std::string(MessageOf(status)),
           trial_.VerifyDependsOn() + kServerPrefix + server_started_);
    return absl::OkStatus();
  }
  if (lost_stages_ >= kMaxLostStages) {
    // The cause may have been a lack of memory: the next loader tries again.
    Refuse(
        version, manifest.Fingerprint(),
        fmt::format("the server was lost {} times while staging it; at last: "
                    "{}",
                    lost_stages_, MessageOf(status)),
        "");
    return absl::OkStatus();
  }
  RETURN_IF_ERROR(status);
  lost_stages_ = 0;
  spdlog::info("event=staged version={}", version);
  return absl::OkStatus();
}

absl::Status Loader::Activate(uint64_t version, std::stop_token stop) {
  RETURN_IF_ERROR(
      server_->Activate(version, std::move(stop), trace_.traceparent()));
  memory_.MarkActive(version);
  MarkFollowed(version);
  refusals_.Remove(version);
  if (gate_checked_.version == version && gate_checked_.forced) {
    status_.set_forced(status_.forced() + 1);
  }
  spdlog::info("event=activated version={}", version);
  return absl::OkStatus();
}

void Loader::Report(const absl::Status& last_step,
                    const std::stop_token& stop) {
  status_.set_current_version(current_);
  status_.set_last_error(last_step.ok() ? held_back_
                                        : std::string(MessageOf(last_step)));
  status_.set_consecutive_errors(
      last_step.ok() ? 0 : status_.consecutive_errors() + 1);
  status_.set_fetched_bytes(fetch_counts_.fetched_bytes);
  status_.set_shared_bytes(fetch_counts_.shared_bytes);
  *status_.mutable_at() = TimeUtil::GetCurrentTime();
  if (!server_reachable_ || stop.stop_requested()) return;
  // A server that is unreachable gets the next report. An older one does not
  // have the call.
  server_->Report(status_, stop).IgnoreError();
}

}  // namespace tributary
