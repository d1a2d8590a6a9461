// Versions that nobody known signed, or of another product, are neither staged
// nor restored.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "index/bundle/version_directory.h"
#include "index/sign/signature.h"
#include "tests/server/versions/bundle_set_fixture.h"

namespace tributary {
namespace {

using ::testing::HasSubstr;

class BundleOriginTest : public BundleSetTest {
 protected:
  BundleOriginTest() {
    EXPECT_TRUE(GenerateKeyPair(keys_ / "key").ok());
    for (const uint64_t version : {1, 2}) WriteTinyBundle(root_, version);
  }

  void Sign(uint64_t version) const {
    const auto dir = VersionPath(root_, version);
    const auto signature =
        SignManifest(ReadFile(dir / kManifestName), keys_ / "key");
    ASSERT_TRUE(signature.ok()) << signature.status();
    OverwriteFile(dir / kSignatureName, *signature);
  }
  v1::ServerConfig ConfigWithKey() {
    v1::ServerConfig config = Config();
    config.add_public_keys(keys_ / "key.pub");
    return config;
  }

  const std::filesystem::path keys_ = MakeTestDir();
};

TEST_F(BundleOriginTest, StagesWhatOneOfTheKeysSigned) {
  BundleSet set(ConfigWithKey(), RetrieverRegistry::BuiltIn(), {});
  EXPECT_THAT(set.Stage(1).status().ToString(),
              HasSubstr("FAILED_PRECONDITION: manifest.sig: missing"));
  Sign(1);
  EXPECT_TRUE(set.Stage(1).ok());
}

TEST_F(BundleOriginTest, RestoresWhatOneOfTheKeysSigned) {
  ASSERT_TRUE(WriteCurrent(root_, 2).ok());
  Sign(1);
  BundleSet set(ConfigWithKey(), RetrieverRegistry::BuiltIn(), {});
  ASSERT_TRUE(set.Restore().ok());
  EXPECT_EQ((*set.Snapshot())->bundle().version(), 1);
}

TEST_F(BundleOriginTest, AKeyThatIsNotThereLetsNothingPass) {
  v1::ServerConfig config = Config();
  config.add_public_keys(keys_ / "none.pub");
  BundleSet set(config, RetrieverRegistry::BuiltIn(), {});
  EXPECT_EQ(set.Stage(1).status().code(), absl::StatusCode::kNotFound);
}

TEST_F(BundleOriginTest, TakesBundlesOfItsProductAlone) {
  v1::ServerConfig config = Config();
  config.set_product("shop-de");
  BundleSet set(config, RetrieverRegistry::BuiltIn(), {});
  EXPECT_THAT(set.Stage(1).status().ToString(),
              HasSubstr("FAILED_PRECONDITION: manifest.json: product: the "
                        "bundle names none"));
  EXPECT_FALSE(set.Restore().ok());
}

}  // namespace
}  // namespace tributary
