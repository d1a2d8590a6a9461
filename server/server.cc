#include "server/server.h"

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <filesystem>
#include <limits>
#include <optional>
#include <string>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include "absl/time/time.h"
#include "fmt/format.h"
#include "google/protobuf/util/time_util.h"
#include "index/bundle/version_directory.h"
#include "index/sign/signature.h"
#include "server/access/grants.h"
#include "server/http/json_batch.h"
#include "server/http/json_call.h"
#include "server/http/json_explain.h"
#include "server/pipeline/profile_trial.h"
#include "server/pipeline/server_config.h"
#include "server/pipeline/warm_up.h"
#include "server/tls/tls_config.h"
#include "spdlog/spdlog.h"
#include "status/status_macros.h"
#include "status/status_message.h"
#include "tributary/v1/retrieval.grpc.pb.h"

namespace tributary {
namespace {

using Clock = std::chrono::system_clock;

// How many searches may wait for each search thread. A search that does not fit
// into the queue runs on its request's own thread.
constexpr size_t kQueuePerSearchThread = 4;
// The clients of the control plane are the loader and sometimes an operator,
// and those who write changes and watch them.
constexpr int kMaxControlCalls = 8 + ChangesService::kMaxWatchers;
constexpr auto kDrainPollInterval = std::chrono::milliseconds(2);
// How many times limits.max_request_bytes gRPC reads.
constexpr int64_t kOversize = 4;
// Grace period in which clients receive GOAWAY. gRPC itself would wait until
// idle clients hang up, which may take them seconds.
constexpr auto kGoAwayGrace = std::chrono::milliseconds(200);

template <typename Done>
void WaitUntil(Clock::time_point deadline, Done done) {
  while (!done() && Clock::now() < deadline) {
    std::this_thread::sleep_for(kDrainPollInterval);
  }
}

// Probes and scrapers are few.
constexpr uint32_t kMaxAdminConnections = 64;

constexpr char kLockName[] = ".server.lock";

// How many connections each listener may have: as the configuration says, as
// far as the process may open files.
ConnectionLimits LimitsFor(const v1::ServerConfig& config) {
  const uint32_t most = config.transport().max_connections();
  const ConnectionLimits wanted = {
      .listen = most,
      .http = config.http() == "off" ? 0 : most,
      .admin =
          config.admin() == "off" ? 0 : std::min(most, kMaxAdminConnections)};
  const uint64_t open_files = RaiseOpenFiles(OpenFilesFor(wanted));
  const ConnectionLimits limits = LimitConnections(open_files, wanted);
  if (limits != wanted) {
    spdlog::warn(
        "event=connections_lowered max_connections={} open_files={} needed={} "
        "listen={} http={} admin={} hint={:?}",
        most, open_files, OpenFilesFor(wanted), limits.listen, limits.http,
        limits.admin, "raise the limit of open files (ulimit -Hn)");
  }
  return limits;
}

HttpListenerOptions ListenerOptions(const v1::ServerConfig& config,
                                    uint32_t max_connections,
                                    const CertificateFiles* certificates) {
  const v1::Transport& transport = config.transport();
  using Milliseconds = std::chrono::milliseconds;
  return {.max_connections = max_connections,
          .max_header_bytes = transport.max_header_bytes(),
          .max_request_bytes = config.limits().max_request_bytes(),
          .max_buffered_bytes = transport.max_buffer_bytes(),
          .read_timeout = Milliseconds(transport.http_read_timeout_ms()),
          .keepalive = Milliseconds(transport.http_keepalive_ms()),
          .write_timeout = Milliseconds(transport.write_timeout_ms()),
          .certificates = certificates};
}

CallerCheck::Listener CallersAt(const v1::Tls& tls, std::string_view listener,
                                const std::string& address) {
  return {.unix_socket = address.starts_with("unix:"),
          .certificates = IsEncrypted(tls, listener, address) &&
                          !tls.client_ca_file().empty()};
}

// The loader usually comes by a unix socket, and nothing but grants lets it in.
void WarnOfLockedOutSocket(const v1::ServerConfig& config) {
  if (!config.control().starts_with("unix:")) return;
  const std::vector<std::string_view> socket = {"socket"};
  const SharedRights rights = RightsOf(config.access().grants(), socket);
  if (rights->Has(AccessRole::kOperate) && rights->Has(AccessRole::kObserve))
    return;
  spdlog::warn(
      "event=socket_locked_out control={} hint=\"a loader at the socket needs "
      "a grant of observe and operate for who: [socket]\"",
      config.control());
}

absl::Status CheckDirectory(const std::string& bundles) {
  std::error_code error;
  if (!std::filesystem::is_directory(bundles, error)) {
    return absl::NotFoundError(
        fmt::format("bundles: no directory {}", bundles));
  }
  return CheckVersionsRoot("bundles", bundles);
}

// Two servers would overwrite each other's CURRENT and SERVING. Where this one
// may not write, it does not, and needs no lock.
absl::StatusOr<std::optional<FileLock>> LockBundles(
    const std::string& bundles) {
  auto lock = FileLock::TryAcquire(std::filesystem::path(bundles) / kLockName);
  if (lock.ok()) return std::optional<FileLock>(*std::move(lock));
  if (absl::IsUnavailable(lock.status())) {
    return absl::FailedPreconditionError(fmt::format(
        "bundles: another tributary-server has locked {}: two would overwrite "
        "each other's CURRENT and SERVING; give each a directory of its own",
        bundles));
  }
  spdlog::info("event=bundles_not_locked reason={:?}",
               std::string(lock.status().message()));
  return std::optional<FileLock>();
}

// Without CURRENT nobody has chosen the version that was restored: whoever
// built a newer one may expect that.
void TellOfNewer(const std::string& bundles, uint64_t active) {
  const auto on_disk = ListVersions(bundles);
  if (active == 0 || !on_disk.ok() || on_disk->empty() ||
      on_disk->back() <= active || ReadCurrent(bundles).value_or(1) != 0) {
    return;
  }
  spdlog::info("event=newer_version_on_disk version={} active={} hint={:?}",
               on_disk->back(), active,
               "tributary control stage and activate make it the active one");
}

}  // namespace

absl::StatusOr<std::unique_ptr<Server>> Server::Start(
    v1::ServerConfig config, RetrieverRegistry registry) {
  // Whoever has not named `admin` does not wait for it: a second server on a
  // machine does without, as long as `http` has the same endpoints.
  const bool needs_admin = config.has_admin() || config.admin_only();
  ASSIGN_OR_RETURN(v1::ServerConfig complete,
                   CompleteServerConfig(std::move(config)));
  RETURN_IF_ERROR(CheckDirectory(complete.bundles()));
  // Now rather than at the first version.
  const absl::Status keys = PublicKeys::Read({complete.public_keys().begin(),
                                              complete.public_keys().end()})
                                .status();
  if (!keys.ok()) {
    return absl::Status(keys.code(),
                        fmt::format("public_keys: {}", MessageOf(keys)));
  }
  ASSIGN_OR_RETURN(Doors doors, OpenDoors(complete));
  std::unique_ptr<Server> server(new Server(
      std::move(complete), std::move(doors), needs_admin, std::move(registry)));
  ASSIGN_OR_RETURN(
      server->recorder_,
      Recorder::Start(server->config_.recording(), &server->metrics_));
  server->handler_.set_recorder(server->recorder_.get());
  RETURN_IF_ERROR(server->Bind());
  server->Restore();
  RETURN_IF_ERROR(server->Listen());
  return server;
}

absl::StatusOr<Server::Doors> Server::OpenDoors(
    const v1::ServerConfig& config) {
  Doors doors;
  if (!config.access().grants().empty()) {
    ASSIGN_OR_RETURN(doors.access, AccessControl::Open(config.access()));
  }
  ASSIGN_OR_RETURN(doors.audit, AuditLog::Open(config.access().audit_file()));
  if (!config.tracing().otlp_endpoint().empty()) {
    ASSIGN_OR_RETURN(doors.exporter, SpanExporter::Create(config.tracing()));
  }
  return doors;
}

Server::Server(v1::ServerConfig config, Doors doors, bool needs_admin,
               RetrieverRegistry registry)
    : config_(std::move(config)),
      needs_admin_(needs_admin),
      doors_(std::move(doors)),
      tracer_(config_, doors_.exporter.get(), &metrics_),
      listen_callers_(doors_.access.get(),
                      CallersAt(config_.tls(), "listen", config_.listen())),
      control_callers_(doors_.access.get(),
                       CallersAt(config_.tls(), "control", config_.control())),
      health_({v1::Retrieval::service_full_name()}, &listen_callers_),
      bundles_(
          config_, std::move(registry),
          {.warm_up =
               [this](const std::shared_ptr<const ServingBundle>& bundle) {
                 WarnOfUnusableProfiles(config_, *bundle);
                 WarmUp(config_, bundle);
               },
           .on_resident =
               [this](const ServingBundle& resident) {
                 metrics_.MadeResident(resident.bundle().manifest());
               },
           .on_activated =
               [this](const ServingBundle& active, absl::Duration duration) {
                 OnActivated(active, duration);
               },
           .on_item_sets =
               [this](size_t sets, uint64_t bytes) {
                 metrics_.item_sets = static_cast<int64_t>(sets);
                 metrics_.item_sets_bytes = static_cast<int64_t>(bytes);
               },
           .on_changes =
               [this](const v1::ChangesStatus& status) {
                 metrics_.changes_through =
                     static_cast<int64_t>(status.through());
                 metrics_.changes_last_ms =
                     google::protobuf::util::TimeUtil::TimestampToMilliseconds(
                         status.last_change_at());
                 metrics_.changes_refused =
                     static_cast<int64_t>(status.refused());
                 metrics_.changes_failing = status.error().empty() ? 0 : 1;
                 metrics_.removed_items =
                     static_cast<int64_t>(status.removed_items());
                 metrics_.expired_items =
                     static_cast<int64_t>(status.expired_items());
                 metrics_.changed_items =
                     static_cast<int64_t>(status.changed_items());
                 metrics_.changed_users =
                     static_cast<int64_t>(status.changed_users());
                 metrics_.added_items =
                     static_cast<int64_t>(status.added_items());
                 change_signal_.Notify();
               }}),
      live_recall_(config_.live_recall(), &metrics_),
      pool_(config_.execution().search_threads(),
            config_.execution().search_threads() * kQueuePerSearchThread),
      pipeline_(config_, &pool_, &metrics_, &live_recall_),
      handler_(config_, &bundles_, &pipeline_),
      executor_(config_, &metrics_),
      retrieval_service_(config_, &handler_, &executor_, &metrics_,
                         &listen_callers_, &tracer_),
      explain_calls_(config_, &bundles_),
      explanation_service_(config_, &explain_calls_, &metrics_,
                           &listen_callers_, &tracer_),
      diff_(config_),
      bundles_service_(&bundles_, &diff_, &metrics_),
      control_service_(&bundles_service_, GuardOfControl()),
      changes_service_(config_.changes(), &bundles_, &change_signal_,
                       GuardOfControl()) {
  if (doors_.exporter != nullptr) doors_.exporter->Start(&metrics_.tracing);
  doors_.audit->set_on_failure([this] { metrics_.audit_failures.Add(); });
  if (doors_.access != nullptr) {
    doors_.access->set_on_denied([this](Denial denial) {
      metrics_.denied[static_cast<size_t>(denial)].Add();
    });
    WarnOfLockedOutSocket(config_);
  }
  metrics_.WatchBundles([this] { return bundles_.GetStatus(); });
  health_.set_metrics(&metrics_);
  StartLoadReports();
}

void Server::StartLoadReports() {
  const v1::LoadReports& reports = config_.load_reports();
  if (!reports.in_trailers() && !reports.out_of_band()) return;
  load_meter_ = std::make_unique<LoadMeter>(config_, &metrics_);
  if (reports.in_trailers()) {
    retrieval_service_.set_load_meter(load_meter_.get());
    explanation_service_.set_load_meter(load_meter_.get());
  }
  if (reports.out_of_band()) {
    load_report_service_ = std::make_unique<LoadReportService>(
        reports, load_meter_.get(), &metrics_, &listen_callers_);
  }
}

Server::~Server() {
  Shutdown();
  if (control_ != nullptr) control_->Shutdown(Clock::now() + kGoAwayGrace);
  metrics_.WatchBundles(nullptr);
}

void Server::Restore() {
  const std::vector<PassedOver> others = ListPassedOver(config_.bundles());
  for (const PassedOver& other : others) {
    spdlog::warn("event=passed_over directory={:?} reason={:?}", other.name,
                 other.reason);
  }
  const absl::Status restored = bundles_.Restore();
  if (!restored.ok()) {
    spdlog::error("event=restore_failed error={:?}", restored.ToString());
  } else if (!bundles_.Snapshot().ok()) {
    spdlog::warn("event=no_version bundles={} passed_over={}",
                 config_.bundles(), others.size());
  }
  TellOfNewer(config_.bundles(), bundles_.GetStatus().active_version());
}

absl::Status Server::OpenCertificates() {
  const v1::Tls& tls = config_.tls();
  if (tls.certificate_file().empty()) return absl::OkStatus();
  ASSIGN_OR_RETURN(
      certificates_,
      CertificateFiles::Open(tls, [this](const CertificateFiles::Look& look) {
        metrics_.certificate_not_after_s = look.not_after_s;
        metrics_.certificate_refused = look.refused ? 1 : 0;
        if (look.taken) metrics_.certificates_taken.Add(1);
        if (look.newly_refused) metrics_.certificates_refused.Add(1);
      }));
  if (!tls.require_client_certificate()) return absl::OkStatus();
  ASSIGN_OR_RETURN(self_certificate_, MakeSelfCertificate());
  certificates_->AddClientAuthority(self_certificate_.certificate);
  return absl::OkStatus();
}

const CertificateFiles* Server::CertificatesFor(
    std::string_view listener, const std::string& address) const {
  return IsEncrypted(config_.tls(), listener, address) ? certificates_.get()
                                                       : nullptr;
}

absl::Status Server::Bind() {
  RETURN_IF_ERROR(OpenCertificates());
  ASSIGN_OR_RETURN(BoundAddress grpc,
                   BoundAddress::Bind("listen", config_.listen()));
  grpc_bound_.emplace(std::move(grpc));
  ASSIGN_OR_RETURN(BoundAddress control,
                   BoundAddress::Bind("control", config_.control()));
  control_bound_.emplace(std::move(control));
  connection_limits_ = LimitsFor(config_);
  RETURN_IF_ERROR(StartHttp());
  ASSIGN_OR_RETURN(std::optional<FileLock> lock,
                   LockBundles(config_.bundles()));
  if (lock.has_value()) lock_.emplace(*std::move(lock));
  return absl::OkStatus();
}

absl::Status Server::StartAdmin() {
  if (config_.admin() == "off") return absl::OkStatus();
  auto started = HttpServer::Start(
      {.field = "admin",
       .address = config_.admin(),
       .metrics = &metrics_,
       .ready = [this] { return Ready(); },
       .status = [this] { return bundles_.GetStatus(); },
       .access = doors_.access.get(),
       .listener = ListenerOptions(config_, connection_limits_.admin,
                                   CertificatesFor("admin", config_.admin()))});
  if (started.ok()) {
    admin_ = *std::move(started);
    return absl::OkStatus();
  }
  const bool has_others = !needs_admin_ && config_.http() != "off";
  if (!absl::IsUnavailable(started.status()) || !has_others) {
    return started.status();
  }
  spdlog::warn("event=admin_not_listening reason={:?} hint={:?}",
               std::string(started.status().message()),
               "http has the same endpoints; --admin HOST:PORT names another "
               "place, and --admin off none");
  return absl::OkStatus();
}

absl::Status Server::StartHttp() {
  RETURN_IF_ERROR(StartAdmin());
  if (config_.http() == "off") return absl::OkStatus();
  const auto retrieve =
      [this](std::string json, Criticality criticality, SharedRights rights,
             const std::shared_ptr<const std::atomic<bool>>& cancelled,
             CallTrace* trace,
             std::function<void(absl::StatusOr<std::string>)> done) {
        StartJsonCall(&handler_, &executor_, std::move(json), criticality,
                      std::move(rights), cancelled, std::move(done), trace);
      };
  const auto batch =
      [this](std::string json, Criticality criticality, SharedRights rights,
             std::shared_ptr<const std::atomic<bool>> cancelled,
             CallTrace* trace,
             std::function<void(absl::StatusOr<std::string>)> done) {
        StartJsonBatch(&handler_, &config_.limits(), &executor_,
                       std::move(json), criticality, std::move(rights),
                       std::move(cancelled), std::move(done), trace);
      };
  const auto explain =
      [this](std::string json, Criticality /*criticality*/, SharedRights rights,
             std::shared_ptr<const std::atomic<bool>> cancelled,
             CallTrace* trace,
             std::function<void(absl::StatusOr<std::string>)> done) {
        StartJsonExplain(&explain_calls_, std::move(json), std::move(rights),
                         std::move(cancelled), std::move(done), trace);
      };
  const auto status = [this] { return bundles_.GetStatus(); };
  std::function<std::string()> load_report;
  if (config_.load_reports().in_trailers()) {
    load_report = [this] { return load_meter_->Latest()->text; };
  }
  if (config_.console()) {
    console_ = std::make_unique<Console>(config_, &bundles_, &metrics_);
  }
  ASSIGN_OR_RETURN(
      http_, HttpServer::Start({.field = "http",
                                .address = config_.http(),
                                .serves_health = !config_.admin_only(),
                                .retrieve = retrieve,
                                .batch = batch,
                                .explain = explain,
                                .console = console_.get(),
                                .metrics = &metrics_,
                                .ready = [this] { return Ready(); },
                                .status = status,
                                .access = doors_.access.get(),
                                .load_report = load_report,
                                .tracer = &tracer_,
                                .listener = ListenerOptions(
                                    config_, connection_limits_.http,
                                    CertificatesFor("http", config_.http()))}));
  return absl::OkStatus();
}

const std::string& Server::AddressOf(const std::unique_ptr<HttpServer>& http) {
  static const auto* const kOff = new std::string("off");
  return http == nullptr ? *kOff : http->address();
}

absl::Status Server::Listen() {
  const auto max_bytes =
      static_cast<int64_t>(config_.limits().max_request_bytes());
  v1::Transport transport = config_.transport();
  transport.set_max_connections(connection_limits_.listen);
  std::vector<grpc::Service*> services = {&health_, &explanation_service_};
  if (load_report_service_ != nullptr) {
    services.push_back(load_report_service_.get());
  }
  ASSIGN_OR_RETURN(
      grpc_,
      GrpcServer::Start(
          {.field = "listen",
           .address = {},
           .bound = std::exchange(grpc_bound_, std::nullopt),
           .services = std::move(services),
           .queued = &retrieval_service_,
           // Longer requests are refused by the service, with a code that
           // clients do not retry; gRPC's own is one that they do.
           .max_message_bytes = static_cast<int>(std::min<int64_t>(
               kOversize * max_bytes, std::numeric_limits<int32_t>::max())),
           .transport = transport,
           .drain_ms = config_.execution().drain_ms(),
           .certificates = CertificatesFor("listen", config_.listen()),
           .reflection = doors_.access == nullptr}));
  self_check_ = std::make_unique<SelfCheck>(
      grpc_->address(),
      SelfCheck::Options{
          .encrypted = CertificatesFor("listen", config_.listen()) != nullptr,
          .token = doors_.access == nullptr ? "" : doors_.access->own_token(),
          .certificate = self_certificate_});
  checking_.store(self_check_.get(), std::memory_order_release);
  ASSIGN_OR_RETURN(
      control_,
      GrpcServer::Start(
          {.field = "control",
           .address = {},
           .bound = std::exchange(control_bound_, std::nullopt),
           .services = {&control_service_, &changes_service_},
           .max_calls = kMaxControlCalls,
           .max_message_bytes = static_cast<int>(max_bytes),
           .transport = config_.transport(),
           .drain_ms = config_.execution().drain_ms(),
           .certificates = CertificatesFor("control", config_.control()),
           .reflection = doors_.access == nullptr}));
  return absl::OkStatus();
}

void Server::OnActivated(const ServingBundle& active,
                         absl::Duration swap_duration) {
  metrics_.Activated(active.bundle().manifest(),
                     absl::ToChronoNanoseconds(swap_duration));
  health_.SetServing(true);
}

absl::Status Server::Ready() const {
  if (shutting_down_) return absl::UnavailableError("shutting down");
  const absl::Status status = bundles_.Snapshot().status();
  if (status.ok()) {
    const SelfCheck* const check = checking_.load(std::memory_order_acquire);
    return check == nullptr ? status : check->status();
  }
  const std::string message(status.message());
  if (bundles_.IsOpening()) {
    return absl::UnavailableError(message + ": a version is being loaded");
  }
  const v1::ServerStatus known = bundles_.GetStatus();
  if (!known.has_last_refusal()) return status;
  return absl::UnavailableError(fmt::format(
      "{}; the last version that was refused is {}: {}", message,
      known.last_refusal().version(), known.last_refusal().reason()));
}

bool Server::Drain() {
  std::call_once(drain_once_, [this] {
    shutting_down_ = true;
    health_.Shutdown();
    std::this_thread::sleep_for(
        std::chrono::milliseconds(config_.execution().drain_delay_ms()));
    if (self_check_ != nullptr) self_check_->Stop();
    explain_calls_.Close();
    if (load_report_service_ != nullptr) load_report_service_->Shutdown();
    if (grpc_ != nullptr) grpc_->StartDrain();
    if (http_ != nullptr) http_->StartDrain();
    const auto start = Clock::now();
    const auto drain =
        std::chrono::milliseconds(config_.execution().drain_ms());
    drain_end_ = std::chrono::steady_clock::now() + drain;
    const auto drained = [this] {
      return executor_.Idle() && (grpc_ == nullptr || grpc_->drained());
    };
    WaitUntil(start + std::min<Clock::duration>(kGoAwayGrace, drain), drained);
    executor_.Close();
    WaitUntil(start + drain, [this] { return executor_.Idle(); });
    // Nobody waits for an answer any more: those who stay are not waited for.
    WaitUntil(Clock::now() + kGoAwayGrace, drained);
    drained_ = drained();
    if (doors_.exporter != nullptr) doors_.exporter->Stop();
  });
  return drained_;
}

void Server::Shutdown() {
  std::call_once(shutdown_once_, [this] {
    Drain();
    if (grpc_ != nullptr) grpc_->Shutdown(Clock::now());
    if (http_ != nullptr) http_->Shutdown(drain_end_);
    if (admin_ != nullptr) admin_->Shutdown(std::chrono::steady_clock::now());
  });
}

}  // namespace tributary
