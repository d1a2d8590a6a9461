#include "server/versions/bundle_routes.h"

#include <algorithm>
#include <atomic>
#include <cstring>
#include <utility>

#include "fmt/format.h"
#include "text/quoted.h"

namespace tributary {
namespace {

using Resident = std::shared_ptr<const ServingBundle>;

// A linear search: only a handful of versions are resident.
Resident Find(const RoutingTable& table, uint64_t version) {
  for (const Resident& bundle : table.resident) {
    if (bundle->bundle().version() == version) return bundle;
  }
  return nullptr;
}

const RoutingTable::Labelled* FindLabel(const RoutingTable& table,
                                        std::string_view name) {
  for (const RoutingTable::Labelled& label : table.labels) {
    if (label.name.view() == name) return &label;
  }
  return nullptr;
}

// The result's bundle is null when nothing is active.
RoutedBundle ForUser(const RoutingTable& table, uint32_t bucket) {
  if (table.buckets != nullptr && bucket != kNoBucket) {
    if (const uint8_t label = (*table.buckets)[bucket]; label > 0) {
      const RoutingTable::Labelled& found = table.labels[label - 1U];
      if (Resident bundle = Find(table, found.version)) {
        return {std::move(bundle), found.name};
      }
    }
  }
  return {Find(table, table.active), {}};
}

absl::Status NothingActive() {
  return absl::UnavailableError("no bundle is active yet");
}

absl::Status NoLabel(std::string_view name) {
  return absl::NotFoundError(
      fmt::format("bundle_label: no label {}", Quoted(name)));
}

}  // namespace

LabelName::LabelName(std::string_view name)
    : size_(static_cast<uint8_t>(std::min(name.size(), kMaxLabelBytes))) {
  std::memcpy(bytes_.data(), name.data(), size_);
}

size_t BundleRoutes::ShardOfThread() {
  static std::atomic<size_t> threads{0};
  thread_local const size_t shard =
      threads.fetch_add(1, std::memory_order_relaxed) % kShards;
  return shard;
}

Resident BundleRoutes::Take(uint64_t version) const {
  const Shard& shard = shards_[ShardOfThread()];
  const MutexLock lock(&shard.mutex);
  return Find(shard.table, version == 0 ? shard.table.active : version);
}

absl::StatusOr<RoutedBundle> BundleRoutes::Take(
    const v1::RetrieveRequest& request) const {
  const std::string_view label = request.bundle_label();
  if (const uint64_t version = request.bundle_version(); version != 0) {
    if (!label.empty()) {
      return absl::InvalidArgumentError(
          "bundle_label: expected none together with bundle_version");
    }
    if (Resident bundle = Take(version)) return RoutedBundle{bundle, {}};
    return absl::NotFoundError(
        fmt::format("bundle_version: version {} is not resident", version));
  }
  uint32_t bucket = kNoBucket;
  if (label.empty() && has_buckets_.load(std::memory_order_relaxed)) {
    bucket = BucketOf(request);
  }
  const Shard& shard = shards_[ShardOfThread()];
  const MutexLock lock(&shard.mutex);
  if (label.empty() || label == kStableLabel) {
    RoutedBundle routed = ForUser(shard.table, bucket);
    if (routed.bundle == nullptr) return NothingActive();
    return routed;
  }
  const RoutingTable::Labelled* const found = FindLabel(shard.table, label);
  if (found == nullptr) return NoLabel(label);
  if (Resident bundle = Find(shard.table, found->version)) {
    return RoutedBundle{std::move(bundle), found->name};
  }
  return absl::UnavailableError(
      fmt::format("bundle_label: version {} of \"{}\" is not resident",
                  found->version, label));
}

void BundleRoutes::Set(const RoutingTable& table) {
  has_buckets_ = table.buckets != nullptr;
  for (Shard& shard : shards_) {
    RoutingTable copy = table;
    for (Resident& bundle : copy.resident) {
      // A new reference count for this shard. It owns one reference to the
      // bundle.
      const auto holder = std::make_shared<Resident>(bundle);
      bundle = Resident(holder, bundle.get());
    }
    const MutexLock lock(&shard.mutex);
    std::swap(shard.table, copy);
  }
}

}  // namespace tributary
