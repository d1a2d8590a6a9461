#include "server/tls/certificate_check.h"

#include <openssl/asn1.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <ctime>
#include <memory>
#include <string_view>
#include <vector>

#include "absl/time/time.h"
#include "fmt/format.h"
#include "status/status_macros.h"

namespace tributary {
namespace {

struct FreeOpenSsl {
  void operator()(BIO* bio) const { BIO_free_all(bio); }
  void operator()(X509* certificate) const { X509_free(certificate); }
  void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
};
using OwnedBio = std::unique_ptr<BIO, FreeOpenSsl>;
using OwnedX509 = std::unique_ptr<X509, FreeOpenSsl>;
using OwnedKey = std::unique_ptr<EVP_PKEY, FreeOpenSsl>;

absl::Status AboutFile(const std::string& name, std::string_view problem) {
  return absl::InvalidArgumentError(fmt::format("{}: {}", name, problem));
}

OwnedBio Read(std::string_view pem) {
  return OwnedBio(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
}

// Refuses keys with a password, for which OpenSSL would prompt.
int RefusePassword(char*, int, int, void*) { return -1; }

// All certificates of a file, at least one.
absl::StatusOr<std::vector<OwnedX509>> ParseCertificates(
    const std::string& name, std::string_view pem) {
  std::vector<OwnedX509> certificates;
  const OwnedBio bio = Read(pem);
  ERR_clear_error();
  while (X509* const next =
             PEM_read_bio_X509(bio.get(), nullptr, RefusePassword, nullptr)) {
    certificates.emplace_back(next);
  }
  // Reading ends with this error where the file ends; any other is of a
  // certificate that was cut off or damaged.
  const auto error = ERR_peek_last_error();
  const bool at_end = ERR_GET_LIB(error) == ERR_LIB_PEM &&
                      ERR_GET_REASON(error) == PEM_R_NO_START_LINE;
  ERR_clear_error();
  if (!at_end) {
    return AboutFile(name, fmt::format("certificate {} cannot be read; is the "
                                       "file complete?",
                                       certificates.size() + 1));
  }
  if (certificates.empty()) {
    return AboutFile(name, "expected a certificate (PEM)");
  }
  return certificates;
}

std::string Subject(const X509* certificate) {
  const OwnedBio bio(BIO_new(BIO_s_mem()));
  X509_NAME_print_ex(bio.get(), X509_get_subject_name(certificate), 0,
                     XN_FLAG_RFC2253);
  char* data = nullptr;
  const auto size = BIO_get_mem_data(bio.get(), &data);
  return {data, static_cast<size_t>(size)};
}

int64_t Seconds(const ASN1_TIME* time) {
  std::tm calendar{};
  if (ASN1_TIME_to_tm(time, &calendar) != 1) return 0;
  return timegm(&calendar);
}

std::string Date(int64_t seconds) {
  return absl::FormatTime("%Y-%m-%dT%H:%M:%SZ", absl::FromUnixSeconds(seconds),
                          absl::UTCTimeZone());
}

absl::Status CheckTime(const std::string& name, const X509* certificate,
                       int64_t now_s) {
  const int64_t begin = Seconds(X509_get0_notBefore(certificate));
  const int64_t end = Seconds(X509_get0_notAfter(certificate));
  if (now_s > end) {
    return AboutFile(name, fmt::format("the certificate of {} expired at {}",
                                       Subject(certificate), Date(end)));
  }
  if (now_s < begin) {
    return AboutFile(name,
                     fmt::format("the certificate of {} is not valid before {}",
                                 Subject(certificate), Date(begin)));
  }
  return absl::OkStatus();
}

absl::Status CheckChain(const std::string& name,
                        const std::vector<OwnedX509>& chain, int64_t now_s) {
  for (size_t i = 0; i < chain.size(); ++i) {
    RETURN_IF_ERROR(CheckTime(name, chain[i].get(), now_s));
    if (i + 1 == chain.size()) break;
    X509* const issuer = chain[i + 1].get();
    const bool is_issued =
        X509_check_issued(issuer, chain[i].get()) == X509_V_OK &&
        X509_verify(chain[i].get(), X509_get0_pubkey(issuer)) == 1;
    ERR_clear_error();
    if (is_issued) continue;
    return AboutFile(
        name, fmt::format("the chain is not complete: the certificate of {} "
                          "was not signed by the one that follows it, of {}",
                          Subject(chain[i].get()), Subject(issuer)));
  }
  return absl::OkStatus();
}

absl::Status CheckKey(const CertificateNames& names, std::string_view pem,
                      const X509* certificate) {
  const OwnedBio bio = Read(pem);
  ERR_clear_error();
  const OwnedKey key(
      PEM_read_bio_PrivateKey(bio.get(), nullptr, RefusePassword, nullptr));
  ERR_clear_error();
  if (key == nullptr) {
    return AboutFile(names.private_key,
                     "expected a private key (PEM) without a password");
  }
  const bool fits = X509_check_private_key(certificate, key.get()) == 1;
  ERR_clear_error();
  if (fits) return absl::OkStatus();
  return AboutFile(names.private_key,
                   fmt::format("not the private key of the certificate in {}",
                               names.certificate));
}

}  // namespace

absl::Status CheckCertificates(const CertificateNames& names, int64_t now_s,
                               Certificates* certificates) {
  ASSIGN_OR_RETURN(const std::vector<OwnedX509> chain,
                   ParseCertificates(names.certificate, certificates->chain));
  RETURN_IF_ERROR(CheckKey(names, certificates->private_key, chain[0].get()));
  RETURN_IF_ERROR(CheckChain(names.certificate, chain, now_s));
  certificates->not_after_s = Seconds(X509_get0_notAfter(chain[0].get()));
  if (names.client_authorities.empty()) return absl::OkStatus();
  ASSIGN_OR_RETURN(const std::vector<OwnedX509> authorities,
                   ParseCertificates(names.client_authorities,
                                     certificates->client_authorities));
  for (const OwnedX509& authority : authorities) {
    RETURN_IF_ERROR(
        CheckTime(names.client_authorities, authority.get(), now_s));
  }
  return absl::OkStatus();
}

}  // namespace tributary
