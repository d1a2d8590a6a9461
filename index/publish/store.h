// Stores: where versions are published, and where loaders find them.
// This folder may depend on index/bundle, index/search and index/tower.
#ifndef TRIBUTARY_INDEX_PUBLISH_STORE_H_
#define TRIBUTARY_INDEX_PUBLISH_STORE_H_

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <stop_token>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "index/bundle/version_directory.h"
#include "tributary/v1/config.pb.h"

namespace tributary {

inline constexpr char kSignatureName[] = "manifest.sig";
// A manifest or signature that is larger is refused without being read.
inline constexpr uint64_t kMaxManifestBytes = uint64_t{64} << 20;
inline constexpr uint64_t kMaxSignatureBytes = 4096;

// A version's manifest.json, and manifest.sig where there is one.
struct SignedManifest {
  std::string json;
  std::optional<std::string> signature;

  // Differs when either of the two does.
  std::string Fingerprint() const;
};

// Takes the bytes of a file as they come.
class ByteSink {
 public:
  virtual ~ByteSink() = default;
  // What follows begins at `offset` of the file: where it was asked to, or 0
  // when the store starts again.
  virtual absl::Status Begin(uint64_t offset) = 0;
  // An error ends the transfer and is its result.
  virtual absl::Status Append(std::span<const std::byte> bytes) = 0;
};

// Thread-safe. Calls end early with CANCELLED when `stop` is requested. Errors
// name the store and the file: NOT_FOUND, PERMISSION_DENIED; UNAVAILABLE for
// what may pass (no connection, a server's error, a connection that was cut or
// stalled); DATA_LOSS for content that cannot be right.
class Store {
 public:
  virtual ~Store() = default;

  // As it was opened, for messages.
  const std::string& url() const { return url_; }

  // 0 when there is none yet.
  virtual absl::StatusOr<uint64_t> ReadCurrent(const std::stop_token& stop) = 0;

  // NOT_FOUND when the version has none: it is not complete, or not there.
  virtual absl::StatusOr<SignedManifest> ReadManifest(
      uint64_t version, const std::stop_token& stop) = 0;

  // Gives `sink` a version's file from `offset` to its end, however long it
  // is. *validator says which content the bytes are of; given back with the
  // next call, the store begins again at 0 if it has another one now. Empty at
  // first. OUT_OF_RANGE when the file ends before `offset`.
  virtual absl::Status ReadFile(uint64_t version, const std::string& name,
                                uint64_t offset, std::string* validator,
                                ByteSink* sink,
                                const std::stop_token& stop) = 0;

  // Puts a bundle's files and `signature`, if there is one, in the store, so
  // that readers see the version when it is complete, and verifies it. If the
  // store has it with the same manifest, only the signature is put there.
  // Errors: ALREADY_EXISTS when it has it with another one; DATA_LOSS when the
  // directory's name is not the version; NOT_FOUND when there is no bundle_dir,
  // no manifest in it or not every file; VerifyVersion's; RESOURCE_EXHAUSTED
  // when the store is full; FAILED_PRECONDITION for a store that is read-only.
  virtual absl::Status PutVersion(const std::filesystem::path& bundle_dir,
                                  const std::optional<std::string>& signature,
                                  const std::stop_token& stop) = 0;

  // Moves CURRENT, atomically.
  virtual absl::Status WriteCurrent(uint64_t version) = 0;

 protected:
  explicit Store(std::string url) : url_(std::move(url)) {}

 private:
  const std::string url_;
};

}  // namespace tributary

#endif  // TRIBUTARY_INDEX_PUBLISH_STORE_H_
