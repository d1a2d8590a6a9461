#include "server/tls/tls_config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace tributary {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

std::string ErrorOf(const v1::Tls& tls) {
  return CompleteTls(tls).status().ToString();
}

v1::Tls Pair() {
  v1::Tls tls;
  tls.set_certificate_file("cert.pem");
  tls.set_private_key_file("key.pem");
  return tls;
}

TEST(TlsConfig, WithoutACertificateNothingIsEncrypted) {
  const auto tls = CompleteTls({});
  ASSERT_TRUE(tls.ok()) << tls.status();
  EXPECT_THAT(tls->listeners(), ElementsAre("listen", "http", "control"));
  EXPECT_FALSE(IsEncrypted(*tls, "listen", "127.0.0.1:7700"));
}

TEST(TlsConfig, EncryptsTheListenersThatItNamesButNoUnixSocket) {
  const auto tls = CompleteTls(Pair());
  ASSERT_TRUE(tls.ok()) << tls.status();
  EXPECT_TRUE(IsEncrypted(*tls, "listen", "127.0.0.1:7700"));
  EXPECT_FALSE(IsEncrypted(*tls, "admin", "127.0.0.1:7702"));
  EXPECT_TRUE(IsEncrypted(*tls, "control", "127.0.0.1:7703"));
  EXPECT_FALSE(IsEncrypted(*tls, "control", "unix:/a/b"));
}

TEST(TlsConfig, NamesTheFieldThatIsWrong) {
  v1::Tls tls = Pair();
  tls.clear_private_key_file();
  EXPECT_THAT(ErrorOf(tls), HasSubstr("tls.private_key_file: expected a file"));
  tls = {};
  tls.set_client_ca_file("ca.pem");
  EXPECT_THAT(ErrorOf(tls), HasSubstr("tls.client_ca_file: "));
  tls = Pair();
  tls.set_require_client_certificate(true);
  EXPECT_THAT(ErrorOf(tls), HasSubstr("tls.require_client_certificate: "));
  tls = Pair();
  tls.add_listeners("grpc");
  EXPECT_THAT(ErrorOf(tls), HasSubstr("tls.listeners[0]: \"grpc\" is not"));
  tls = Pair();
  tls.set_reload_interval_ms(9);
  EXPECT_THAT(ErrorOf(tls),
              HasSubstr("tls.reload_interval_ms: 9 is not within 10 to"));
}

}  // namespace
}  // namespace tributary
