#ifndef TRIBUTARY_INDEX_PUBLISH_DIRECTORY_STORE_H_
#define TRIBUTARY_INDEX_PUBLISH_DIRECTORY_STORE_H_

#include <filesystem>
#include <string>

#include "index/publish/store.h"

namespace tributary {

// A directory of this host, or of a mounted volume. Made by PutVersion if need
// be; without it, reading CURRENT is NOT_FOUND. Files that are not regular ones
// (links lead anywhere, and to something else tomorrow) are DATA_LOSS.
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
  absl::Status PutVersion(const std::filesystem::path& bundle_dir,
                          const std::optional<std::string>& signature,
                          const std::stop_token& stop) override;
  absl::Status WriteCurrent(uint64_t version) override;

 private:
  const std::filesystem::path root_;
};

// A version's directory, by any path to it, as a store that has it.
struct VersionSource {
  DirectoryStore store;
  uint64_t version;
};
// NOT_FOUND when there is no such directory; DATA_LOSS when its name is not a
// version.
absl::StatusOr<VersionSource> OpenVersionSource(
    const std::filesystem::path& bundle_dir);

}  // namespace tributary

#endif  // TRIBUTARY_INDEX_PUBLISH_DIRECTORY_STORE_H_
