// Pace. What a version's indexes need of a set of items takes time that grows
// with the catalogue, so after each batch the follower rests for several times
// as long as applying it took: many changes in a short time become few, larger
// batches, and the requests keep their cores.
#include "server/versions/live_changes.h"

#include <sys/stat.h>

#include <algorithm>
#include <utility>

#include "absl/time/time.h"
#include "fmt/format.h"
#include "index/bundle/row_set.h"
#include "server/versions/live_items.h"
#include "server/versions/status_board.h"
#include "spdlog/spdlog.h"
#include "status/status_macros.h"

namespace tributary {
namespace {

using std::chrono::steady_clock;

constexpr std::chrono::milliseconds kLookInterval(10);
constexpr std::chrono::milliseconds kPauseAfterError(500);
// How often the log is read anew when the loader changes it meanwhile.
constexpr int kReadsBeforeServing = 5;
// The follower works at most 1 / (1 + kRestFactor) of the time.
constexpr int kRestFactor = 4;
// How long stand-ins of added items are looked for at a time.
constexpr std::chrono::milliseconds kStandInsTime(5);

int64_t Nanoseconds(const timespec& time) {
  return int64_t{time.tv_sec} * 1'000'000'000 + time.tv_nsec;
}

}  // namespace

LiveChanges::LiveChanges(const std::filesystem::path& root,
                         std::function<Bundles()> residents, Changed changed)
    : folder_(root / kChangesName),
      residents_(std::move(residents)),
      changed_(std::move(changed)) {}

LiveChanges::~LiveChanges() {
  stop_.Notify();
  if (follower_.joinable()) follower_.join();
}

LiveChanges::HeadStamp LiveChanges::StampOfHead() const {
  struct stat info;
  if (::stat((folder_ / kChangeHeadName).c_str(), &info) != 0) return {};
  // Each HEAD is a file of its own, renamed to that name.
  return {info.st_ino, Nanoseconds(info.st_ctim)};
}

void LiveChanges::Follow() {
  HeadStamp seen;
  std::string logged;
  absl::Duration rest = absl::FromChrono(kLookInterval);
  while (!stop_.WaitForNotificationWithTimeout(rest)) {
    rest = absl::FromChrono(kLookInterval);
    const HeadStamp stamp = StampOfHead();
    if (stamp == seen) {
      MakeCodes();
      rest = std::max(rest, FillStandIns());
      continue;
    }
    const auto start = steady_clock::now();
    absl::Status status;
    {
      const MutexLock change(&change_mutex_);
      status = ReadOn();
    }
    if (status.ok()) seen = stamp;
    std::string error = status.ok() ? "" : status.ToString();
    SetError(error);
    if (!error.empty() && error != logged) {
      spdlog::error("event=changes_not_applied error={:?} hint={:?}", error,
                    "the server goes on with the changes that it has");
    }
    logged = std::move(error);
    // A segment that was merged away since HEAD was read is found by the next
    // HEAD.
    if (!status.ok() && !absl::IsNotFound(status)) {
      rest = absl::FromChrono(kPauseAfterError);
    }
    rest = std::max(
        rest, kRestFactor * absl::FromChrono(steady_clock::now() - start));
  }
}

void LiveChanges::MakeCodes() {
  const MutexLock change(&change_mutex_);
  if (upserted_.size() == 0) return;
  for (const auto& bundle : residents_()) MakeCodesOf(*bundle);
}

void LiveChanges::MakeCodesOf(const ServingBundle& bundle) {
  const auto before = bundle.changes().overlay();
  if (before == nullptr || before->additions == nullptr) return;
  if (!before->additions->WantsCodes()) return;
  auto overlay = std::make_shared<BundleOverlay>(*before);
  overlay->additions = AddedItems::WithCodes(*before->additions);
  bundle.changes().Put(std::move(overlay));
}

absl::Duration LiveChanges::FillStandIns() {
  const auto start = steady_clock::now();
  const MutexLock change(&change_mutex_);
  if (upserted_.size() == 0) return absl::ZeroDuration();
  absl::flat_hash_map<uint64_t, uint32_t> looked_at;
  for (const auto& bundle : residents_()) {
    const auto overlay = bundle->changes().overlay();
    if (overlay == nullptr || overlay->additions == nullptr) continue;
    const AddedItems& added = *overlay->additions;
    uint32_t& next = looked_at[added.serial()];
    if (const auto known = stand_ins_.find(added.serial());
        known != stand_ins_.end()) {
      next = known->second;
    }
    if (!FindStandIns(*bundle, added, overlay->remaining, start + kStandInsTime,
                      &next)) {
      // The other bundles' turn comes when these are done.
      stand_ins_[added.serial()] = next;
      return kRestFactor * absl::FromChrono(steady_clock::now() - start);
    }
  }
  stand_ins_ = std::move(looked_at);
  return absl::ZeroDuration();
}

uint64_t LiveChanges::MostAdded() const {
  uint64_t most = 0;
  for (const auto& bundle : residents_()) {
    const auto overlay = bundle->changes().overlay();
    if (overlay == nullptr || overlay->additions == nullptr) continue;
    most = std::max(most, overlay->additions->n_live());
  }
  return most;
}

void LiveChanges::SetError(const std::string& error) {
  v1::ChangesStatus status;
  {
    const MutexLock lock(&mutex_);
    if (status_.error() == error) return;
    status_.set_error(error);
    status = status_;
  }
  if (changed_) changed_(status);
}

absl::Status LiveChanges::ReadOn() {
  ASSIGN_OR_RETURN(const ChangeHead head, ReadChangeHead(folder_));
  ChangePosition position = position_;
  std::vector<v1::Change> changes;
  std::vector<std::string> refused;
  RETURN_IF_ERROR(ReadChanges(head, folder_, &position,
                              [&](const v1::Change& change, std::string_view,
                                  const absl::Status& verdict) {
                                if (verdict.ok()) {
                                  changes.push_back(change);
                                } else {
                                  refused.emplace_back(verdict.message());
                                }
                                return absl::OkStatus();
                              }));
  was_read_ = true;
  if (position.through == position_.through) return absl::OkStatus();
  position_ = position;
  std::vector<std::string> items;
  {
    const MutexLock lock(&mutex_);
    for (const v1::Change& change : changes) {
      const bool moved = removed_.Apply(change);
      const bool upserted = upserted_.Apply(change);
      if (moved || upserted) items.push_back(change.item());
    }
  }
  std::sort(items.begin(), items.end());
  items.erase(std::unique(items.begin(), items.end()), items.end());
  for (const auto& bundle : residents_()) ApplyTo(*bundle, items);
  for (const std::string& error : refused) {
    spdlog::error("event=change_refused error={:?} hint={:?}", error,
                  "the changes after it are applied");
  }
  v1::ChangesStatus status;
  {
    const MutexLock lock(&mutex_);
    status_.set_through(position.through);
    status_.set_removed_items(removed_.size());
    status_.set_refused(status_.refused() + refused.size());
    if (!refused.empty()) status_.set_last_refused(refused.back());
    SetTimestamp(absl::FromUnixMillis(head.at_ms),
                 status_.mutable_last_change_at());
    status = status_;
  }
  status.set_added_items(MostAdded());
  spdlog::info("event=changes_applied through={} changes={} removed_items={}",
               position.through, changes.size(), status.removed_items());
  if (changed_) changed_(status);
  return absl::OkStatus();
}

absl::Status LiveChanges::Attach(const ServingBundle& bundle,
                                 absl::FunctionRef<void()> make_resident) {
  const MutexLock change(&change_mutex_);
  absl::Status read;
  for (int i = 0; !was_read_ && i < kReadsBeforeServing; ++i) {
    read = ReadOn();
    // A segment that the loader merged away meanwhile: HEAD names others now.
    if (!absl::IsNotFound(read)) break;
  }
  if (!was_read_) return read;
  std::vector<std::string> items;
  {
    const MutexLock lock(&mutex_);
    items.reserve(removed_.size() + upserted_.size());
    for (const auto& [key, removal] : removed_.removals()) items.push_back(key);
  }
  for (const auto& [key, item] : upserted_.upsertions()) items.push_back(key);
  ApplyTo(bundle, items);
  MakeCodesOf(bundle);
  // This object outlives all bundles that answer.
  bundle.changes().SetFindRemoval(
      [this](std::string_view key) { return FindRemoval(key); });
  make_resident();
  if (upserted_.size() > 0 && changed_) {
    v1::ChangesStatus status;
    {
      const MutexLock lock(&mutex_);
      status = status_;
    }
    status.set_added_items(MostAdded());
    changed_(status);
  }
  return absl::OkStatus();
}

void LiveChanges::ApplyTo(const ServingBundle& bundle,
                          const std::vector<std::string>& items) {
  const auto before = bundle.changes().overlay();
  auto overlay = before == nullptr ? std::make_shared<BundleOverlay>()
                                   : std::make_shared<BundleOverlay>(*before);
  bool differs = ApplyRemovals(bundle, items, overlay.get());
  differs = ApplyUpserts(bundle, items, overlay.get()) || differs;
  if (!differs) return;
  const bool any =
      overlay->remaining != nullptr || overlay->additions != nullptr;
  bundle.changes().Put(any ? std::move(overlay) : nullptr);
}

bool LiveChanges::ApplyRemovals(const ServingBundle& bundle,
                                const std::vector<std::string>& items,
                                BundleOverlay* overlay) const {
  const KeyTable& keys = bundle.bundle().items();
  RowSet rows(keys.size());
  if (overlay->remaining == nullptr) {
    rows.Complement();
  } else {
    rows = overlay->remaining->rows();
  }
  bool differs = false;
  for (const std::string& item : items) {
    const Row row = keys.Find(item);
    if (row == kNoRow) continue;
    const bool remains = !FindRemoval(item).has_value();
    if (rows.Has(row) == remains) continue;
    if (remains) {
      rows.Add(row);
    } else {
      rows.Remove(row);
    }
    differs = true;
  }
  if (!differs) return false;
  if (rows.Count() == keys.size()) {
    overlay->remaining = nullptr;
    return true;
  }
  overlay->remaining = std::make_shared<const PassingItems>(std::move(rows));
  for (const NamedRetriever& named : bundle.retrievers()) {
    named.retriever->PrepareFor(*overlay->remaining);
  }
  return true;
}

bool LiveChanges::ApplyUpserts(const ServingBundle& bundle,
                               const std::vector<std::string>& items,
                               BundleOverlay* overlay) {
  std::vector<std::pair<uint64_t, std::string>> passed_over;
  auto additions = AddUpsertedItems(
      bundle, upserted_, items,
      [this](std::string_view key) { return FindRemoval(key).has_value(); },
      overlay->additions, &overlay->encoder,
      [&](uint64_t change, const std::string& why) {
        passed_over.emplace_back(change, why);
      });
  for (const auto& [change, why] : passed_over) Refuse(change, why);
  if (additions == overlay->additions) return false;
  overlay->additions = std::move(additions);
  return true;
}

void LiveChanges::Refuse(uint64_t change, const std::string& why) {
  if (!refused_.insert(change).second) return;
  spdlog::error("event=change_refused error={:?} hint={:?}", why,
                "the rest of the change and those after it are applied");
  const MutexLock lock(&mutex_);
  status_.set_refused(status_.refused() + 1);
  status_.set_last_refused(why);
}

std::optional<Removal> LiveChanges::FindRemoval(
    std::string_view item_key) const {
  const MutexLock lock(&mutex_);
  const Removal* const removal = removed_.Find(item_key);
  if (removal == nullptr) return std::nullopt;
  return *removal;
}

v1::ChangesStatus LiveChanges::Describe(const ServingBundle* active) const {
  v1::ChangesStatus status;
  {
    const MutexLock lock(&mutex_);
    status = status_;
  }
  const auto overlay =
      active == nullptr ? nullptr : active->changes().overlay();
  if (overlay != nullptr && overlay->additions != nullptr) {
    status.set_added_items(overlay->additions->n_live());
  }
  if (overlay != nullptr && overlay->remaining != nullptr) {
    status.set_removed_from_active(active->bundle().items().size() -
                                   overlay->remaining->count());
  }
  return status;
}

}  // namespace tributary
