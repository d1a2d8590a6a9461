#include "server/profiles/profiles_config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "google/protobuf/text_format.h"
#include "server/pipeline/server_config.h"

namespace tributary {
namespace {

using ::testing::StartsWith;

absl::Status Check(const std::string& text) {
  v1::ServerConfig config;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(
      "bundles: 'b' limits { max_where_bytes: 40 } " + text, &config))
      << text;
  return CompleteServerConfig(config).status();
}

TEST(ProfilesConfig, AcceptsAProfileWithEverything) {
  EXPECT_TRUE(Check("profiles { name: 'home' share: .5 k: 20 "
                    "quotas { retriever: 'als' share: .5 } "
                    "fusion { policy: RRF k0: 10 weights { key: 'als' value: "
                    "2 } } where: 'in_stock' caps { attribute: 'brand' max: 2 "
                    "} boosts { where: 'price < 5' factor: 2 } decay { "
                    "attribute: 'created_at' half_life_days: 7 at: "
                    "'2026-01-01' } diversity { space: 'als' lambda: .7 } } "
                    "profiles { name: 'empty' share: .5 }")
                  .ok());
}

TEST(ProfilesConfig, NamesTheSettingThatIsWrong) {
  const std::pair<const char*, const char*> cases[] = {
      {"name: 'Home'", "profiles[0].name: \"Home\" is not 1 to 63"},
      {"name: 'none'", "profiles[0].name: \"none\""},
      {"", "profiles[0].name: \"\""},
      {"name: 'a' } profiles { name: 'a'",
       "profiles[1].name: \"a\" is the name of profiles[0], too"},
      {"name: 'a' share: 1.1", "profiles[0].share: 1.1 is not within 0 to 1"},
      {"name: 'a' share: nan", "profiles[0].share: nan is not within 0 to 1"},
      {"name: 'a' share: .6 } profiles { name: 'b' share: .5",
       "profiles: the shares of all profiles together are 1.1"},
      {"name: 'a' k: 2001", "profiles[0].k: 2001 is not within 1 to limits.max_k, 2000"},
      {"name: 'a' k: 0", "profiles[0].k: 0 is not within 1"},
      {"name: 'a' quotas { retriever: 'x' share: 2 }", "profiles[0].quotas[0]"},
      {"name: 'a' fusion { k0: -1 }", "profiles[0].fusion.k0: -1"},
      {"name: 'a' fusion { policy: 77 }", "profiles[0].fusion.policy: 77"},
      {"name: 'a' fusion { weights { key: 'x' value: -1 } }",
       "profiles[0].fusion.weights[\"x\"]: -1"},
      {"name: 'a' where: 'price <'", "profiles[0].where: "},
      {"name: 'a' where: 'a_name_that_is_long = 1 AND another = 2222'",
       "profiles[0].where: 42 bytes, limits.max_where_bytes is 40"},
      {"name: 'a' caps { max: 1 }", "profiles[0].caps[0].attribute: "},
      {"name: 'a' caps { attribute: 'x' }", "profiles[0].caps[0].max: 0"},
      {"name: 'a' boosts { factor: 1 }", "profiles[0].boosts[0].where: "},
      {"name: 'a' boosts { where: 'x =' factor: 1 }",
       "profiles[0].boosts[0].where: "},
      {"name: 'a' boosts { where: 'x' factor: 0 }",
       "profiles[0].boosts[0].factor: 0"},
      {"name: 'a' boosts { where: 'a = 1 AND bb = 2 AND c = 3' factor: 1 } "
       "boosts { where: 'a = 1 AND b = 22' factor: 1 }",
       "profiles[0].boosts: 42 bytes"},
      {"name: 'a' decay { half_life_days: 1 }",
       "profiles[0].decay.attribute: "},
      {"name: 'a' decay { attribute: 'x' }",
       "profiles[0].decay.half_life_days: 0"},
      {"name: 'a' decay { attribute: 'x' half_life_days: 1 floor: 2 }",
       "profiles[0].decay.floor: 2"},
      {"name: 'a' decay { attribute: 'x' half_life_days: 1 at: 'then' }",
       "profiles[0].decay.at: \"then\" is no time"},
      {"name: 'a' diversity { lambda: .5 }", "profiles[0].diversity.space: "},
      {"name: 'a' diversity { space: 'x' lambda: -1 }",
       "profiles[0].diversity.lambda: -1"},
  };
  for (const auto& [text, error] : cases) {
    const absl::Status status = Check("profiles { " + std::string(text) + " }");
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << text;
    EXPECT_THAT(std::string(status.message()), StartsWith(error)) << text;
  }
}

TEST(ProfilesConfig, BoundsThem) {
  std::string many;
  for (int i = 0; i < 17; ++i) {
    many += "profiles { name: 'p" + std::to_string(i) + "' }";
  }
  EXPECT_THAT(std::string(Check(many).message()),
              StartsWith("profiles: 17 profiles, at most 16 are allowed"));
}

}  // namespace
}  // namespace tributary
