#include "server/http/json_retrieval.h"

#include <string>
#include <utility>
#include <vector>

#include "gmock/gmock.h"
#include "google/rpc/error_details.pb.h"
#include "gtest/gtest.h"
#include "server/service/rpc_status.h"

namespace tributary {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

absl::Status Parse(const std::string& json) {
  v1::RetrieveRequest request;
  return ParseRetrieveRequest(json, &request);
}

std::string MessageOf(const std::string& json) {
  const absl::Status status = Parse(json);
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << json;
  return std::string(status.message());
}

// The field that google.rpc.BadRequest names; empty without one.
std::string FieldOf(const std::string& json) {
  const google::rpc::Status status = ToRpcStatus(Parse(json));
  for (const auto& any : status.details()) {
    google::rpc::BadRequest details;
    if (any.UnpackTo(&details)) return details.field_violations(0).field();
  }
  return {};
}

TEST(ParseRetrieveRequest, ReadsBothSpellingsOfFields) {
  v1::RetrieveRequest request;
  ASSERT_TRUE(ParseRetrieveRequest(
                  R"({"userKey": "a", "k": 3, "include_seen": true,
                      "filter": {"excludeItemIds": ["1", 2]}})",
                  &request)
                  .ok());
  EXPECT_EQ(request.user_key(), "a");
  EXPECT_EQ(request.k(), 3);
  EXPECT_TRUE(request.include_seen());
  EXPECT_EQ(request.filter().exclude_item_ids_size(), 2);
}

TEST(ParseRetrieveRequest, AnErrorBeginsWithTheFieldsPath) {
  const std::vector<std::pair<std::string, std::string>> cases = {
      {R"({"k": -1})", "k: expected uint32, found -1"},
      {R"({"k": 1.5})", "k: expected uint32, found 1.5"},
      {R"({"k": "x"})", "k: expected uint32, found \"x\""},
      {R"({"k": {}})", "k: expected a value, found an object"},
      {R"({"k": [1]})", "k: expected one value, found a list"},
      {R"({"userKey": 5})", "user_key: expected string, found 5"},
      {R"({"userId": "18446744073709551616"})",
       "user_id: expected uint64, found \"18446744073709551616\""},
      {R"({"userId": 1, "userKey": "1"})",
       "user: expected one of its fields, found two"},
      {R"({"filter": 3})", "filter: expected Filter, found 3"},
      {R"({"filter": []})", "filter: expected one value, found a list"},
      {R"({"filter": {"excludeItemIds": [1, 2, 3, "abc"]}})",
       "filter.exclude_item_ids[3]: expected uint64, found \"abc\""},
      {R"({"filter": {"excludeItemIds": [1, {}]}})",
       "filter.exclude_item_ids: expected a value, found an object"},
      {R"({"filter": {"nope": 3}})", "filter.nope: there is no such field"},
      {R"({"nope": 3})", "nope: there is no such field"},
      {R"({"view": "HUGE"})", "view: expected View, found \"HUGE\""},
      {R"({"fusion": {"policy": "X"}})",
       "fusion.policy: expected Policy, found \"X\""},
      {R"({"vectors": {"als": {"values": [1, "x"]}}})",
       "vectors[0].value.values[1]: expected float, found \"x\""},
      {R"({"vectors": {"als": 5}})",
       "vectors[0].value: expected QueryVector, found 5"},
      {R"({"vectors": [1]})", "vectors: expected an object, found a list"},
      {R"({"quotas": {"als": {}, "als": {}}})",
       "quotas: the key \"als\" is there twice"},
  };
  for (const auto& [json, message] : cases) {
    EXPECT_EQ(MessageOf(json), message) << json;
    EXPECT_EQ(FieldOf(json), message.substr(0, message.find(": "))) << json;
  }
}

TEST(ParseRetrieveRequest, WhatIsNoJsonIsNoRequest) {
  for (const std::string& json :
       {std::string(), std::string("no"), std::string("[]"), std::string("5"),
        std::string(R"({"k": 5)"), std::string(R"({"k":1}{"k":2})"),
        std::string(R"({"k": 1e400})"), std::string(R"({"userKey": "\ud800"})"),
        std::string("{\"userKey\": \"\xff\xfe\"}")}) {
    EXPECT_THAT(MessageOf(json), StartsWith("not a RetrieveRequest: ")) << json;
    EXPECT_EQ(FieldOf(json), "");
  }
}

TEST(ParseRetrieveRequest, MessagesAreOneLineOfUtf8) {
  EXPECT_EQ(MessageOf("{\"k\": \"a\\nb\"}"),
            R"(k: expected uint32, found "a\nb")");
  EXPECT_LT(MessageOf("{\"" + std::string(100'000, 'f') + "\": 1}").size(),
            300);
  EXPECT_LT(MessageOf("{\"k\": " + std::string(100'000, '1') + "}").size(),
            300);
}

TEST(ParseRetrieveRequest, RefusesWhatWouldTakeMuchMoreMemoryThanItsText) {
  std::string strings = R"({"filter": {"excludeItemKeys": [""])";
  strings.insert(strings.size() - 1, [] {
    std::string more;
    for (int i = 0; i < kMaxJsonStrings; ++i) more += ",\"\"";
    return more;
  }());
  EXPECT_THAT(MessageOf(strings + "}}"), HasSubstr("strings and objects"));
  EXPECT_THAT(MessageOf(R"({"vectors": )" + std::string(100'000, '{')),
              HasSubstr("nests deeper"));
  EXPECT_THAT(MessageOf(std::string(1'000'000, '[')),
              HasSubstr("nests deeper"));
  // Brackets within strings do not count.
  EXPECT_TRUE(
      Parse(R"({"userKey": ")" + std::string(500, '[') + R"(\"{"})").ok());
}

TEST(PrintRetrieveResponse, PrintsProto3Json) {
  v1::RetrieveResponse response;
  response.add_item_keys("a");
  response.set_bundle_version(1);
  EXPECT_EQ(PrintRetrieveResponse(response).value(),
            R"({"itemKeys":["a"],"bundleVersion":"1"})");
}

}  // namespace
}  // namespace tributary
