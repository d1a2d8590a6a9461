#include "server/access/access_control.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <ctime>
#include <vector>

#include "fmt/format.h"
#include "google/protobuf/text_format.h"
#include "google/rpc/error_details.pb.h"
#include "server/access/access_config.h"
#include "tests/index/bundle/tiny_bundle.h"
#include "tests/server/access/test_tokens.h"
#include "tests/server/tls/test_authority.h"

namespace tributary {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

class AccessControlTest : public testing::Test {
 protected:
  AccessControlTest() {
    WriteTokens("");
    WriteKeys(key_);
  }

  void WriteTokens(const std::string& more) {
    ReplaceFile(dir_ / "tokens",
                fmt::format("ranker {}\nold {} 2020-01-01T00:00:00Z\n{}",
                            Sha256Text("ranker-secret"),
                            Sha256Text("old-secret"), more));
  }
  void WriteKeys(const SigningKey& key) {
    ReplaceFile(dir_ / "jwks", KeySet(key.Jwk()));
  }
  static std::string Claims(const std::string& subject, int64_t valid_s) {
    return fmt::format(R"({{"aud":"tributary","sub":"{}","exp":{}}})", subject,
                       std::time(nullptr) + valid_s);
  }

  std::unique_ptr<AccessControl> Open(const std::string& grants) {
    v1::Access access;
    EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(grants, &access));
    access.set_tokens_file(dir_ / "tokens");
    access.mutable_jwt()->set_jwks_file(dir_ / "jwks");
    access.mutable_jwt()->set_audience("tributary");
    const auto complete = CompleteAccess(access, {"home", "search"});
    EXPECT_TRUE(complete.ok()) << complete.status();
    auto control = AccessControl::Open(*complete);
    EXPECT_TRUE(control.ok()) << control.status();
    (*control)->set_on_denied([this](Denial) { ++denied_; });
    return *std::move(control);
  }

  // Who it is, or the error.
  static std::string Ask(AccessControl* control, const Shown& shown,
                         AccessRole role = AccessRole::kRetrieve) {
    const auto rights = control->Allow(shown, role, "/a/Method");
    return rights.ok() ? (*rights)->who : rights.status().ToString();
  }
  static std::string AskWith(AccessControl* control, const std::string& token,
                             AccessRole role = AccessRole::kRetrieve) {
    return Ask(control, {.authorization = "Bearer " + token}, role);
  }

  const SigningKey key_{"EdDSA", "k"};
  const std::filesystem::path dir_ = MakeTestDir();
  int denied_ = 0;
};

constexpr char kGrants[] = R"(
  grants { who: "token:ranker" who: "cert:*" who: "jwt:batch-*" who: "socket"
           roles: "retrieve" })";

TEST_F(AccessControlTest, KnowsEveryKindOfIdentity) {
  const auto control = Open(kGrants);
  EXPECT_EQ(AskWith(control.get(), "ranker-secret"), "token:ranker");
  const std::vector<std::string> names = {"spiffe://a/b", "b.example"};
  EXPECT_EQ(Ask(control.get(), {.certificate_names = names}),
            "cert:spiffe://a/b, cert:b.example");
  EXPECT_EQ(Ask(control.get(), {.unix_socket = true}), "socket");
  EXPECT_EQ(AskWith(control.get(), key_.Sign(Claims("batch-7", 60))),
            "jwt:batch-7");
  EXPECT_EQ(denied_, 0);
}

TEST_F(AccessControlTest, RefusesWhoIsNotKnown) {
  const auto control = Open(kGrants);
  EXPECT_THAT(Ask(control.get(), {}),
              AllOf(HasSubstr("UNAUTHENTICATED: /a/Method needs the role "
                              "retrieve: show a bearer token or a client"),
                    HasSubstr("NO_IDENTITY")));
  EXPECT_THAT(AskWith(control.get(), "a-guess"),
              AllOf(HasSubstr("the bearer token is not known"),
                    Not(HasSubstr("a-guess"))));
  EXPECT_THAT(AskWith(control.get(), "old-secret"),
              HasSubstr("the bearer token has expired"));
  EXPECT_THAT(AskWith(control.get(), key_.Sign(Claims("batch-7", -100))),
              HasSubstr("the token has expired"));
  EXPECT_EQ(denied_, 4);
  // A bad token is refused whatever else is shown.
  EXPECT_THAT(
      Ask(control.get(), {.authorization = "bearer x", .unix_socket = true}),
      HasSubstr("UNAUTHENTICATED"));
  // Another scheme shows nothing.
  EXPECT_EQ(
      Ask(control.get(), {.authorization = "Basic YTpi", .unix_socket = true}),
      "socket");
}

