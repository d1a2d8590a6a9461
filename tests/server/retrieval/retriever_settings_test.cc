#include "server/retrieval/retriever_settings.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace tributary {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::StartsWith;

v1::RetrieverSpec Spec(const std::string& name, const std::string& value) {
  v1::RetrieverSpec spec;
  spec.set_kind("newest");
  (*spec.mutable_settings())[name] = value;
  return spec;
}

TEST(CheckSettings, NamesTheSettingThatIsNotKnown) {
  const v1::RetrieverSpec spec = Spec("half_live", "3");
  EXPECT_TRUE(CheckSettings(spec, {"half_live"}).ok());
  EXPECT_TRUE(CheckSettings(v1::RetrieverSpec(), {}).ok());
  auto status = CheckSettings(spec, {"half_life", "category"});
  EXPECT_TRUE(absl::IsInvalidArgument(status));
  EXPECT_EQ(std::string(status.message()),
            "settings[\"half_live\"]: kind \"newest\" knows only half_life, "
            "category");
  status = CheckSettings(spec, {});
  EXPECT_EQ(std::string(status.message()),
            "settings[\"half_live\"]: kind \"newest\" has no settings");
}

TEST(NumberSetting, IsTheNumberOrTheDefault) {
  EXPECT_EQ(NumberSetting(Spec("a", "2.5"), "a", 1, 0, 10).value(), 2.5);
  EXPECT_EQ(NumberSetting(Spec("a", "1e1"), "a", 1, 0, 10).value(), 10);
  EXPECT_EQ(NumberSetting(Spec("b", "2.5"), "a", 1, 0, 10).value(), 1);
}

TEST(NumberSetting, NamesASettingThatIsNoNumberInRange) {
  for (const char* text : {"", "x", "3x", " 3", "nan", "inf", "-1", "11"}) {
    const auto number = NumberSetting(Spec("a", text), "a", 1, 0, 10);
    EXPECT_TRUE(absl::IsInvalidArgument(number.status())) << text;
    EXPECT_THAT(std::string(number.status().message()),
                AllOf(StartsWith("settings[\"a\"]: "),
                      HasSubstr("a number from 0 to 10")));
  }
}

}  // namespace
}  // namespace tributary
