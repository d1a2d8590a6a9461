// Filters by attribute, from a table of items to replies, through the programs.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <httplib.h>

#include <functional>
#include <set>
#include <string>
#include <vector>

#include "fmt/format.h"
#include "google/protobuf/struct.pb.h"
#include "google/protobuf/util/json_util.h"
#include "tests/index/bundle/tiny_bundle.h"
#include "tests/integration/deployment.h"

namespace tributary {
namespace {

using testing::AllOf;
using testing::ContainsRegex;
using testing::HasSubstr;

constexpr int kUsers = 20;
constexpr int kItems = 48;

// What item i has; each is missing for some.
bool HasStock(int i) { return i % 7 != 6; }
bool InStock(int i) { return HasStock(i) && i % 3 != 0; }
std::string Brand(int i) {
  if (i % 11 == 10) return "";
  return std::vector{"acme", "bolt & sons", "core"}[i % 3];
}
std::string Tags(int i) {
  return std::vector{"", "new", "toys", "new|toys"}[i % 4];
}
bool HasPrice(int i) { return i % 9 != 8; }
double Price(int i) { return i + .5; }
int Year(int i) { return 2000 + i % 5; }
int Day(int i) { return 1 + i % 28; }

std::string Items() {
  std::string csv = "item,In Stock,brand,tags,year,price,created_at\n";
  for (int i = 0; i < kItems; ++i) {
    csv += fmt::format("sku-{},{},{},{},{},{},2026-01-{:02}T12:00:00Z\n", i,
                       !HasStock(i) ? ""
                       : InStock(i) ? "yes"
                                    : "no",
                       Brand(i), Tags(i), Year(i),
                       HasPrice(i) ? fmt::format("{}", Price(i)) : "", Day(i));
  }
  return csv;
}

// Every item is somebody's.
std::string Purchases() {
  std::string csv = "user,item,time\n";
  for (int user = 0; user < kUsers; ++user) {
    for (int i = 0; i < 12; ++i) {
      csv += fmt::format("ann-{},sku-{},2026-02-{:02}\n", user,
                         (user * 5 + i * 7) % kItems, 1 + (user + i) % 28);
    }
  }
  return csv;
}

class FiltersTest : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    deployment_ = new Deployment;
    const auto data = MakeTestDir();
    OverwriteFile(data / "items.csv", Items());
    OverwriteFile(data / "interactions.csv", Purchases());
    const Outcome built =
        RunProgram({Program("tributary"), "build", "--data",
                    "csv:" + data.string(), "--out", deployment_->bundles(),
                    "--als.dim", "8", "--behavior.history.dim", "8",
                    "--behavior.history.epochs", "2", "--content.dim", "8"});
    ASSERT_EQ(built.exit_status, 0) << built.output;
    deployment_->StartServer();
  }
  static void TearDownTestSuite() {
    EXPECT_EQ(deployment_->StopServer(), 0);
    delete deployment_;
  }

  static Outcome Retrieve(std::vector<std::string> flags) {
    flags.insert(flags.begin(),
                 {Program("tributary"), "retrieve", "--address",
                  deployment_->grpc(), "--deadline-ms", "20000"});
    return RunProgram(flags);
  }
  static httplib::Result Post(const std::string& body) {
    httplib::Client http("http://" + deployment_->http());
    return http.Post("/v1/retrieve", body, "application/json");
  }
  static v1::RetrieveResponse Reply(const std::string& json) {
    v1::RetrieveResponse reply;
    EXPECT_TRUE(google::protobuf::util::JsonStringToMessage(json, &reply).ok())
        << json;
    return reply;
  }
  // All items that pass come back, and no others.
  static void ExpectItems(const v1::RetrieveResponse& reply,
                          const std::function<bool(int)>& passes) {
    std::set<std::string> expected;
    for (int i = 0; i < kItems; ++i) {
      if (passes(i)) expected.insert(fmt::format("sku-{}", i));
    }
    EXPECT_EQ(std::set<std::string>(reply.item_keys().begin(),
                                    reply.item_keys().end()),
              expected);
    EXPECT_EQ(reply.filter().passing_items(), expected.size());
    EXPECT_GT(expected.size(), 0);
    EXPECT_LT(expected.size(), kItems);
  }

