#include "server/versions/residents.h"

#include <algorithm>
#include <utility>

namespace tributary {
namespace {

bool Contains(const std::vector<uint64_t>& versions, uint64_t version) {
  return std::find(versions.begin(), versions.end(), version) != versions.end();
}

}  // namespace

void DescribeBundle(const Bundle& bundle, v1::BundleState state,
                    v1::BundleStatus* status) {
  status->set_version(bundle.version());
  status->set_state(state);
  status->set_items(bundle.items().size());
  status->set_users(bundle.users().size());
  status->set_size_bytes(bundle.size_bytes());
  *status->mutable_created_at() = bundle.manifest().created_at();
}

void Residents::Restore(const ServingRecord& record, uint64_t next) {
  labels_ = record.labels;
  // The process may have ended after it wrote CURRENT and before it wrote the
  // record. The record then begins with another version, or has `next` further
  // back when that was rolled back to.
  const auto found =
      std::find(record.served.begin(), record.served.end(), next);
  served_.assign(
      found == record.served.end() ? record.served.begin() : std::next(found),
      record.served.end());
}

Residents::Resident Residents::Find(uint64_t version) const {
  const auto found = bundles_.find(version);
  return found == bundles_.end() ? nullptr : found->second;
}

bool Residents::IsLabelled(uint64_t version) const {
  return std::any_of(
      labels_.begin(), labels_.end(),
      [version](const auto& label) { return label.second.version == version; });
}

v1::BundleState Residents::StateOf(uint64_t version) const {
  if (version == active_) return v1::ACTIVE;
  const auto end = served_.begin() + static_cast<ptrdiff_t>(std::min<size_t>(
                                         keep_, served_.size()));
  return std::find(served_.begin(), end, version) != end ? v1::PREVIOUS
                                                         : v1::STAGED;
}

v1::BundleStatus Residents::StatusOf(uint64_t version) const {
  v1::BundleStatus status;
  DescribeBundle(bundles_.at(version)->bundle(), StateOf(version), &status);
  for (const auto& [name, label] : labels_) {
    if (label.version == version) status.add_labels(name);
  }
  return status;
}

void Residents::Add(const Resident& bundle) {
  const uint64_t version = bundle->bundle().version();
  bundles_[version] = bundle;
  if (StateOf(version) == v1::STAGED) StageAgain(version);
}

Residents::Resident Residents::Remove(uint64_t version) {
  std::erase(staged_, version);
  return std::move(bundles_.extract(version).mapped());
}

void Residents::StageAgain(uint64_t version) {
  std::erase(staged_, version);
  staged_.push_back(version);
}

void Residents::Activate(uint64_t version, bool rolling_back) {
  std::erase(served_, version);
  std::erase(staged_, version);
  const uint64_t before = std::exchange(active_, version);
  if (before == 0 || before == version) return;
  if (rolling_back) return StageAgain(before);
  served_.insert(served_.begin(), before);
  // The record holds these and the active version.
  if (served_.size() >= kMaxServed) served_.pop_back();
}

void Residents::Forget(uint64_t version) { std::erase(served_, version); }

void Residents::SetLabels(Labels labels) {
  labels_.swap(labels);
  for (const auto& [name, label] : labels) {
    const uint64_t version = label.version;
    if (IsLabelled(version) || Find(version) == nullptr) continue;
    if (StateOf(version) == v1::STAGED) StageAgain(version);
  }
}

std::vector<uint64_t> Residents::Missing() const {
  std::vector<uint64_t> missing;
  const auto add = [&](uint64_t version) {
    if (Find(version) == nullptr && !Contains(missing, version)) {
      missing.push_back(version);
    }
  };
  for (const auto& [name, label] : labels_) add(label.version);
  const size_t kept = std::min<size_t>(keep_, served_.size());
  for (size_t i = 0; i < kept; ++i) add(served_[i]);
  return missing;
}

ResidencyView Residents::View(uint64_t max_bytes) const {
  ResidencyView view;
  view.active = active_;
  view.served = served_;
  view.staged = staged_;
  view.keep = keep_;
  view.max_bytes = max_bytes;
  for (const auto& [version, bundle] : bundles_) {
    view.resident[version] = bundle->bundle().size_bytes();
  }
  for (const auto& [name, label] : labels_) view.labelled.insert(label.version);
  return view;
}

uint64_t Residents::bytes() const {
  uint64_t sum = 0;
  for (const auto& [version, bundle] : bundles_) {
    sum += bundle->bundle().size_bytes();
  }
  return sum;
}

RoutingTable Residents::Routes() const {
  RoutingTable table;
  table.active = active_;
  for (const auto& [version, bundle] : bundles_) {
    table.resident.push_back(bundle);
  }
  auto buckets = std::make_shared<std::array<uint8_t, kUserBuckets>>();
  bool any = false;
  for (const auto& [name, label] : labels_) {
    table.labels.push_back({LabelName(name), label.version});
    any = any || label.users.any();
    for (uint32_t i = 0; i < kUserBuckets; ++i) {
      if (label.users[i]) {
        (*buckets)[i] = static_cast<uint8_t>(table.labels.size());
      }
    }
  }
  if (any) table.buckets = std::move(buckets);
  return table;
}

ServingRecord Residents::Record() const {
  ServingRecord record;
  record.labels = labels_;
  if (active_ != 0) record.served.push_back(active_);
  record.served.insert(record.served.end(), served_.begin(), served_.end());
  return record;
}

}  // namespace tributary
