// Pace. What a version's indexes need of a set of items takes time that grows
// with the catalogue, so after each batch the follower rests for several times
// as long as applying it took: many changes in a short time become few, larger
// batches, and the requests keep their cores. Items that expire do not wait for
// that rest: the clock is looked at as often as the log is otherwise.
#include "server/versions/live_changes.h"

#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <utility>

#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "fmt/format.h"
#include "index/bundle/row_set.h"
#include "server/versions/changes_copy.h"
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
// How many filters are made ready for a new overlay, and how long that may
// take. Requests evaluate the others themselves.
constexpr size_t kFiltersPrepared = 16;
constexpr std::chrono::milliseconds kPrepareFilters(20);
// How long stand-ins of added items are looked for at a time.
constexpr std::chrono::milliseconds kStandInsTime(5);

void KeepOnce(std::vector<std::string>* keys) {
  std::sort(keys->begin(), keys->end());
  keys->erase(std::unique(keys->begin(), keys->end()), keys->end());
}

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
  auto next_read = steady_clock::now();
  while (
      !stop_.WaitForNotificationWithTimeout(absl::FromChrono(kLookInterval))) {
    {
      const MutexLock change(&change_mutex_);
      LookAtClock();
    }
    if (steady_clock::now() < next_read) continue;
    const HeadStamp stamp = StampOfHead();
    if (stamp == seen) {
      MakeCodes();
      next_read =
          steady_clock::now() + absl::ToChronoNanoseconds(FillStandIns());
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
    const auto end = steady_clock::now();
    next_read = end + kRestFactor * (end - start);
    if (!status.ok() && !absl::IsNotFound(status)) {
      next_read = std::max(next_read, end + kPauseAfterError);
    }
  }
}

void LiveChanges::LookAtClock() {
  Batch batch;
  v1::ChangesStatus status;
  {
    const MutexLock lock(&mutex_);
    batch.moved = expiring_.SetTime(absl::ToUnixMillis(absl::Now()));
    if (batch.moved.empty()) return;
    status_.set_expired_items(expiring_.expired());
    status = status_;
  }
  for (const auto& bundle : residents_()) ApplyTo(*bundle, batch);
  spdlog::info("event=items_expired items={} expired_items={}",
               batch.moved.size(), status.expired_items());
  if (changed_) changed_(status);
}