  static Deployment* deployment_;
};

Deployment* FiltersTest::deployment_ = nullptr;

TEST_F(FiltersTest, TheCommandFiltersByText) {
  struct Case {
    std::string where;
    std::function<bool(int)> passes;
  };
  const std::vector<Case> cases = {
      {"in_stock AND price < 20",
       [](int i) { return InStock(i) && HasPrice(i) && Price(i) < 20; }},
      {"NOT in_stock", [](int i) { return !InStock(i); }},
      {"in_stock = false", [](int i) { return HasStock(i) && !InStock(i); }},
      {"brand != \"bolt & sons\"",
       [](int i) { return Brand(i) == "acme" || Brand(i) == "core"; }},
      {"tags : (new AND toys)", [](int i) { return Tags(i) == "new|toys"; }},
      {"year >= 2003 OR NOT brand : *",
       [](int i) { return Year(i) >= 2003 || Brand(i).empty(); }},
      {"created_at > 2026-01-20T12:00:00Z", [](int i) { return Day(i) > 20; }},
  };
  for (const auto& [where, passes] : cases) {
    const Outcome shown =
        Retrieve({"-k", std::to_string(kItems), "--where", where, "--json"});
    ASSERT_EQ(shown.exit_status, 0) << where << ": " << shown.output;
    SCOPED_TRACE(where);
    ExpectItems(Reply(shown.output), passes);
  }
}

TEST_F(FiltersTest, TheTableSaysWhatTheFilterDid) {
  const Outcome shown = Retrieve(
      {"ann-1", "-k", "5", "--where", "in_stock AND NOT brand = acne"});
  EXPECT_EQ(shown.exit_status, 0) << shown.output;
  EXPECT_THAT(shown.output, AllOf(ContainsRegex("[0-9]+ items pass the filter"),
                                  HasSubstr("no item has brand: acne")));
  const Outcome relaxed = Retrieve({"-k", "30", "--where",
                                    "in_stock AND brand = core AND year = "
                                    "2003",
                                    "--relax", "year,brand"});
  EXPECT_EQ(relaxed.exit_status, 0) << relaxed.output;
  EXPECT_THAT(relaxed.output, AllOf(HasSubstr("the terms on year were dropped"),
                                    HasSubstr("the terms on brand were "
                                              "dropped")));
}

TEST_F(FiltersTest, HttpTakesTextAndMessages) {
  const auto passes = [](int i) {
    return InStock(i) && HasPrice(i) && Price(i) < 30;
  };
  for (const std::string filter :
       {R"({"where": "in_stock AND price < 30"})",
        R"({"where": "in_stock", "predicate": {"term": {
            "attribute": "price", "range": {"below": {"integer": 30}}}}})",
        R"({"predicate": {"all": {"predicates": [
            {"term": {"attribute": "in_stock", "equals": {"flag": true}}},
            {"negated": {"term": {"attribute": "price", "exists": false}}},
            {"term": {"attribute": "price", "range": {
              "above": {"number": -0.5}, "below": {"number": 30}}}}]}}})"}) {
    const auto reply =
        Post(fmt::format(R"({{"k": {}, "filter": {}}})", kItems, filter));
    ASSERT_TRUE(reply) << httplib::to_string(reply.error());
    EXPECT_EQ(reply->status, 200) << reply->body;
    ExpectItems(Reply(reply->body), passes);
  }
  EXPECT_THAT(deployment_->Get("/metrics"),
              HasSubstr("tributary_filters_total{cache=\"miss\"} "));
}

