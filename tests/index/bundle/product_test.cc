#include "index/bundle/product.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace tributary {
namespace {

using ::testing::HasSubstr;

TEST(Product, IsTheOneThatIsWanted) {
  v1::Manifest manifest;
  EXPECT_TRUE(CheckProduct(manifest, "").ok());
  EXPECT_THAT(
      CheckProduct(manifest, "shop-de").ToString(),
      HasSubstr("the bundle names none, and only those of \"shop-de\""));
  manifest.set_product("shop-de");
  EXPECT_TRUE(CheckProduct(manifest, "").ok());
  EXPECT_TRUE(CheckProduct(manifest, "shop-de").ok());
  EXPECT_THAT(CheckProduct(manifest, "shop").ToString(),
              HasSubstr("FAILED_PRECONDITION: manifest.json: product: "
                        "\"shop-de\", and only bundles of \"shop\" are taken"));
}

TEST(Product, HasAPlainName) {
  EXPECT_TRUE(CheckProductName("").ok());
  EXPECT_TRUE(CheckProductName(std::string(128, 'a')).ok());
  for (const std::string& name :
       {std::string(129, 'a'), std::string("a b"), std::string("a/b")}) {
    EXPECT_THAT(CheckProductName(name).ToString(),
                HasSubstr("INVALID_ARGUMENT: product: "));
  }
}

}  // namespace
}  // namespace tributary
