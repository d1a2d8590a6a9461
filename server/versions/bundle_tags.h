#ifndef TRIBUTARY_SERVER_VERSIONS_BUNDLE_TAGS_H_
#define TRIBUTARY_SERVER_VERSIONS_BUNDLE_TAGS_H_

#include <atomic>
#include <cstddef>
#include <memory>
#include <mutex>
#include <optional>

#include "index/bundle/bundle.h"
#include "index/bundle/item_tags.h"

namespace tributary {

// The tags of each item of one bundle, made for an attribute when a request
// first caps it. Thread-safe.
class BundleTags {
 public:
  explicit BundleTags(const Bundle& bundle)
      : bundle_(bundle),
        by_attribute_(new OneAttribute[bundle.attributes().size()]) {}

  // Takes no lock once they are made. REQUIRES: an attribute of the bundle,
  // whose type is TAGS.
  const ItemTags& Of(const AttributeColumn& column) {
    const auto index =
        static_cast<size_t>(&column - bundle_.attributes().data());
    OneAttribute& one = by_attribute_[index];
    std::call_once(one.once, [&] {
      one.tags.emplace(column);
      one.made.store(true, std::memory_order_relaxed);
    });
    return *one.tags;
  }
  // Whether a request has asked for those of the attribute yet.
  bool WereMade(size_t attribute) const {
    return by_attribute_[attribute].made.load(std::memory_order_relaxed);
  }

 private:
  struct OneAttribute {
    std::once_flag once;
    std::optional<ItemTags> tags;
    std::atomic<bool> made{false};
  };

  const Bundle& bundle_;
  const std::unique_ptr<OneAttribute[]> by_attribute_;
};

}  // namespace tributary

#endif  // TRIBUTARY_SERVER_VERSIONS_BUNDLE_TAGS_H_
