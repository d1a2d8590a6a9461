#include "server/tls/certificate_check.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <ctime>

#include "tests/server/tls/test_authority.h"

namespace tributary {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

constexpr int64_t kDayS = 86'400;
const CertificateNames kNames = {.certificate = "cert.pem",
                                 .private_key = "key.pem",
                                 .client_authorities = ""};

std::string Check(Certificates certificates, int64_t in_days = 0,
                  const CertificateNames& names = kNames) {
  return CheckCertificates(names, std::time(nullptr) + in_days * kDayS,
                           &certificates)
      .ToString();
}

TEST(CertificateCheck, TakesAPairThatFits) {
  const TestAuthority root("root");
  const Issued issued = root.Issue();
  Certificates certificates = {.chain = issued.certificate,
                               .private_key = issued.private_key};
  const int64_t now_s = std::time(nullptr);
  ASSERT_TRUE(CheckCertificates(kNames, now_s, &certificates).ok());
  EXPECT_NEAR(static_cast<double>(certificates.not_after_s - now_s), 30 * kDayS,
              60);
}

TEST(CertificateCheck, TakesAChainWithAndWithoutItsRoot) {
  const TestAuthority root("root");
  const TestAuthority between("between", root);
  const Issued issued = between.Issue();
  const std::string chain = issued.certificate + between.certificate();
  EXPECT_EQ(Check({.chain = chain, .private_key = issued.private_key}), "OK");
  EXPECT_EQ(Check({.chain = chain + root.certificate(),
                   .private_key = issued.private_key}),
            "OK");
}

TEST(CertificateCheck, RefusesTheKeyOfAnotherCertificate) {
  const TestAuthority root("root");
  EXPECT_THAT(Check({.chain = root.Issue().certificate,
                     .private_key = root.Issue().private_key}),
              HasSubstr("key.pem: not the private key of the certificate in "
                        "cert.pem"));
}

TEST(CertificateCheck, RefusesWhatHasExpiredOrHasNotBegun) {
  const TestAuthority root("root");
  const Issued issued = root.Issue();
  const Certificates certificates = {.chain = issued.certificate,
                                     .private_key = issued.private_key};
  EXPECT_EQ(Check(certificates, 29), "OK");
  EXPECT_THAT(Check(certificates, 31),
              AllOf(HasSubstr("cert.pem: the certificate of CN=test expired"),
                    HasSubstr("Z")));
  EXPECT_THAT(Check(certificates, -2), HasSubstr("is not valid before"));
}

TEST(CertificateCheck, RefusesAChainWithAGap) {
  const TestAuthority root("root");
  const TestAuthority between("between", root);
  const Issued issued = between.Issue();
  EXPECT_THAT(Check({.chain = issued.certificate + root.certificate(),
                     .private_key = issued.private_key}),
              HasSubstr("the chain is not complete: the certificate of CN=test "
                        "was not signed by the one that follows it, of "
                        "CN=root"));
}

TEST(CertificateCheck, RefusesAnIssuerOfTheSameNameWithAnotherKey) {
  const TestAuthority root("root");
  const TestAuthority other("root");
  const Issued issued = root.Issue();
  EXPECT_THAT(Check({.chain = issued.certificate + other.certificate(),
                     .private_key = issued.private_key}),
              HasSubstr("the chain is not complete"));
}

TEST(CertificateCheck, RefusesFilesThatWereCutOff) {
  const TestAuthority root("root");
  const Issued issued = root.Issue();
  const std::string& whole = issued.certificate;
  EXPECT_THAT(Check({.chain = whole.substr(0, whole.size() / 2),
                     .private_key = issued.private_key}),
              HasSubstr("cert.pem: certificate 1 cannot be read; is the file "
                        "complete?"));
  EXPECT_THAT(Check({.chain = whole + whole.substr(0, whole.size() / 2),
                     .private_key = issued.private_key}),
              HasSubstr("certificate 2 cannot be read"));
  EXPECT_THAT(Check({.chain = "", .private_key = issued.private_key}),
              HasSubstr("cert.pem: expected a certificate (PEM)"));
  EXPECT_THAT(
      Check({.chain = whole, .private_key = issued.private_key.substr(0, 100)}),
      HasSubstr("key.pem: expected a private key (PEM)"));
}

TEST(CertificateCheck, RefusesAuthoritiesOfClientsThatAreNone) {
  const TestAuthority root("root");
  const Issued issued = root.Issue();
  CertificateNames names = kNames;
  names.client_authorities = "clients.pem";
  Certificates certificates = {.chain = issued.certificate,
                               .private_key = issued.private_key,
                               .client_authorities = root.certificate()};
  EXPECT_EQ(Check(certificates, 0, names), "OK");
  certificates.client_authorities = "none";
  EXPECT_THAT(Check(certificates, 0, names),
              HasSubstr("clients.pem: expected a certificate (PEM)"));
}

}  // namespace
}  // namespace tributary
