// Signatures of versions. manifest.sig holds the 64 bytes of an Ed25519
// signature of manifest.json, which has the hash of every file. Keys are PEM
// files.
#ifndef TRIBUTARY_INDEX_SIGN_SIGNATURE_H_
#define TRIBUTARY_INDEX_SIGN_SIGNATURE_H_

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

// OpenSSL's.
struct evp_pkey_st;

namespace tributary {

inline constexpr char kSignatureName[] = "manifest.sig";
inline constexpr size_t kSignatureBytes = 64;

// The contents of a version's manifest.json and, if there is one, manifest.sig.
struct SignedManifest {
  std::string json;
  // kSignatureBytes, which may be anybody's.
  std::optional<std::string> signature;
  // Without a signature: why there is none. It may be empty.
  std::string why_unsigned = {};

  // A hash of both: differs when one of the two does.
  std::string Fingerprint() const;
};

// Writes a new private key to `path`, readable only by its owner, and its
// public key to <path>.pub. ALREADY_EXISTS when either file exists.
absl::Status GenerateKeyPair(const std::filesystem::path& path);

// Signs a manifest's bytes with the private key in the file `key`. NOT_FOUND;
// INVALID_ARGUMENT, naming the file, when it has no Ed25519 private key.
absl::StatusOr<std::string> SignManifest(std::string_view json,
                                         const std::filesystem::path& key);

// The public keys whose signatures are accepted. Immutable and thread-safe.
class PublicKeys {
 public:
  // NOT_FOUND; INVALID_ARGUMENT, naming the file, when it has no Ed25519 public
  // key.
  static absl::StatusOr<PublicKeys> Read(
      const std::vector<std::filesystem::path>& paths);

  // Without keys every manifest is accepted, signed or not.
  bool empty() const { return keys_.empty(); }

  // OK when there are no keys, or when one of them signed the manifest.
  // Otherwise FAILED_PRECONDITION, saying whether the signature is missing or
  // is by another key.
  absl::Status Check(const SignedManifest& manifest) const;
  // The same for the text of a file that has its signature in it.
  absl::Status CheckText(std::string_view text, std::string_view signature,
                         std::string_view what) const;

 private:
  std::vector<std::shared_ptr<evp_pkey_st>> keys_;
};

}  // namespace tributary

#endif  // TRIBUTARY_INDEX_SIGN_SIGNATURE_H_
