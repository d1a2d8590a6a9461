// Items that live changes took down, through the whole pipeline: in every
// source, beside every way of filtering, on every request.
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "fmt/format.h"
#include "google/protobuf/text_format.h"
#include "index/bundle/row_set.h"
#include "server/pipeline/pipeline.h"
#include "server/pipeline/server_config.h"
#include "tests/index/bundle/tiny_bundle.h"

namespace tributary {
namespace {

class RemovedItemsTest : public testing::Test {
 protected:
  RemovedItemsTest() {
    const auto opened = Bundle::Open(WriteTinyBundle(MakeTestDir(), 1));
    EXPECT_TRUE(opened.ok()) << opened.status();
    auto serving = ServingBundle::Open(*opened, RetrieverRegistry::BuiltIn());
    EXPECT_TRUE(serving.ok()) << serving.status();
    bundle_ = *std::move(serving);
  }
  static v1::ServerConfig Config() {
    v1::ServerConfig config;
    config.set_bundles("b");
    config.mutable_defaults()->set_deadline_ms(60'000);
    return CompleteServerConfig(config).value();
  }
  RowSet AllBut(const std::vector<Row>& rows) const {
    RowSet others(bundle_->bundle().items().size());
    for (const Row row : rows) others.Add(row);
    others.Complement();
    return others;
  }
  void TakeDown(const std::vector<Row>& rows) {
    if (rows.empty()) return bundle_->changes().Put(nullptr);
    BundleOverlay overlay;
    overlay.remaining = std::make_shared<const PassingItems>(AllBut(rows));
    bundle_->changes().Put(
        std::make_shared<const BundleOverlay>(std::move(overlay)));
  }
  std::string From(const std::string& source, const std::string& rest) {
    v1::RetrieveRequest request;
    EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(
        fmt::format("include_seen: true user_id: 10 k: 6 "
                    "quotas {{ key: '{}' value {{ target: 6 }} }} {}",
                    source, rest),
        &request));
    metrics_.MadeResident(bundle_->bundle().manifest());
    v1::RetrieveResponse response;
    const absl::Status status =
        pipeline_.Retrieve(bundle_, request, SteadyTime::max(), &response);
    EXPECT_TRUE(status.ok()) << status;
    std::string keys;
    for (const std::string& key : response.item_keys()) keys += key;
    return keys;
  }

  ServerMetrics metrics_;
  WorkerPool pool_{1, 4};
  const Pipeline pipeline_{Config(), &pool_, &metrics_, nullptr};
  std::shared_ptr<const ServingBundle> bundle_;
};

TEST_F(RemovedItemsTest, AreInNoSource) {
  for (const std::string source : {"popularity", "taste"}) {
    TakeDown({});
    const std::string all = From(source, "");
    ASSERT_GE(all.size(), 5U);
    for (const char key : std::string("abcdef")) {
      TakeDown({static_cast<Row>(key - 'a')});
      std::string expected = all;
      std::erase(expected, key);
      EXPECT_EQ(From(source, ""), expected) << source << " " << key;
    }
  }
}

TEST_F(RemovedItemsTest, AreInNoAnswerWhateverElseTheRequestAsksFor) {
  bundle_->item_sets().Put(
      "a", std::make_shared<const ExcludedItems>(AllBut({0}), 1));
  bundle_->item_sets().Put(
      "b", std::make_shared<const ExcludedItems>(AllBut({1}), 1));
  for (const std::string rest :
       {"filter { exclude_sets: 'a' }", "filter { exclude_sets: ['a', 'b'] }",
        "filter { where: 'in_stock' }",
        "filter { where: 'in_stock' exclude_sets: 'a' }",
        "filter { exclude_item_keys: 'b' }", "like { item_key: 'c' }",
        "caps { attribute: 'brand' max: 2 }"}) {
    TakeDown({});
    const std::string all = From("popularity", rest);
    for (const std::vector<Row>& rows :
         std::vector<std::vector<Row>>{{2}, {3, 4}, {0, 5}}) {
      // Twice: what is kept of filters must not outlive a change.
      for (int again = 0; again < 2; ++again) {
        TakeDown(rows);
        const std::string got = From("popularity", rest);
        for (const Row row : rows) {
          EXPECT_EQ(got.find(static_cast<char>('a' + row)), std::string::npos)
              << rest << " " << row << ": " << got;
        }
        TakeDown({});
        EXPECT_EQ(From("popularity", rest), all) << rest;
      }
    }
  }
}

}  // namespace
}  // namespace tributary
