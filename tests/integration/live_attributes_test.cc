// Attributes and expiry of items that change live, with the real programs.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "fmt/format.h"
#include "google/protobuf/text_format.h"
#include "index/changes/change_log.h"
#include "tests/index/bundle/tiny_bundle.h"
#include "tests/integration/deployment.h"

namespace tributary {
namespace {

using ::testing::AllOf;
using ::testing::Contains;
using ::testing::ContainsRegex;
using ::testing::ElementsAreArray;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::SizeIs;

constexpr int kItems = 30;

class LiveAttributesTest : public testing::Test {
 protected:
  void SetUp() override {
    const auto data = MakeTestDir();
    std::string items = "item,in_stock,brand,price\n";
    std::string events = "user,item\n";
    for (int i = 0; i < kItems; ++i) {
      items += fmt::format("sku-{},yes,{},{}.5\n", i,
                           i % 2 == 0 ? "acme" : "bolt", i);
      for (int user = 0; user < 12; ++user) {
        if ((user + i) % 3 == 0)
          events += fmt::format("ann-{},sku-{}\n", user, i);
      }
    }
    OverwriteFile(data / "items.csv", items);
    OverwriteFile(data / "interactions.csv", events);
    const Outcome built = RunProgram(
        {Program("tributary"), "build", "--data", "csv:" + data.string(),
         "--out", deployment_.built(), "--version", "1", "--als.dim", "8",
         "--behavior.history.dim", "8", "--behavior.history.epochs", "2",
         "--content.dim", "8"});
    ASSERT_EQ(built.exit_status, 0) << built.output;
    ASSERT_EQ(deployment_.Publish(1).exit_status, 0);
    deployment_.StartServer();
    deployment_.StartLoader();
    ASSERT_TRUE(deployment_.WaitForVersion(1));
  }

  // Writes the change into the store, and waits until the server has it.
  void Change(const std::string& item, const std::string& what) {
    v1::Change change;
    ASSERT_TRUE(google::protobuf::TextFormat::ParseFromString(what, &change));
    change.set_item(item);
    auto log = ChangeLog::Open(deployment_.store() / kChangesName);
    ASSERT_TRUE(log.ok()) << log.status();
    const absl::Status added = (*log)->Append({change});
    ASSERT_TRUE(added.ok()) << added;
    const uint64_t number = (*log)->head().through;
    ASSERT_TRUE(WaitUntil(
        [&] { return deployment_.Status().changes().through() >= number; }));
  }
  std::vector<std::string> Items(const std::string& where) {
    v1::RetrieveRequest request;
    request.set_k(kItems);
    request.mutable_filter()->set_where(where);
    const auto response = deployment_.client().Retrieve(request);
    EXPECT_TRUE(response.ok()) << response.status();
    if (!response.ok()) return {};
    return {response->item_keys().begin(), response->item_keys().end()};
  }
  std::string Explain(const std::string& item) {
    return RunProgram({Program("tributary"), "explain", "nobody", item,
                       "--address", deployment_.grpc(), "--where", "in_stock"})
        .output;
  }

  Deployment deployment_;
};

TEST_F(LiveAttributesTest, AreWhatFiltersSeeAtOnce) {
  ASSERT_THAT(Items("in_stock"), AllOf(SizeIs(kItems), Contains("sku-4")));
  Change("sku-4",
         "set { attributes { fields { key: 'in_stock' value { bool_value: "
         "false } } fields { key: 'price' value { number_value: 0.25 } } } }");
  EXPECT_THAT(Items("in_stock"),
              AllOf(SizeIs(kItems - 1), Not(Contains("sku-4"))));
  EXPECT_THAT(Items("price < 0.5"), ElementsAreArray({"sku-4"}));
  EXPECT_THAT(Explain("sku-4"),
              AllOf(HasSubstr("does not pass the filter"),
                    HasSubstr("in_stock"), HasSubstr("false")));
  Change("sku-5",
         "set { attributes { fields { key: 'price' value { "
         "string_value: 'cheap' } } } }");
  EXPECT_THAT(
      RunProgram({Program("tributary"), "control", "status", "--control",
                  "unix:" + (deployment_.bundles() / "control.sock").string()})
          .output,
      AllOf(HasSubstr("  1 item of the active version has changed "
                      "attributes\n"),
            HasSubstr("1 were refused, in whole or in part; the last: change "
                      "2 of item \"sku-5\": \"price\": \"cheap\", expected a "
                      "finite number")));
  EXPECT_THAT(deployment_.Get("/metrics"),
              HasSubstr("\ntributary_changed_items 2\n"));

  EXPECT_EQ(deployment_.StopServer(), 0);
  deployment_.StartServer();
  EXPECT_THAT(Items("in_stock"),
              AllOf(SizeIs(kItems - 1), Not(Contains("sku-4"))));
  EXPECT_THAT(Items("price < 0.6"), SizeIs(2));
}

TEST_F(LiveAttributesTest, AnExpiredItemIsInNoAnswer) {
  const absl::Time soon = absl::Now() + absl::Seconds(2);
  Change("sku-7",
         fmt::format("expire {{ at_ms: {} }}", absl::ToUnixMillis(soon)));
  Change("sku-8", "expire { at_ms: 1000 }");
  EXPECT_THAT(Items("in_stock"),
              AllOf(Contains("sku-7"), Not(Contains("sku-8"))));
  ASSERT_TRUE(
      WaitUntil([&] { return Items("in_stock").size() == kItems - 2; }));
  EXPECT_GE(absl::Now(), soon);
  EXPECT_THAT(Explain("sku-7"),
              AllOf(HasSubstr("expired"),
                    ContainsRegex("[Ii]t expired at 20.*Z, as change 1 says"),
                    HasSubstr("only a change that says when it expires brings "
                              "it back")));
  EXPECT_EQ(deployment_.StopServer(), 0);
  deployment_.StartServer();
  EXPECT_THAT(Items("in_stock"), Not(Contains("sku-7")));
  EXPECT_THAT(deployment_.Get("/metrics"),
              HasSubstr("\ntributary_expired_items 2\n"));
  Change("sku-7", "expire {}");
  EXPECT_THAT(Items("in_stock"), Contains("sku-7"));
}

}  // namespace
}  // namespace tributary
