#include "cli/eval_lists_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/index/bundle/tiny_bundle.h"

namespace tributary {
namespace {

using testing::AllOf;
using testing::HasSubstr;

const TestItems kTest = {{"10", {"e"}}, {"20", {"a"}}};

// Lists for the users 10 and 20 of the tiny bundle, whose items are a to f.
class ListsFileTest : public testing::Test {
 protected:
  ListsFileTest() {
    bundle_ = *Bundle::Open(WriteTinyBundle(MakeTestDir(), 1));
    const auto serving =
        ServingBundle::Open(bundle_, RetrieverRegistry::BuiltIn());
    const auto source = ListSource::Make(*serving, v1::ServerConfig());
    users_ = FindTestUsers(kTest, bundle_->items());
    ours_ = *Evaluate(*source, users_, {.ks = {1, 2}});
  }

  absl::StatusOr<Rival> Judge(const std::string& contents) {
    const auto path = MakeTestDir() / "lists.txt";
    OverwriteFile(path, contents);
    GivenLists lists("theirs", *bundle_, kTest, users_);
    const absl::Status read = ReadListsFile(path, &lists, &malformed_);
    if (!read.ok()) return read;
    return lists.Judge(ours_, 1, 1);
  }

  // Expects e first and f second for user 10, f first and a second for user 20.
  void ExpectRead(const std::string& contents) {
    const auto rival = Judge(contents);
    ASSERT_TRUE(rival.ok()) << rival.status() << "\n" << contents;
    EXPECT_NEAR(rival->at[0][0].mean, .5, 1e-6) << contents;
    EXPECT_NEAR(rival->at[1][0].mean, 1, 1e-6) << contents;
    EXPECT_NEAR(rival->at[1][3].mean, .75, 1e-6) << contents;
  }

  std::string Problem(const std::string& contents) {
    return std::string(Judge(contents).status().message());
  }

  std::shared_ptr<const Bundle> bundle_;
  std::vector<TestUser> users_;
  Evaluation ours_;
  uint64_t malformed_ = 0;
};

TEST_F(ListsFileTest, ColumnsGoByNameInAnyOrder) {
  ExpectRead("user,item,rank\n10,f,2\n10,e,1\n20,f,1\n20,a,2\n");
  ExpectRead("rank,item,user\n2,f,10\n1,e,10\n1,f,20\n2,a,20\n");
  ExpectRead(
      "item,model,user,score\nf,x,10,.1\ne,x,10,.2\nf,x,20,3\na,x,20,"
      "-1\n");
  ExpectRead("User Id,itemID,Score\n10,f,1\n10,e,2\n20,f,2e3\n20,a,1\n");
}

TEST_F(ListsFileTest, SeparatorsAreRecognised) {
  ExpectRead("user\titem\trank\n10\tf\t2\n10\te\t1\n20\tf\t1\n20\ta\t2\n");
  ExpectRead("user;item;rank\r\n10;f;2\r\n10;e;1\r\n20;f;1\r\n20;a;2\r\n");
  ExpectRead("user|item|rank\n10|f|2\n10|e|1\n20|f|1\n20|a|2\n");
  ExpectRead(
      "\"user\",\"item\",\"rank\"\n\"10\",\"f\",2\n10,\"e\",1\n"
      "20,f,1\n20,a,2\n");
  // As RecBole writes.
  ExpectRead(
      "user_id:token\titem_id:token\tscore:float\n10\tf\t2\n10\te\t3\n"
      "20\tf\t1\n20\ta\t.5\n");
}

TEST_F(ListsFileTest, ARankIsPreferredToAScore) {
  ExpectRead("user,item,score,rank\n10,f,9,2\n10,e,8,1\n20,f,0,1\n20,a,7,2\n");
}

TEST_F(ListsFileTest, AMissingColumnIsNamedWithTheHeader) {
  EXPECT_THAT(Problem("user,thing,rank\n10,f,2\n"),
              AllOf(HasSubstr("lists.txt:1: no column item in the header "
                              "[user, thing, rank]"),
                    HasSubstr("rank or score")));
  EXPECT_THAT(Problem("item,rank\nf,2\n"), HasSubstr("no column user"));
  EXPECT_THAT(Problem("user,item\n10,f\n"),
              HasSubstr("no column rank or score in the header [user, item]"));
  EXPECT_EQ(Judge("user,item\n10,f\n").status().code(),
            absl::StatusCode::kNotFound);
  EXPECT_FALSE(Judge("").ok());
}

TEST_F(ListsFileTest, MalformedLinesAreCounted) {
  ExpectRead(
      "user,item,rank\n10,f,2\n10,e,1\n20,f,1\n20,a,2\n10,e,first\n"
      "10,,1\n,e,1\n10,e,nan\n10,e\n30,e,1\n");
  EXPECT_EQ(malformed_, 5);
  std::string bad = "user,item,rank\n";
  for (int i = 0; i < 101; ++i) bad += "10,e,first\n";
  EXPECT_EQ(Judge(bad).status().code(), absl::StatusCode::kDataLoss);
}

TEST(ParseListsFlags, NamesFiles) {
  const auto files = ParseListsFlags({"als=/x/a.csv", "/x/ease.v2.csv"}, {});
  ASSERT_TRUE(files.ok()) << files.status();
  EXPECT_EQ((*files)[0].name, "als");
  EXPECT_EQ((*files)[0].path, "/x/a.csv");
  EXPECT_EQ((*files)[1].name, "ease.v2");
  EXPECT_EQ((*files)[1].path, "/x/ease.v2.csv");
}

TEST(ParseListsFlags, AFileMayHaveAnEqualsSignInItsName) {
  const auto path = MakeTestDir() / "k=20.csv";
  OverwriteFile(path, "user,item,rank\n");
  const auto files = ParseListsFlags({path.string()}, {});
  ASSERT_TRUE(files.ok()) << files.status();
  EXPECT_EQ((*files)[0].path, path.string());
  EXPECT_EQ((*files)[0].name, "k=20");
}

TEST(ParseListsFlags, RefusesNamesThatAreTakenAndEmptyOnes) {
  for (const std::vector<std::string>& values :
       {std::vector<std::string>{"a=x", "a=y"},
        {"x.csv", "d/x.csv"},
        {"fused=x"},
        {"=x"},
        {"a="}}) {
    EXPECT_EQ(ParseListsFlags(values, {"fused"}).status().code(),
              absl::StatusCode::kInvalidArgument)
        << values[0];
  }
  EXPECT_THAT(
      std::string(ParseListsFlags({"x=1", "x=2"}, {}).status().message()),
      HasSubstr("--lists: \"x=2\": another list is called x"));
}

}  // namespace
}  // namespace tributary
