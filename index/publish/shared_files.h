#ifndef TRIBUTARY_INDEX_PUBLISH_SHARED_FILES_H_
#define TRIBUTARY_INDEX_PUBLISH_SHARED_FILES_H_

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "tributary/v1/manifest.pb.h"

namespace tributary {

// The files of all versions in a directory, by content. Versions never change,
// so that several may share a file. Immutable; const methods are thread-safe.
class SharedFiles {
 public:
  // Without any file.
  SharedFiles() = default;
  // The files that the manifests in `root` list. Ignores versions whose
  // manifest cannot be read.
  explicit SharedFiles(const std::filesystem::path& root);

  // Whether the manifest of a version lists a file with this hash.
  bool Has(const v1::FileEntry& file) const;

  // Makes `to`, which must not exist, a hard link to a file with this content.
  // Where that is not possible, makes it a clone or a copy, written at
  // `scratch` and synced. Returns false, leaving nothing at `to`, when both
  // fail or no file still has this content.
  bool Share(const v1::FileEntry& file, const std::filesystem::path& to,
             const std::filesystem::path& scratch) const;

 private:
  // By SHA-256.
  std::map<std::string, std::vector<std::filesystem::path>> paths_;
};

// Whether `path` is a regular file with this size and hash.
bool HasContent(const std::filesystem::path& path, const v1::FileEntry& file);

}  // namespace tributary

#endif  // TRIBUTARY_INDEX_PUBLISH_SHARED_FILES_H_
