#include "index/sign/signed_version.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/index/bundle/tiny_bundle.h"

namespace tributary {
namespace {

using ::testing::HasSubstr;

class SignedVersionTest : public testing::Test {
 protected:
  SignedVersionTest() {
    EXPECT_TRUE(GenerateKeyPair(root_ / "key").ok());
    EXPECT_TRUE(GenerateKeyPair(root_ / "other").ok());
  }

  void Sign(const std::string& key) const {
    const auto signature =
        SignManifest(ReadFile(bundle_ / kManifestName), root_ / key);
    ASSERT_TRUE(signature.ok()) << signature.status();
    OverwriteFile(bundle_ / kSignatureName, *signature);
  }
  std::string Open(const std::vector<std::filesystem::path>& keys) const {
    const auto read = PublicKeys::Read(keys);
    EXPECT_TRUE(read.ok()) << read.status();
    return OpenSigned(bundle_, *read).status().ToString();
  }

  const std::filesystem::path root_ = MakeTestDir();
  const std::filesystem::path bundle_ = WriteTinyBundle(root_, 1);
};

TEST_F(SignedVersionTest, WithoutKeysNothingNeedBeSigned) {
  EXPECT_EQ(Open({}), "OK");
}

TEST_F(SignedVersionTest, OpensWhatOneOfTheKeysSigned) {
  EXPECT_THAT(Open({root_ / "key.pub"}),
              HasSubstr("FAILED_PRECONDITION: manifest.sig: missing"));
  Sign("key");
  EXPECT_EQ(Open({root_ / "key.pub"}), "OK");
  EXPECT_EQ(Open({root_ / "other.pub", root_ / "key.pub"}), "OK");
  EXPECT_THAT(Open({root_ / "other.pub"}),
              HasSubstr("not a signature of this"));
}

TEST_F(SignedVersionTest, ASignatureIsOfOneManifest) {
  Sign("key");
  OverwriteFile(bundle_ / kManifestName,
                ReadFile(bundle_ / kManifestName) + " ");
  EXPECT_THAT(Open({root_ / "key.pub"}), HasSubstr("not a signature of this"));
  OverwriteFile(bundle_ / kSignatureName, "short");
  EXPECT_THAT(Open({root_ / "key.pub"}), HasSubstr("another length"));
}

}  // namespace
}  // namespace tributary