TEST_F(AccessControlTest, RefusesWhoMayNot) {
  const auto control = Open(kGrants);
  const std::string error =
      AskWith(control.get(), "ranker-secret", AccessRole::kOperate);
  EXPECT_THAT(error, AllOf(HasSubstr("PERMISSION_DENIED: /a/Method needs the "
                                     "role operate: token:ranker does not"),
                           Not(HasSubstr("ranker-secret"))));
  EXPECT_THAT(AskWith(control.get(), key_.Sign(Claims("other", 60))),
              HasSubstr("jwt:other does not have it"));
  const auto denied =
      control->Allow({.unix_socket = true}, AccessRole::kExplain, "/a/Method");
  google::rpc::ErrorInfo info;
  ASSERT_TRUE(info.ParseFromString(
      std::string(*denied.status().GetPayload(kErrorInfoPayload))));
  EXPECT_EQ(info.reason(), "ROLE_MISSING");
  EXPECT_EQ(info.domain(), "tributary");
  EXPECT_EQ(info.metadata().at("method"), "/a/Method");
  EXPECT_EQ(info.metadata().at("role"), "explain");
}

TEST_F(AccessControlTest, SeveralGrantsAddUp) {
  const auto control = Open(R"(
    grants { who: "anyone" roles: "observe" }
    grants { who: "cert:a" roles: "retrieve" profiles: "home" }
    grants { who: "socket" roles: ["retrieve", "operate"] profiles: "none" })");
  EXPECT_EQ(Ask(control.get(), {}, AccessRole::kObserve), "anyone");
  const std::vector<std::string> names = {"a"};
  const auto rights =
      control->Allow({.certificate_names = names, .unix_socket = true},
                     AccessRole::kRetrieve, "m");
  ASSERT_TRUE(rights.ok()) << rights.status();
  EXPECT_TRUE((*rights)->Has(AccessRole::kOperate));
  EXPECT_TRUE((*rights)->Has(AccessRole::kObserve));
  EXPECT_TRUE((*rights)->retrieve_profiles.Allows("home"));
  EXPECT_TRUE((*rights)->retrieve_profiles.Allows(""));
  EXPECT_FALSE((*rights)->retrieve_profiles.Allows("search"));
  EXPECT_THAT((*rights)->retrieve_profiles.Check("search").ToString(),
              HasSubstr("PERMISSION_DENIED: the profile \"search\" is not"));
}

TEST_F(AccessControlTest, TokensAreReplacedWhileItRuns) {
  const auto control = Open(kGrants);
  WriteTokens("ranker " + Sha256Text("next-secret") + "\n");
  control->LookNow();
  EXPECT_EQ(AskWith(control.get(), "next-secret"), "token:ranker");
  EXPECT_EQ(AskWith(control.get(), "ranker-secret"), "token:ranker");
  // What cannot be read does not count, and takes nothing away.
  ReplaceFile(dir_ / "tokens", "ranker next-secret\n");
  control->LookNow();
  EXPECT_EQ(AskWith(control.get(), "next-secret"), "token:ranker");
  ReplaceFile(dir_ / "tokens", "");
  control->LookNow();
  EXPECT_THAT(AskWith(control.get(), "next-secret"), HasSubstr("not known"));
}

TEST_F(AccessControlTest, AKeyThatIsGoneVerifiesNothingAnyMore) {
  const auto control = Open(kGrants);
  const std::string token = key_.Sign(Claims("batch-1", 600));
  EXPECT_EQ(AskWith(control.get(), token), "jwt:batch-1");
  const SigningKey next("EdDSA", "k");
  WriteKeys(next);
  control->LookNow();
  EXPECT_THAT(AskWith(control.get(), token), HasSubstr("signature is not"));
  EXPECT_EQ(AskWith(control.get(), next.Sign(Claims("batch-1", 600))),
            "jwt:batch-1");
}

TEST_F(AccessControlTest, MoreTokensThanAreRememberedAreStillKnown) {
  const auto control = Open(kGrants);
  for (int i = 0; i < 5000; ++i) {
    const std::vector<std::string> names = {fmt::format("host-{}", i)};
    ASSERT_EQ(Ask(control.get(), {.certificate_names = names}),
              "cert:" + names[0]);
  }
}

TEST_F(AccessControlTest, ItsOwnTokenIsForHealthAlone) {
  const auto control = Open(kGrants);
  const std::string& own = control->own_token();
  EXPECT_EQ(own.size(), 64);
  EXPECT_EQ(AskWith(control.get(), own, AccessRole::kObserve),
            "the server itself");
  EXPECT_THAT(AskWith(control.get(), own, AccessRole::kOperate),
              HasSubstr("not known"));
}

// Principals are put into one key for what is remembered.
TEST_F(AccessControlTest, NamesCannotPretendToBeTwo) {
  const auto control = Open(R"(
    grants { who: "cert:a" roles: "retrieve" }
    grants { who: "socket" roles: "operate" })");
  EXPECT_EQ(Ask(control.get(), {.unix_socket = true}, AccessRole::kOperate),
            "socket");
  const std::vector<std::string> names = {std::string("a\0socket", 8)};
  EXPECT_THAT(
      Ask(control.get(), {.certificate_names = names}, AccessRole::kOperate),
      HasSubstr("UNAUTHENTICATED"));
}

}  // namespace
}  // namespace tributary
