#include "server/access/jwt.h"

#include <openssl/bn.h>
#include <openssl/ecdsa.h>
#include <openssl/err.h>
#include <openssl/evp.h>

#include <algorithm>
#include <cmath>
#include <memory>
#include <optional>
#include <utility>

#include "google/protobuf/struct.pb.h"
#include "google/protobuf/util/json_util.h"
#include "status/status_macros.h"

namespace tributary {
namespace {

using google::protobuf::Struct;
using google::protobuf::Value;

constexpr size_t kMaxSubjectBytes = 512;
constexpr size_t kEs256Bytes = 64;
// The year 9999; later times are taken for that.
constexpr double kLatestSecond = 253402300799.0;

struct FreeJwt {
  void operator()(EVP_MD_CTX* context) const { EVP_MD_CTX_free(context); }
  void operator()(ECDSA_SIG* signature) const { ECDSA_SIG_free(signature); }
  void operator()(unsigned char* bytes) const { OPENSSL_free(bytes); }
};

absl::Status NotValid(const char* why) {
  return absl::UnauthenticatedError(why);
}

const unsigned char* AsBytes(std::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}

std::optional<Struct> ParsePart(std::string_view base64url) {
  const std::optional<std::string> json = DecodeBase64Url(base64url);
  Struct object;
  if (!json.has_value() ||
      !google::protobuf::util::JsonStringToMessage(*json, &object).ok()) {
    return std::nullopt;
  }
  return object;
}

const Value* Find(const Struct& object, const char* field) {
  const auto found = object.fields().find(field);
  return found == object.fields().end() ? nullptr : &found->second;
}

// The text of a claim; nothing where it is something else.
std::optional<std::string_view> TextOf(const Struct& object,
                                       const char* field) {
  const Value* const value = Find(object, field);
  if (value == nullptr || value->kind_case() != Value::kStringValue) {
    return std::nullopt;
  }
  return value->string_value();
}

// A signature of ES256 is two numbers of 32 bytes; OpenSSL wants them in DER.
std::string DerOf(std::string_view signature) {
  if (signature.size() != kEs256Bytes) return {};
  const std::unique_ptr<ECDSA_SIG, FreeJwt> numbers(ECDSA_SIG_new());
  const auto half = static_cast<int>(kEs256Bytes / 2);
  BIGNUM* const r = BN_bin2bn(AsBytes(signature), half, nullptr);
  BIGNUM* const s = BN_bin2bn(AsBytes(signature) + half, half, nullptr);
  if (ECDSA_SIG_set0(numbers.get(), r, s) != 1) return {};
  unsigned char* der = nullptr;
  const int size = i2d_ECDSA_SIG(numbers.get(), &der);
  if (size <= 0) return {};
  const std::unique_ptr<unsigned char, FreeJwt> owned(der);
  return {reinterpret_cast<const char*>(der), static_cast<size_t>(size)};
}

bool IsSignature(const JwtKey& key, std::string_view text,
                 std::string_view signature) {
  const std::string der =
      key.algorithm == JwtAlgorithm::kEs256 ? DerOf(signature) : "";
  if (key.algorithm == JwtAlgorithm::kEs256) signature = der;
  const EVP_MD* const hash =
      key.algorithm == JwtAlgorithm::kEdDsa ? nullptr : EVP_sha256();
  const std::unique_ptr<EVP_MD_CTX, FreeJwt> context(EVP_MD_CTX_new());
  const bool is_signature =
      !signature.empty() &&
      EVP_DigestVerifyInit(context.get(), nullptr, hash, nullptr,
                           key.key.get()) == 1 &&
      EVP_DigestVerify(context.get(), AsBytes(signature), signature.size(),
                       AsBytes(text), text.size()) == 1;
  ERR_clear_error();
  return is_signature;
}

// The only key that the header can mean; null for none.
const JwtKey* KeyFor(std::span<const JwtKey> keys, JwtAlgorithm algorithm,
                     std::optional<std::string_view> id) {
  const JwtKey* found = nullptr;
  for (const JwtKey& key : keys) {
    if (key.algorithm != algorithm) continue;
    if (id.has_value() && key.id != *id) continue;
    // Without a name it must be clear which one is meant.
    if (found != nullptr) return nullptr;
    found = &key;
  }
  return found;
}

absl::Status CheckSignature(const Struct& header, std::string_view text,
                            std::string_view signature,
                            std::span<const JwtKey> keys) {
  if (Find(header, "crit") != nullptr) {
    return NotValid("the token's header has crit, which is not understood");
  }
  const auto algorithm =
      JwtAlgorithmOf(TextOf(header, "alg").value_or(std::string_view()));
  if (!algorithm.has_value()) {
    return NotValid("the token's algorithm is not RS256, ES256 or EdDSA");
  }
  const JwtKey* const key = KeyFor(keys, *algorithm, TextOf(header, "kid"));
  if (key == nullptr) {
    return NotValid("the key set has no key for the token's kid and algorithm");
  }
  const std::optional<std::string> bytes = DecodeBase64Url(signature);
  if (bytes.has_value() && IsSignature(*key, text, *bytes)) {
    return absl::OkStatus();
  }
  return NotValid("the token's signature is not that of the provider's key");
}

// The seconds of a claim such as exp; nothing where it is no number.
std::optional<double> SecondsOf(const Struct& claims, const char* field) {
  const Value* const value = Find(claims, field);
  if (value == nullptr || value->kind_case() != Value::kNumberValue ||
      !std::isfinite(value->number_value())) {
    return std::nullopt;
  }
  return value->number_value();
}

bool HasAudience(const Struct& claims, std::string_view audience) {
  const Value* const value = Find(claims, "aud");
  if (value == nullptr) return false;
  if (value->kind_case() == Value::kStringValue) {
    return value->string_value() == audience;
  }
  return std::ranges::any_of(value->list_value().values(),
                             [&](const Value& one) {
                               return one.kind_case() == Value::kStringValue &&
                                      one.string_value() == audience;
                             });
}

absl::Status CheckTimes(const Struct& claims, const v1::Jwt& jwt, int64_t now_s,
                        int64_t* expires_s) {
  const double skew = jwt.clock_skew_seconds();
  const auto now = static_cast<double>(now_s);
  const std::optional<double> expires = SecondsOf(claims, "exp");
  if (!expires.has_value()) {
    return NotValid("the token does not say when it expires (exp)");
  }
  if (now >= *expires + skew) return NotValid("the token has expired");
  for (const char* const field : {"nbf", "iat"}) {
    if (Find(claims, field) == nullptr) continue;
    const std::optional<double> since = SecondsOf(claims, field);
    if (!since.has_value() || now + skew < *since) {
      return NotValid("the token is not valid yet (nbf, iat)");
    }
  }
  *expires_s =
      static_cast<int64_t>(std::ceil(std::min(*expires, kLatestSecond) + skew));
  return absl::OkStatus();
}

absl::StatusOr<VerifiedJwt> CheckClaims(const Struct& claims,
                                        const v1::Jwt& jwt, int64_t now_s) {
  VerifiedJwt verified;
  RETURN_IF_ERROR(CheckTimes(claims, jwt, now_s, &verified.expires_s));
  if (!jwt.issuer().empty() && TextOf(claims, "iss") != jwt.issuer()) {
    return NotValid("the token is of another issuer (iss)");
  }
  if (!HasAudience(claims, jwt.audience())) {
    return NotValid("the token is for another audience (aud)");
  }
  const auto subject = TextOf(claims, "sub");
  if (!subject.has_value() || subject->empty() ||
      subject->size() > kMaxSubjectBytes ||
      std::ranges::any_of(*subject, [](char c) {
        return static_cast<unsigned char>(c) < ' ' || c == '\x7f';
      })) {
    return NotValid("the token names no subject (sub), or not in plain text");
  }
  verified.subject = *subject;
  return verified;
}

}  // namespace

bool LooksLikeJwt(std::string_view token) {
  return std::ranges::count(token, '.') == 2;
}

absl::StatusOr<VerifiedJwt> VerifyJwt(std::string_view token,
                                      std::span<const JwtKey> keys,
                                      const v1::Jwt& jwt, int64_t now_s) {
  if (token.size() > kMaxJwtBytes || !LooksLikeJwt(token)) {
    return NotValid("the token is not a JSON Web Token of at most 8192 bytes");
  }
  const size_t first = token.find('.');
  const size_t second = token.rfind('.');
  const std::string_view payload = token.substr(first + 1, second - first - 1);
  const std::optional<Struct> header = ParsePart(token.substr(0, first));
  if (!header.has_value()) {
    return NotValid("the token's header is not base64url of JSON");
  }
  // Before the claims: what nobody signed is not parsed.
  RETURN_IF_ERROR(CheckSignature(*header, token.substr(0, second),
                                 token.substr(second + 1), keys));
  const std::optional<Struct> claims = ParsePart(payload);
  if (!claims.has_value()) {
    return NotValid("the token's claims are not base64url of JSON");
  }
  return CheckClaims(*claims, jwt, now_s);
}

}  // namespace tributary
