// The part of BundleSet that brings versions into memory and lets them go.
#include <algorithm>
#include <utility>
#include <vector>

#include "fmt/format.h"
#include "index/bundle/version_directory.h"
#include "index/verify/verify_version.h"
#include "server/versions/bundle_set.h"
#include "spdlog/spdlog.h"
#include "status/status_macros.h"

namespace tributary {
namespace {

absl::StatusOr<uint64_t> VersionToServe(const std::filesystem::path& root) {
  ASSIGN_OR_RETURN(const uint64_t current, ReadCurrent(root));
  if (current != 0) return current;
  ASSIGN_OR_RETURN(const std::vector<uint64_t> versions, ListVersions(root));
  return versions.empty() ? 0 : versions.back();
}

ServingRecord ReadRecordOrNothing(const std::filesystem::path& root) {
  absl::StatusOr<ServingRecord> record = ReadServingRecord(root);
  if (record.ok()) return *std::move(record);
  // No reason not to serve.
  spdlog::warn("event=serving_record_lost error={:?}",
               record.status().ToString());
  return {};
}

}  // namespace

absl::Status BundleSet::Restore() {
  const std::lock_guard staging(staging_mutex_);
  const std::lock_guard control(control_mutex_);
  const auto start = std::chrono::steady_clock::now();
  absl::StatusOr<uint64_t> version = VersionToServe(root_);
  const absl::Status opened = version.ok() && *version != 0
                                  ? MakeResident(*version, /*required=*/true)
                                  : version.status();
  const bool serves = opened.ok() && *version != 0;
  const ServingRecord record = ReadRecordOrNothing(root_);
  Resident bundle;
  {
    const std::lock_guard lock(mutex_);
    residents_.Restore(record, serves ? *version : 0);
    if (serves) bundle = residents_.Find(*version);
  }
  if (bundle != nullptr) {
    MakeActive(bundle, /*rolling_back=*/false, start);
    SaveRecord();
  }
  WakeKeeper();
  return opened;
}

absl::StatusOr<v1::BundleStatus> BundleSet::Stage(uint64_t version) {
  const std::lock_guard staging(staging_mutex_);
  bool serving = false;
  {
    const std::lock_guard lock(mutex_);
    if (residents_.Find(version) != nullptr)
      return residents_.StatusOf(version);
    serving = residents_.active() != 0;
  }
  absl::Status status;
  const auto stage = [&] { status = MakeResident(version, /*required=*/true); };
  if (serving) {
    slowly_.Run(stage);
  } else {
    stage();
  }
  RETURN_IF_ERROR(status);
  const std::lock_guard lock(mutex_);
  // Nothing unloads meanwhile but a caller of Unload.
  if (residents_.Find(version) == nullptr) {
    return absl::AbortedError(
        fmt::format("version {} was unloaded at once", version));
  }
  return residents_.StatusOf(version);
}

absl::StatusOr<v1::BundleStatus> BundleSet::Rollback() {
  for (;;) {
    uint64_t previous = 0;
    {
      const std::lock_guard control(control_mutex_);
      bool resident = false;
      {
        const std::lock_guard lock(mutex_);
        previous = residents_.previous();
        resident = residents_.Find(previous) != nullptr;
      }
      if (previous == 0) {
        return absl::FailedPreconditionError(
            "no version served before the active one");
      }
      if (resident) return ActivateResident(previous, /*rolling_back=*/true);
    }
    const absl::Status staged = Stage(previous).status();
    if (staged.ok()) continue;
    const bool is_gone = absl::IsNotFound(staged);
    // A broken one is told of; the next call goes to the one before.
    if (is_gone || BlamesVersion(staged)) Forget(previous);
    if (!is_gone) return staged;
  }
}

absl::Status BundleSet::MakeResident(uint64_t version, bool required) {
  ++opening_;
  const absl::Status status = TryMakeResident(version, required);
  --opening_;
  if (BlamesVersion(status)) board_.Refuse(version, status.ToString());
  return status;
}

absl::Status BundleSet::TryMakeResident(uint64_t version, bool required) {
  ASSIGN_OR_RETURN(std::shared_ptr<const Bundle> opened, opener_.Open(version));
  const uint64_t bytes = opened->size_bytes();
  RETURN_IF_ERROR(MakeRoom(version, bytes, required, /*apply=*/false));
  RETURN_IF_ERROR(VerifyOpened(*opened));
  // Only now, so that a bad version costs nothing that is resident.
  RETURN_IF_ERROR(MakeRoom(version, bytes, required, /*apply=*/true));
  ASSIGN_OR_RETURN(const Resident bundle, opener_.Warm(std::move(opened)));
  if (hooks_.on_resident) hooks_.on_resident(*bundle);
  const std::lock_guard lock(mutex_);
  residents_.Add(bundle);
  Publish();
  spdlog::info("event=staged version={} bytes={}", version, bytes);
  return absl::OkStatus();
}

absl::Status BundleSet::MakeRoom(uint64_t version, uint64_t bytes,
                                 bool required, bool apply) {
  const uint64_t max_bytes = MaxBytes();
  const std::lock_guard lock(mutex_);
  ResidencyView view = residents_.View(max_bytes);
  if (required) {
    view.incoming = version;
    view.incoming_bytes = bytes;
  } else {
    view.resident[version] = bytes;
  }
  const ResidencyDecision decision = DecideResidency(view);
  const std::vector<uint64_t>& unload = decision.unload;
  // Nothing serves that it could hurt: slowly is better than not at all.
  if (!decision.fits && residents_.active() == 0) {
    spdlog::warn("event=memory_short version={} bytes={} available={}", version,
                 bytes, max_bytes);
    return absl::OkStatus();
  }
  if (!decision.fits ||
      std::find(unload.begin(), unload.end(), version) != unload.end()) {
    return absl::ResourceExhaustedError(fmt::format(
        "version {} needs {} of memory; with what must stay, {}; bundles may "
        "have {}",
        version, ByteText(bytes), ByteText(decision.needed_bytes),
        ByteText(max_bytes)));
  }
  if (!apply) return absl::OkStatus();
  for (const uint64_t goes : unload) UnloadLocked(goes, "room");
  if (!unload.empty()) Publish();
  return absl::OkStatus();
}

void BundleSet::UnloadWhatHasNoPlace(uint64_t max_bytes) {
  const ResidencyDecision decision =
      DecideResidency(residents_.View(max_bytes));
  for (const uint64_t goes : decision.unload) UnloadLocked(goes, "room");
  if (!decision.unload.empty()) Publish();
}

void BundleSet::UnloadLocked(uint64_t version, const char* cause) {
  reaper_.Retire(residents_.Remove(version));
  spdlog::info("event=unloaded version={} cause={}", version, cause);
}

uint64_t BundleSet::MaxBytes() const {
  if (config_.residency().max_bytes() > 0) {
    return config_.residency().max_bytes();
  }
  const absl::StatusOr<ProcessMemory> memory = read_memory_();
  if (!memory.ok()) {
    spdlog::warn("event=memory_unknown error={:?}", memory.status().ToString());
    return std::numeric_limits<uint64_t>::max();
  }
  const std::lock_guard lock(mutex_);
  return BytesForBundles(*memory, residents_.bytes());
}

void BundleSet::Forget(uint64_t version) {
  const std::lock_guard control(control_mutex_);
  {
    const std::lock_guard lock(mutex_);
    residents_.Forget(version);
  }
  spdlog::warn("event=no_rollback_to version={}", version);
  SaveRecord();
}

void BundleSet::WakeKeeper() {
  const std::lock_guard lock(mutex_);
  keeper_wanted_ = true;
  keeper_changed_.notify_one();
}

void BundleSet::KeepResident() {
  std::unique_lock lock(mutex_);
  while (!stopping_) {
    if (!keeper_wanted_) {
      keeper_changed_.wait(lock);
      continue;
    }
    keeper_wanted_ = false;
    for (const uint64_t version : residents_.Missing()) {
      if (stopping_) return;
      lock.unlock();
      RestoreMissing(version);
      lock.lock();
    }
  }
}

void BundleSet::RestoreMissing(uint64_t version) {
  const std::lock_guard staging(staging_mutex_);
  {
    const std::lock_guard lock(mutex_);
    const std::vector<uint64_t> missing = residents_.Missing();
    if (std::find(missing.begin(), missing.end(), version) == missing.end()) {
      return;
    }
  }
  absl::Status status;
  slowly_.Run([&] { status = MakeResident(version, /*required=*/false); });
  if (status.ok()) return;
  spdlog::warn("event=not_resident version={} error={:?}", version,
               status.ToString());
  if (absl::IsNotFound(status) || BlamesVersion(status)) Forget(version);
}

}  // namespace tributary
