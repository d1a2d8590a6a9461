#include "server/pipeline/bundle_set.h"

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <iterator>
#include <span>
#include <utility>

#include "absl/time/clock.h"
#include "fmt/format.h"
#include "index/publish/version_directory.h"
#include "spdlog/spdlog.h"
#include "status/status_macros.h"

namespace tributary {
namespace {

// Versions kept resident; Stage makes room.
constexpr size_t kMaxResident = 4;
// How often the reaper looks whether a retired bundle is still held.
constexpr std::chrono::milliseconds kReapInterval(50);
constexpr size_t kMaxReasonBytes = 4096;
constexpr size_t kPageBytes = 4096;

void SetTimestamp(absl::Time time, google::protobuf::Timestamp* timestamp) {
  const int64_t ns = absl::ToUnixNanos(time);
  timestamp->set_seconds(ns / 1'000'000'000);
  timestamp->set_nanos(static_cast<int32_t>(ns % 1'000'000'000));
}

void Describe(const Bundle& bundle, v1::BundleState state,
              v1::BundleStatus* status) {
  status->set_version(bundle.version());
  status->set_state(state);
  status->set_items(bundle.items().size());
  status->set_users(bundle.users().size());
  status->set_size_bytes(bundle.size_bytes());
  *status->mutable_created_at() = bundle.manifest().created_at();
}

void TouchPages(std::span<const std::byte> bytes) {
  for (size_t i = 0; i < bytes.size(); i += kPageBytes) {
    [[maybe_unused]] const volatile std::byte touched = bytes[i];
  }
}

// Maps in what every search reads, so that no request takes the page faults.
void TouchItems(const Bundle& bundle) {
  for (const EmbeddingSpace& space : bundle.spaces()) {
    const VectorTable& items = space.items;
    TouchPages(items.dtype() == Dtype::kFloat16
                   ? std::as_bytes(items.halves())
                   : std::as_bytes(items.floats()));
  }
  for (const PopularityList& list : bundle.popularity()) {
    TouchPages(std::as_bytes(list.rows()));
  }
}

}  // namespace

BundleSet::BundleSet(std::filesystem::path root, RetrieverRegistry registry,
                     OnActivated on_activated)
    : root_(std::move(root)),
      registry_(std::move(registry)),
      on_activated_(std::move(on_activated)),
      started_at_(absl::Now()),
      reaper_([this] { ReapRetired(); }) {}

BundleSet::~BundleSet() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  retired_changed_.notify_all();
  reaper_.join();
}

absl::Status BundleSet::Restore() {
  const std::lock_guard staging(staging_mutex_);
  ASSIGN_OR_RETURN(uint64_t version, ReadCurrent(root_));
  if (version == 0) {
    ASSIGN_OR_RETURN(const std::vector<uint64_t> versions, ListVersions(root_));
    if (versions.empty()) return absl::OkStatus();
    version = versions.back();
  }
  const auto start = std::chrono::steady_clock::now();
  ASSIGN_OR_RETURN(Resident bundle, OpenVersion(version));
  const std::lock_guard control(control_mutex_);
  {
    const std::lock_guard lock(mutex_);
    resident_[version] = bundle;
  }
  MakeActive(bundle, start);
  return absl::OkStatus();
}

absl::StatusOr<v1::BundleStatus> BundleSet::Stage(uint64_t version) {
  const std::lock_guard staging(staging_mutex_);
  {
    const std::lock_guard lock(mutex_);
    if (resident_.contains(version)) return StatusOf(version);
  }
  ASSIGN_OR_RETURN(Resident bundle, OpenVersion(version));
  const std::lock_guard control(control_mutex_);
  const std::lock_guard lock(mutex_);
  MakeRoom();
  resident_[version] = std::move(bundle);
  spdlog::info("event=staged version={}", version);
  return StatusOf(version);
}

absl::StatusOr<v1::BundleStatus> BundleSet::Activate(uint64_t version) {
  const std::lock_guard control(control_mutex_);
  return ActivateResident(version);
}

absl::StatusOr<v1::BundleStatus> BundleSet::Rollback() {
  const std::lock_guard control(control_mutex_);
  uint64_t previous = 0;
  {
    const std::lock_guard lock(mutex_);
    previous = previous_version_;
  }
  if (previous == 0) {
    return absl::FailedPreconditionError(
        "no version served before the active one");
  }
  return ActivateResident(previous);
}

absl::Status BundleSet::Unload(uint64_t version) {
  const std::lock_guard control(control_mutex_);
  const std::lock_guard lock(mutex_);
  const auto found = resident_.find(version);
  if (found == resident_.end()) return absl::OkStatus();
  const v1::BundleState state = StateOf(version);
  if (state != v1::STAGED) {
    return absl::FailedPreconditionError(
        fmt::format("version {} is {}, expected STAGED", version,
                    v1::BundleState_Name(state)));
  }
  Retire(std::move(found->second));
  resident_.erase(found);
  spdlog::info("event=unloaded version={}", version);
  return absl::OkStatus();
}

void BundleSet::Refuse(uint64_t version, std::string reason) {
  if (reason.size() > kMaxReasonBytes) reason.resize(kMaxReasonBytes);
  spdlog::warn("event=refused version={} reason=\"{}\"", version, reason);
  RecordRefusal(version, std::move(reason));
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
    // A broken one is listed by its version alone.
    if (auto bundle = Bundle::Open(root_ / std::to_string(version));
        bundle.ok()) {
      Describe(**bundle, v1::ON_DISK, &status);
    }
  }
  v1::ListBundlesResponse response;
  for (auto& [version, status] : by_version) {
    *response.add_bundles() = std::move(status);
  }
  return response;
}

v1::ServerStatus BundleSet::GetStatus() const {
  v1::ServerStatus status;
  SetTimestamp(started_at_, status.mutable_started_at());
  const std::lock_guard lock(mutex_);
  status.set_active_version(ActiveVersion());
  status.set_previous_version(previous_version_);
  if (active_ != nullptr) {
    SetTimestamp(activated_at_, status.mutable_activated_at());
  }
  status.set_swaps(swaps_);
  status.set_refusals(refusals_);
  if (refusals_ > 0) *status.mutable_last_refusal() = last_refusal_;
  for (const auto& [version, bundle] : resident_) {
    Describe(bundle->bundle(), StateOf(version), status.add_bundles());
  }
  return status;
}

absl::StatusOr<std::shared_ptr<const ServingBundle>> BundleSet::Snapshot(
    uint64_t version) const {
  Resident active = serving_.Take();
  if (version == 0) {
    if (active != nullptr) return active;
    return absl::UnavailableError("no bundle is active yet");
  }
  if (active != nullptr && active->bundle().version() == version) return active;
  {
    const std::lock_guard lock(mutex_);
    const auto found = resident_.find(version);
    if (found != resident_.end()) return found->second;
  }
  return absl::NotFoundError(
      fmt::format("bundle_version: version {} is not resident", version));
}

absl::StatusOr<BundleSet::Resident> BundleSet::OpenVersion(uint64_t version) {
  absl::StatusOr<Resident> bundle = TryOpenVersion(version);
  // A version that is not there is the caller's mistake, not a bad bundle.
  if (!bundle.ok() && !absl::IsNotFound(bundle.status())) {
    Refuse(version, bundle.status().ToString());
  }
  return bundle;
}

absl::StatusOr<BundleSet::Resident> BundleSet::TryOpenVersion(
    uint64_t version) const {
  const std::filesystem::path dir = root_ / std::to_string(version);
  RETURN_IF_ERROR(VerifyVersion(dir));
  ASSIGN_OR_RETURN(std::shared_ptr<const Bundle> bundle, Bundle::Open(dir));
  TouchItems(*bundle);
  return ServingBundle::Open(std::move(bundle), registry_);
}

absl::StatusOr<v1::BundleStatus> BundleSet::ActivateResident(uint64_t version) {
  const auto start = std::chrono::steady_clock::now();
  Resident bundle;
  {
    const std::lock_guard lock(mutex_);
    const auto found = resident_.find(version);
    if (found == resident_.end()) {
      return absl::FailedPreconditionError(
          fmt::format("version {} is not staged", version));
    }
    if (found->second == active_) return StatusOf(version);
    bundle = found->second;
  }
  // First what a restart would serve: if that fails, nothing changes.
  RETURN_IF_ERROR(WriteCurrent(root_, version));
  MakeActive(bundle, start);
  const std::lock_guard lock(mutex_);
  return StatusOf(version);
}

void BundleSet::MakeActive(const Resident& bundle,
                           std::chrono::steady_clock::time_point start) {
  {
    const std::lock_guard lock(mutex_);
    if (active_ != nullptr) {
      previous_version_ = ActiveVersion();
      ++swaps_;
    }
    // The replaced one stays in resident_, so that nothing is destroyed here.
    active_ = bundle;
    serving_.Set(bundle);
    activated_at_ = absl::Now();
  }
  const auto duration = std::chrono::steady_clock::now() - start;
  spdlog::info("event=activated version={} seconds={:.6f}",
               bundle->bundle().version(),
               std::chrono::duration<double>(duration).count());
  if (on_activated_) on_activated_(*bundle, absl::FromChrono(duration));
}

void BundleSet::RecordRefusal(uint64_t version, std::string reason) {
  const std::lock_guard lock(mutex_);
  ++refusals_;
  last_refusal_.set_version(version);
  last_refusal_.set_reason(std::move(reason));
  SetTimestamp(absl::Now(), last_refusal_.mutable_at());
}

uint64_t BundleSet::ActiveVersion() const {
  return active_ == nullptr ? 0 : active_->bundle().version();
}

v1::BundleState BundleSet::StateOf(uint64_t version) const {
  if (version == ActiveVersion()) return v1::ACTIVE;
  return version == previous_version_ ? v1::PREVIOUS : v1::STAGED;
}

v1::BundleStatus BundleSet::StatusOf(uint64_t version) const {
  v1::BundleStatus status;
  Describe(resident_.at(version)->bundle(), StateOf(version), &status);
  return status;
}

void BundleSet::MakeRoom() {
  for (auto it = resident_.begin();
       it != resident_.end() && resident_.size() >= kMaxResident;) {
    if (StateOf(it->first) != v1::STAGED) {
      ++it;
      continue;
    }
    spdlog::info("event=unloaded version={} cause=room", it->first);
    Retire(std::move(it->second));
    it = resident_.erase(it);
  }
}

void BundleSet::Retire(Resident bundle) {
  retired_.push_back(std::move(bundle));
  retired_changed_.notify_one();
}

void BundleSet::ReapRetired() {
  std::unique_lock lock(mutex_);
  while (!stopping_) {
    if (retired_.empty()) {
      retired_changed_.wait(lock);
      continue;
    }
    // Nobody can take a new reference to a retired bundle but who holds one,
    // so a count of 1 is final.
    const auto held = std::partition(
        retired_.begin(), retired_.end(),
        [](const Resident& bundle) { return bundle.use_count() > 1; });
    std::vector<Resident> unheld(std::make_move_iterator(held),
                                 std::make_move_iterator(retired_.end()));
    retired_.erase(held, retired_.end());
    if (unheld.empty()) {
      retired_changed_.wait_for(lock, kReapInterval);
      continue;
    }
    lock.unlock();
    unheld.clear();
    lock.lock();
  }
}

}  // namespace tributary
