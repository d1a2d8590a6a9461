// Every bound that changes.proto states, at it and one beyond it.
#include "index/changes/check_change.h"

#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <limits>
#include <string>
#include <vector>

#include "fmt/format.h"
#include "google/protobuf/util/json_util.h"

namespace tributary {
namespace {

v1::Change FromJson(const std::string& json) {
  v1::Change change;
  const auto status =
      google::protobuf::util::JsonStringToMessage(json, &change);
  EXPECT_TRUE(status.ok()) << json << status.ToString();
  return change;
}

std::string ErrorOf(const v1::Change& change) {
  const absl::Status status = CheckChange(change, "changes[3]");
  EXPECT_NE(status.code(), absl::StatusCode::kOk) << change.DebugString();
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << status;
  return std::string(status.message());
}

void ExpectOk(const v1::Change& change) {
  const absl::Status status = CheckChange(change, "changes[3]");
  EXPECT_TRUE(status.ok()) << status;
}

TEST(CheckChangeTest, TakesEveryKind) {
  for (const char* const json : {
           R"({"item": "x", "remove": {"reason": "recalled"}})",
           R"({"item": "x", "restore": {}})",
           R"({"item": "x", "set": {"attributes": {"a": true, "b": 1.5,
               "c": "text", "d": ["t", "u"], "e": null, "f": []}}})",
           R"({"item": "x", "upsert": {}})",
           R"({"item": "x", "upsert": {"features": {"a": "b", "c": 1,
               "d": false, "e": ["t"], "f": null},
               "vectors": {"s": {"values": [0.5, -1]}}, "popularity": 0,
               "expiresAtMs": 1}})",
           R"({"item": "x", "event": {"user": "u"}})",
           R"({"item": "x", "event": {"user": "u", "type": "buy",
               "value": -2.5, "timeMs": 1700000000000}})",
           R"({"item": "x", "expire": {}})",
           R"({"item": "x", "expire": {"atMs": 1700000000000}})",
       }) {
    ExpectOk(FromJson(json));
  }
}

TEST(CheckChangeTest, NamesTheFieldThatIsWrong) {
  const std::vector<std::pair<std::string, std::string>> cases = {
      {R"({"item": "x"})",
       "changes[3].what: not set, or something that this program is too old "
       "to know"},
      {R"({"remove": {}})", "changes[3].item: expected an item's key"},
      {R"({"item": "x", "set": {}})",
       "changes[3].set.attributes: expected at least one attribute"},
      {R"({"item": "x", "set": {"attributes": {"a": {"b": 1}}}})",
       "changes[3].set.attributes[\"a\"]: expected a boolean, a number, a "
       "text, a list of texts, or null"},
      {R"({"item": "x", "set": {"attributes": {"a": ["t", 1]}}})",
       "changes[3].set.attributes[\"a\"]: element 1 of the list is not a text"},
      {R"({"item": "x", "set": {"attributes": {"a": [["t"]]}}})",
       "changes[3].set.attributes[\"a\"]: element 0 of the list is not a text"},
      {R"({"item": "x", "set": {"attributes": {"": 1}}})",
       "changes[3].set.attributes: a name is empty"},
      {R"({"item": "x", "upsert": {"features": {"a": {}}}})",
       "changes[3].upsert.features[\"a\"]: expected a boolean, a number, a "
       "text, a list of texts, or null"},
      {R"({"item": "x", "upsert": {"vectors": {"s": {}}}})",
       "changes[3].upsert.vectors[\"s\"]: 0 values, expected 1 to 4096"},
      {R"({"item": "x", "upsert": {"vectors": {"s": {"values": [1, "NaN"]}}}})",
       "changes[3].upsert.vectors[\"s\"]: value 1 is nan, expected a finite "
       "number"},
      {R"({"item": "x", "upsert": {"vectors": {"": {"values": [1]}}}})",
       "changes[3].upsert.vectors: the name of a space is empty"},
      {R"({"item": "x", "upsert": {"popularity": -1}})",
       "changes[3].upsert.popularity: -1, expected a finite number, 0 or more"},
      {R"({"item": "x", "upsert": {"popularity": "NaN"}})",
       "changes[3].upsert.popularity: nan, expected a finite number, 0 or "
       "more"},
      {R"({"item": "x", "upsert": {"expiresAtMs": -1}})",
       "changes[3].upsert.expires_at_ms: -1, expected milliseconds since "
       "1970, or 0"},
      {R"({"item": "x", "event": {}})",
       "changes[3].event.user: expected a user's key"},
      {R"({"item": "x", "event": {"user": "u", "value": "Infinity"}})",
       "changes[3].event.value: inf, expected a finite number"},
      {R"({"item": "x", "event": {"user": "u", "value": 1e39}})",
       "changes[3].event.value: 1e+39, expected a finite number"},
      {R"({"item": "x", "event": {"user": "u", "timeMs": -1}})",
       "changes[3].event.time_ms: -1, expected milliseconds since 1970, or 0"},
      {R"({"event": {"user": "u"}})",
       "changes[3].item: expected an item's key"},
      {R"({"item": "x", "expire": {"atMs": -5}})",
       "changes[3].expire.at_ms: -5, expected milliseconds since 1970, or 0"},
  };
  for (const auto& [json, error] : cases) {
    EXPECT_EQ(ErrorOf(FromJson(json)), error);
  }
}

