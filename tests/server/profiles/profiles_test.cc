#include "server/profiles/profiles.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "google/protobuf/text_format.h"
#include "google/protobuf/util/message_differencer.h"
#include "server/pipeline/server_config.h"

namespace tributary {
namespace {

using ::testing::StartsWith;

v1::ServerConfig Config(const std::string& text) {
  v1::ServerConfig config;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(
      "bundles: 'b' " + text, &config));
  return CompleteServerConfig(config).value();
}

v1::RetrieveRequest Request(const std::string& text) {
  v1::RetrieveRequest request;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(text, &request));
  return request;
}

class ProfilesTest : public testing::Test {
 protected:
  // What `request` becomes; "" for an unchanged one.
  std::string Completed(const Profiles& profiles, const std::string& text) {
    request_ = Request(text);
    const auto asked =
        profiles.Apply(request_, request_.profile(), &completed_);
    EXPECT_TRUE(asked.ok()) << asked.status();
    if (!asked.ok() || asked->request == &request_) return "";
    std::string printed;
    google::protobuf::TextFormat::Printer printer;
    printer.SetSingleLineMode(true);
    printer.PrintToString(*asked->request, &printed);
    return printed;
  }

  v1::RetrieveRequest request_;
  v1::RetrieveRequest completed_;
};

TEST_F(ProfilesTest, ARequestWithoutAProfileIsNotCopied) {
  const Profiles profiles(Config("profiles { name: 'a' where: 'x' share: 1 }"));
  for (const char* text : {"", "user_key: 'u' profile: 'none'"}) {
    const v1::RetrieveRequest request = Request(text);
    const auto asked = profiles.Apply(request, request.profile(), &completed_);
    ASSERT_TRUE(asked.ok());
    EXPECT_EQ(asked->request, &request);
    EXPECT_EQ(asked->profile, "");
    EXPECT_EQ(asked->config->defaults().k(), 500U);
  }
}

TEST_F(ProfilesTest, AnUnknownNameIsAnError) {
  const Profiles profiles(Config("profiles { name: 'home' }"));
  const v1::RetrieveRequest request = Request("profile: 'hom'");
  EXPECT_THAT(
      std::string(
          profiles.Apply(request, "hom", &completed_).status().message()),
      StartsWith("profile: \"hom\" is no profile of this server; did you mean "
                 "\"home\"?"));
  EXPECT_THAT(std::string(Profiles(Config(""))
                              .Apply(request, "hom", &completed_)
                              .status()
                              .message()),
              StartsWith("profile: \"hom\" is no profile of this server, which "
                         "has none"));
}

TEST_F(ProfilesTest, ConditionsFillInWhatTheRequestLacks) {
  const Profiles profiles(
      Config("profiles { name: 'a' caps { attribute: 'brand' max: 2 } "
             "boosts { where: 'x' factor: 2 } decay { attribute: 't' "
             "half_life_days: 1 } diversity { space: 's' lambda: .5 } }"));
  EXPECT_EQ(
      Completed(profiles, "profile: 'a'"),
      "caps { attribute: \"brand\" max: 2 } boosts { where: \"x\" factor: "
      "2 } decay { attribute: \"t\" half_life_days: 1 } diversity { "
      "space: \"s\" lambda: 0.5 } profile: \"a\" ");
  const std::string own =
      "caps { attribute: \"kind\" max: 1 } boosts { where: \"y\" factor: 3 } "
      "decay { attribute: \"u\" half_life_days: 2 } diversity { space: \"r\" "
      "lambda: 0.1 } profile: \"a\" ";
  EXPECT_EQ(Completed(profiles, own), own);
}

TEST_F(ProfilesTest, FiltersAddUp) {
  const Profiles profiles(Config("profiles { name: 'a' where: 'x = true' }"));
  const std::string x = "term { attribute: \"x\" equals { flag: true } }";
  const std::string y = "term { attribute: \"y\" exists: true }";
  EXPECT_EQ(Completed(profiles, "profile: 'a' filter { where: 'z' }"),
            "filter { where: \"z\" predicate { " + x + " } } profile: \"a\" ");
  EXPECT_EQ(
      Completed(profiles, "profile: 'a' filter { predicate { " + y + " } }"),
      "filter { predicate { all { predicates { " + x + " } predicates { " + y +
          " } } } } profile: \"a\" ");
}

TEST_F(ProfilesTest, DefaultsAreThoseOfTheProfile) {
  const Profiles profiles(
      Config("defaults { k: 70 fusion { k0: 5 } } profiles { name: 'a' k: 7 "
             "quotas { retriever: 'r' share: 1 } fusion { policy: RRF } }"));
  const v1::RetrieveRequest request;
  const auto asked = profiles.Apply(request, "a", &completed_);
  ASSERT_TRUE(asked.ok());
  const v1::Defaults& defaults = asked->config->defaults();
  EXPECT_EQ(defaults.k(), 7U);
  EXPECT_EQ(defaults.quotas(0).retriever(), "r");
  EXPECT_EQ(defaults.fusion().policy(), v1::Fusion::RRF);
  EXPECT_EQ(defaults.fusion().k0(), 5);
  EXPECT_EQ(
      profiles.Apply(request, "none", &completed_)->config->defaults().k(),
      70U);
}

// Which of 20 000 users get which profile: 'a', 'b', or '-' for none.
std::string SharedOut(const Profiles& profiles) {
  std::string all;
  v1::RetrieveRequest completed;
  for (int user = 0; user < 20'000; ++user) {
    v1::RetrieveRequest request;
    request.set_user_id(static_cast<uint64_t>(user));
    const auto asked = profiles.Apply(request, "", &completed);
    all += asked->profile.empty() ? "-" : std::string(asked->profile);
  }
  return all;
}

TEST_F(ProfilesTest, SharesOfUsersAreStable) {
  const std::string tenth =
      SharedOut(Profiles(Config("profiles { name: 'a' share: .1 }")));
  const std::string third =
      SharedOut(Profiles(Config("profiles { name: 'a' share: .3 } profiles { "
                                "name: 'b' share: .2 }")));
  const auto count = [](const std::string& text, char c) {
    return std::count(text.begin(), text.end(), c);
  };
  EXPECT_NEAR(count(tenth, 'a'), 2000, 200);
  EXPECT_NEAR(count(third, 'a'), 6000, 400);
  EXPECT_NEAR(count(third, 'b'), 4000, 400);
  for (size_t i = 0; i < tenth.size(); ++i) {
    EXPECT_TRUE(tenth[i] != 'a' || third[i] == 'a') << i;
  }
}

TEST_F(ProfilesTest, ALabelOfTheSameNameTakesOtherUsers) {
  const std::string profile =
      SharedOut(Profiles(Config("profiles { name: 'a' share: .5 }")));
  const BucketSet label = Resize("a", {}, {}, kUserBuckets / 2);
  int both = 0;
  for (size_t i = 0; i < profile.size(); ++i) {
    if (profile[i] == 'a' && label[BucketOf(std::to_string(i))]) ++both;
  }
  // A quarter of the users if the two are independent.
  EXPECT_NEAR(both, 5000, 400);
}

TEST_F(ProfilesTest, AnonymousUsersHaveNone) {
  const Profiles profiles(Config("profiles { name: 'a' share: 1 where: 'x' }"));
  EXPECT_EQ(Completed(profiles, "segment: 's'"), "");
  EXPECT_NE(Completed(profiles, "user_key: 'u'"), "");
}

}  // namespace
}  // namespace tributary
