#include "server/tls/certificate_files.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <vector>

#include "server/tls/self_certificate.h"
#include "server/tls/tls_config.h"
#include "tests/index/bundle/tiny_bundle.h"
#include "tests/server/tls/test_authority.h"

namespace tributary {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

class CertificateFilesTest : public testing::Test {
 protected:
  void Write(const Issued& issued) {
    ReplaceFile(dir_ / "cert.pem", issued.certificate);
    ReplaceFile(dir_ / "key.pem", issued.private_key);
  }
  // Looks at the files only when the test asks.
  v1::Tls Settings() const {
    v1::Tls tls;
    tls.set_certificate_file(dir_ / "cert.pem");
    tls.set_private_key_file(dir_ / "key.pem");
    tls.set_reload_interval_ms(3'600'000);
    return CompleteTls(tls).value();
  }
  std::unique_ptr<CertificateFiles> Open() {
    auto files = CertificateFiles::Open(
        Settings(),
        [this](const CertificateFiles::Look& look) { looks_.push_back(look); });
    EXPECT_TRUE(files.ok()) << files.status();
    return *std::move(files);
  }

  const TestAuthority root_{"root"};
  const std::filesystem::path dir_ = MakeTestDir();
  std::vector<CertificateFiles::Look> looks_;
};

TEST_F(CertificateFilesTest, TakesAnotherPairAsAWhole) {
  const Issued first = root_.Issue();
  Write(first);
  const auto files = Open();
  EXPECT_EQ(files->current()->generation, 1);
  files->LookNow();
  EXPECT_EQ(files->current()->generation, 1);
  EXPECT_FALSE(looks_.back().taken);

  const Issued second = root_.Issue();
  ReplaceFile(dir_ / "cert.pem", second.certificate);
  files->LookNow();
  // The key is still the old one's.
  EXPECT_EQ(files->current()->chain, first.certificate);
  EXPECT_FALSE(looks_.back().refused);
  ReplaceFile(dir_ / "key.pem", second.private_key);
  files->LookNow();
  EXPECT_EQ(files->current()->chain, second.certificate);
  EXPECT_EQ(files->current()->private_key, second.private_key);
  EXPECT_EQ(files->current()->generation, 2);
  EXPECT_TRUE(looks_.back().taken);
}

TEST_F(CertificateFilesTest, KeepsTheFormerOnesAndSaysSoOnce) {
  const Issued first = root_.Issue();
  Write(first);
  const auto files = Open();
  Write(root_.Issue({.valid_from_days = -2, .valid_until_days = -1}));
  files->LookNow();
  EXPECT_FALSE(looks_.back().newly_refused);
  files->LookNow();
  EXPECT_TRUE(looks_.back().newly_refused);
  files->LookNow();
  EXPECT_FALSE(looks_.back().newly_refused);
  EXPECT_TRUE(looks_.back().refused);
  EXPECT_EQ(files->current()->chain, first.certificate);
  std::filesystem::remove(dir_ / "key.pem");
  files->LookNow();
  EXPECT_EQ(files->current()->chain, first.certificate);
  Write(first);
  files->LookNow();
  EXPECT_FALSE(looks_.back().refused);
}

TEST_F(CertificateFilesTest, BadFilesAtTheStartAreAnErrorThatNamesThem) {
  const auto error = [this] {
    return CertificateFiles::Open(Settings(), nullptr).status();
  };
  EXPECT_EQ(error().code(), absl::StatusCode::kNotFound);
  EXPECT_THAT(error().ToString(), AllOf(HasSubstr("tls.certificate_file: "),
                                        HasSubstr("cert.pem")));
  Write({root_.Issue().certificate, root_.Issue().private_key});
  EXPECT_EQ(error().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(error().ToString(),
              AllOf(HasSubstr("tls.private_key_file: "),
                    HasSubstr("key.pem: not the private key")));
}

TEST_F(CertificateFilesTest, TheServersOwnAuthorityStaysWithOthers) {
  Write(root_.Issue());
  ReplaceFile(dir_ / "clients.pem", root_.certificate());
  v1::Tls tls = Settings();
  tls.set_client_ca_file(dir_ / "clients.pem");
  const auto files = CertificateFiles::Open(tls, nullptr).value();
  const auto self = MakeSelfCertificate();
  ASSERT_TRUE(self.ok()) << self.status();
  files->AddClientAuthority(self->certificate);
  files->LookNow();
  EXPECT_EQ(files->current()->generation, 1);
  EXPECT_EQ(files->current()->client_authorities,
            root_.certificate() + self->certificate);
  Write(root_.Issue());
  files->LookNow();
  EXPECT_EQ(files->current()->generation, 2);
  EXPECT_EQ(files->current()->client_authorities,
            root_.certificate() + self->certificate);
}

}  // namespace
}  // namespace tributary
