// Ed25519 over manifest.json's bytes, which name every file's hash:
// manifest.sig holds the 64 bytes of the signature. Keys are PEM files.
#ifndef TRIBUTARY_INDEX_PUBLISH_SIGNATURE_H_
#define TRIBUTARY_INDEX_PUBLISH_SIGNATURE_H_

#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "index/publish/store.h"

// OpenSSL's.
struct evp_pkey_st;

namespace tributary {

// Writes a new private key, readable by its owner alone, and beside it the
// public one, <path>.pub. ALREADY_EXISTS when either file is there.
absl::Status GenerateKeyPair(const std::filesystem::path& path);

// The signature of a manifest's bytes with the private key in a file.
// INVALID_ARGUMENT, naming the file, when it is no Ed25519 key; NOT_FOUND.
absl::StatusOr<std::string> SignManifest(std::string_view json,
                                         const std::filesystem::path& key);

// Those whose signature is accepted. Immutable, thread-safe.
class PublicKeys {
 public:
  // Errors as SignManifest's.
  static absl::StatusOr<PublicKeys> Read(
      const std::vector<std::filesystem::path>& paths);

  // None: anything is accepted.
  bool empty() const { return keys_.empty(); }

  // OK when there are no keys or one of them signed the manifest. Else
  // FAILED_PRECONDITION, which says whether it is not signed or signed by
  // another.
  absl::Status Check(const SignedManifest& manifest) const;

 private:
  std::vector<std::shared_ptr<evp_pkey_st>> keys_;
};

}  // namespace tributary

#endif  // TRIBUTARY_INDEX_PUBLISH_SIGNATURE_H_
