#include "tests/server/tls/test_authority.h"

#include <gtest/gtest.h>
#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <atomic>
#include <fstream>

namespace tributary {
namespace {

using Key = std::shared_ptr<EVP_PKEY>;
using Certificate = std::shared_ptr<X509>;

Key NewKey() {
  return {EVP_PKEY_Q_keygen(nullptr, nullptr, "EC", "P-256"), EVP_PKEY_free};
}

template <typename Write>
std::string Pem(const Write& write) {
  const std::shared_ptr<BIO> bio(BIO_new(BIO_s_mem()), BIO_free_all);
  EXPECT_EQ(write(bio.get()), 1);
  char* data = nullptr;
  const auto size = BIO_get_mem_data(bio.get(), &data);
  return {data, static_cast<size_t>(size)};
}

std::string PemOf(X509* certificate) {
  return Pem([&](BIO* bio) { return PEM_write_bio_X509(bio, certificate); });
}

std::string PemOf(EVP_PKEY* key) {
  return Pem([&](BIO* bio) {
    return PEM_write_bio_PKCS8PrivateKey(bio, key, nullptr, nullptr, 0, nullptr,
                                         nullptr);
  });
}

void Extend(X509* certificate, int nid, const std::string& value) {
  X509_EXTENSION* const extension =
      X509V3_EXT_conf_nid(nullptr, nullptr, nid, value.c_str());
  ASSERT_NE(extension, nullptr) << value;
  X509_add_ext(certificate, extension, -1);
  X509_EXTENSION_free(extension);
}

// `issuer` is null for a certificate that signs itself.
Certificate Make(const std::string& name, EVP_PKEY* key,
                 const IssueOptions& options, X509* issuer,
                 EVP_PKEY* issuer_key) {
  static std::atomic<int> serial{1};
  Certificate made(X509_new(), X509_free);
  X509* const x509 = made.get();
  X509_set_version(x509, X509_VERSION_3);
  ASN1_INTEGER_set(X509_get_serialNumber(x509), serial++);
  X509_time_adj_ex(X509_getm_notBefore(x509), options.valid_from_days, 0,
                   nullptr);
  X509_time_adj_ex(X509_getm_notAfter(x509), options.valid_until_days, 0,
                   nullptr);
  X509_NAME_add_entry_by_txt(
      X509_get_subject_name(x509), "CN", MBSTRING_ASC,
      reinterpret_cast<const unsigned char*>(name.c_str()), -1, -1, 0);
  X509_set_issuer_name(
      x509, X509_get_subject_name(issuer == nullptr ? x509 : issuer));
  X509_set_pubkey(x509, key);
  Extend(x509, NID_basic_constraints,
         options.is_authority ? "critical,CA:TRUE" : "CA:FALSE");
  if (!options.is_authority) Extend(x509, NID_subject_alt_name, options.names);
  EXPECT_GT(X509_sign(x509, issuer_key, EVP_sha256()), 0);
  return made;
}

}  // namespace

TestAuthority::TestAuthority(const std::string& name)
    : key_(NewKey()),
      x509_(
          Make(name, key_.get(), {.is_authority = true}, nullptr, key_.get())) {
  own_ = {PemOf(x509_.get()), PemOf(key_.get())};
}

TestAuthority::TestAuthority(const std::string& name,
                             const TestAuthority& issuer)
    : key_(NewKey()),
      x509_(Make(name, key_.get(), {.is_authority = true}, issuer.x509_.get(),
                 issuer.key_.get())) {
  own_ = {PemOf(x509_.get()), PemOf(key_.get())};
}

Issued TestAuthority::Issue(const IssueOptions& options) const {
  const Key key = NewKey();
  const Certificate made =
      Make("test", key.get(), options, x509_.get(), key_.get());
  return {PemOf(made.get()), PemOf(key.get())};
}

void ReplaceFile(const std::filesystem::path& path, const std::string& text) {
  const std::filesystem::path next = path.string() + ".next";
  std::ofstream(next) << text;
  std::filesystem::rename(next, path);
}

}  // namespace tributary
