#include "server/access/jwt.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "fmt/format.h"
#include "tests/server/access/test_tokens.h"

namespace tributary {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

constexpr int64_t kNow = 1'800'000'000;

v1::Jwt Settings() {
  v1::Jwt jwt;
  jwt.set_issuer("https://issuer.example");
  jwt.set_audience("tributary");
  jwt.set_clock_skew_seconds(60);
  return jwt;
}

// Claims that are right, but for what is replaced.
std::string Claims(const std::string& from = "", const std::string& to = "") {
  std::string claims = fmt::format(
      R"({{"iss":"https://issuer.example","aud":"tributary","sub":"ranker",)"
      R"("exp":{},"nbf":{},"iat":{}}})",
      kNow + 300, kNow - 300, kNow - 300);
  if (from.empty()) return claims;
  const size_t at = claims.find(from);
  EXPECT_NE(at, std::string::npos) << from;
  return claims.replace(at, from.size(), to);
}

std::vector<JwtKey> Keys(const std::string& keys) {
  auto parsed = ParseJwks("jwks", KeySet(keys));
  EXPECT_TRUE(parsed.ok()) << parsed.status();
  return *std::move(parsed);
}

// The subject, or the error.
std::string Verify(const std::string& token, const std::vector<JwtKey>& keys,
                   const v1::Jwt& settings = Settings()) {
  const auto verified = VerifyJwt(token, keys, settings, kNow);
  return verified.ok() ? verified->subject : verified.status().ToString();
}

class EveryAlgorithm : public testing::TestWithParam<const char*> {};

TEST_P(EveryAlgorithm, VerifiesItsOwnSignatureAlone) {
  const SigningKey key(GetParam(), "one");
  const SigningKey stranger(GetParam(), "one");
  const auto keys = Keys(key.Jwk());
  EXPECT_EQ(Verify(key.Sign(Claims()), keys), "ranker");
  EXPECT_THAT(Verify(stranger.Sign(Claims()), keys),
              StartsWith("UNAUTHENTICATED: the token's signature is not"));
}

TEST_P(EveryAlgorithm, AnyChangeOfATokenBreaksIt) {
  const SigningKey key(GetParam(), "one");
  const auto keys = Keys(key.Jwk());
  const std::string token = key.Sign(Claims());
  for (size_t i = 0; i < token.size(); i += 7) {
    std::string changed = token;
    changed[i] = changed[i] == 'A' ? 'B' : 'A';
    EXPECT_THAT(Verify(changed, keys), StartsWith("UNAUTHENTICATED: "))
        << "at " << i;
  }
}

INSTANTIATE_TEST_SUITE_P(Jwt, EveryAlgorithm,
                         testing::Values("RS256", "ES256", "EdDSA"));

TEST(Jwt, RefusesNoneAndWhatIsNotSigned) {
  const SigningKey key("ES256", "one");
  const auto keys = Keys(key.Jwk());
  for (const char* const name : {"none", "None", "NONE", ""}) {
    const std::string header = fmt::format(R"({{"alg":"{}"}})", name);
    EXPECT_THAT(
        Verify(Base64Url(header) + "." + Base64Url(Claims()) + ".", keys),
        HasSubstr("algorithm is not RS256, ES256 or EdDSA"));
  }
  const std::string token = key.Sign(Claims());
  EXPECT_THAT(Verify(token.substr(0, token.rfind('.') + 1), keys),
              HasSubstr("signature is not"));
}

// An attacker signs with HMAC, and the public key as its secret.
TEST(Jwt, RefusesThePublicKeyAsASecret) {
  const SigningKey key("RS256", "one");
  const auto keys = Keys(key.Jwk());
  for (const char* const name : {"HS256", "RS256"}) {
    const std::string text =
        Base64Url(fmt::format(R"({{"alg":"{}","kid":"one"}})", name)) + "." +
        Base64Url(Claims());
    EXPECT_THAT(
        Verify(text + "." + Base64Url(HmacSha256(key.PublicPem(), text)), keys),
        StartsWith("UNAUTHENTICATED: "));
  }
}

TEST(Jwt, TheKeyDecidesTheAlgorithm) {
  const SigningKey rsa("RS256", "one");
  const SigningKey ec("ES256", "one");
  // Only the RSA key is known; its kid is the same.
  EXPECT_THAT(Verify(ec.Sign(Claims()), Keys(rsa.Jwk())),
              HasSubstr("no key for the token's kid and algorithm"));
  const auto both = Keys(rsa.Jwk() + "," + ec.Jwk());
  EXPECT_EQ(Verify(ec.Sign(Claims()), both), "ranker");
  EXPECT_EQ(Verify(rsa.Sign(Claims()), both), "ranker");
  EXPECT_THAT(
      Verify(rsa.SignWithHeader(R"({"alg":"ES256","kid":"one"})", Claims()),
             both),
      HasSubstr("signature is not"));
}

TEST(Jwt, FindsTheKeyByKidAndWithoutOneOnlyWhereItIsClear) {
  const SigningKey one("EdDSA", "one");
  const SigningKey two("EdDSA", "two");
  const auto both = Keys(one.Jwk() + "," + two.Jwk());
  EXPECT_EQ(Verify(two.Sign(Claims()), both), "ranker");
  EXPECT_THAT(
      Verify(two.SignWithHeader(R"({"alg":"EdDSA","kid":"three"})", Claims()),
             both),
      HasSubstr("no key for the token's kid"));
  const std::string without =
      two.SignWithHeader(R"({"alg":"EdDSA"})", Claims());
  EXPECT_THAT(Verify(without, both), HasSubstr("no key for the token's kid"));
  EXPECT_EQ(Verify(without, Keys(two.Jwk())), "ranker");
}

TEST(Jwt, NeverTakesAKeyFromTheToken) {
  const SigningKey known("ES256", "one");
  const SigningKey attacker("ES256", "one");
  EXPECT_THAT(Verify(attacker.SignWithHeader(
                         fmt::format(R"({{"alg":"ES256","kid":"one","jwk":{},)"
                                     R"("jku":"http://127.0.0.1/jwks"}})",
                                     attacker.Jwk()),
                         Claims()),
                     Keys(known.Jwk())),
              HasSubstr("signature is not"));
}

TEST(Jwt, RefusesExtensionsThatMustBeUnderstood) {
  const SigningKey key("ES256", "one");
  EXPECT_THAT(
      Verify(key.SignWithHeader(R"({"alg":"ES256","kid":"one","crit":["exp"]})",
                                Claims()),
             Keys(key.Jwk())),
      HasSubstr("crit"));
}

TEST(Jwt, ChecksEveryClaim) {
  const SigningKey key("EdDSA", "");
  const auto keys = Keys(key.Jwk());
  const auto with = [&](const std::string& from, const std::string& to) {
    return Verify(key.Sign(Claims(from, to)), keys);
  };
  const auto at = [](const char* claim, int64_t seconds) {
    return fmt::format(R"("{}":{})", claim, seconds);
  };
  const std::string exp = at("exp", kNow + 300);
  EXPECT_EQ(with(exp, at("exp", kNow - 59)), "ranker");
  EXPECT_THAT(with(exp, at("exp", kNow - 60)), HasSubstr("has expired"));
  EXPECT_THAT(with(exp, R"("x":1)"), HasSubstr("(exp)"));
  EXPECT_THAT(with(exp, R"("exp":"never")"), HasSubstr("(exp)"));
  EXPECT_EQ(with(exp, R"("exp":1e300)"), "ranker");
  const std::string nbf = at("nbf", kNow - 300);
  EXPECT_EQ(with(nbf, at("nbf", kNow + 60)), "ranker");
  EXPECT_THAT(with(nbf, at("nbf", kNow + 61)), HasSubstr("not valid yet"));
  EXPECT_THAT(with(nbf, R"("nbf":"x")"), HasSubstr("not valid yet"));
  EXPECT_THAT(with(at("iat", kNow - 300), at("iat", kNow + 61)),
              HasSubstr("not valid yet"));
  EXPECT_THAT(with("issuer.example", "other.example"), HasSubstr("(iss)"));
  EXPECT_THAT(with(R"("aud":"tributary")", R"("aud":"tributary2")"),
              HasSubstr("(aud)"));
  EXPECT_THAT(with(R"("aud":"tributary",)", ""), HasSubstr("(aud)"));
  EXPECT_EQ(with(R"("aud":"tributary")", R"("aud":["other","tributary"])"),
            "ranker");
  EXPECT_THAT(with(R"("aud":"tributary")", R"("aud":["other",7])"),
              HasSubstr("(aud)"));
  EXPECT_THAT(with(R"("sub":"ranker")", R"("sub":"")"), HasSubstr("(sub)"));
  EXPECT_THAT(with(R"("sub":"ranker")", R"("sub":7)"), HasSubstr("(sub)"));
  EXPECT_THAT(with(R"("sub":"ranker")", R"("sub":"a\nb")"), HasSubstr("(sub)"));
}

TEST(Jwt, IsAsLongValidAsItSaysAndClocksMayDiffer) {
  const SigningKey key("EdDSA", "");
  const auto verified =
      VerifyJwt(key.Sign(Claims()), Keys(key.Jwk()), Settings(), kNow);
  ASSERT_TRUE(verified.ok()) << verified.status();
  EXPECT_EQ(verified->expires_s, kNow + 300 + 60);
}

TEST(Jwt, RefusesWhatIsNoToken) {
  const SigningKey key("EdDSA", "");
  const auto keys = Keys(key.Jwk());
  for (const std::string& text :
       {std::string(), std::string(".."), std::string("a.b"),
        std::string("a.b.c.d"), std::string(9000, 'a'),
        "!!." + Base64Url(Claims()) + ".x", Base64Url("[]") + ".e30.x"}) {
    EXPECT_THAT(Verify(text, keys), StartsWith("UNAUTHENTICATED: ")) << text;
  }
}

TEST(Jwks, PassesOverKeysThatCannotBeUsed) {
  const SigningKey rsa("RS256", "one");
  const std::string useless =
      R"({"kty":"oct","k":"c2VjcmV0"},{"kty":"EC","crv":"P-384","x":"AA"},)" +
      rsa.Jwk("\"use\":\"enc\",") + "," + rsa.Jwk("\"alg\":\"PS256\",");
  EXPECT_EQ(Keys(useless + "," + rsa.Jwk("\"alg\":\"RS256\",")).size(), 1);
  EXPECT_THAT(ParseJwks("jwks", KeySet(useless)).status().ToString(),
              HasSubstr("jwks: none of its 4 keys can be used"));
  EXPECT_THAT(ParseJwks("jwks", "[]").status().ToString(),
              HasSubstr("jwks: expected a JSON Web Key Set"));
}

TEST(Jwks, RefusesAPointThatIsNotOnTheCurve) {
  const SigningKey ec("ES256", "one");
  std::string jwk = ec.Jwk();
  const size_t y = jwk.find("\"y\":\"") + 5;
  jwk[y] = jwk[y] == 'A' ? 'B' : 'A';
  EXPECT_FALSE(ParseJwks("jwks", KeySet(jwk)).ok());
}

TEST(Base64Url, HasOneFormForEachText) {
  EXPECT_EQ(DecodeBase64Url("aGk"), "hi");
  EXPECT_EQ(DecodeBase64Url(""), "");
  // Bits that belong to no byte; padding; a lone digit; the other alphabet.
  for (const char* const text : {"aGl", "aGk=", "a", "aGkx-a+/", "a k"}) {
    EXPECT_FALSE(DecodeBase64Url(text).has_value()) << text;
  }
}

}  // namespace
}  // namespace tributary
