// What the programs say to who types something wrong, and what they leave
// behind when they are stopped.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "fmt/format.h"
#include "index/bundle/version_directory.h"
#include "tests/index/bundle/tiny_bundle.h"
#include "tests/integration/process.h"

namespace tributary {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;
namespace fs = std::filesystem;

Outcome Tributary(std::vector<std::string> arguments) {
  arguments.insert(arguments.begin(), Program("tributary"));
  return RunProgram(arguments);
}

TEST(Hints, UnknownCommandsAndFlagsGetTheNearestOne) {
  const std::pair<std::vector<std::string>, const char*> cases[] = {
      {{"retriev", "x"}, "did you mean \"retrieve\"?"},
      {{"biuld"}, "did you mean \"build\"?"},
      {{"control", "rolback"}, "did you mean \"rollback\"?"},
      {{"build", "--data", "synthetic", "--output", "x", "--als.dims", "8"},
       "tributary build: unknown flag --output"},
      {{"build", "--als.dims", "8"}, "did you mean \"--als.dim\"?"},
      {{"build", "--validation-share", "0"},
       "did you mean \"--validation_share\"?"},
      {{"retrieve", "--k", "3"}, "did you mean \"-k\"?"},
  };
  for (const auto& [arguments, hint] : cases) {
    const Outcome refused = Tributary(arguments);
    EXPECT_NE(refused.exit_status, 0) << hint;
    EXPECT_THAT(refused.output, HasSubstr(hint));
  }
  const Outcome server =
      RunProgram({Program("tributary-server"), "--bundle", "b"});
  EXPECT_NE(server.exit_status, 0);
  EXPECT_THAT(server.output, HasSubstr("did you mean \"--bundles\"?"));
}

TEST(Hints, HelpIsACommandAndHasTheCommentsOfTheSettings) {
  const Outcome help = Tributary({"help", "build"});
  EXPECT_EQ(help.exit_status, 0);
  EXPECT_EQ(help.output, Tributary({"build", "--help"}).output);
  EXPECT_THAT(help.output, AllOf(HasSubstr("--als.dim"), HasSubstr("Range: "),
                                 Not(HasSubstr("Setting als.dim"))));
  EXPECT_EQ(Tributary({"help"}).output, Tributary({"--help"}).output);
  EXPECT_THAT(Tributary({"help", "control", "label"}).output,
              HasSubstr("--share"));
  for (const char* program :
       {"tributary", "tributary-server", "tributary-loader"}) {
    EXPECT_EQ(RunProgram({Program(program), "--version"}).exit_status, 0);
  }
}

TEST(Hints, CompletionKnowsCommandsAndFlags) {
  const Outcome bash = Tributary({"completion", "bash"});
  ASSERT_EQ(bash.exit_status, 0) << bash.output;
  const fs::path script = MakeTestDir() / "completion";
  std::ofstream(script) << bash.output << R"(
complete_words() {
  COMP_WORDS=("$@") COMP_CWORD=$(($# - 1)) COMPREPLY=()
  _tributary
  printf '%s ' "${COMPREPLY[@]}"; echo
}
complete_words tributary retr
complete_words tributary control rol
complete_words tributary control label canary 1 --sh
complete_words tributary bench --user-r
)";
  EXPECT_EQ(RunProgram({"bash", script}).output,
            "retrieve \nrollback \n--share \n--user-range \n");
  EXPECT_THAT(Tributary({"completion", "zsh"}).output,
              HasSubstr("bashcompinit"));
  EXPECT_THAT(Tributary({"completion", "fish"}).output,
              AllOf(HasSubstr("-a retrieve "), HasSubstr("-l als.dim ")));
  EXPECT_NE(Tributary({"completion", "tcsh"}).exit_status, 0);
}

TEST(Hints, ADirectoryOfVersionsIsToldFromABundle) {
  const fs::path root = MakeTestDir();
  const fs::path bundle = WriteTinyBundle(root, 8);
  for (const std::vector<std::string>& command :
       std::vector<std::vector<std::string>>{
           {"verify", root},
           {"inspect", root},
           {"publish", root, MakeTestDir()}}) {
    const Outcome refused = Tributary(command);
    EXPECT_EQ(refused.exit_status, 1);
    EXPECT_THAT(refused.output,
                HasSubstr("holds 1 version (8): give one of them, such as " +
                          bundle.string()));
  }
  const Outcome server =
      RunProgram({Program("tributary-server"), "--bundles", bundle, "--listen",
                  "127.0.0.1:0", "--http", "127.0.0.1:0", "--admin", "off"});
  EXPECT_EQ(server.exit_status, 1);
  EXPECT_THAT(server.output, HasSubstr("is one bundle"));
  const Outcome loader = RunProgram({Program("tributary-loader"), "--store",
                                     bundle, "--bundles", MakeTestDir()});
  EXPECT_EQ(loader.exit_status, 1);
  EXPECT_THAT(loader.output, HasSubstr("store: "));
}

TEST(Hints, AddressesThatAreNoneAreToldAtOnce) {
  for (const std::vector<std::string>& command :
       std::vector<std::vector<std::string>>{
           {"retrieve", "x", "--address"},
           {"bench", "--cold", "--address"},
           {"control", "status", "--control"}}) {
    for (const char* address : {"http://localhost:7700", "localhost"}) {
      std::vector<std::string> arguments = command;
      arguments.emplace_back(address);
      const Outcome refused = Tributary(arguments);
      EXPECT_EQ(refused.exit_status, 1);
      EXPECT_THAT(refused.output,
                  AllOf(HasSubstr("expected host:port"),
                        HasSubstr("localhost:7700"), Not(HasSubstr("E1"))));
    }
  }
}

// Of every flag that a variable sets, too.
TEST(Environment, AFlagBeatsTheVariable) {
  setenv("TRIBUTARY_CONTROL", "unix:/of-the-environment", 1);
  for (const std::vector<std::string>& action :
       std::vector<std::vector<std::string>>{{"status"},
                                             {"list"},
                                             {"stage", "1"},
                                             {"activate", "1"},
                                             {"rollback"},
                                             {"unload", "1"},
                                             {"label", "canary", "1"},
                                             {"diff", "1", "2"}}) {
    std::vector<std::string> arguments = {"control"};
    arguments.insert(arguments.end(), action.begin(), action.end());
    EXPECT_THAT(Tributary(arguments).output,
                HasSubstr("unix:/of-the-environment"))
        << action.front();
    arguments.insert(arguments.end(), {"--control", "unix:/of-the-flag"});
    EXPECT_THAT(Tributary(arguments).output,
                AllOf(HasSubstr("unix:/of-the-flag"),
                      Not(HasSubstr("of-the-environment"))))
        << action.front();
  }
  unsetenv("TRIBUTARY_CONTROL");
}

TEST(Environment, LoopbackIsAskedWithoutAProxy) {
  const fs::path root = MakeTestDir();
  WriteTinyBundle(root, 1);
  const Process server({Program("tributary-server"), "--bundles", root,
                        "--listen", "127.0.0.1:0", "--http", "127.0.0.1:0",
                        "--admin", "off"});
  const auto address = server.WaitFor("event=listening grpc=");
  ASSERT_TRUE(address.has_value()) << server.Output();
  for (const char* variable : {"http_proxy", "https_proxy", "grpc_proxy"}) {
    setenv(variable, "http://127.0.0.1:9", 1);
    const Outcome answered =
        Tributary({"retrieve", "10", "--address", *address});
    EXPECT_EQ(answered.exit_status, 0) << variable << answered.output;
    const Outcome load = Tributary({"bench", "--cold", "--address", *address,
                                    "--duration", "0.1", "--warm-up", "0"});
    EXPECT_EQ(load.exit_status, 0) << variable << load.output;
    unsetenv(variable);
  }
  const auto http = server.WaitFor(" http=");
  ASSERT_TRUE(http.has_value());
  EXPECT_THAT(Tributary({"retrieve", "10", "--address", *http}).output,
              HasSubstr("answers HTTP/1, not gRPC"));
}

// A data set whose build takes long enough to be stopped in its midst.
std::vector<std::string> SlowBuild(const fs::path& out) {
  return {Program("tributary"), "build", "--data", "synthetic", "--out", out,
          "--als.iterations",   "200"};
}

// A build that takes a moment.
Outcome QuickBuild(const fs::path& out,
                   const std::vector<std::string>& flags = {}) {
  const fs::path data = MakeTestDir();
  OverwriteFile(data / "interactions.csv",
                "user,item\nann,tea\nann,milk\nbob,tea\nbob,rum\ncat,milk\n");
  std::vector<std::string> arguments = {"build", "--data",
                                        "csv:" + data.string(), "--out", out};
  arguments.insert(arguments.end(), flags.begin(), flags.end());
  return Tributary(arguments);
}

// Names of what is in the directory, but for versions.
std::vector<std::string> Leftovers(const fs::path& dir) {
  std::vector<std::string> names;
  for (const auto& entry : fs::directory_iterator(dir)) {
    const std::string name = entry.path().filename().string();
    if (name.starts_with('.')) names.push_back(name);
  }
  return names;
}

// Whether the build in the background has begun to work.
bool HasBegun(const fs::path& out) {
  return WaitUntil([&] { return fs::exists(out) && !Leftovers(out).empty(); });
}

TEST(Build, TheSecondOfTwoTakesTheNextVersion) {
  const fs::path out = MakeTestDir() / "out";
  Process first(SlowBuild(out));
  ASSERT_TRUE(HasBegun(out)) << first.Output();
  const Outcome second = QuickBuild(out, {"--version", "1"});
  EXPECT_EQ(second.exit_status, 1);
  EXPECT_THAT(second.output, HasSubstr("another program is making"));
  const Outcome third = QuickBuild(out);
  EXPECT_EQ(third.exit_status, 0) << third.output;
  EXPECT_TRUE(fs::exists(out / "2" / "manifest.json"));
  first.Signal(SIGTERM);
  EXPECT_EQ(first.Wait(), -1);
  EXPECT_THAT(Leftovers(out), testing::IsEmpty());
}

TEST(Build, LeavesNothingWhenItIsStopped) {
  const fs::path out = MakeTestDir() / "out";
  for (const int signal : {SIGINT, SIGTERM, SIGKILL}) {
    Process build(SlowBuild(out));
    ASSERT_TRUE(HasBegun(out)) << build.Output();
    build.Signal(signal);
    EXPECT_EQ(build.Wait(), -1) << signal;
    if (signal == SIGKILL) {
      // Nobody can do anything about that one but the next.
      EXPECT_THAT(Leftovers(out), Not(testing::IsEmpty()));
      const Outcome next = QuickBuild(out);
      ASSERT_EQ(next.exit_status, 0) << next.output;
    }
    EXPECT_THAT(Leftovers(out), testing::IsEmpty()) << signal;
  }
}

TEST(Build, AHighestNumberIsAnErrorBeforeTheWork) {
  const fs::path out = MakeTestDir();
  WriteTinyBundle(out, 18446744073709551615u);
  const Outcome refused = QuickBuild(out);
  EXPECT_EQ(refused.exit_status, 1);
  EXPECT_THAT(refused.output, AllOf(HasSubstr("above which there is no number"),
                                    Not(HasSubstr("interactions"))));
}

}  // namespace
}  // namespace tributary
