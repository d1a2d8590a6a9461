// JSON Web Tokens and key sets, made with OpenSSL's library, for tests.
#ifndef TRIBUTARY_TESTS_SERVER_ACCESS_TEST_TOKENS_H_
#define TRIBUTARY_TESTS_SERVER_ACCESS_TEST_TOKENS_H_

#include <memory>
#include <string>
#include <string_view>

// OpenSSL's.
struct evp_pkey_st;

namespace tributary {

std::string Base64Url(std::string_view bytes);
std::string Sha256Text(std::string_view text);

// A provider's key: of "RS256", "ES256" or "EdDSA".
class SigningKey {
 public:
  SigningKey(std::string algorithm, std::string id);

  // The public key as JSON. `extra` is put in front, such as
  // "\"use\":\"enc\",".
  std::string Jwk(const std::string& extra = "") const;
  // header.claims.signature, with the header that belongs to the key.
  std::string Sign(const std::string& claims) const;
  std::string SignWithHeader(const std::string& header,
                             const std::string& claims) const;
  // The public key as PEM, which an attacker may know.
  std::string PublicPem() const;

 private:
  std::string Signature(const std::string& text) const;

  const std::string algorithm_;
  const std::string id_;
  std::shared_ptr<evp_pkey_st> key_;
};

// {"keys":[...]}
std::string KeySet(const std::string& keys);

// The signature of HS256, for attacks.
std::string HmacSha256(const std::string& key, const std::string& text);

}  // namespace tributary

#endif  // TRIBUTARY_TESTS_SERVER_ACCESS_TEST_TOKENS_H_