TEST_F(FiltersTest, ErrorsNameTheFieldAndTheByte) {
  const Outcome unknown = Retrieve({"--where", "in_stock AND colour = red"});
  EXPECT_EQ(unknown.exit_status, 1);
  EXPECT_THAT(unknown.output,
              HasSubstr("error: filter.where: at byte 13: \"colour\" is no "
                        "attribute of version 1"));
  const Outcome typo = Retrieve({"--where", "price < cheap"});
  EXPECT_EQ(typo.exit_status, 1);
  EXPECT_THAT(typo.output, HasSubstr("\"price\" is number, and \"cheap\" is "
                                     "not; expected a number, such as 49.9"));
  const auto reply = Post(R"({"filter": {"predicate": {"term": {
      "attribute": "brands", "exists": true}}}})");
  ASSERT_TRUE(reply) << httplib::to_string(reply.error());
  EXPECT_EQ(reply->status, 400);
  EXPECT_THAT(reply->body, AllOf(HasSubstr("filter.predicate.term.attribute"),
                                 HasSubstr("did you mean \\\"brand\\\"?")));
  const auto few = Post(
      R"({"k": 48, "filter": {"where": "in_stock", "whenShort": "FAIL"}})");
  ASSERT_TRUE(few) << httplib::to_string(few.error());
  EXPECT_THAT(few->body, HasSubstr("items pass, fewer than k, 48"));
}

// A predicate of the greatest depth fits into JSON, too.
TEST_F(FiltersTest, HttpTakesTheDeepestPredicate) {
  std::string predicate =
      R"({"term": {"attribute": "price", "anyOf": {"values": [{"number": 1}]}}})";
  for (int i = 1; i < 32; ++i) {
    predicate = R"({"all": {"predicates": [)" + predicate + "]}}";
  }
  const auto reply = Post(R"({"filter": {"predicate": )" + predicate + "}}");
  ASSERT_TRUE(reply) << httplib::to_string(reply.error());
  EXPECT_EQ(reply->status, 200) << reply->body.substr(0, 400);
  const auto deeper =
      Post(R"({"filter": {"predicate": {"negated": )" + predicate + "}}}");
  ASSERT_TRUE(deeper) << httplib::to_string(deeper.error());
  EXPECT_EQ(deeper->status, 400);
}

TEST_F(FiltersTest, EvalNamesTheFilterAndCoversWhatPasses) {
  const auto dir = MakeTestDir();
  // What nobody has had yet.
  std::string test = "user_id:token\titem_id:token\n";
  for (int user = 0; user < kUsers; ++user) {
    test += fmt::format("ann-{}\tsku-{}\n", user, (user * 5 + 12 * 7) % kItems);
  }
  OverwriteFile(dir / "test.inter", test);
  uint64_t passing = 0;
  std::string lists = "user,item,rank\n";
  for (int i = 0; i < kItems; ++i) {
    passing += InStock(i);
    if (InStock(i)) lists += fmt::format("ann-10,sku-{},{}\n", i, i);
  }
  lists += "ann-10,sku-0,99\n";  // not in stock
  ASSERT_FALSE(InStock(0));
  OverwriteFile(dir / "lists.csv", lists);
  const Outcome judged = RunProgram(
      {Program("tributary"), "eval", "--bundle", deployment_->bundles() / "1",
       "--test", dir / "test.inter", "-k", "48", "--where", "in_stock",
       "--lists", "all=" + (dir / "lists.csv").string(), "--json",
       dir / "eval.json", "--html", dir / "eval.html"});
  ASSERT_EQ(judged.exit_status, 0) << judged.output;
  EXPECT_THAT(judged.output,
              HasSubstr("and 1 of items that do not pass the filter"));
  const std::string json = ReadFile(dir / "eval.json");
  EXPECT_THAT(json,
              AllOf(HasSubstr("\"where\":\"in_stock\""),
                    HasSubstr(fmt::format("\"passing_items\":{}", passing)),
                    HasSubstr("\"not_passing_entries\":1"),
                    // Of both, whose lists show all that pass.
                    ContainsRegex("\"fused\":.*\"coverage\":1[,}]"),
                    ContainsRegex("\"all\":.*\"coverage\":1[,}]")));
  EXPECT_THAT(ReadFile(dir / "eval.html"),
              HasSubstr(fmt::format("<code>in_stock ({} of {} items pass)",
                                    passing, kItems)));
}

