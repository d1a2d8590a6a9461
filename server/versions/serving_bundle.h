#ifndef TRIBUTARY_SERVER_VERSIONS_SERVING_BUNDLE_H_
#define TRIBUTARY_SERVER_VERSIONS_SERVING_BUNDLE_H_

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "index/bundle/bundle.h"
#include "index/filter/filter_cache.h"
#include "server/retrieval/retriever.h"
#include "server/versions/bundle_changes.h"
#include "server/versions/bundle_item_sets.h"
#include "server/versions/bundle_tags.h"

namespace tributary {

// A retriever of a bundle.
struct NamedRetriever {
  // Points into the bundle's manifest.
  const v1::RetrieverSpec* spec;
  std::unique_ptr<Retriever> retriever;
};

// A bundle with its retrievers, which is all that answering a request needs.
// Immutable and thread-safe.
class ServingBundle {
 public:
  // Makes the retrievers of the bundle's manifest. Errors are those of
  // RetrieverRegistry::Make.
  static absl::StatusOr<std::shared_ptr<const ServingBundle>> Open(
      std::shared_ptr<const Bundle> bundle, const RetrieverRegistry& registry);

  const Bundle& bundle() const { return *bundle_; }
  // In the manifest's order; at most kMaxSources.
  const std::vector<NamedRetriever>& retrievers() const { return retrievers_; }
  // REQUIRES: an index of retrievers().
  const std::string& NameOf(int retriever) const {
    return retrievers_[static_cast<size_t>(retriever)].spec->name();
  }
  // The index in retrievers(); -1 when no retriever has that name.
  int FindRetriever(std::string_view name) const;
  // The filters that requests to this bundle used last.
  FilterCache& filters() const { return filters_; }
  // The sets of items that requests to this bundle may exclude by name.
  BundleItemSets& item_sets() const { return item_sets_; }
  // Which items live changes left.
  BundleChanges& changes() const { return changes_; }
  // The tags of items, for caps.
  BundleTags& tags() const { return tags_; }

 private:
  explicit ServingBundle(std::shared_ptr<const Bundle> bundle)
      : bundle_(std::move(bundle)), tags_(*bundle_) {}

  std::shared_ptr<const Bundle> bundle_;
  // Declared after bundle_, into which retrievers point.
  std::vector<NamedRetriever> retrievers_;
  // Refers to the retrievers' indexes, hence after them.
  mutable FilterCache filters_;
  mutable BundleItemSets item_sets_;
  mutable BundleChanges changes_;
  mutable BundleTags tags_;
};

}  // namespace tributary

#endif  // TRIBUTARY_SERVER_VERSIONS_SERVING_BUNDLE_H_
