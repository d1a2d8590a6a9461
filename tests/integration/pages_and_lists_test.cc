// Pages, profiles, and the lists of many users, by the real programs.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "tests/index/bundle/tiny_bundle.h"
#include "tests/integration/deployment.h"

namespace tributary {
namespace {

using testing::AllOf;
using testing::ContainsRegex;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

std::vector<std::string> LinesOf(const std::filesystem::path& path) {
  std::ifstream file(path);
  std::vector<std::string> lines;
  for (std::string line; std::getline(file, line);) lines.push_back(line);
  return lines;
}

class PagesAndListsTest : public testing::Test {
 protected:
  void SetUp() override {
    WriteTinyBundle(deployment_.bundles(), 1);
    OverwriteFile(dir_ / "server.yaml",
                  "profiles:\n"
                  "- name: stock\n"
                  "  where: in_stock = true\n");
    ASSERT_NO_FATAL_FAILURE(
        deployment_.StartServer({"--config", dir_ / "server.yaml"}));
  }
  Outcome Retrieve(std::vector<std::string> flags) {
    flags.insert(flags.begin(),
                 {Program("tributary"), "retrieve", "-k", "6", "--quota",
                  "popularity=0", "--address", deployment_.grpc()});
    return RunProgram(flags);
  }

  const std::filesystem::path dir_ = MakeTestDir();
  Deployment deployment_;
};

TEST_F(PagesAndListsTest, APageNamesTheNext) {
  const Outcome first = Retrieve({"--page-size", "4"});
  ASSERT_EQ(first.exit_status, 0) << first.output;
  EXPECT_THAT(first.output, AllOf(HasSubstr(" c "), Not(HasSubstr(" b "))));
  const std::string flag = "--page-token ";
  const size_t at = first.output.find(flag);
  ASSERT_NE(at, std::string::npos) << first.output;
  const size_t token = at + flag.size();
  const Outcome second = Retrieve(
      {"--page-size", "4", "--page-token",
       first.output.substr(token, first.output.find('\n', at) - token)});
  ASSERT_EQ(second.exit_status, 0) << second.output;
  EXPECT_THAT(second.output,
              AllOf(HasSubstr(" b "), HasSubstr(" a "), Not(HasSubstr(" c ")),
                    Not(HasSubstr(flag))));
}

TEST_F(PagesAndListsTest, AProfileIsNamed) {
  const Outcome outcome = Retrieve({"--profile", "stock"});
  ASSERT_EQ(outcome.exit_status, 0) << outcome.output;
  EXPECT_THAT(outcome.output,
              AllOf(HasSubstr("profile stock"), Not(HasSubstr(" f "))));
  EXPECT_THAT(Retrieve({"--profile", "stok"}).output,
              HasSubstr("profile: \"stok\" is no profile of this server; did "
                        "you mean \"stock\"?"));
}

TEST_F(PagesAndListsTest, ListsAreWrittenInTheOrderOfTheUsers) {
  // 10 has seen a and b; the last one is not in the bundle.
  OverwriteFile(dir_ / "users", "20\r\n\n10\n\"new\", user\n");
  const std::filesystem::path out = dir_ / "lists.csv";
  for (const char* users_per_call : {"1", "2", "1000"}) {
    const Outcome outcome = Retrieve({"--users", dir_ / "users", "--out", out,
                                      "--users-per-call", users_per_call});
    ASSERT_EQ(outcome.exit_status, 0) << outcome.output;
    EXPECT_THAT(outcome.output,
                AllOf(HasSubstr("3 users, 16 candidates, of version 1"),
                      HasSubstr("1 users are not in the bundle")));
    const std::vector<std::string> lines = LinesOf(out);
    ASSERT_EQ(lines.size(), 17U);
    EXPECT_EQ(lines[0], "user,item,rank,score");
    // 20 belongs to a segment with a list of its own.
    EXPECT_THAT(lines[1], StartsWith("20,a,1,"));
    EXPECT_THAT(lines[7], StartsWith("10,f,1,"));
    EXPECT_THAT(lines[10], StartsWith("10,c,4,"));
    EXPECT_THAT(lines[11], StartsWith("\"\"\"new\"\", user\",f,1,"));
    EXPECT_FALSE(std::filesystem::exists(out.string() + ".partial"));
  }
}

TEST_F(PagesAndListsTest, ListsThatCannotBeWrittenSayWhy) {
  OverwriteFile(dir_ / "users", "10\n" + std::string(600, 'x') + "\n20\n");
  const std::filesystem::path out = dir_ / "lists.csv";
  const Outcome one = Retrieve({"--users", dir_ / "users", "--out", out});
  EXPECT_NE(one.exit_status, 0);
  EXPECT_THAT(one.output, AllOf(HasSubstr("1 users have no list"),
                                HasSubstr("user_key: 600 bytes")));
  // The others have theirs.
  EXPECT_EQ(LinesOf(out).size(), 11U);

  EXPECT_THAT(Retrieve({"--users", dir_ / "none"}).output,
              ContainsRegex("--users: .*none: No such file"));
  EXPECT_THAT(
      Retrieve({"--users", dir_ / "users", "--out", dir_ / "no" / "x"}).output,
      ContainsRegex("--out: .*no/x: No such file"));
  EXPECT_THAT(Retrieve({"7", "--users", dir_ / "users"}).output,
              HasSubstr("--users: expected no user on the command line"));
  EXPECT_THAT(Retrieve({"--users", dir_ / "users", "--version", "9"}).output,
              HasSubstr("version 9 is not resident"));
}

}  // namespace
}  // namespace tributary
