#include "server/access/jwks.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>

#include <array>
#include <cstdint>
#include <utility>

#include "fmt/format.h"
#include "google/protobuf/struct.pb.h"
#include "google/protobuf/util/json_util.h"

namespace tributary {
namespace {

using google::protobuf::Struct;
using google::protobuf::Value;

struct FreeJwks {
  void operator()(BIGNUM* number) const { BN_free(number); }
  void operator()(EVP_PKEY_CTX* context) const { EVP_PKEY_CTX_free(context); }
  void operator()(OSSL_PARAM_BLD* builder) const {
    OSSL_PARAM_BLD_free(builder);
  }
  void operator()(OSSL_PARAM* parameters) const { OSSL_PARAM_free(parameters); }
};
template <typename T>
using Owned = std::unique_ptr<T, FreeJwks>;
using SharedKey = std::shared_ptr<EVP_PKEY>;

constexpr int kMinRsaBits = 2048;
constexpr size_t kCoordinateBytes = 32;
constexpr size_t kMaxKeys = 64;

std::string_view Text(const Struct& key, const char* field) {
  const auto found = key.fields().find(field);
  if (found == key.fields().end()) return {};
  return found->second.string_value();
}

std::string Bytes(const Struct& key, const char* field) {
  return DecodeBase64Url(Text(key, field)).value_or("");
}

SharedKey FromParameters(const char* type, OSSL_PARAM_BLD* builder) {
  const Owned<OSSL_PARAM> parameters(OSSL_PARAM_BLD_to_param(builder));
  const Owned<EVP_PKEY_CTX> context(
      EVP_PKEY_CTX_new_from_name(nullptr, type, nullptr));
  EVP_PKEY* key = nullptr;
  if (parameters == nullptr || context == nullptr ||
      EVP_PKEY_fromdata_init(context.get()) != 1 ||
      EVP_PKEY_fromdata(context.get(), &key, EVP_PKEY_PUBLIC_KEY,
                        parameters.get()) != 1) {
    return nullptr;
  }
  return {key, EVP_PKEY_free};
}

Owned<BIGNUM> Number(const std::string& bytes) {
  return Owned<BIGNUM>(
      BN_bin2bn(reinterpret_cast<const unsigned char*>(bytes.data()),
                static_cast<int>(bytes.size()), nullptr));
}

SharedKey RsaKey(const Struct& key) {
  const Owned<BIGNUM> n = Number(Bytes(key, "n"));
  const Owned<BIGNUM> e = Number(Bytes(key, "e"));
  const Owned<OSSL_PARAM_BLD> builder(OSSL_PARAM_BLD_new());
  if (n == nullptr || e == nullptr || builder == nullptr ||
      BN_num_bits(n.get()) < kMinRsaBits || BN_num_bits(n.get()) > 16384 ||
      OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_RSA_N, n.get()) !=
          1 ||
      OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_RSA_E, e.get()) !=
          1) {
    return nullptr;
  }
  return FromParameters("RSA", builder.get());
}

SharedKey EcKey(const Struct& key) {
  const std::string x = Bytes(key, "x");
  const std::string y = Bytes(key, "y");
  const Owned<OSSL_PARAM_BLD> builder(OSSL_PARAM_BLD_new());
  if (Text(key, "crv") != "P-256" || x.size() != kCoordinateBytes ||
      y.size() != kCoordinateBytes || builder == nullptr) {
    return nullptr;
  }
  // The point, not compressed. OpenSSL refuses what is not on the curve.
  const std::string point = '\x04' + x + y;
  if (OSSL_PARAM_BLD_push_utf8_string(builder.get(), OSSL_PKEY_PARAM_GROUP_NAME,
                                      "prime256v1", 0) != 1 ||
      OSSL_PARAM_BLD_push_octet_string(builder.get(), OSSL_PKEY_PARAM_PUB_KEY,
                                       point.data(), point.size()) != 1) {
    return nullptr;
  }
  return FromParameters("EC", builder.get());
}

