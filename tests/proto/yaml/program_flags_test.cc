#include "proto/yaml/program_flags.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tributary/v1/config.pb.h"

namespace tributary {
namespace {

const ProgramFlags kProgram = {
    .description = "Does something.",
    .version = "program 1.2.3",
    .aliases = {{"--poll-interval-ms", "poll_interval_ms"}}};

std::optional<int> Parse(std::vector<std::string> args,
                         v1::LoaderConfig* config) {
  args.insert(args.begin(), "program");
  std::vector<char*> argv;
  for (std::string& arg : args) argv.push_back(arg.data());
  return ParseProgramFlags(static_cast<int>(argv.size()), argv.data(), kProgram,
                           config);
}

TEST(ProgramFlags, FillTheMessageAndLetTheProgramRun) {
  v1::LoaderConfig config;
  EXPECT_EQ(Parse({"--store", "s", "--poll_interval_ms", "7"}, &config),
            std::nullopt);
  EXPECT_EQ(config.store(), "s");
  EXPECT_EQ(config.poll_interval_ms(), 7);
}

TEST(ProgramFlags, HaveOtherSpellings) {
  v1::LoaderConfig config;
  EXPECT_EQ(Parse({"--poll-interval-ms", "9"}, &config), std::nullopt);
  EXPECT_EQ(config.poll_interval_ms(), 9);
}

TEST(ProgramFlags, PrintTheVersionAndTheHelpAndEnd) {
  v1::LoaderConfig config;
  testing::internal::CaptureStdout();
  EXPECT_EQ(Parse({"--version"}, &config), 0);
  EXPECT_EQ(testing::internal::GetCapturedStdout(), "program 1.2.3\n");
  testing::internal::CaptureStdout();
  EXPECT_EQ(Parse({"--help"}, &config), 0);
  EXPECT_THAT(testing::internal::GetCapturedStdout(),
              testing::AllOf(testing::HasSubstr("Does something."),
                             testing::HasSubstr("--poll-interval-ms")));
}

TEST(ProgramFlags, EndWithAnErrorThatNamesTheFlag) {
  v1::LoaderConfig config;
  testing::internal::CaptureStderr();
  EXPECT_NE(Parse({"--poll-interval-ms", "soon"}, &config).value_or(0), 0);
  EXPECT_THAT(testing::internal::GetCapturedStderr(),
              testing::HasSubstr("--poll-interval-ms"));
}

}  // namespace
}  // namespace tributary
