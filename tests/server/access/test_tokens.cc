#include "tests/server/access/test_tokens.h"

#include <gtest/gtest.h>
#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ecdsa.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/sha.h>

#include <array>
#include <utility>
#include <vector>

#include "fmt/format.h"

namespace tributary {
namespace {

const unsigned char* Raw(std::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}

std::string NumberOf(EVP_PKEY* key, const char* name, int bytes) {
  BIGNUM* number = nullptr;
  EXPECT_EQ(EVP_PKEY_get_bn_param(key, name, &number), 1) << name;
  std::string text(bytes == 0 ? BN_num_bytes(number) : bytes, '\0');
  BN_bn2binpad(number, reinterpret_cast<unsigned char*>(text.data()),
               static_cast<int>(text.size()));
  BN_free(number);
  return Base64Url(text);
}

// Two numbers of 32 bytes, of the DER that OpenSSL makes.
std::string FixedForm(const std::string& der) {
  const unsigned char* at = Raw(der);
  ECDSA_SIG* const signature =
      d2i_ECDSA_SIG(nullptr, &at, static_cast<long>(der.size()));  // NOLINT
  std::string fixed(64, '\0');
  auto* const out = reinterpret_cast<unsigned char*>(fixed.data());
  BN_bn2binpad(ECDSA_SIG_get0_r(signature), out, 32);
  BN_bn2binpad(ECDSA_SIG_get0_s(signature), out + 32, 32);
  ECDSA_SIG_free(signature);
  return fixed;
}

}  // namespace

std::string Base64Url(std::string_view bytes) {
  std::string text((bytes.size() + 2) / 3 * 4 + 1, '\0');
  const int size =
      EVP_EncodeBlock(reinterpret_cast<unsigned char*>(text.data()), Raw(bytes),
                      static_cast<int>(bytes.size()));
  text.resize(static_cast<size_t>(size));
  for (char& c : text) {
    if (c == '+') c = '-';
    if (c == '/') c = '_';
  }
  while (!text.empty() && text.back() == '=') text.pop_back();
  return text;
}

std::string Sha256Text(std::string_view text) {
  std::array<unsigned char, 32> hash;
  SHA256(Raw(text), text.size(), hash.data());
  std::string hex;
  for (const unsigned char byte : hash) hex += fmt::format("{:02x}", byte);
  return hex;
}

SigningKey::SigningKey(std::string algorithm, std::string id)
    : algorithm_(std::move(algorithm)), id_(std::move(id)) {
  EVP_PKEY* const key =
      algorithm_ == "RS256"
          ? EVP_PKEY_Q_keygen(nullptr, nullptr, "RSA", size_t{2048})
      : algorithm_ == "ES256"
          ? EVP_PKEY_Q_keygen(nullptr, nullptr, "EC", "P-256")
          : EVP_PKEY_Q_keygen(nullptr, nullptr, "ED25519");
  key_ = {key, EVP_PKEY_free};
}

std::string SigningKey::Jwk(const std::string& extra) const {
  std::string parts;
  if (algorithm_ == "RS256") {
    parts = fmt::format(R"("kty":"RSA","n":"{}","e":"{}")",
                        NumberOf(key_.get(), OSSL_PKEY_PARAM_RSA_N, 0),
                        NumberOf(key_.get(), OSSL_PKEY_PARAM_RSA_E, 0));
  } else if (algorithm_ == "ES256") {
    parts = fmt::format(R"("kty":"EC","crv":"P-256","x":"{}","y":"{}")",
                        NumberOf(key_.get(), OSSL_PKEY_PARAM_EC_PUB_X, 32),
                        NumberOf(key_.get(), OSSL_PKEY_PARAM_EC_PUB_Y, 32));
  } else {
    std::string bytes(32, '\0');
    size_t size = bytes.size();
    EVP_PKEY_get_raw_public_key(
        key_.get(), reinterpret_cast<unsigned char*>(bytes.data()), &size);
    parts = fmt::format(R"("kty":"OKP","crv":"Ed25519","x":"{}")",
                        Base64Url(bytes));
  }
  const std::string id = id_.empty() ? "" : fmt::format(R"("kid":"{}",)", id_);
  return fmt::format("{{{}{}{}}}", extra, id, parts);
}

std::string SigningKey::Sign(const std::string& claims) const {
  return SignWithHeader(
      id_.empty()
          ? fmt::format(R"({{"alg":"{}"}})", algorithm_)
          : fmt::format(R"({{"alg":"{}","kid":"{}"}})", algorithm_, id_),
      claims);
}

std::string SigningKey::SignWithHeader(const std::string& header,
                                       const std::string& claims) const {
  const std::string text = Base64Url(header) + "." + Base64Url(claims);
  return text + "." + Base64Url(Signature(text));
}

std::string SigningKey::PublicPem() const {
  BIO* const bio = BIO_new(BIO_s_mem());
  PEM_write_bio_PUBKEY(bio, key_.get());
  char* data = nullptr;
  const auto size = BIO_get_mem_data(bio, &data);
  std::string pem(data, static_cast<size_t>(size));
  BIO_free_all(bio);
  return pem;
}

std::string SigningKey::Signature(const std::string& text) const {
  EVP_MD_CTX* const context = EVP_MD_CTX_new();
  const EVP_MD* const hash = algorithm_ == "EdDSA" ? nullptr : EVP_sha256();
  EVP_DigestSignInit(context, nullptr, hash, nullptr, key_.get());
  std::string signature(512, '\0');
  size_t size = signature.size();
  EXPECT_EQ(EVP_DigestSign(context,
                           reinterpret_cast<unsigned char*>(signature.data()),
                           &size, Raw(text), text.size()),
            1);
  EVP_MD_CTX_free(context);
  signature.resize(size);
  return algorithm_ == "ES256" ? FixedForm(signature) : signature;
}

std::string KeySet(const std::string& keys) {
  return fmt::format(R"({{"keys":[{}]}})", keys);
}

std::string HmacSha256(const std::string& key, const std::string& text) {
  std::string mac(32, '\0');
  unsigned size = 0;
  HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()), Raw(text),
       text.size(), reinterpret_cast<unsigned char*>(mac.data()), &size);
  return mac;
}

}  // namespace tributary
