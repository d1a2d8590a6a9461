#include "proto/yaml/unknown_argument.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace tributary {
namespace {

class UnknownArgumentTest : public testing::Test {
 protected:
  UnknownArgumentTest() {
    CLI::App* fetch = app_.add_subcommand("fetch", "");
    fetch->add_option("--data", data_, "")->required();
    fetch->add_option("-k", k_, "");
    fetch->add_option_group("group", "")->add_option("--grouped", data_, "");
    CLI::App* remote = app_.add_subcommand("remote", "");
    remote->add_subcommand("remove", "")->add_option("name", data_, "");
  }
  std::string Unknown(const std::vector<std::string>& arguments) {
    return UnknownArgument(app_, arguments);
  }

  CLI::App app_{"", "program"};
  std::string data_;
  int k_ = 0;
};

TEST_F(UnknownArgumentTest, WhatIsKnownIsNotMentioned) {
  for (const std::vector<std::string>& arguments :
       std::vector<std::vector<std::string>>{
           {},
           {"--help"},
           {"fetch"},
           {"fetch", "--data", "fetsh", "-k", "3", "--grouped=x"},
           {"remote", "remove", "anything", "--help"},
           {"fetch", "--", "--dota"}}) {
    EXPECT_EQ(Unknown(arguments), "");
  }
}

TEST_F(UnknownArgumentTest, TheNearestNameIsSuggested) {
  EXPECT_EQ(Unknown({"fetsh"}),
            "program: unknown command \"fetsh\"; did you mean \"fetch\"?");
  EXPECT_EQ(Unknown({"remote", "remov", "x"}),
            "program remote: unknown command \"remov\"; did you mean "
            "\"remove\"?");
  EXPECT_EQ(Unknown({"fetch", "--dat=x"}),
            "program fetch: unknown flag --dat; did you mean \"--data\"?");
  EXPECT_EQ(Unknown({"fetch", "--group", "x"}),
            "program fetch: unknown flag --group; did you mean "
            "\"--grouped\"?");
  EXPECT_EQ(Unknown({"fetch", "--k", "3"}),
            "program fetch: unknown flag --k; did you mean \"-k\"?");
  EXPECT_EQ(Unknown({"fetch", "--frobnicate"}),
            "program fetch: unknown flag --frobnicate");
}

}  // namespace
}  // namespace tributary
