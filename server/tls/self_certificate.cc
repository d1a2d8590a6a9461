#include "server/tls/self_certificate.h"

#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <cstdint>
#include <memory>

namespace tributary {
namespace {

struct FreeSelf {
  void operator()(BIO* bio) const { BIO_free_all(bio); }
  void operator()(X509* certificate) const { X509_free(certificate); }
  void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
  void operator()(X509_EXTENSION* extension) const {
    X509_EXTENSION_free(extension);
  }
};

// As long as a server runs without a restart.
constexpr int kDaysValid = 3650;
constexpr char kCommonName[] = "tributary-server calling itself";

std::string ContentsOf(BIO* bio) {
  char* data = nullptr;
  const auto size = BIO_get_mem_data(bio, &data);
  return {data, static_cast<size_t>(size)};
}

bool AddExtension(int nid, const char* value, X509* certificate) {
  const std::unique_ptr<X509_EXTENSION, FreeSelf> extension(
      X509V3_EXT_conf_nid(nullptr, nullptr, nid, value));
  return extension != nullptr &&
         X509_add_ext(certificate, extension.get(), -1) == 1;
}

bool Fill(EVP_PKEY* key, X509* certificate) {
  uint64_t serial = 0;
  if (RAND_bytes(reinterpret_cast<unsigned char*>(&serial), sizeof(serial)) !=
      1) {
    return false;
  }
  X509_NAME* const name = X509_get_subject_name(certificate);
  return X509_set_version(certificate, X509_VERSION_3) == 1 &&
         ASN1_INTEGER_set_uint64(X509_get_serialNumber(certificate),
                                 serial >> 1) == 1 &&
         // Clocks may be set back a little.
         X509_gmtime_adj(X509_getm_notBefore(certificate), -86'400) !=
             nullptr &&
         X509_time_adj_ex(X509_getm_notAfter(certificate), kDaysValid, 0,
                          nullptr) != nullptr &&
         X509_set_pubkey(certificate, key) == 1 &&
         X509_NAME_add_entry_by_txt(
             name, "CN", MBSTRING_ASC,
             reinterpret_cast<const unsigned char*>(kCommonName), -1, -1,
             0) == 1 &&
         X509_set_issuer_name(certificate, name) == 1 &&
         AddExtension(NID_basic_constraints, "critical,CA:TRUE", certificate) &&
         AddExtension(NID_subject_alt_name, "URI:tributary:self",
                      certificate) &&
         X509_sign(certificate, key, EVP_sha256()) > 0;
}

}  // namespace

absl::StatusOr<SelfCertificate> MakeSelfCertificate() {
  const std::unique_ptr<EVP_PKEY, FreeSelf> key(
      EVP_PKEY_Q_keygen(nullptr, nullptr, "EC", "P-256"));
  const std::unique_ptr<X509, FreeSelf> certificate(X509_new());
  const std::unique_ptr<BIO, FreeSelf> key_pem(BIO_new(BIO_s_secmem()));
  const std::unique_ptr<BIO, FreeSelf> certificate_pem(BIO_new(BIO_s_mem()));
  if (key == nullptr || certificate == nullptr ||
      !Fill(key.get(), certificate.get()) ||
      PEM_write_bio_PKCS8PrivateKey(key_pem.get(), key.get(), nullptr, nullptr,
                                    0, nullptr, nullptr) != 1 ||
      PEM_write_bio_X509(certificate_pem.get(), certificate.get()) != 1) {
    return absl::InternalError(
        "OpenSSL failed to make the certificate with which the server calls "
        "itself");
  }
  return SelfCertificate{.certificate = ContentsOf(certificate_pem.get()),
                         .private_key = ContentsOf(key_pem.get())};
}

}  // namespace tributary
