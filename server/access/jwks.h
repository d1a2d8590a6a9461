#ifndef TRIBUTARY_SERVER_ACCESS_JWKS_H_
#define TRIBUTARY_SERVER_ACCESS_JWKS_H_

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"

// OpenSSL's.
struct evp_pkey_st;

namespace tributary {

// What tokens may be signed with. A key is for one of them alone.
enum class JwtAlgorithm { kRs256, kEs256, kEdDsa };

// The name in a token's header, such as "RS256"; nothing for another.
std::optional<JwtAlgorithm> JwtAlgorithmOf(std::string_view name);

// The bytes of base64url text without padding (RFC 7515); nothing when it is
// not that, or not the shortest form of its bytes.
std::optional<std::string> DecodeBase64Url(std::string_view text);

// A public key of a key set.
struct JwtKey {
  // Empty where the set gives it none.
  std::string id;
  JwtAlgorithm algorithm;
  std::shared_ptr<evp_pkey_st> key;
};

// The keys of a JSON Web Key Set (RFC 7517) that can verify: RSA of 2048 bits
// or more, EC of the curve P-256, and OKP of Ed25519. Others are passed over.
// INVALID_ARGUMENT that begins with `path` when it is no such set, or none of
// its keys can be used.
absl::StatusOr<std::vector<JwtKey>> ParseJwks(const std::string& path,
                                              std::string_view json);

}  // namespace tributary

#endif  // TRIBUTARY_SERVER_ACCESS_JWKS_H_