SharedKey Ed25519Key(const Struct& key) {
  const std::string x = Bytes(key, "x");
  if (Text(key, "crv") != "Ed25519" || x.size() != kCoordinateBytes) {
    return nullptr;
  }
  return {EVP_PKEY_new_raw_public_key(
              EVP_PKEY_ED25519, nullptr,
              reinterpret_cast<const unsigned char*>(x.data()), x.size()),
          EVP_PKEY_free};
}

// A key whose type says what it verifies. What the set says of it must agree.
std::optional<JwtKey> UsableKey(const Struct& json) {
  const std::string_view type = Text(json, "kty");
  const std::string_view use = Text(json, "use");
  const std::string_view named = Text(json, "alg");
  if (!use.empty() && use != "sig") return std::nullopt;
  JwtKey key;
  key.id = Text(json, "kid");
  if (type == "RSA") {
    key.algorithm = JwtAlgorithm::kRs256;
    key.key = RsaKey(json);
  } else if (type == "EC") {
    key.algorithm = JwtAlgorithm::kEs256;
    key.key = EcKey(json);
  } else if (type == "OKP") {
    key.algorithm = JwtAlgorithm::kEdDsa;
    key.key = Ed25519Key(json);
  }
  ERR_clear_error();
  if (key.key == nullptr) return std::nullopt;
  if (!named.empty() && JwtAlgorithmOf(named) != key.algorithm) {
    return std::nullopt;
  }
  return key;
}

}  // namespace

std::optional<JwtAlgorithm> JwtAlgorithmOf(std::string_view name) {
  if (name == "RS256") return JwtAlgorithm::kRs256;
  if (name == "ES256") return JwtAlgorithm::kEs256;
  if (name == "EdDSA") return JwtAlgorithm::kEdDsa;
  return std::nullopt;
}

std::optional<std::string> DecodeBase64Url(std::string_view text) {
  static constexpr std::array<int8_t, 256> kValues = [] {
    std::array<int8_t, 256> values{};
    values.fill(-1);
    constexpr std::string_view kDigits =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    for (size_t i = 0; i < kDigits.size(); ++i) {
      values[static_cast<unsigned char>(kDigits[i])] = static_cast<int8_t>(i);
    }
    return values;
  }();
  std::string bytes;
  bytes.reserve(text.size() * 3 / 4);
  uint32_t bits = 0;
  int count = 0;
  for (const char c : text) {
    const int value = kValues[static_cast<unsigned char>(c)];
    if (value < 0) return std::nullopt;
    bits = bits << 6 | static_cast<uint32_t>(value);
    count += 6;
    if (count < 8) continue;
    count -= 8;
    bytes += static_cast<char>(bits >> count & 0xff);
  }
  // A lone digit, or bits that belong to no byte.
  if (count >= 6 || (bits & ((1U << count) - 1)) != 0) return std::nullopt;
  return bytes;
}

absl::StatusOr<std::vector<JwtKey>> ParseJwks(const std::string& path,
                                              std::string_view json) {
  Struct set;
  const auto parsed = google::protobuf::util::JsonStringToMessage(
      {json.data(), json.size()}, &set);
  const auto found = set.fields().find("keys");
  if (!parsed.ok() || found == set.fields().end() ||
      found->second.kind_case() != Value::kListValue) {
    return absl::InvalidArgumentError(
        fmt::format("{}: expected a JSON Web Key Set: an object with the list "
                    "\"keys\"",
                    path));
  }
  std::vector<JwtKey> keys;
  for (const Value& value : found->second.list_value().values()) {
    std::optional<JwtKey> key = UsableKey(value.struct_value());
    if (key.has_value()) keys.push_back(*std::move(key));
  }
  if (!keys.empty() && keys.size() <= kMaxKeys) return keys;
  return absl::InvalidArgumentError(
      keys.empty()
          ? fmt::format("{}: none of its {} keys can be used: expected RSA of "
                        "2048 bits or more, EC of P-256, or OKP of Ed25519, "
                        "for signatures",
                        path, found->second.list_value().values_size())
          : fmt::format("{}: more than {} keys", path, kMaxKeys));
}

}  // namespace tributary