// Makes a change with a list, text or map of the given size.
struct Bound {
  std::string field;
  size_t most;
  std::function<v1::Change(size_t)> make;
};

v1::Change Of(std::string item) {
  v1::Change change;
  change.set_item(std::move(item));
  return change;
}

const std::vector<Bound>& Bounds() {
  static const auto* const bounds = new std::vector<Bound>{
      {"item", 512,
       [](size_t size) {
         v1::Change change = Of(std::string(size, 'x'));
         change.mutable_restore();
         return change;
       }},
      {"remove.reason", 200,
       [](size_t size) {
         v1::Change change = Of("x");
         change.mutable_remove()->set_reason(std::string(size, 'x'));
         return change;
       }},
      {"set.attributes", 64,
       [](size_t size) {
         v1::Change change = Of("x");
         auto& fields =
             *change.mutable_set()->mutable_attributes()->mutable_fields();
         for (size_t i = 0; i < size; ++i) {
           fields[std::to_string(i)].set_bool_value(true);
         }
         return change;
       }},
      {"set.attributes[\"a\"]", 1024,
       [](size_t size) {
         v1::Change change = Of("x");
         auto& tags = *(*change.mutable_set()
                             ->mutable_attributes()
                             ->mutable_fields())["a"]
                           .mutable_list_value();
         for (size_t i = 0; i < size; ++i) {
           tags.add_values()->set_string_value("t");
         }
         return change;
       }},
      {"upsert.features", 256,
       [](size_t size) {
         v1::Change change = Of("x");
         auto& fields =
             *change.mutable_upsert()->mutable_features()->mutable_fields();
         for (size_t i = 0; i < size; ++i) {
           fields[std::to_string(i)].set_string_value("v");
         }
         return change;
       }},
      {"upsert.vectors", 16,
       [](size_t size) {
         v1::Change change = Of("x");
         auto& vectors = *change.mutable_upsert()->mutable_vectors();
         for (size_t i = 0; i < size; ++i) {
           vectors[std::to_string(i)].add_values(1);
         }
         return change;
       }},
      {"upsert.vectors[\"s\"]", 4096,
       [](size_t size) {
         v1::Change change = Of("x");
         auto& vector = (*change.mutable_upsert()->mutable_vectors())["s"];
         vector.mutable_values()->Resize(static_cast<int>(size), 0.5F);
         return change;
       }},
      {"event.user", 512,
       [](size_t size) {
         v1::Change change = Of("x");
         change.mutable_event()->set_user(std::string(size, 'u'));
         return change;
       }},
      {"event.type", 64,
       [](size_t size) {
         v1::Change change = Of("x");
         change.mutable_event()->set_user("u");
         change.mutable_event()->set_type(std::string(size, 't'));
         return change;
       }},
  };
  return *bounds;
}

