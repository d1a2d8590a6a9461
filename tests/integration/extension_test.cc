// A new item through `tributary extend`, the store, the loader and the server.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <string>

#include "tests/index/bundle/tiny_bundle.h"
#include "tests/integration/deployment.h"

namespace tributary {
namespace {

using testing::AllOf;
using testing::Contains;
using testing::HasSubstr;
using testing::Not;

class ExtensionTest : public testing::Test {
 protected:
  Outcome Extend(const std::string& items) {
    const auto file = MakeTestDir() / "new.csv";
    OverwriteFile(file, items);
    return RunProgram({Program("tributary"), "extend", "--from",
                       deployment_.built() / "1", "--items", file});
  }

  // Publishes a version and waits until it is served.
  void Serve(uint64_t version) {
    const Outcome published = deployment_.Publish(version);
    ASSERT_EQ(published.exit_status, 0) << published.output;
    ASSERT_TRUE(deployment_.WaitForVersion(version))
        << deployment_.loader().Output();
  }

  std::vector<std::string> Retrieve(const v1::RetrieveRequest& request) {
    const auto response = deployment_.client().Retrieve(request);
    EXPECT_TRUE(response.ok()) << response.status();
    return {response->item_keys().begin(), response->item_keys().end()};
  }

  Deployment deployment_;
};

v1::RetrieveRequest ByHistory(const std::vector<std::string>& history,
                              const std::string& retriever) {
  v1::RetrieveRequest request;
  request.set_user_key("nobody");
  request.set_k(100);
  for (const std::string& item : history) request.add_recent_item_keys(item);
  v1::Quota& quota = (*request.mutable_quotas())[retriever];
  quota.set_target(100);
  return request;
}

TEST_F(ExtensionTest, ANewItemIsServedAndItsClicksCount) {
  ASSERT_NO_FATAL_FAILURE(deployment_.Build(1));
  const Outcome extended = Extend(
      "item,title,genres,colour\n"
      "a-new-one,thing of kind 3,kind3|all,red\n"
      "v1-0-other,unheard,unheard,blue\n");
  ASSERT_EQ(extended.exit_status, 0) << extended.output;
  EXPECT_THAT(extended.output,
              AllOf(HasSubstr("colour"), HasSubstr("v1-0-other"),
                    HasSubstr("2 new items, 1 of them with vectors")));
  const auto dir = deployment_.built() / "2";
  const Outcome verified = RunProgram({Program("tributary"), "verify", dir});
  EXPECT_EQ(verified.output, "ok\n");

  deployment_.StartServer();
  deployment_.StartLoader();
  ASSERT_NO_FATAL_FAILURE(Serve(1));
  const auto request = ByHistory({"v1-3", "v1-8"}, "content");
  EXPECT_THAT(Retrieve(request), Not(Contains("a-new-one")));
  ASSERT_NO_FATAL_FAILURE(Serve(2));
  EXPECT_THAT(Retrieve(request), Contains("a-new-one"));
  // A click on the new item finds those of its kind before all others.
  const auto found = Retrieve(ByHistory({"a-new-one"}, "content"));
  ASSERT_GE(found.size(), 50);
  for (size_t i = 0; i < 50; ++i) {
    EXPECT_EQ(std::stoi(found[i].substr(3)) % 5, 3) << found[i];
  }
  // Everything there is: what has no vector is reached by popularity.
  v1::RetrieveRequest everything;
  everything.set_user_key("nobody");
  everything.set_k(402);
  (*everything.mutable_quotas())["popularity"].set_target(402);
  EXPECT_THAT(Retrieve(everything), Contains("v1-0-other"));
}

TEST_F(ExtensionTest, ARefusedFileLeavesNoVersion) {
  ASSERT_NO_FATAL_FAILURE(deployment_.Build(1));
  const Outcome refused = Extend("item,title\nfine,thing\nv1-7,thing\n");
  EXPECT_EQ(refused.exit_status, 1);
  EXPECT_THAT(refused.output, AllOf(HasSubstr("new.csv:3"), HasSubstr("v1-7"),
                                    HasSubstr("ALREADY_EXISTS")));
  EXPECT_FALSE(std::filesystem::exists(deployment_.built() / "2"));
}

}  // namespace
}  // namespace tributary
