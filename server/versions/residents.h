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

// The versions in memory and what each is there for: the books of a BundleSet,
// which does what they say. Not thread-safe.
class Residents {
 public:
  using Resident = std::shared_ptr<const ServingBundle>;
  using Labels = decltype(ServingRecord::labels);

  // `keep`: how many versions that served before count as PREVIOUS.
  explicit Residents(uint32_t keep) : keep_(keep) {}

  // What was remembered, before `next` is activated (0: nothing will be).
  // REQUIRES: nothing is active yet.
  void Restore(const ServingRecord& record, uint64_t next);

  // 0 for none.
  uint64_t active() const { return active_; }
  // The one to roll back to, resident or not; 0 for none.
  uint64_t previous() const { return served_.empty() ? 0 : served_.front(); }
  const Labels& labels() const { return labels_; }
  const std::map<uint64_t, Resident>& bundles() const { return bundles_; }
  // Null when it is not resident.
  Resident Find(uint64_t version) const;
  bool IsLabelled(uint64_t version) const;
  v1::BundleState StateOf(uint64_t version) const;
  // REQUIRES: resident.
  v1::BundleStatus StatusOf(uint64_t version) const;

  // Staged, unless it is there for something else.
  void Add(const Resident& bundle);
  // REQUIRES: resident, and not active.
  Resident Remove(uint64_t version);
  // Makes the version, which need not be resident yet, the active one. The one
  // that was is the one to roll back to; or, when this is rolling back to
  // previous(), staged.
  void Activate(uint64_t version, bool rolling_back);
  // Of the versions that served.
  void Forget(uint64_t version);
  // A version that loses its last label counts as staged.
  void SetLabels(Labels labels);

  // Labelled and previous versions that are not resident.
  std::vector<uint64_t> Missing() const;
  ResidencyView View(uint64_t max_bytes) const;
  uint64_t bytes() const;
  RoutingTable Routes() const;
  ServingRecord Record() const;

 private:
  void StageAgain(uint64_t version);

  const uint32_t keep_;
  std::map<uint64_t, Resident> bundles_;
  uint64_t active_ = 0;
  // Before the active one, the last one first; each once.
  std::vector<uint64_t> served_;
  // The last one last.
  std::vector<uint64_t> staged_;
  Labels labels_;
};

// All but the labels.
void DescribeBundle(const Bundle& bundle, v1::BundleState state,
                    v1::BundleStatus* status);

}  // namespace tributary

#endif  // TRIBUTARY_SERVER_VERSIONS_RESIDENTS_H_
