// The part of BundleSet that loads and unloads versions.
#include <algorithm>
#include <set>
#include <utility>
#include <vector>

#include "fmt/format.h"
#include "index/bundle/version_directory.h"
#include "index/verify/verify_version.h"
#include "server/process/crash_marker.h"
#include "server/versions/as_configured.h"
#include "server/versions/bundle_set.h"
#include "spdlog/spdlog.h"
#include "status/status_macros.h"
#include "sync/mutex.h"

namespace tributary {
namespace {

// Whether a version is no target of rollbacks any more. One that only the
// configuration is against is, after a restart with another.
bool IsWorthless(const absl::Status& status) {
  return BlamesVersion(status) && !IsNotAsConfigured(status);
}

ServingRecord ReadRecordOrNothing(const std::filesystem::path& root) {
  absl::StatusOr<ServingRecord> record = ReadServingRecord(root);
  if (record.ok()) return *std::move(record);
  // The server can start without the record: only rollback targets and labels
  // are lost.
  spdlog::warn("event=serving_record_read_failed error={:?}",
               record.status().ToString());
  return {};
}

// The versions that a server may begin with, the best first: what served
// before, in CURRENT and then in the record; then the highest. A version with a
// label and nothing more, such as a canary, was only ever meant for some users
// and comes last.
absl::StatusOr<std::vector<uint64_t>> VersionsToServe(
    const std::filesystem::path& root, const ServingRecord& record) {
  std::vector<uint64_t> versions;
  const auto add = [&versions](uint64_t version) {
    if (std::find(versions.begin(), versions.end(), version) ==
        versions.end()) {
      versions.push_back(version);
    }
  };
  const absl::StatusOr<uint64_t> current = ReadCurrent(root);
  if (!current.ok()) {
    // Some version served, and nobody knows which.
    if (record.served.empty()) return current.status();
    spdlog::error("event=current_read_failed error={:?}",
                  current.status().ToString());
  } else if (*current != 0) {
    add(*current);
  }
  ASSIGN_OR_RETURN(const std::vector<uint64_t> on_disk, ListVersions(root));
  for (const uint64_t version : record.served) {
    if (std::binary_search(on_disk.begin(), on_disk.end(), version)) {
      add(version);
    }
  }
  std::set<uint64_t> labelled;
  for (const auto& [name, label] : record.labels) {
    labelled.insert(label.version);
  }
  for (const bool with_label : {false, true}) {
    for (auto version = on_disk.rbegin(); version != on_disk.rend();
         ++version) {
      if (labelled.contains(*version) == with_label) add(*version);
    }
  }
  return versions;
}

}  // namespace

absl::Status BundleSet::Restore() {
  const MutexLock staging(&staging_mutex_);
  const MutexLock control(&control_mutex_);
  item_sets_.Load();
  changes_.Start();
  const auto start = std::chrono::steady_clock::now();
  const ServingRecord record = ReadRecordOrNothing(root_);
  uint64_t serves = 0;
  const absl::Status opened = MakeFirstResident(record, &serves);
  Resident bundle;
  {
    const MutexLock lock(&mutex_);
    residents_.Restore(record, serves);
    if (serves != 0) bundle = residents_.Find(serves);
  }
  if (bundle != nullptr) {
    MakeActive(bundle, /*rolling_back=*/false, start);
    SaveRecord();
  }
  WakeKeeper();
  return opened;
}

absl::Status BundleSet::MakeFirstResident(const ServingRecord& record,
                                          uint64_t* serves) {
  ASSIGN_OR_RETURN(const std::vector<uint64_t> versions,
                   VersionsToServe(root_, record));
  absl::Status first_error;
  for (const uint64_t version : versions) {
    const absl::Status opened = MakeResident(version, /*required=*/true);
    if (!opened.ok()) {
      spdlog::warn("event=version_not_restored version={} error={:?}", version,
                   opened.ToString());
      first_error.Update(opened);
      continue;
    }
    *serves = version;
    if (version != versions.front()) {
      spdlog::warn("event=restored_other version={} instead_of={}", version,
                   versions.front());
    }
    return absl::OkStatus();
  }
  return first_error;
}

absl::StatusOr<v1::BundleStatus> BundleSet::Stage(uint64_t version) {
  const MutexLock staging(&staging_mutex_);
  bool serving = false;
  {
    const MutexLock lock(&mutex_);
    if (residents_.Find(version) != nullptr)
      return residents_.StatusOf(version);
    serving = residents_.active() != 0;
  }
  absl::Status status;
  const auto stage = [&]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(staging_mutex_) {
    status = MakeResident(version, /*required=*/true);
  };
  if (serving) {
    background_thread_.Run(stage);
  } else {
    stage();
  }
  RETURN_IF_ERROR(status);
  const MutexLock lock(&mutex_);
  // Staging is serialised, so only a concurrent Unload or Activate can have
  // unloaded it.
  if (residents_.Find(version) == nullptr) {
    return absl::AbortedError(fmt::format(
        "version {} was unloaded as soon as it was staged", version));
  }
  return residents_.StatusOf(version);
}

absl::StatusOr<v1::BundleStatus> BundleSet::Rollback() {
  for (;;) {
    uint64_t previous = 0;
    {
      const MutexLock control(&control_mutex_);
      bool resident = false;
      {
        const MutexLock lock(&mutex_);
        previous = residents_.previous();
        resident = residents_.Find(previous) != nullptr;
      }
      if (previous == 0) {
        return absl::FailedPreconditionError(
            "no version was active before the active one");
      }
      if (resident) return ActivateResident(previous, /*rolling_back=*/true);
    }
    const absl::Status staged = Stage(previous).status();
    if (staged.ok()) continue;
    const bool is_gone = absl::IsNotFound(staged);
    // A version that is not on disk any more is skipped. A broken one is an
    // error of this call; the next call rolls back to the version before it.
    if (is_gone || IsWorthless(staged)) Forget(previous);
    if (!is_gone) return staged;
  }
}

absl::Status BundleSet::MakeResident(uint64_t version, bool required) {
  ++opening_;
  // If the process crashes now, it is more likely this version's fault than the
  // active one's.
  SetCrashSubject(version);
  const absl::Status status = TryMakeResident(version, required);
  {
    const MutexLock lock(&mutex_);
    SetCrashSubject(residents_.active());
  }
  --opening_;
  if (BlamesVersion(status)) board_.Refuse(version, status.ToString());
  return status;
}

absl::Status BundleSet::TryMakeResident(uint64_t version, bool required) {
  if (crashes_.refused.contains(version)) {
    return absl::FailedPreconditionError(fmt::format(
        "version {}: the server crashed {} times in a row while this version "
        "was active or being opened; publish another one, or delete {} and "
        "restart the server to try it again",
        version, CrashRecord::kCrashesToRefuse,
        (root_ / kCrashRecordName).native()));
  }
  ASSIGN_OR_RETURN(std::shared_ptr<const Bundle> opened, opener_.Open(version));
  RETURN_IF_ERROR(CheckAsConfigured(config_.defaults(), opened->manifest()));
  const uint64_t bytes = opened->size_bytes();
  RETURN_IF_ERROR(MakeRoom(version, bytes, required, /*apply=*/false));
  RETURN_IF_ERROR(VerifyOpened(*opened));
  // Others are unloaded only now: a version that fails verification must not
  // cost a good one its residency.
  RETURN_IF_ERROR(MakeRoom(version, bytes, required, /*apply=*/true));
  ASSIGN_OR_RETURN(const Resident bundle, opener_.Warm(std::move(opened)));
  if (hooks_.on_resident) hooks_.on_resident(*bundle);
  absl::Status attached;
  item_sets_.Attach(*bundle, [&] {
    attached = changes_.Attach(*bundle, [&] {
      const MutexLock lock(&mutex_);
      residents_.Add(bundle);
      Publish();
    });
  });
  RETURN_IF_ERROR(attached);
  spdlog::info("event=staged version={} bytes={}", version, bytes);
  return absl::OkStatus();
}

absl::Status BundleSet::MakeRoom(uint64_t version, uint64_t bytes,
                                 bool required, bool apply) {
  const uint64_t max_bytes = MaxBytes();
  const MutexLock lock(&mutex_);
  ResidencyView view = residents_.View(max_bytes);
  if (required) {
    view.incoming = version;
    view.incoming_bytes = bytes;
  } else {
    view.resident[version] = bytes;
  }
  const ResidencyDecision decision = DecideResidency(view);
  const std::vector<uint64_t>& unload = decision.unload;
  // While no version is active, no request can suffer from paging, and serving
  // slowly is better than not serving.
  if (!decision.fits && residents_.active() == 0) {
    spdlog::warn("event=memory_insufficient version={} bytes={} available={}",
                 version, bytes, max_bytes);
    return absl::OkStatus();
  }
  if (!decision.fits ||
      std::find(unload.begin(), unload.end(), version) != unload.end()) {
    return absl::ResourceExhaustedError(fmt::format(
        "version {} needs {} of memory, and {} together with the versions that "
        "must stay; bundles may use {}",
        version, ByteText(bytes), ByteText(decision.needed_bytes),
        ByteText(max_bytes)));
  }
  if (!apply) return absl::OkStatus();
  for (const uint64_t other : unload) UnloadLocked(other, "room");
  if (!unload.empty()) Publish();
  return absl::OkStatus();
}

void BundleSet::UnloadExcess(uint64_t max_bytes) {
  const ResidencyDecision decision =
      DecideResidency(residents_.View(max_bytes));
  for (const uint64_t other : decision.unload) UnloadLocked(other, "room");
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
    spdlog::warn("event=memory_read_failed error={:?}",
                 memory.status().ToString());
    return std::numeric_limits<uint64_t>::max();
  }
  const MutexLock lock(&mutex_);
  return BytesForBundles(*memory, residents_.bytes());
}