TEST(CheckChangeTest, TakesWhatIsAtABoundAndNothingBeyondIt) {
  for (const Bound& bound : Bounds()) {
    SCOPED_TRACE(bound.field);
    ExpectOk(bound.make(bound.most));
    EXPECT_TRUE(ErrorOf(bound.make(bound.most + 1))
                    .starts_with(fmt::format("changes[3].{}: {} ", bound.field,
                                             bound.most + 1)))
        << ErrorOf(bound.make(bound.most + 1));
  }
}

TEST(CheckChangeTest, BoundsTheBytesOfAttributesAndFeatures) {
  const auto with = [](google::protobuf::Struct* values, size_t bytes) {
    (*values->mutable_fields())["a"].set_string_value(std::string(bytes, 'x'));
  };
  v1::Change change = Of("x");
  with(change.mutable_set()->mutable_attributes(), (64 << 10) - 100);
  ExpectOk(change);
  with(change.mutable_set()->mutable_attributes(), 64 << 10);
  EXPECT_TRUE(ErrorOf(change).starts_with("changes[3].set.attributes: 655"));
  with(change.mutable_upsert()->mutable_features(), (256 << 10) - 100);
  ExpectOk(change);
  with(change.mutable_upsert()->mutable_features(), 256 << 10);
  EXPECT_TRUE(ErrorOf(change).starts_with("changes[3].upsert.features: 262"));
}

TEST(CheckChangeTest, RefusesTextsThatAreNotUtf8) {
  const std::string bad = "\xff";
  std::vector<std::pair<v1::Change, std::string>> cases;
  const auto add = [&](std::string field) -> v1::Change& {
    cases.emplace_back(Of("x"), std::move(field));
    return cases.back().first;
  };
  add("item").set_item(bad);
  add("remove.reason").mutable_remove()->set_reason(bad);
  (*add("set.attributes[\"a\"]")
        .mutable_set()
        ->mutable_attributes()
        ->mutable_fields())["a"]
      .set_string_value(bad);
  (*add("set.attributes[\"\\xff\"]")
        .mutable_set()
        ->mutable_attributes()
        ->mutable_fields())[bad]
      .set_bool_value(true);
  (*add("set.attributes[\"a\"]")
        .mutable_set()
        ->mutable_attributes()
        ->mutable_fields())["a"]
      .mutable_list_value()
      ->add_values()
      ->set_string_value(bad);
  (*add("upsert.vectors[\"\\xff\"]").mutable_upsert()->mutable_vectors())[bad]
      .add_values(1);
  add("event.user").mutable_event()->set_user(bad);
  v1::UserEvent& event = *add("event.type").mutable_event();
  event.set_user("u");
  event.set_type(bad);
  for (auto& [change, field] : cases) {
    if (field == "item") change.mutable_restore();
    EXPECT_TRUE(ErrorOf(change).starts_with("changes[3]." + field + ": "))
        << ErrorOf(change);
    EXPECT_NE(ErrorOf(change).find("not UTF-8"), std::string::npos);
  }
}

TEST(CheckChangeTest, RefusesNumbersThatAreNotFinite) {
  for (const double number :
       {std::nan(""), std::numeric_limits<double>::infinity(),
        -std::numeric_limits<double>::infinity()}) {
    v1::Change change = Of("x");
    (*change.mutable_set()->mutable_attributes()->mutable_fields())["a"]
        .set_number_value(number);
    EXPECT_TRUE(
        ErrorOf(change).starts_with("changes[3].set.attributes[\"a\"]: "));
  }
}

}  // namespace
}  // namespace tributary
