#ifndef TRIBUTARY_SERVER_VERSIONS_RESIDENTS_H_
#define TRIBUTARY_SERVER_VERSIONS_RESIDENTS_H_

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "server/versions/bundle_routes.h"
#include "server/versions/residency_policy.h"
#include "server/versions/serving_bundle.h"
#include "server/versions/serving_record.h"
#include "tributary/v1/bundles.pb.h"

namespace tributary {

// The bookkeeping of a BundleSet: which versions are resident, which one is
// active, which were active before, which are staged, and which have labels.
// Changes here have no side effects; BundleSet writes files, routes requests
// and frees memory accordingly. Not thread-safe.
class Residents {
 public:
  using Resident = std::shared_ptr<const ServingBundle>;
  using Labels = decltype(ServingRecord::labels);

  // `keep`: how many of the versions that were active before have the state
  // PREVIOUS.
  explicit Residents(uint32_t keep) : keep_(keep) {}

  // Takes labels and previously active versions from the record of an earlier
  // process. `next` is the version that is activated next, or 0 for none.
  // REQUIRES: no version is active.
  void Restore(const ServingRecord& record, uint64_t next);

  // The active version; 0 for none.
  uint64_t active() const { return active_; }
  // The version to roll back to, which need not be resident; 0 for none.
  uint64_t previous() const { return served_.empty() ? 0 : served_.front(); }
  const Labels& labels() const { return labels_; }
  const std::map<uint64_t, Resident>& bundles() const { return bundles_; }
  // Null when the version is not resident.
  Resident Find(uint64_t version) const;
  bool IsLabelled(uint64_t version) const;
  // ACTIVE, PREVIOUS or STAGED. REQUIRES: the version is resident.
  v1::BundleState StateOf(uint64_t version) const;
  // REQUIRES: the version is resident.
  v1::BundleStatus StatusOf(uint64_t version) const;

  // Adds a resident version, which is STAGED unless it is active or previous.
  void Add(const Resident& bundle);
  // REQUIRES: the version is resident and not active.
  Resident Remove(uint64_t version);
  // Makes the version active; it need not be resident yet. The formerly active
  // version becomes previous() or, when `rolling_back`, STAGED.
  // REQUIRES: version == previous() when `rolling_back`.
  void Activate(uint64_t version, bool rolling_back);
  // Removes the version from those to roll back to.
  void Forget(uint64_t version);
  // Replaces all labels. A version that loses its last label is staged last,
  // unless it is active or previous.
  void SetLabels(Labels labels);

  // Labelled and previous versions that are not resident but should be.
  std::vector<uint64_t> Missing() const;
  // The input of DecideResidency, without an incoming version.
  ResidencyView View(uint64_t max_bytes) const;
  // Size of all resident versions.
  uint64_t bytes() const;
  RoutingTable Routes() const;
  // What a later process needs for Restore.
  ServingRecord Record() const;

 private:
  // Makes the version the last of staged_.
  void StageAgain(uint64_t version);

  const uint32_t keep_;
  std::map<uint64_t, Resident> bundles_;
  uint64_t active_ = 0;
  // Versions that were active before, latest first, each once.
  std::vector<uint64_t> served_;
  // Versions that wait to be activated or labelled, latest last.
  std::vector<uint64_t> staged_;
  Labels labels_;
};

// Sets all fields of the status except the labels.
void DescribeBundle(const Bundle& bundle, v1::BundleState state,
                    v1::BundleStatus* status);

}  // namespace tributary

#endif  // TRIBUTARY_SERVER_VERSIONS_RESIDENTS_H_
