#include "server/pipeline/bundle_diff.h"

#include <gtest/gtest.h>

#include <future>

#include "google/protobuf/text_format.h"
#include "server/pipeline/server_config.h"
#include "tests/server/pipeline/scripted_retriever.h"

namespace tributary {
namespace {

class BundleDiffTest : public testing::Test {
 protected:
  static v1::ServerConfig Config() {
    v1::ServerConfig config;
    config.set_bundles("b");
    return CompleteServerConfig(config).value();
  }
  absl::StatusOr<v1::DiffResponse> Diff(const Scripts& from, const Scripts& to,
                                        const std::string& text) {
    v1::DiffRequest request;
    EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(text, &request));
    return diff_.Run(ServeScripted(from, {.version = 1}),
                     ServeScripted(to, {.version = 2}), request,
                     [this] { return cancelled_; });
  }
  static const v1::ListDiff* Find(const v1::DiffResponse& response,
                                  const std::string& name) {
    for (const v1::ListDiff& list : response.lists()) {
      if (list.name() == name) return &list;
    }
    return nullptr;
  }

  const v1::ServerConfig config_ = Config();
  BundleDiff diff_{config_};
  bool cancelled_ = false;
};

TEST_F(BundleDiffTest, ComparesTheFusedListsAndThoseOfEachSource) {
  const auto response = Diff({{"behavior", {.rows = Rows(10, 20)}},
                              {"content", {.rows = Rows(30, 40)}}},
                             {{"behavior", {.rows = Rows(15, 35)}},
                              {"content", {.rows = Rows(30, 40)}}},
                             "k: 10");
  ASSERT_TRUE(response.ok()) << response.status();
  EXPECT_EQ(response->from_version(), 1);
  EXPECT_EQ(response->to_version(), 2);
  EXPECT_EQ(response->users(), 3);
  EXPECT_EQ(response->items_size(), 0);
  EXPECT_EQ(response->lists(0).name(), "fused");
  const v1::ListDiff* behavior = Find(*response, "behavior");
  ASSERT_NE(behavior, nullptr);
  EXPECT_EQ(behavior->from_length(), 10);
  EXPECT_EQ(behavior->to_length(), 10);
  EXPECT_EQ(behavior->overlap(), .5);
  EXPECT_EQ(behavior->min_overlap(), .5);
  EXPECT_EQ(Find(*response, "content")->overlap(), 1);
  // Two empty lists are equal.
  EXPECT_EQ(Find(*response, "popularity")->overlap(), 1);
  EXPECT_LT(response->lists(0).overlap(), 1);
}

TEST_F(BundleDiffTest, ListsAUsersItemsWithBothRanks) {
  const auto response =
      Diff({{"behavior", {.rows = {5, 6, 7}}}},
           {{"behavior", {.rows = {6, 8, 5}}}}, "user_id: 3 k: 10");
  ASSERT_TRUE(response.ok()) << response.status();
  EXPECT_EQ(response->users(), 1);
  std::string items;
  for (const v1::ItemDiff& item : response->items()) {
    items += item.key() + ":" + std::to_string(item.from_rank()) + ">" +
             std::to_string(item.to_rank()) + " ";
  }
  EXPECT_EQ(items, "1006:2>1 1008:0>2 1005:1>3 1007:3>0 ");
}

TEST_F(BundleDiffTest, IsBoundedAndNamesTheField) {
  for (const auto& [text, field] :
       {std::pair{"sample_users: 1001", "sample_users: "},
        {"k: 1000000", "k: "}}) {
    const auto response = Diff({}, {}, text);
    EXPECT_EQ(response.status().code(), absl::StatusCode::kInvalidArgument);
    EXPECT_EQ(std::string(response.status().message()).find(field), 0) << text;
  }
}

TEST_F(BundleDiffTest, StopsWhenTheCallIsCancelled) {
  cancelled_ = true;
  EXPECT_EQ(Diff({}, {}, "").status().code(), absl::StatusCode::kCancelled);
}

TEST_F(BundleDiffTest, OneRunsAtATime) {
  std::promise<void> entered;
  std::promise<void> go_on;
  const auto bundle = ServeScripted({{"behavior", {}}}, {.version = 1});
  auto first = std::async(std::launch::async, [&] {
    bool first_user = true;
    return diff_
        .Run(bundle, bundle, {},
             [&] {
               if (std::exchange(first_user, false)) {
                 entered.set_value();
                 go_on.get_future().wait();
               }
               return false;
             })
        .status();
  });
  entered.get_future().wait();
  EXPECT_EQ(Diff({}, {}, "").status().code(),
            absl::StatusCode::kResourceExhausted);
  go_on.set_value();
  EXPECT_TRUE(first.get().ok());
  EXPECT_TRUE(Diff({}, {}, "").ok());
}

}  // namespace
}  // namespace tributary
