#include "server/versions/bundle_set.h"

#include <cmath>
#include <map>
#include <utility>
#include <vector>

#include "absl/time/clock.h"
#include "fmt/format.h"
#include "index/bundle/version_directory.h"
#include "server/process/crash_marker.h"
#include "spdlog/spdlog.h"
#include "status/field_error.h"
#include "status/status_macros.h"

namespace tributary {
namespace {

absl::Status CheckLabel(const v1::SetLabelRequest& request) {
  if (!IsLabelName(request.name())) {
    return FieldError("name",
                      "expected 1 to {} characters of a-z, 0-9, '-' and '_', "
                      "and not \"{}\", which names the active version",
                      kMaxLabelBytes, kStableLabel);
  }
  // Written so that NaN fails.
  if (!(request.share() >= 0 && request.share() <= 1)) {
    return FieldError("share", "{}, expected 0 to 1", request.share());
  }
  return absl::OkStatus();
}

// `labels` with the request's label added or changed. Resize keeps as many of
// its users as the new share allows.
absl::StatusOr<Residents::Labels> WithLabel(
    Residents::Labels labels, const v1::SetLabelRequest& request) {
  BucketSet taken;
  for (const auto& [name, label] : labels) {
    if (name != request.name()) taken |= label.users;
  }
  const auto wanted =
      static_cast<uint32_t>(std::lround(request.share() * kUserBuckets));
  if (wanted + taken.count() > kUserBuckets) {
    return FieldError(
        "share", "{}, but the other labels already have {} of the users",
        request.share(), static_cast<double>(taken.count()) / kUserBuckets);
  }
  LabelRecord& label = labels[request.name()];
  if (labels.size() > kMaxLabels) {
    return FieldError("name", "{} labels exist already, which is the maximum",
                      kMaxLabels);
  }
  label.version = request.version();
  label.users = Resize(request.name(), label.users, taken, wanted);
  return labels;
}

}  // namespace

BundleSet::BundleSet(v1::ServerConfig config, RetrieverRegistry registry,
                     Hooks hooks, MemoryReader read_memory)
    : config_(std::move(config)),
      root_(config_.bundles()),
      opener_(config_, std::move(registry), hooks.warm_up),
      hooks_(std::move(hooks)),
      read_memory_(std::move(read_memory)),
      crashes_(ReadCrashRecord(root_)),
      item_sets_(
          root_, config_.filters().item_sets_bytes(),
          config_.limits().max_key_bytes(),
          [this] { return ResidentBundles(); }, hooks_.on_item_sets),
      changes_(
          root_, [this] { return ResidentBundles(); }, hooks_.on_changes),
      residents_(config_.residency().keep()),
      keeper_([this] { KeepResident(); }) {}

BundleSet::~BundleSet() {
  {
    const MutexLock lock(&mutex_);
    stopping_ = true;
  }
  keeper_changed_.NotifyAll();
  keeper_.join();
}

absl::StatusOr<v1::BundleStatus> BundleSet::Activate(uint64_t version) {
  const MutexLock control(&control_mutex_);
  return ActivateResident(version, /*rolling_back=*/false);
}

absl::Status BundleSet::Unload(uint64_t version) {
  const MutexLock control(&control_mutex_);
  const MutexLock lock(&mutex_);
  if (residents_.Find(version) == nullptr) return absl::OkStatus();
  const v1::BundleStatus status = residents_.StatusOf(version);
  if (status.labels_size() > 0) {
    return absl::FailedPreconditionError(
        fmt::format("version {} has the label \"{}\": remove or move it first",
                    version, status.labels(0)));
  }
  if (status.state() != v1::STAGED) {
    return absl::FailedPreconditionError(
        fmt::format("version {} is {}, expected STAGED", version,
                    v1::BundleState_Name(status.state())));
  }
  UnloadLocked(version, "asked");
  Publish();
  return absl::OkStatus();
}

absl::StatusOr<v1::ServerStatus> BundleSet::SetLabel(
    const v1::SetLabelRequest& request) {
  RETURN_IF_ERROR(CheckLabel(request));
  const MutexLock control(&control_mutex_);
  Residents::Labels labels;
  ServingRecord record;
  {
    const MutexLock lock(&mutex_);
    if (request.version() != 0 &&
        residents_.Find(request.version()) == nullptr) {
      return absl::FailedPreconditionError(fmt::format(
          "version {} is not resident: stage it first", request.version()));
    }
    labels = residents_.labels();
    record = residents_.Record();
  }
  if (request.version() == 0) {
    labels.erase(request.name());
  } else {
    ASSIGN_OR_RETURN(labels, WithLabel(std::move(labels), request));
  }
  // The record is written first: if that fails, nothing has changed.
  record.labels = labels;
  RETURN_IF_ERROR(WriteServingRecord(root_, record));
  {
    const MutexLock lock(&mutex_);
    residents_.SetLabels(std::move(labels));
    Publish();
  }
  spdlog::info("event=labelled label={} version={} share={}", request.name(),
               request.version(), request.share());
  return GetStatus();
}

void BundleSet::Refuse(uint64_t version, std::string reason) {
  board_.Refuse(version, std::move(reason));
}

void BundleSet::Report(v1::LoaderStatus loader) {
  board_.Report(std::move(loader));
}

absl::StatusOr<v1::ListBundlesResponse> BundleSet::List() const {
  ASSIGN_OR_RETURN(const std::vector<uint64_t> on_disk, ListVersions(root_));
  std::map<uint64_t, v1::BundleStatus> by_version;
  const v1::ServerStatus resident = GetStatus();
  for (const v1::BundleStatus& status : resident.bundles()) {
    by_version[status.version()] = status;
  }
  for (const uint64_t version : on_disk) {
    if (by_version.contains(version)) continue;
    v1::BundleStatus& status = by_version[version];
    status.set_version(version);
    status.set_state(v1::ON_DISK);
    // A version that cannot be opened is listed with its number only.
    if (auto bundle = Bundle::Open(root_ / std::to_string(version));
        bundle.ok()) {
      DescribeBundle(**bundle, v1::ON_DISK, &status);
    }
  }
  v1::ListBundlesResponse response;
  for (auto& [version, status] : by_version) {
    *response.add_bundles() = std::move(status);
  }
  return response;
}

absl::StatusOr<v1::ItemSetStatus> BundleSet::CommitItemSet(
    ItemSets::Upload upload) {
  ASSIGN_OR_RETURN(const std::string name, upload.Commit());
  for (const v1::ItemSetStatus& status :
       item_sets_.Describe(routes_.Take(0).get())) {
    if (status.name() == name) return status;
  }
  return absl::AbortedError(
      fmt::format("item set \"{}\" was deleted as soon as it was put", name));
}

v1::ServerStatus BundleSet::GetStatus() const {
  v1::ServerStatus status;
  board_.Fill(&status);
  for (v1::ItemSetStatus& set : item_sets_.Describe(routes_.Take(0).get())) {
    *status.add_item_sets() = std::move(set);
  }
  if (auto changes = changes_.Describe(routes_.Take(0).get());
      changes.through() > 0 || !changes.error().empty()) {
    *status.mutable_changes() = std::move(changes);
  }
  const MutexLock lock(&mutex_);
  status.set_active_version(residents_.active());
  status.set_previous_version(residents_.previous());
  if (residents_.active() != 0) {
    SetTimestamp(activated_at_, status.mutable_activated_at());
  }
  status.set_swaps(swaps_);
  for (const auto& [version, bundle] : residents_.bundles()) {
    *status.add_bundles() = residents_.StatusOf(version);
  }
  for (const auto& [name, record] : residents_.labels()) {
    v1::Label* const label = status.add_labels();
    label->set_name(name);
    label->set_version(record.version);
    label->set_share(record.share());
  }
  return status;
}

absl::StatusOr<std::shared_ptr<const ServingBundle>> BundleSet::Snapshot(
    uint64_t version) const {
  if (Resident bundle = routes_.Take(version)) return bundle;
  if (version == 0) return absl::UnavailableError("no bundle is active yet");
  return absl::NotFoundError(
      fmt::format("bundle_version: version {} is not resident", version));
}

absl::StatusOr<v1::BundleStatus> BundleSet::ActivateResident(
    uint64_t version, bool rolling_back) {
  const auto start = std::chrono::steady_clock::now();
  Resident bundle;
  {
    const MutexLock lock(&mutex_);
    bundle = residents_.Find(version);
    if (bundle == nullptr) {
      return absl::FailedPreconditionError(
          fmt::format("version {} is not staged", version));
    }
    if (version == residents_.active()) return residents_.StatusOf(version);
  }
  // CURRENT is written first: if that fails, nothing has changed.
  RETURN_IF_ERROR(WriteCurrent(root_, version));
  MakeActive(bundle, rolling_back, start);
  SaveRecord();
  WakeKeeper();
  const MutexLock lock(&mutex_);
  return residents_.StatusOf(version);
}

void BundleSet::MakeActive(const Resident& bundle, bool rolling_back,
                           std::chrono::steady_clock::time_point start) {
  const uint64_t version = bundle->bundle().version();
  const uint64_t max_bytes = MaxBytes();
  uint64_t before = 0;
  {
    const MutexLock lock(&mutex_);
    before = residents_.active();
    if (before != 0) ++swaps_;
    residents_.Activate(version, rolling_back);
    activated_at_ = absl::Now();
    Publish();
    UnloadExcess(max_bytes);
    SetCrashSubject(version);
  }
  const auto duration = std::chrono::steady_clock::now() - start;
  spdlog::info("event=activated version={} before={} cause={} seconds={:.6f}",
               version, before, rolling_back ? "rollback" : "asked",
               std::chrono::duration<double>(duration).count());
  if (hooks_.on_activated) {
    hooks_.on_activated(*bundle, absl::FromChrono(duration));
  }
}

void BundleSet::SaveRecord() {
  ServingRecord record;
  {
    const MutexLock lock(&mutex_);
    record = residents_.Record();
  }
  const absl::Status saved = WriteServingRecord(root_, record);
  if (saved.ok()) return;
  // No error for the caller: the record is only read after a restart. Where
  // the server may not write at all, that is by intent.
  spdlog::log(absl::IsPermissionDenied(saved) ? spdlog::level::info
                                              : spdlog::level::warn,
              "event=serving_record_write_failed error={:?}", saved.ToString());
}

ItemSets::Bundles BundleSet::ResidentBundles() const {
  ItemSets::Bundles bundles;
  const MutexLock lock(&mutex_);
  for (const auto& [version, bundle] : residents_.bundles()) {
    bundles.push_back(bundle);
  }
  return bundles;
}

void BundleSet::Publish() { routes_.Set(residents_.Routes()); }

}  // namespace tributary
