#include "server/versions/as_configured.h"

#include <gmock/gmock.h>
#include <google/protobuf/text_format.h>
#include <gtest/gtest.h>

#include <string>

namespace tributary {
namespace {

absl::Status Check(const std::string& defaults_text) {
  v1::Manifest manifest;
  manifest.set_version(7);
  for (const char* name : {"behavior", "als", "popularity"}) {
    manifest.add_retrievers()->set_name(name);
  }
  v1::Defaults defaults;
  EXPECT_TRUE(
      google::protobuf::TextFormat::ParseFromString(defaults_text, &defaults));
  return CheckAsConfigured(defaults, manifest);
}

TEST(CheckAsConfigured, TakesWhatTheVersionHas) {
  EXPECT_TRUE(Check("").ok());
  EXPECT_TRUE(Check("quotas { retriever: 'als' share: 1 }").ok());
  EXPECT_TRUE(Check("fusion { weights { key: 'behavior' value: 2 } }").ok());
  // Nothing is lost by a weight of 0.
  EXPECT_TRUE(Check("fusion { weights { key: 'none' value: 0 } }").ok());
}

TEST(CheckAsConfigured, NamesTheFieldThatAsksForMore) {
  const std::pair<std::string, std::string> cases[] = {
      {"quotas { retriever: 'als' } quotas { retriever: 'behaviour' }",
       "defaults.quotas[1].retriever: version 7 has no retriever "
       "\"behaviour\", "
       "only behavior, als, popularity; did you mean \"behavior\"?"},
      {"fusion { weights { key: 'ease' value: .5 } }",
       "defaults.fusion.weights[\"ease\"]: version 7 has no retriever "
       "\"ease\", only behavior, als, popularity"},
      {"fusion_model { quotas { retriever: 'ease' } }",
       "defaults.fusion_model.quotas[0].retriever: "},
      {"fusion_model { segments { weights { key: 'ease' value: 1 } } }",
       "defaults.fusion_model.segments[0].weights[\"ease\"]: "},
  };
  for (const auto& [defaults, message] : cases) {
    const absl::Status status = Check(defaults);
    EXPECT_TRUE(absl::IsFailedPrecondition(status)) << defaults;
    EXPECT_TRUE(IsNotAsConfigured(status)) << defaults;
    EXPECT_THAT(std::string(status.message()), testing::StartsWith(message));
  }
}

TEST(CheckAsConfigured, OtherErrorsAreNotItsOwn) {
  EXPECT_FALSE(IsNotAsConfigured(absl::OkStatus()));
  EXPECT_FALSE(IsNotAsConfigured(absl::FailedPreconditionError("other")));
}

}  // namespace
}  // namespace tributary
