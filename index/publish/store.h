// Stores: where versions are published, and where loaders find them. Layout:
//
//   CURRENT              the number of the active version, as one line
//   <version>/           a bundle: manifest.json and the files that it lists
//   <version>/manifest.sig  its signature, if it has one
//   CURRENT.signed       the same number with a time and a signature, if it was
//                        signed
//   changes/             the log of live changes, if there are any
//
// A version without manifest.json is not complete. Writers therefore write it
// last, and readers ignore a version without it. Complete versions do not
// change, except that a signature may be added or replaced.
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
#include "index/sign/signature.h"
#include "tributary/v1/config.pb.h"

namespace tributary {

// Larger manifests and signatures are refused without being read.
inline constexpr uint64_t kMaxManifestBytes = uint64_t{64} << 20;
inline constexpr uint64_t kMaxSignatureBytes = 4096;

// Receives the bytes of a file as they arrive. An error that a method returns
// ends the transfer and is its result.
class ByteSink {
 public:
  virtual ~ByteSink() = default;
  // Called before the first Append: its bytes begin at `offset` of the file.
  // That is the offset that was requested, or 0 if the store begins again.
  virtual absl::Status Begin(uint64_t offset) = 0;
  virtual absl::Status Append(std::span<const std::byte> bytes) = 0;
};

// Thread-safe. Calls end early with CANCELLED when `stop` is requested. Errors
// name the store and the file: NOT_FOUND; PERMISSION_DENIED; UNAVAILABLE for
// temporary failures (no connection, an error of the server, a connection that
// was cut off or stalled); DATA_LOSS for content that cannot be right.
class Store {
 public:
  virtual ~Store() = default;

  // The URL or path that was opened, for messages.
  const std::string& url() const { return url_; }

  // The version in CURRENT, or 0 if that does not exist yet.
  virtual absl::StatusOr<uint64_t> ReadCurrent(const std::stop_token& stop) = 0;

  // NOT_FOUND when the version has no manifest: it is not complete, or does not
  // exist.
  virtual absl::StatusOr<SignedManifest> ReadManifest(
      uint64_t version, const std::stop_token& stop) = 0;

  // Passes a version's file from `offset` to its end to `sink`, whatever its
  // size. *validator, empty at the first call, identifies the content (an HTTP
  // ETag). When a transfer is resumed with it and the content has changed, the
  // store begins again at 0. OUT_OF_RANGE when the file ends before `offset`.
  virtual absl::Status ReadFile(uint64_t version, const std::string& name,
                                uint64_t offset, std::string* validator,
                                ByteSink* sink,
                                const std::stop_token& stop) = 0;

  // Puts a bundle's files into the store, with `signature`, if given, instead
  // of the bundle's own. Verifies the bundle; readers see the version only when
  // it is complete. If the store has the version with the same manifest, only
  // the signature is written. Errors: ALREADY_EXISTS when the version already
  // exists with another manifest; DATA_LOSS when the directory's name is not
  // the version; NOT_FOUND when bundle_dir, its manifest or a file of it does
  // not exist; VerifyVersion's; RESOURCE_EXHAUSTED when the store is full;
  // FAILED_PRECONDITION for a read-only store.
  virtual absl::Status PutVersion(const std::filesystem::path& bundle_dir,
                                  const std::optional<std::string>& signature,
                                  const std::stop_token& stop) = 0;

  // The contents of a file beside the versions, at most `max_bytes`: of
  // CURRENT.signed (index/sign/signed_current.h), and of files in changes/
  // (index/changes/change_head.h). NOT_FOUND when there is none.
  virtual absl::StatusOr<std::string> ReadSmallFile(
      const std::string& path, uint64_t max_bytes,
      const std::stop_token& stop) = 0;
  // Sets such a file, atomically. Errors are those of WriteCurrent.
  virtual absl::Status WriteSmallFile(const std::string& path,
                                      const std::string& contents) = 0;

  // Sets CURRENT, atomically.
  virtual absl::Status WriteCurrent(uint64_t version) = 0;

 protected:
  explicit Store(std::string url) : url_(std::move(url)) {}

 private:
  const std::string url_;
};

}  // namespace tributary

#endif  // TRIBUTARY_INDEX_PUBLISH_STORE_H_
