#ifndef TRIBUTARY_SERVER_ACCESS_JWT_H_
#define TRIBUTARY_SERVER_ACCESS_JWT_H_

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "server/access/jwks.h"
#include "tributary/v1/config.pb.h"

namespace tributary {

// Longer tokens are not looked at.
inline constexpr size_t kMaxJwtBytes = 8192;

// What a token says, once its signature and its claims are right.
struct VerifiedJwt {
  std::string subject;
  // The first second at which it is not valid any more, clocks' differences
  // included, since 1970.
  int64_t expires_s = 0;
};

// Whether the token looks like three parts that points separate.
bool LooksLikeJwt(std::string_view token);

// Verifies a JSON Web Token (RFC 7519) of the compact form by one of the keys.
// The key decides the algorithm, never the token: a header that names another,
// or none, or extensions that must be understood (crit), is refused. Claims:
// exp and sub must be there; nbf and iat must not be in the future; aud must
// contain the audience, and iss be the issuer, if one is set. `jwt` is
// complete. UNAUTHENTICATED that says which of these is not so, without the
// token.
absl::StatusOr<VerifiedJwt> VerifyJwt(std::string_view token,
                                      std::span<const JwtKey> keys,
                                      const v1::Jwt& jwt, int64_t now_s);

}  // namespace tributary

#endif  // TRIBUTARY_SERVER_ACCESS_JWT_H_
