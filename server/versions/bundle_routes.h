#ifndef TRIBUTARY_SERVER_VERSIONS_BUNDLE_ROUTES_H_
#define TRIBUTARY_SERVER_VERSIONS_BUNDLE_ROUTES_H_

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "server/versions/serving_bundle.h"
#include "server/versions/serving_record.h"
#include "tributary/v1/retrieval.pb.h"

namespace tributary {

// A label's name without memory of its own.
class LabelName {
 public:
  LabelName() = default;
  // REQUIRES: at most kMaxLabelBytes.
  explicit LabelName(std::string_view name);
  std::string_view view() const { return {bytes_.data(), size_}; }

 private:
  uint8_t size_ = 0;
  std::array<char, kMaxLabelBytes> bytes_{};
};

// What a request is answered from, and the label by which it was found; empty
// for the active version and for one that was asked for by number.
struct RoutedBundle {
  std::shared_ptr<const ServingBundle> bundle;
  LabelName label;
};

// Which bundle a request gets: the active one, that of a label, or that of a
// number.
struct RoutingTable {
  struct Labelled {
    LabelName name;
    uint64_t version = 0;
  };
  std::vector<std::shared_ptr<const ServingBundle>> resident;
  // 0: none.
  uint64_t active = 0;
  std::vector<Labelled> labels;
  // For each bucket of users 1 + the index of its label; 0: the active version.
  // Null when no label has users.
  std::shared_ptr<const std::array<uint8_t, kUserBuckets>> buckets;
};

// The table that is in force. No lock, and no reference count, is shared by all
// requests: threads are dealt out to a few places, which have their own. Taking
// allocates nothing but for errors. Thread-safe.
class BundleRoutes {
 public:
  // UNAVAILABLE when nothing is active, or the label's version is not resident
  // yet; NOT_FOUND when the version is not resident or there is no such label;
  // INVALID_ARGUMENT when the request asks for both. A user whose share falls
  // to a version that is not resident gets the active one.
  absl::StatusOr<RoutedBundle> Take(const v1::RetrieveRequest& request) const;

  // Null when it is not resident; version 0 is the active one. What is taken,
  // here and above, counts as one reference of the bundle in the table as long
  // as anybody at the same place holds it.
  std::shared_ptr<const ServingBundle> Take(uint64_t version) const;

  // When it returns, every Take goes by `table`; meanwhile some still go by the
  // one before. REQUIRES: one call at a time.
  void Set(const RoutingTable& table);

 private:
  static constexpr size_t kPlaces = 16;

  struct alignas(64) Place {
    mutable std::mutex mutex;
    RoutingTable table;
  };

  static size_t PlaceOfThread();

  std::array<Place, kPlaces> places_;
  // Saves hashing keys while no label has users.
  std::atomic<bool> has_buckets_{false};
};

}  // namespace tributary

#endif  // TRIBUTARY_SERVER_VERSIONS_BUNDLE_ROUTES_H_
