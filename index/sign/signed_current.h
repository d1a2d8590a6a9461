#ifndef TRIBUTARY_INDEX_SIGN_SIGNED_CURRENT_H_
#define TRIBUTARY_INDEX_SIGN_SIGNED_CURRENT_H_

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "index/sign/signature.h"

namespace tributary {

// A file of a store beside CURRENT, for loaders that follow no CURRENT without
// a signature and a time. It is text:
//
//   tributary current 1
//   version <number>
//   at_ms <when it was signed, milliseconds since 1970>
//   signature <128 hexadecimal digits>     Ed25519, of the three lines before
inline constexpr char kSignedCurrentName[] = "CURRENT.signed";
inline constexpr uint64_t kMaxSignedCurrentBytes = 4096;

struct SignedCurrent {
  uint64_t version = 0;
  int64_t at_ms = 0;
  // Raw bytes.
  std::string signature;

  // The lines that are signed, and the file.
  std::string SignedText() const;
  std::string Text() const;
};

// The inverse of Text. DATA_LOSS, naming kSignedCurrentName, for any other
// text.
absl::StatusOr<SignedCurrent> ParseSignedCurrent(std::string_view text);

// The file for a version, signed now with the private key in `key`. Errors are
// those of SignManifest.
absl::StatusOr<std::string> SignCurrent(uint64_t version, int64_t now_ms,
                                        const std::filesystem::path& key);

// OK if one of the keys signed it, at most max_age_seconds before now_ms.
// Otherwise FAILED_PRECONDITION, saying what to do.
absl::Status CheckSignedCurrent(const SignedCurrent& current,
                                const PublicKeys& keys, int64_t now_ms,
                                uint64_t max_age_seconds);

}  // namespace tributary

#endif  // TRIBUTARY_INDEX_SIGN_SIGNED_CURRENT_H_