void LiveChanges::NoteRefused(const UnusedValues& unused) {
  for (const auto& [change, error] : unused.refused) {
    if (!with_refused_.insert(change).second) continue;
    spdlog::error("event=value_refused error={:?} hint={:?}", error,
                  "the other values of the change, and the changes after it, "
                  "are applied");
    const MutexLock lock(&mutex_);
    status_.set_refused(status_.refused() + 1);
    status_.set_last_refused(error);
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
  Batch batch;
  batch.after = position_.through;
  position_ = position;
  {
    const MutexLock lock(&mutex_);
    for (const v1::Change& change : changes) {
      if (removed_.Apply(change)) batch.moved.push_back(change.item());
      if (expiring_.Apply(change)) batch.moved.push_back(change.item());
      if (attributes_.Apply(change)) batch.changed.push_back(change.item());
      if (upserted_.Apply(change)) batch.upserted.push_back(change.item());
    }
  }
  for (const v1::Change& change : changes) {
    if (events_.Apply(change)) batch.users.push_back(change.event().user());
  }
  for (auto* const keys :
       {&batch.moved, &batch.changed, &batch.users, &batch.upserted}) {
    KeepOnce(keys);
  }
  uint64_t unknown = 0;
  for (const auto& bundle : residents_()) {
    const UnusedValues unused = ApplyTo(*bundle, batch);
    NoteRefused(unused);
    unknown += unused.unknown;
  }
  for (const std::string& error : refused) {
    spdlog::error("event=change_refused error={:?} hint={:?}", error,
                  "the changes after it are applied");
  }
  v1::ChangesStatus status;
  {
    const MutexLock lock(&mutex_);
    status_.set_through(position.through);
    status_.set_removed_items(removed_.size());
    status_.set_expired_items(expiring_.expired());
    status_.set_changed_items(attributes_.items().size());
    status_.set_changed_users(events_.by_user().size());
    status_.set_refused(status_.refused() + refused.size());
    if (!refused.empty()) status_.set_last_refused(refused.back());
    SetTimestamp(absl::FromUnixMillis(head.at_ms),
                 status_.mutable_last_change_at());
    status = status_;
  }
  status.set_added_items(MostAdded());
  spdlog::info(
      "event=changes_applied through={} changes={} removed_items={} "
      "unknown_attributes={}",
      position.through, changes.size(), status.removed_items(), unknown);
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
  LookAtClock();
  Batch batch;
  {
    const MutexLock lock(&mutex_);
    batch.moved.reserve(removed_.size() + expiring_.expired());
    for (const auto& [key, removal] : removed_.removals()) {
      batch.moved.push_back(key);
    }
    expiring_.ForEachExpired(
        [&](const std::string& key) { batch.moved.push_back(key); });
  }
  batch.changed.reserve(attributes_.items().size());
  for (const auto& [key, values] : attributes_.items()) {
    batch.changed.push_back(key);
  }
  batch.users.reserve(events_.by_user().size());
  for (const auto& [user, events] : events_.by_user()) {
    batch.users.push_back(user);
  }
  batch.upserted.reserve(upserted_.size());
  for (const auto& [key, item] : upserted_.upsertions()) {
    batch.upserted.push_back(key);
  }
  NoteRefused(ApplyTo(bundle, batch));
  MakeCodesOf(bundle);
  // This object outlives all bundles that answer.
  bundle.changes().SetFindExpiry(
      [this](std::string_view key) { return FindExpiry(key); });
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

UnusedValues LiveChanges::ApplyTo(const ServingBundle& bundle,
                                  const Batch& batch) const {
  const auto before = bundle.changes().overlay();
  auto overlay = before == nullptr ? std::make_shared<BundleOverlay>()
                                   : std::make_shared<BundleOverlay>(*before);
  bool differs = MoveItems(bundle, batch.moved, overlay.get());
  UnusedValues unused;
  const ChangedItems* const unchanged = overlay->changed.get();
  // The version was built with the changes before.
  const uint64_t after = std::max<uint64_t>(
      batch.after, bundle.bundle().manifest().changes_through());
  overlay->changed =
      ChangeItems(bundle.bundle(), bundle.tags(), std::move(overlay->changed),
                  attributes_, batch.changed, after, &unused);
  differs |= overlay->changed.get() != unchanged;
  if (!batch.users.empty()) {
    overlay->events = BundleEvents::Update(
        overlay->events.get(), bundle.bundle(), events_, batch.users);
    differs = true;
  }
  if (upserted_.size() > 0) {
    std::vector<std::string> keys = batch.upserted;
    keys.insert(keys.end(), batch.moved.begin(), batch.moved.end());
    KeepOnce(&keys);
    differs |= ApplyUpserts(bundle, keys, overlay.get(), &unused);
  }
  if (!differs) return unused;
  const bool is_empty = overlay->empty();
  std::vector<FilterCache::Kept> filters = PrepareFilters(bundle, *overlay);
  bundle.changes().Put(is_empty ? nullptr : std::move(overlay));
  bundle.filters().Keep(std::move(filters));
  return unused;
}

std::vector<FilterCache::Kept> LiveChanges::PrepareFilters(
    const ServingBundle& bundle, const BundleOverlay& overlay) {
  const auto end = steady_clock::now() + kPrepareFilters;
  std::vector<FilterCache::Kept> filters = bundle.filters().Refresh(
      AttributesUnder(bundle.bundle(), &overlay), kFiltersPrepared, end);
  for (const FilterCache::Kept& kept : filters) {
    if (steady_clock::now() >= end) break;
    std::shared_ptr<const ResolvedFilter> filter = kept.filter;
    if (overlay.remaining != nullptr) {
      const std::array parts = {overlay.remaining.get(), &filter->items};
      filter = bundle.filters().Intersect(
          parts, {.cache_bytes = bundle.filters().cache_bytes()});
    }
    for (const NamedRetriever& named : bundle.retrievers()) {
      named.retriever->PrepareFor(filter->items);
    }
  }
  return filters;
}

bool LiveChanges::MoveItems(const ServingBundle& bundle,
                            const std::vector<std::string>& items,
                            BundleOverlay* overlay) const {
  const KeyTable& keys = bundle.bundle().items();
  std::optional<RowSet> remaining;
  std::optional<RowSet> expired;
  for (const std::string& item : items) {
    const Row row = keys.Find(item);
    if (row == kNoRow) continue;
    bool is_removed = false;
    bool has_expired = false;
    {
      const MutexLock lock(&mutex_);
      is_removed = removed_.Find(item) != nullptr;
      has_expired = !is_removed && expiring_.HasExpired(item);
    }
    if (!remaining.has_value()) {
      if (overlay->remaining == nullptr) {
        remaining.emplace(keys.size()).Complement();
      } else {
        remaining = overlay->remaining->rows();
      }
      if (overlay->expired == nullptr) {
        expired.emplace(keys.size());
      } else {
        expired = *overlay->expired;
      }
    }
    if (is_removed || has_expired) {
      remaining->Remove(row);
    } else {
      remaining->Add(row);
    }
    if (has_expired) {
      expired->Add(row);
    } else {
      expired->Remove(row);
    }
  }
  if (!remaining.has_value()) return false;
  const bool remain_as_before =
      overlay->remaining != nullptr && overlay->remaining->rows() == *remaining;
  const uint64_t n_expired = expired->Count();
  overlay->expired = n_expired == 0
                         ? nullptr
                         : std::make_shared<const RowSet>(*std::move(expired));
  if (remain_as_before) return true;
  if (remaining->Count() == keys.size()) {
    const bool differs = overlay->remaining != nullptr;
    overlay->remaining = nullptr;
    return differs;
  }
  overlay->remaining =
      std::make_shared<const PassingItems>(*std::move(remaining));
  for (const NamedRetriever& named : bundle.retrievers()) {
    named.retriever->PrepareFor(*overlay->remaining);
  }
  return true;
}

bool LiveChanges::ApplyUpserts(const ServingBundle& bundle,
                               const std::vector<std::string>& items,
                               BundleOverlay* overlay,
                               UnusedValues* unused) const {
  const auto is_down = [this](std::string_view key) {
    const MutexLock lock(&mutex_);
    return removed_.Find(key) != nullptr || expiring_.HasExpired(key);
  };
  auto additions = AddUpsertedItems(
      bundle, upserted_, items, is_down, overlay->additions, &overlay->encoder,
      [&](uint64_t change, const std::string& why) {
        unused->refused.emplace(change, why);
      });
  if (additions == overlay->additions) return false;
  overlay->additions = std::move(additions);
  return true;
}

std::optional<Removal> LiveChanges::FindRemoval(
    std::string_view item_key) const {
  const MutexLock lock(&mutex_);
  const Removal* const removal = removed_.Find(item_key);
  if (removal == nullptr) return std::nullopt;
  return *removal;
}

std::optional<Expiry> LiveChanges::FindExpiry(std::string_view item_key) const {
  const MutexLock lock(&mutex_);
  const Expiry* const expiry = expiring_.Find(item_key);
  if (expiry == nullptr) return std::nullopt;
  return *expiry;
}

v1::ChangesStatus LiveChanges::Describe(const ServingBundle* active) const {
  v1::ChangesStatus status;
  {
    const MutexLock lock(&mutex_);
    status = status_;
  }
  DescribeChangesCopy(folder_, &status);
  const auto overlay =
      active == nullptr ? nullptr : active->changes().overlay();
  if (overlay != nullptr && overlay->remaining != nullptr) {
    const uint64_t gone =
        active->bundle().items().size() - overlay->remaining->count();
    status.set_removed_from_active(
        gone - (overlay->expired == nullptr ? 0 : overlay->expired->Count()));
  }
  if (overlay != nullptr && overlay->additions != nullptr) {
    status.set_added_items(overlay->additions->n_live());
  }
  if (active != nullptr) {
    const bool met = overlay != nullptr && overlay->events != nullptr;
    status.set_changed_users(met ? overlay->events->users() : 0);
  }
  status.set_changed_items(overlay == nullptr || overlay->changed == nullptr
                               ? 0
                               : overlay->changed->count);
  return status;
}

}  // namespace tributary
