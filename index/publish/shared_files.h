#ifndef TRIBUTARY_INDEX_PUBLISH_SHARED_FILES_H_
#define TRIBUTARY_INDEX_PUBLISH_SHARED_FILES_H_

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "tributary/v1/manifest.pb.h"

namespace tributary {

// The files of the versions of a directory, by content. Versions never change,
// so that several may have one file. Const methods are thread-safe.
class SharedFiles {
 public:
  // Of no version.
  SharedFiles() = default;
  // What the manifests in `root` say; those that cannot be read are left out.
  explicit SharedFiles(const std::filesystem::path& root);

  // Whether a version has a file of this size and hash, by its manifest.
  bool Has(const v1::FileEntry& file) const;

  // Makes `to`, which is not there, a hard link to such a file; else a clone
  // or copy, made at `scratch` and synced. False, and nothing at `to`, when
  // that failed or no such file still has these bytes.
  bool Share(const v1::FileEntry& file, const std::filesystem::path& to,
             const std::filesystem::path& scratch) const;

 private:
  // By hash.
  std::map<std::string, std::vector<std::filesystem::path>> paths_;
};

// Whether the regular file at `path` has the size and hash.
bool HasContent(const std::filesystem::path& path, const v1::FileEntry& file);

}  // namespace tributary

#endif  // TRIBUTARY_INDEX_PUBLISH_SHARED_FILES_H_