TEST_F(FiltersTest, EvalTakesWhatRequestsTake) {
  const auto dir = MakeTestDir();
  std::string test = "user_id:token\titem_id:token\n";
  std::string gone;
  uint64_t left = 0;
  for (int user = 0; user < kUsers; ++user) {
    const int item = (user * 5 + 12 * 7) % kItems;
    test += fmt::format("ann-{}\tsku-{}\n", user, item);
    left += item >= 10;
  }
  for (int i = 0; i < 10; ++i) gone += fmt::format("sku-{}\n", i);
  OverwriteFile(dir / "test.inter", test);
  OverwriteFile(dir / "gone.txt", gone + "sku-999\n");
  OverwriteFile(dir / "other.txt", "tea-1\n");
  const auto eval = [&](std::vector<std::string> flags) {
    flags.insert(flags.begin(),
                 {Program("tributary"), "eval", "--bundle",
                  deployment_->bundles() / "1", "--test", dir / "test.inter",
                  "-k", "5,48", "--json", dir / "eval.json"});
    return RunProgram(flags);
  };
  const Outcome judged =
      eval({"--exclude-items", dir / "gone.txt", "--cap", "brand=4", "--boost",
            "1.5: in_stock = true", "--decay", "created_at=7", "--decay-floor",
            "0.5", "--decay-at", "2026-03-01T00:00:00Z", "--html",
            dir / "eval.html"});
  ASSERT_EQ(judged.exit_status, 0) << judged.output;
  EXPECT_THAT(
      judged.output,
      AllOf(HasSubstr(fmt::format("38 of 48 items pass, and {} of {} test "
                                  "pairs are left",
                                  left, kUsers)),
            HasSubstr("gone.txt: 1 of 11 keys are no items of "),
            HasSubstr("lists: --cap brand=4 --boost '1.5:in_stock = true' "
                      "--decay created_at=7 --decay-floor 0.5 --decay-at "
                      "2026-03-01T00:00:00Z\n")));
  const std::string json = ReadFile(dir / "eval.json");
  EXPECT_THAT(json,
              AllOf(HasSubstr("\"excluded_items\":10"), HasSubstr("gone.txt\""),
                    HasSubstr("\"passing_items\":38"),
                    ContainsRegex("\"request\":.*\"brand\""),
                    HasSubstr("\"half_life_days\":7")));
  const std::string page = ReadFile(dir / "eval.html");
  EXPECT_THAT(page, AllOf(HasSubstr("without those of "),
                          HasSubstr("Every list has <code>--cap brand=4 ")));
  // A list has one item of each of three brands, and one without.
  const auto recall = [&](std::vector<std::string> flags) {
    EXPECT_EQ(eval(std::move(flags)).exit_status, 0);
    google::protobuf::Struct measured;
    EXPECT_TRUE(google::protobuf::util::JsonStringToMessage(
                    ReadFile(dir / "eval.json"), &measured)
                    .ok());
    return measured.fields()
        .at("recall")
        .struct_value()
        .fields()
        .at("fused")
        .struct_value()
        .fields()
        .at("48")
        .number_value();
  };
  EXPECT_EQ(recall({}), 1);
  EXPECT_LT(recall({"--cap", "brand=1"}), 1);

  const auto expect = [&](const std::vector<std::string>& flags,
                          const std::string& message) {
    const Outcome outcome = eval(flags);
    EXPECT_EQ(outcome.exit_status, 1) << outcome.output;
    EXPECT_THAT(outcome.output, HasSubstr(message));
  };
  expect({"--exclude-items", dir / "other.txt"},
         "other.txt has no key of an item of");
  expect({"--exclude-items", dir / "absent.txt"}, "absent.txt cannot be read");
  expect({"--cap", "brnad=3"}, "caps[0].attribute");
  expect({"--boost", "in_stock"}, "expected FACTOR:CONDITION");
  expect({"--where", "year = 2000 AND year = 2001"},
         "year = 2000 AND year = 2001: 0 of 48 items pass");
}

}  // namespace
}  // namespace tributary
