#include "server/versions/item_sets.h"

#include <chrono>
#include <utility>

#include "absl/time/clock.h"
#include "fmt/format.h"
#include "index/bundle/row_set.h"
#include "index/bundle/version_directory.h"
#include "server/process/memory.h"
#include "server/versions/status_board.h"
#include "spdlog/spdlog.h"
#include "status/field_error.h"
#include "status/status_macros.h"
#include "text/quoted.h"

namespace tributary {
namespace {

constexpr int kMaxUploads = 2;

std::shared_ptr<const ExcludedItems> Resolve(
    const std::shared_ptr<const StoredItemSet>& set,
    const ServingBundle& bundle) {
  const KeyTable& items = bundle.bundle().items();
  RowSet rows(items.size());
  const uint64_t known = set->keys.AddRows(items, &rows);
  rows.Complement();
  auto excluded = std::make_shared<const ExcludedItems>(
      std::move(rows), known, std::shared_ptr<const ItemKeys>(set, &set->keys));
  for (const NamedRetriever& named : bundle.retrievers()) {
    named.retriever->PrepareFor(excluded->others);
  }
  return excluded;
}

}  // namespace

ItemSets::ItemSets(const std::filesystem::path& root, uint64_t max_bytes,
                   uint32_t max_key_bytes, std::function<Bundles()> residents,
                   Changed changed)
    : folder_(root / kItemSetsName),
      max_bytes_(max_bytes),
      max_key_bytes_(max_key_bytes),
      residents_(std::move(residents)),
      changed_(std::move(changed)) {}

void ItemSets::Load() {
  const MutexLock change(&change_mutex_);
  for (const std::string& name : ListItemSets(folder_)) {
    absl::StatusOr<StoredItemSet> set = ReadItemSet(folder_, name);
    absl::Status status = set.status();
    if (status.ok()) status = CheckCount(name);
    if (status.ok()) status = CheckRoom(name, set->keys.size_bytes());
    if (!status.ok()) {
      spdlog::error("event=item_set_refused set={} error={:?} hint={:?}", name,
                    status.ToString(),
                    "requests that name the set fail until it is put again");
      continue;
    }
    spdlog::info("event=item_set_loaded set={} items={} bytes={}", name,
                 set->keys.size(), set->keys.size_bytes());
    const MutexLock lock(&mutex_);
    sets_[name] = std::make_shared<const StoredItemSet>(*std::move(set));
  }
  TellChanged();
}

void ItemSets::Attach(const ServingBundle& bundle,
                      absl::FunctionRef<void()> make_resident) {
  const MutexLock change(&change_mutex_);
  Sets sets;
  {
    const MutexLock lock(&mutex_);
    sets = sets_;
  }
  for (const auto& [name, set] : sets) {
    bundle.item_sets().Put(name, Resolve(set, bundle));
  }
  make_resident();
}

absl::StatusOr<ItemSets::Upload> ItemSets::Begin() {
  if (++uploads_ > kMaxUploads) {
    --uploads_;
    return absl::ResourceExhaustedError(fmt::format(
        "{} item sets are being put already: wait for them", kMaxUploads));
  }
  return Upload(this);
}

absl::Status ItemSets::Upload::Add(const v1::PutItemSetRequest& part) {
  if (!begun_) {
    if (!IsItemSetName(part.name())) {
      return FieldError("name",
                        "{}, expected 1 to {} characters of a-z, 0-9, '-' and "
                        "'_' in the first message",
                        Quoted(part.name()), kMaxItemSetNameBytes);
    }
    RETURN_IF_ERROR(sets_->CheckCount(part.name()));
    name_ = part.name();
    begun_ = true;
  } else if (!part.name().empty()) {
    return FieldError("name", "{}, expected a name in the first message only",
                      Quoted(part.name()));
  }
  for (const uint64_t id : part.item_ids()) keys_.Add(id);
  for (int i = 0; i < part.item_keys_size(); ++i) {
    const std::string& key = part.item_keys(i);
    if (key.size() > sets_->max_key_bytes_) {
      return FieldError(fmt::format("item_keys[{}]", i),
                        "{} bytes, limits.max_key_bytes is {}", key.size(),
                        sets_->max_key_bytes_);
    }
    keys_.Add(key);
  }
  return sets_->CheckRoom(name_, keys_.size_bytes());
}

absl::StatusOr<std::string> ItemSets::Upload::Commit() {
  if (!begun_) return FieldError("name", "no message came, expected one");
  keys_.Finish();
  RETURN_IF_ERROR(sets_->Put(name_, std::move(keys_)));
  return name_;
}

absl::Status ItemSets::CheckCount(std::string_view name) const {
  const MutexLock lock(&mutex_);
  if (sets_.size() < kMaxItemSets || sets_.contains(name)) {
    return absl::OkStatus();
  }
  return FieldError("name", "{} item sets exist already, which is the maximum",
                    kMaxItemSets);
}

absl::Status ItemSets::CheckRoom(std::string_view name, uint64_t bytes) const {
  uint64_t others = 0;
  const MutexLock lock(&mutex_);
  for (const auto& [other, set] : sets_) {
    if (other != name) others += set->keys.size_bytes();
  }
  if (others <= max_bytes_ && bytes <= max_bytes_ - others) {
    return absl::OkStatus();
  }
  return absl::ResourceExhaustedError(fmt::format(
      "the keys of item set {} take {} or more, and those of the other sets "
      "{}; "
      "filters.item_sets_bytes is {}",
      Quoted(name), ByteText(bytes), ByteText(others), ByteText(max_bytes_)));
}

absl::Status ItemSets::Put(const std::string& name, ItemKeys keys) {
  const auto start = std::chrono::steady_clock::now();
  const MutexLock change(&change_mutex_);
  RETURN_IF_ERROR(CheckCount(name));
  RETURN_IF_ERROR(CheckRoom(name, keys.size_bytes()));
  const auto set = std::make_shared<const StoredItemSet>(
      // As precisely as a file has it.
      StoredItemSet{std::move(keys),
                    absl::FromUnixMillis(absl::ToUnixMillis(absl::Now()))});
  // The file is written first: if that fails, nothing has changed.
  RETURN_IF_ERROR(WriteItemSet(folder_, name, *set));
  for (const auto& bundle : residents_()) {
    bundle->item_sets().Put(name, Resolve(set, *bundle));
  }
  {
    Set replaced = set;
    const MutexLock lock(&mutex_);
    sets_[name].swap(replaced);
  }
  TellChanged();
  const std::chrono::duration<double> seconds =
      std::chrono::steady_clock::now() - start;
  spdlog::info("event=item_set_put set={} items={} bytes={} seconds={:.3f}",
               name, set->keys.size(), set->keys.size_bytes(), seconds.count());
  return absl::OkStatus();
}

absl::Status ItemSets::Delete(std::string_view name) {
  const MutexLock change(&change_mutex_);
  {
    const MutexLock lock(&mutex_);
    if (!sets_.contains(name)) {
      return absl::NotFoundError(
          fmt::format("name: there is no item set {}", Quoted(name)));
    }
  }
  const absl::Status removed = RemoveItemSet(folder_, name);
  // Somebody else removed the file: the set goes, too.
  if (!removed.ok() && !absl::IsNotFound(removed)) return removed;
  for (const auto& bundle : residents_()) bundle->item_sets().Remove(name);
  {
    const MutexLock lock(&mutex_);
    sets_.erase(sets_.find(name));
  }
  TellChanged();
  spdlog::info("event=item_set_deleted set={}", name);
  return absl::OkStatus();
}

std::vector<v1::ItemSetStatus> ItemSets::Describe(
    const ServingBundle* active) const {
  std::vector<v1::ItemSetStatus> statuses;
  const MutexLock lock(&mutex_);
  for (const auto& [name, set] : sets_) {
    v1::ItemSetStatus& status = statuses.emplace_back();
    status.set_name(name);
    status.set_items(set->keys.size());
    const auto excluded =
        active == nullptr ? nullptr : active->item_sets().Find(name);
    status.set_unknown_items(set->keys.size() -
                             (excluded == nullptr ? 0 : excluded->known));
    SetTimestamp(set->put_at, status.mutable_put_at());
  }
  return statuses;
}

void ItemSets::TellChanged() const {
  if (!changed_) return;
  size_t sets = 0;
  uint64_t bytes = 0;
  {
    const MutexLock lock(&mutex_);
    sets = sets_.size();
    for (const auto& [name, set] : sets_) bytes += set->keys.size_bytes();
  }
  changed_(sets, bytes);
}

}  // namespace tributary
