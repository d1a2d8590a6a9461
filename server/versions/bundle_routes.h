#ifndef TRIBUTARY_SERVER_VERSIONS_BUNDLE_ROUTES_H_
#define TRIBUTARY_SERVER_VERSIONS_BUNDLE_ROUTES_H_

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "server/versions/serving_bundle.h"
#include "server/versions/serving_record.h"
#include "sync/mutex.h"
#include "tributary/v1/retrieval.pb.h"

namespace tributary {

// A label's name in a fixed buffer: copying it allocates nothing.
class LabelName {
 public:
  LabelName() = default;
  // REQUIRES: name.size() <= kMaxLabelBytes.
  explicit LabelName(std::string_view name);
  std::string_view view() const { return {bytes_.data(), size_}; }

 private:
  uint8_t size_ = 0;
  std::array<char, kMaxLabelBytes> bytes_{};
};

// The bundle that answers a request, and the label that led to it. The label is
// empty for the active version and for a version requested by number.
struct RoutedBundle {
  std::shared_ptr<const ServingBundle> bundle;
  LabelName label;
};

// Maps requests to bundles. A request names a version, a label or neither; a
// request that names neither gets the label of its user's bucket, if that has
// one, and otherwise the active version. The label "stable" always means the
// active version.
struct RoutingTable {
  struct Labelled {
    LabelName name;
    uint64_t version = 0;
  };
  std::vector<std::shared_ptr<const ServingBundle>> resident;
  // The active version; 0 for none.
  uint64_t active = 0;
  std::vector<Labelled> labels;
  // For each bucket of users (see user_buckets.h), 1 + the index of its label
  // in `labels`, or 0 for the active version. Null when no label has users.
  std::shared_ptr<const std::array<uint8_t, kUserBuckets>> buckets;
};

// The current RoutingTable, for readers on the request path and one writer.
//
// Every request copies a shared_ptr to its bundle, and a single reference count
// would bounce between the caches of all processors. The table therefore exists
// in kShards copies, each with its own mutex and its own reference counts.
// Every thread always uses the same shard. Take allocates only for errors.
// Thread-safe.
class BundleRoutes {
 public:
  // The bundle for the request's version, label or user. A user in the bucket
  // of a label whose version is not resident gets the active version. Errors:
  // UNAVAILABLE when no version is active, or when the version of the requested
  // label is not resident yet; NOT_FOUND when the requested version is not
  // resident or no such label exists; INVALID_ARGUMENT when the request names
  // both a version and a label.
  absl::StatusOr<RoutedBundle> Take(const v1::RetrieveRequest& request) const;

  // The bundle of `version`, or of the active version for 0; null when it is
  // not resident. All pointers that Take returns from one shard together count
  // as one reference to the bundle that was given to Set.
  std::shared_ptr<const ServingBundle> Take(uint64_t version) const;

  // Replaces the table. Every Take that begins after Set returns uses `table`;
  // during Set, some use the previous table. REQUIRES: one call at a time.
  void Set(const RoutingTable& table);

 private:
  static constexpr size_t kShards = 16;

  // On cache lines of its own.
  struct alignas(64) Shard {
    mutable Mutex mutex;
    RoutingTable table ABSL_GUARDED_BY(mutex);
  };

  // The index of the calling thread's shard.
  static size_t ShardOfThread();

  std::array<Shard, kShards> shards_;
  // Whether any label has users. While none has, Take does not hash user keys.
  std::atomic<bool> has_buckets_{false};
};

}  // namespace tributary

#endif  // TRIBUTARY_SERVER_VERSIONS_BUNDLE_ROUTES_H_
