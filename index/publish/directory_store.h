#ifndef TRIBUTARY_INDEX_PUBLISH_DIRECTORY_STORE_H_
#define TRIBUTARY_INDEX_PUBLISH_DIRECTORY_STORE_H_

#include <filesystem>
#include <string>

#include "index/publish/store.h"

namespace tributary {

// A store in a directory of this host or of a mounted volume. PutVersion
// creates the directory if it does not exist; until then ReadCurrent is
// NOT_FOUND. A file that is not a regular file is DATA_LOSS: the target of a
// symbolic link may be outside of the store, and may change.
class DirectoryStore : public Store {
 public:
  explicit DirectoryStore(const std::filesystem::path& root);

  const std::filesystem::path& root() const { return root_; }

  absl::StatusOr<uint64_t> ReadCurrent(const std::stop_token& stop) override;
  absl::StatusOr<SignedManifest> ReadManifest(
      uint64_t version, const std::stop_token& stop) override;
  absl::Status ReadFile(uint64_t version, const std::string& name,
                        uint64_t offset, std::string* validator, ByteSink* sink,
                        const std::stop_token& stop) override;
  absl::StatusOr<std::string> ReadSmallFile(
      const std::string& path, uint64_t max_bytes,
      const std::stop_token& stop) override;
  absl::Status WriteSmallFile(const std::string& path,
                              const std::string& contents) override;
  absl::Status PutVersion(const std::filesystem::path& bundle_dir,
                          const std::optional<std::string>& signature,
                          const std::stop_token& stop) override;
  absl::Status WriteCurrent(uint64_t version) override;

 private:
  const std::filesystem::path root_;
};

// The parent of a version's directory as a store, and the version.
struct VersionSource {
  DirectoryStore store;
  uint64_t version;
};
// Opens a version by any path to its directory. NOT_FOUND when the directory
// does not exist; DATA_LOSS when its name is not a version.
absl::StatusOr<VersionSource> OpenVersionSource(
    const std::filesystem::path& bundle_dir);

}  // namespace tributary

#endif  // TRIBUTARY_INDEX_PUBLISH_DIRECTORY_STORE_H_
