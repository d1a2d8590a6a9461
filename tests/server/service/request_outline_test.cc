#include "server/service/request_outline.h"

#include <random>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tributary/v1/retrieval.pb.h"

namespace tributary {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

v1::Limits SmallLimits() {
  v1::Limits limits;
  limits.set_max_batch(3);
  limits.set_max_quotas(2);
  limits.set_max_recent_items(4);
  limits.set_max_exclusions(5);
  limits.set_max_vector_dim(3);
  limits.set_max_where_bytes(3);
  return limits;
}

RequestOutline Outline(const std::string& bytes) {
  return OutlineRetrieve(bytes, SmallLimits());
}

v1::RetrieveRequest Full() {
  v1::RetrieveRequest request;
  request.set_user_key("u");
  request.set_k(7);
  (*request.mutable_quotas())["a"].set_target(3);
  (*request.mutable_quotas())["b"].set_target(4);
  (*request.mutable_fusion()->mutable_weights())["a"] = .5;
  (*request.mutable_vectors())["a"].add_values(1);
  for (int i = 0; i < 4; ++i) request.add_recent_item_ids(1u << (7 * i));
  for (int i = 0; i < 3; ++i) {
    request.mutable_filter()->add_exclude_item_ids(300);
  }
  for (int i = 0; i < 2; ++i) {
    request.mutable_filter()->add_exclude_item_keys("x");
  }
  request.set_bundle_label("canary");
  request.set_page_token("token");
  v1::Cap* const cap = request.add_caps();
  cap->set_attribute("brand");
  cap->set_max(3);
  v1::Boost* const boost = request.add_boosts();
  boost->set_factor(2);
  v1::Term* const term = boost->mutable_predicate()->mutable_term();
  term->set_attribute("year");
  term->set_exists(true);
  request.mutable_decay()->set_attribute("created_at");
  for (int i = 0; i < 2; ++i) {
    request.add_like()->set_item_key("x");
    request.add_unlike()->set_item_id(7);
  }
  for (int i = 0; i < 4; ++i) request.add_recent_item_weights(.5F);
  for (int i = 0; i < 2; ++i) {
    v1::SpaceQuery* const query = request.add_queries();
    query->set_space("taste");
    for (int v = 0; v < 3; ++v) query->add_values(1);
  }
  request.mutable_diversity()->set_space("taste");
  auto& features = *request.mutable_user_features();
  features["age"].set_number(40);
  for (const char* name : {"a", "b"}) features["city"].add_categories(name);
  return request;
}

TEST(RequestOutline, ReadsWhatARequestAsksFor) {
  v1::RetrieveRequest request = Full();
  request.set_bundle_version(8);
  const std::string bytes = request.SerializeAsString();
  const RequestOutline outline = Outline(bytes);
  EXPECT_TRUE(outline.status.ok()) << outline.status;
  EXPECT_EQ(outline.bytes, bytes);
  EXPECT_EQ(outline.k, 7);
  EXPECT_EQ(outline.quotas, 2);
  EXPECT_EQ(outline.bundle_version, 8);
  EXPECT_EQ(outline.bundle_label, "canary");
  EXPECT_EQ(outline.page_token, "token");
  EXPECT_TRUE(Outline("").status.ok());
}

TEST(RequestOutline, RefusesListsAboveALimit) {
  struct Case {
    void (*add)(v1::RetrieveRequest*);
    const char* message;
  };
  const Case cases[] = {
      {[](auto* r) { (*r->mutable_quotas())["c"]; },
       "quotas: 3 quotas, limits.max_quotas is 2"},
      {[](auto* r) { r->add_recent_item_ids(5); },
       "recent_item_ids: 5 items, limits.max_recent_items is 4"},
      {[](auto* r) {
         for (int i = 0; i < 5; ++i) r->add_recent_item_keys("");
       },
       "recent_item_keys: 5 items, limits.max_recent_items is 4"},
      {[](auto* r) { r->mutable_filter()->add_exclude_item_keys(""); },
       "filter: 6 exclusions, limits.max_exclusions is 5"},
      {[](auto* r) { r->mutable_filter()->add_exclude_item_ids(0); },
       "filter: 6 exclusions, limits.max_exclusions is 5"},
      {[](auto* r) {
         for (const char* name : {"b", "c"}) {
           (*r->mutable_fusion()->mutable_weights())[name] = 1;
         }
       },
       "fusion.weights: 3 weights, limits.max_quotas is 2"},
      {[](auto* r) {
         for (int i = 0; i < 64; ++i) {
           (*r->mutable_vectors())[std::to_string(i)];
         }
       },
       "vectors: 65 vectors, at most 64 are allowed"},
      {[](auto* r) { r->add_like(); },
       "like: 5 items with those of unlike, limits.max_recent_items is 4"},
      {[](auto* r) { r->add_unlike(); },
       "like: 5 items with those of unlike, limits.max_recent_items is 4"},
      {[](auto* r) { r->add_recent_item_weights(0); },
       "recent_item_weights: 5 weights, limits.max_recent_items is 4"},
      {[](auto* r) {
         for (int i = 0; i < 15; ++i) r->add_queries();
       },
       "queries: 17 vectors, at most 16 are allowed"},
      {[](auto* r) { r->mutable_queries(1)->add_values(1); },
       "queries: a vector has 4 values, limits.max_vector_dim is 3"},
      {[](auto* r) {
         for (int i = 0; i < 63; ++i) {
           (*r->mutable_user_features())[std::to_string(i)];
         }
       },
       "user_features: 65 features, at most 64 are allowed"},
      // Of all features together.
      {[](auto* r) {
         for (int i = 0; i < 2; ++i) {
           (*r->mutable_user_features())["age"].add_categories("");
         }
       },
       "user_features: 4 categories, limits.max_where_bytes is 3"},
      {[](auto* r) {
         for (int i = 0; i < 8; ++i) r->add_caps();
       },
       "caps: 9 caps, at most 8 are allowed"},
      {[](auto* r) {
         for (int i = 0; i < 16; ++i) r->add_boosts();
       },
       "boosts: 17 boosts, at most 16 are allowed"},
      {[](auto* r) {
         v1::Predicate* predicate = r->add_boosts()->mutable_predicate();
         for (int i = 0; i < 70; ++i) predicate = predicate->mutable_negated();
       },
       "boosts: a predicate is nested deeper than 32"},
      // The limit of terms, which is 0 here, is that of all boosts together.
      {[](auto* r) {
         for (int i = 0; i < 2; ++i) {
           v1::Boost* const boost = r->add_boosts();
           for (int p = 0; p < 4; ++p) {
             boost->mutable_predicate()->mutable_any()->add_predicates();
           }
         }
       },
       "boosts: 14 messages in predicates, more than those of "
       "limits.max_filter_terms, 0, need"},
  };
  for (const auto& [add, message] : cases) {
    v1::RetrieveRequest request = Full();
    add(&request);
    EXPECT_EQ(Outline(request.SerializeAsString()).status,
              absl::InvalidArgumentError(message));
  }
}

TEST(RequestOutline, CountsNumbersThatAreNotPacked) {
  std::string bytes;
  // Field 7 as single varints, as proto2 writes it.
  for (int i = 0; i < 5; ++i) bytes += {'\x38', '\x01'};
  EXPECT_THAT(std::string(Outline(bytes).status.message()),
              StartsWith("recent_item_ids: 5 items"));
  bytes.clear();
  // Field 20, a tag of two bytes, as single floats.
  for (int i = 0; i < 5; ++i) bytes += std::string("\xa5\x01\0\0\0\0", 6);
  EXPECT_THAT(std::string(Outline(bytes).status.message()),
              StartsWith("recent_item_weights: 5 weights"));
}

// A predicate that negates another one `depth` - 1 times.
v1::Predicate NestedPredicate(int depth, bool in_lists) {
  v1::Predicate predicate;
  predicate.mutable_term()->mutable_range()->mutable_above()->set_integer(1);
  for (int i = 1; i < depth; ++i) {
    v1::Predicate outer;
    (in_lists ? outer.mutable_all()->add_predicates() : outer.mutable_negated())
        ->Swap(&predicate);
    predicate.Swap(&outer);
  }
  return predicate;
}

RequestOutline OutlineOf(const v1::Predicate& predicate) {
  v1::Limits limits = SmallLimits();
  limits.set_max_filter_terms(100);
  v1::RetrieveRequest request;
  *request.mutable_filter()->mutable_predicate() = predicate;
  const std::string bytes = request.SerializeAsString();
  RequestOutline outline = OutlineRetrieve(bytes, limits);
  // What passes is parsed.
  EXPECT_TRUE(!outline.status.ok() || request.ParseFromString(bytes));
  outline.bytes = {};
  return outline;
}

TEST(RequestOutline, RefusesPredicatesThatAreTooDeep) {
  EXPECT_TRUE(OutlineOf(NestedPredicate(32, true)).status.ok());
  EXPECT_TRUE(OutlineOf(NestedPredicate(32, false)).status.ok());
  for (const bool in_lists : {true, false}) {
    EXPECT_EQ(
        OutlineOf(NestedPredicate(70, in_lists)).status,
        absl::InvalidArgumentError("filter.predicate: nested deeper than 32"));
  }
}

// A message in so many messages of one field, four megabytes of them.
std::string FourMegabytesOf(int number) {
  // From the innermost out, written back to front.
  std::string reversed;
  while (reversed.size() < 4 << 20) {
    std::string length;
    for (uint64_t size = reversed.size();; size >>= 7) {
      const bool last = size < 128;
      length += static_cast<char>((size & 127) | (last ? 0 : 128));
      if (last) break;
    }
    reversed.append(length.rbegin(), length.rend());
    reversed += static_cast<char>(number << 3 | 2);
  }
  return {reversed.rbegin(), reversed.rend()};
}

std::string WithLength(int number, const std::string& bytes) {
  std::string field;
  // The tag may take two bytes.
  for (const uint64_t value :
       {uint64_t{8} * static_cast<uint64_t>(number) + 2, bytes.size()}) {
    uint64_t left = value;
    for (; left >= 128; left >>= 7) {
      field += static_cast<char>((left & 127) | 128);
    }
    field += static_cast<char>(left);
  }
  return field + bytes;
}

TEST(RequestOutline, NestingOfFourMegabytesOverflowsNoStack) {
  const std::string negations = FourMegabytesOf(3);
  const std::string filter = WithLength(9, WithLength(4, negations));
  EXPECT_EQ(Outline(filter).status,
            absl::InvalidArgumentError("filter.predicate: nested deeper than "
                                       "32"));
  EXPECT_FALSE(v1::RetrieveRequest().ParseFromString(filter));
  // Whatever the outline says of it.
  for (const std::string& bytes :
       {filter, WithLength(16, WithLength(2, negations))}) {
    EXPECT_THAT(std::string(WhyUnparsable(bytes).message()),
                StartsWith("request: the bytes are not a"));
  }
}

TEST(RequestOutline, RefusesPredicatesOfTooManyMessages) {
  v1::Predicate predicate;
  // Four messages each, and the list.
  const auto add = [&](int terms) {
    for (int i = 0; i < terms; ++i) {
      *predicate.mutable_any()->add_predicates() =
          NestedPredicate(1, /*in_lists=*/false);
    }
  };
  add(100);
  EXPECT_TRUE(OutlineOf(predicate).status.ok());
  add(77);
  EXPECT_EQ(OutlineOf(predicate).status,
            absl::InvalidArgumentError(
                "filter.predicate: 709 messages, more than a predicate of "
                "limits.max_filter_terms, 100, needs"));
  // Empty ones, which take two bytes and become a hundred.
  predicate.Clear();
  for (int i = 0; i < 100'000; ++i) predicate.mutable_all()->add_predicates();
  EXPECT_THAT(std::string(OutlineOf(predicate).status.message()),
              StartsWith("filter.predicate: 100001 messages"));
  predicate.Clear();
  for (int i = 0; i < 100'000; ++i) {
    predicate.mutable_term()->mutable_any_of()->add_values();
  }
  EXPECT_THAT(std::string(OutlineOf(predicate).status.message()),
              StartsWith("filter.predicate: 100002 messages"));
}

TEST(RequestOutline, RefusesALongListOfAttributesToRelax) {
  v1::RetrieveRequest request;
  for (int i = 0; i < 64; ++i) request.mutable_filter()->add_relax("a");
  EXPECT_TRUE(Outline(request.SerializeAsString()).status.ok());
  request.mutable_filter()->add_relax("a");
  EXPECT_EQ(Outline(request.SerializeAsString()).status,
            absl::InvalidArgumentError(
                "filter.relax: 65 attributes, at most 64 are allowed"));
}

TEST(RequestOutline, RefusesALongListOfSets) {
  v1::RetrieveRequest request;
  for (int i = 0; i < 8; ++i) request.mutable_filter()->add_exclude_sets("a");
  EXPECT_TRUE(Outline(request.SerializeAsString()).status.ok());
  request.mutable_filter()->add_exclude_sets("a");
  EXPECT_EQ(Outline(request.SerializeAsString()).status,
            absl::InvalidArgumentError(
                "filter.exclude_sets: 9 sets, at most 8 are allowed"));
}

TEST(RequestOutline, AllowsAFewUnknownFields) {
  std::string bytes;
  // Field 31, a varint.
  for (int i = 0; i < 256; ++i) bytes += {'\xF8', '\x01', '\x00'};
  EXPECT_TRUE(Outline(bytes).status.ok());
  bytes += {'\xF8', '\x01', '\x00'};
  EXPECT_THAT(std::string(Outline(bytes).status.message()),
              StartsWith("request: 257 fields that this server's"));
}

// `bytes` as the field of that number.
std::string Within(int number, const std::string& bytes) {
  const std::string head = {static_cast<char>(number << 3 | 2),
                            static_cast<char>((bytes.size() & 127) | 128),
                            static_cast<char>(bytes.size() >> 7)};
  return head + bytes;
}

// protobuf keeps each of these in memory, wherever it is.
TEST(RequestOutline, CountsUnknownFieldsWhereverTheyAre) {
  std::string fields;
  for (int i = 0; i < 257; ++i) fields += {'\xFA', '\x01', '\x00'};
  const std::string group = "\xFB\x01" + fields + "\xFC\x01";
  const std::string entry = Within(1, "a");
  std::string user_ids_as_text;
  for (int i = 0; i < 257; ++i) user_ids_as_text += {'\x0A', '\x00'};
  for (const std::string& bytes :
       {group, "\xFB\x01" + group + "\xFC\x01", user_ids_as_text,
        Within(4, fields), Within(4, entry + Within(2, fields)),
        Within(5, fields), Within(5, Within(2, fields)),
        Within(5, user_ids_as_text), Within(6, fields),
        Within(6, entry + Within(2, fields)), Within(6, group),
        Within(9, fields), Within(9, Within(4, fields)),
        Within(9, Within(4, Within(3, fields))),
        Within(9, Within(4, Within(1, Within(1, fields)))),
        Within(9, Within(4, Within(4, fields))),
        Within(9, Within(4, Within(4, Within(2, fields)))),
        Within(9, Within(4, Within(4, Within(5, Within(1, fields))))),
        Within(15, fields),
        // The tags of fields 16 and 17 have two bytes.
        "\x82\x01" + Within(0, fields).substr(1),
        "\x82\x01" + Within(0, Within(2, fields)).substr(1),
        "\x8A\x01" + Within(0, fields).substr(1),
        // And that of field 26.
        "\xD2\x01" + Within(0, fields).substr(1),
        "\xD2\x01" + Within(0, Within(2, fields)).substr(1)}) {
    EXPECT_TRUE(v1::RetrieveRequest().ParseFromString(bytes)) << bytes;
    const absl::Status status = Outline(bytes).status;
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << bytes;
    EXPECT_THAT(std::string(status.message()), HasSubstr("fields that this"));
  }
}

// As the parser does it.
TEST(RequestOutline, IgnoresFieldsOfAnotherType) {
  v1::RetrieveRequest request = Full();
  request.set_bundle_version(8);
  std::string bytes = request.SerializeAsString();
  for (const int number : {3, 4, 11, 14}) {
    // As a fixed32, and k and bundle_version as text.
    bytes += static_cast<char>(number << 3 | 5);
    bytes += "1234";
    if (number != 4 && number != 14) bytes += Within(number, "x");
  }
  const RequestOutline outline = Outline(bytes);
  EXPECT_TRUE(outline.status.ok()) << outline.status;
  EXPECT_EQ(outline.k, 7);
  EXPECT_EQ(outline.quotas, 2);
  EXPECT_EQ(outline.bundle_version, 8);
  EXPECT_EQ(outline.bundle_label, "canary");

  std::vector<RequestOutline> entries;
  // Field 1 as a varint.
  EXPECT_TRUE(
      OutlineBatch({"\x08\x01\x0A\x00", 4}, SmallLimits(), &entries).ok());
  EXPECT_EQ(entries.size(), 1);
}

TEST(RequestOutline, BytesThatAreNoMessageAreInvalid) {
  for (const std::string& bytes :
       {std::string("\xFF\xFF"),
        std::string("\x12\x05"
                    "abc"),
        std::string("\x00", 1), std::string("\x4A\x02\x12\x09"),
        std::string("\x7B")}) {
    const absl::Status status = Outline(bytes).status;
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
    EXPECT_THAT(
        std::string(status.message()),
        StartsWith("request: the bytes are not a tributary.v1.RetrieveRequest"))
        << bytes.size();
  }
}

// A request that protobuf parses has an outline, and the other way round, but
// for text that is not UTF-8.
TEST(RequestOutline, AgreesWithTheParser) {
  v1::Limits limits;
  for (const auto set :
       {&v1::Limits::set_max_quotas, &v1::Limits::set_max_recent_items,
        &v1::Limits::set_max_exclusions, &v1::Limits::set_max_vector_dim,
        &v1::Limits::set_max_where_bytes}) {
    (limits.*set)(1000);
  }
  std::mt19937 random(3);
  const std::string valid = Full().SerializeAsString();
  int parsed = 0;
  for (int round = 0; round < 40000; ++round) {
    std::string bytes = valid.substr(0, random() % (valid.size() + 1));
    for (uint32_t i = random() % 3; i > 0 && !bytes.empty(); --i) {
      bytes[random() % bytes.size()] = static_cast<char>(random());
    }
    v1::RetrieveRequest request;
    const bool parses = request.ParseFromString(bytes);
    const absl::Status outline = OutlineRetrieve(bytes, limits).status;
    parsed += parses;
    if (parses) {
      EXPECT_TRUE(outline.ok()) << outline;
    }
    if (!parses && outline.ok()) {
      EXPECT_EQ(WhyUnparsable(bytes).code(),
                absl::StatusCode::kInvalidArgument);
    }
  }
  EXPECT_GT(parsed, 1000);
}

TEST(WhyUnparsable, NamesTheFirstTextThatIsNotUtf8) {
  const std::string broken = "a\xFF";
  v1::RetrieveRequest request = Full();
  request.mutable_filter()->add_exclude_item_keys(broken);
  EXPECT_THAT(std::string(WhyUnparsable(request.SerializeAsString()).message()),
              StartsWith("filter.exclude_item_keys[2]: the text is not UTF-8"));
  request = Full();
  (*request.mutable_quotas())[broken].set_target(1);
  EXPECT_THAT(std::string(WhyUnparsable(request.SerializeAsString()).message()),
              StartsWith("quotas[\"a\\xff\"]: the text is not UTF-8"));
  request = Full();
  (*request.mutable_vectors())["a"].set_fingerprint(broken);
  EXPECT_THAT(std::string(WhyUnparsable(request.SerializeAsString()).message()),
              HasSubstr("vectors[\"a\"]"));
  request = Full();
  (*request.mutable_user_features())["age"].add_categories(broken);
  EXPECT_THAT(std::string(WhyUnparsable(request.SerializeAsString()).message()),
              StartsWith("user_features[\"age\"]"));
  request = Full();
  request.set_segment(broken);
  EXPECT_THAT(std::string(WhyUnparsable(request.SerializeAsString()).message()),
              StartsWith("segment: "));
}

TEST(OutlineBatch, AWrongEntrySaysSoItself) {
  v1::BatchRetrieveRequest batch;
  *batch.add_requests() = Full();
  *batch.add_requests() = Full();
  batch.mutable_requests(1)->add_recent_item_ids(9);
  std::vector<RequestOutline> entries;
  const std::string bytes = batch.SerializeAsString();
  ASSERT_TRUE(OutlineBatch(bytes, SmallLimits(), &entries).ok());
  ASSERT_EQ(entries.size(), 2);
  EXPECT_TRUE(entries[0].status.ok());
  EXPECT_EQ(entries[0].bytes, batch.requests(0).SerializeAsString());
  EXPECT_THAT(std::string(entries[1].status.message()),
              StartsWith("recent_item_ids: 5 items"));
}

TEST(OutlineBatch, RefusesMoreThanTheLimitWithoutKeepingThem) {
  std::string bytes;
  for (int i = 0; i < 100'000; ++i) bytes += {'\x0A', '\x00'};
  std::vector<RequestOutline> entries;
  EXPECT_EQ(OutlineBatch(bytes, SmallLimits(), &entries),
            absl::InvalidArgumentError(
                "requests: 100000 requests, limits.max_batch is 3"));
  EXPECT_LE(entries.size(), 3);
  EXPECT_THAT(
      std::string(OutlineBatch("\x0A", SmallLimits(), &entries).message()),
      StartsWith("request: the bytes are not a "
                 "tributary.v1.BatchRetrieveRequest"));
}

}  // namespace
}  // namespace tributary