void BundleSet::Forget(uint64_t version) {
  const MutexLock control(&control_mutex_);
  {
    const MutexLock lock(&mutex_);
    residents_.Forget(version);
  }
  spdlog::warn("event=rollback_target_unloaded version={}", version);
  SaveRecord();
}

void BundleSet::WakeKeeper() {
  const MutexLock lock(&mutex_);
  keeper_wanted_ = true;
  keeper_changed_.NotifyOne();
}

void BundleSet::KeepResident() {
  MutexLock lock(&mutex_);
  while (!stopping_) {
    if (!keeper_wanted_) {
      keeper_changed_.Wait(&mutex_);
      continue;
    }
    keeper_wanted_ = false;
    for (const uint64_t version : residents_.Missing()) {
      if (stopping_) return;
      lock.Unlock();
      RestoreMissing(version);
      lock.Lock();
    }
  }
}

void BundleSet::RestoreMissing(uint64_t version) {
  const MutexLock staging(&staging_mutex_);
  {
    const MutexLock lock(&mutex_);
    const std::vector<uint64_t> missing = residents_.Missing();
    if (std::find(missing.begin(), missing.end(), version) == missing.end()) {
      return;
    }
  }
  absl::Status status;
  background_thread_.Run([&]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(staging_mutex_) {
    status = MakeResident(version, /*required=*/false);
  });
  if (status.ok()) return;
  spdlog::warn("event=reload_failed version={} error={:?}", version,
               status.ToString());
  if (absl::IsNotFound(status) || IsWorthless(status)) Forget(version);
}

}  // namespace tributary
