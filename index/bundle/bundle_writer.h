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

// Writes one version's directory. The files go to a hidden directory (see
// ScratchDirectory) in `root`. Finish writes the manifest last, syncs
// everything and renames the directory to root/<version>, so that readers see
// all of it or nothing. A writer that is destroyed before Finish removes its
// files; those of a killed process are removed by the next writer in `root`.
// Not thread-safe.
class BundleWriter {
 public:
  // ALREADY_EXISTS when the version already exists in `root`.
  static absl::StatusOr<BundleWriter> Create(const std::filesystem::path& root,
                                             uint64_t version);

  // Writes an array to the file <name>, in .npy format: of one dimension if
  // `columns` is 0, else of two. REQUIRES: `columns` divides the size.
  template <typename T>
  absl::Status AddArray(std::string_view name, std::span<const T> values,
                        uint64_t columns = 0) {
    return AddBytes(name, DtypeOf<T>(), std::as_bytes(values), columns);
  }
  // Writes <table>.keys.*, which KeyTable reads.
  absl::Status AddKeys(std::string_view table, const KeyList& keys);
  // Adds the file <name>, which `write` creates at the path it is given.
  absl::Status AddFile(
      std::string_view name,
      const std::function<absl::Status(const std::filesystem::path&)>& write);

  // Says whether the complete directory, which is not visible yet, may become
  // the version.
  using Check = std::function<absl::Status(const std::filesystem::path&)>;

  // Sets format, version, created_at and files in the manifest, writes it,
  // runs `check`, if there is one, and renames the directory. Returns the
  // directory's path. Errors: those of `check` and of the file system; there is
  // no version then. The writer must not be used afterwards, whatever the
  // result.
  absl::StatusOr<std::filesystem::path> Finish(v1::Manifest manifest,
                                               const Check& check = nullptr);

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
