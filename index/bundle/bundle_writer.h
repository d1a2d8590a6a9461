#ifndef TRIBUTARY_INDEX_BUNDLE_BUNDLE_WRITER_H_
#define TRIBUTARY_INDEX_BUNDLE_BUNDLE_WRITER_H_

#include <cstdint>
#include <filesystem>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "index/bundle/key_table.h"
#include "index/bundle/npy.h"
#include "index/bundle/scratch_directory.h"
#include "tributary/v1/manifest.pb.h"

namespace tributary {

// Writes one version directory. Files go to a hidden directory beside it, the
// manifest is written last, everything is synced, and the directory is renamed
// into place: readers see all of it or nothing. Destroyed before Finish, it
// leaves nothing behind; what a killed one left, the next one in `root`
// removes. Not thread-safe.
class BundleWriter {
 public:
  // ALREADY_EXISTS when the version is there.
  static absl::StatusOr<BundleWriter> Create(const std::filesystem::path& root,
                                             uint64_t version);

  // Writes <name> as .npy: of one dimension when columns is 0, else of two.
  template <typename T>
  absl::Status AddArray(std::string_view name, std::span<const T> values,
                        uint64_t columns = 0) {
    return AddBytes(name, DtypeOf<T>(), std::as_bytes(values), columns);
  }
  // Writes <table>.keys.*.
  absl::Status AddKeys(std::string_view table, const KeyList& keys);
  // `write` makes the file at the path it is given.
  absl::Status AddFile(
      std::string_view name,
      const std::function<absl::Status(const std::filesystem::path&)>& write);

  // Fills in format, version, created_at and files, then publishes the
  // directory. Returns its path. The writer is used up, whatever the result.
  absl::StatusOr<std::filesystem::path> Finish(v1::Manifest manifest);

 private:
  BundleWriter(std::filesystem::path root, uint64_t version,
               ScratchDirectory scratch);
  absl::Status AddBytes(std::string_view name, Dtype dtype,
                        std::span<const std::byte> values, uint64_t columns);

  std::filesystem::path root_;
  uint64_t version_;
  ScratchDirectory scratch_;
  std::vector<std::string> names_;
};

}  // namespace tributary

#endif  // TRIBUTARY_INDEX_BUNDLE_BUNDLE_WRITER_H_
