#ifndef TRIBUTARY_TESTS_INDEX_PUBLISH_PUBLISH_TO_H_
#define TRIBUTARY_TESTS_INDEX_PUBLISH_PUBLISH_TO_H_

#include <filesystem>

#include "index/publish/directory_store.h"
#include "index/publish/publish.h"

namespace tributary {

// Publishes to a directory store.
inline absl::Status PublishTo(const std::filesystem::path& bundle_dir,
                              const std::filesystem::path& root) {
  DirectoryStore store(root);
  return Publish(bundle_dir, &store);
}

}  // namespace tributary

#endif  // TRIBUTARY_TESTS_INDEX_PUBLISH_PUBLISH_TO_H_
