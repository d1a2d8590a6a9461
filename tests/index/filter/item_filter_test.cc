#include "index/filter/item_filter.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include "fmt/format.h"
#include "google/protobuf/text_format.h"
#include "index/filter/where.h"
#include "tests/index/bundle/tiny_bundle.h"
#include "tests/index/filter/attributed_items.h"
#include "tests/index/filter/random_predicates.h"

namespace tributary {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

constexpr int64_t kMinInt = std::numeric_limits<int64_t>::min();
constexpr int64_t kMaxInt = std::numeric_limits<int64_t>::max();

const Bundle& Tiny() {
  static const std::shared_ptr<const Bundle> bundle =
      *Bundle::Open(WriteTinyBundle(MakeTestDir(), 1));
  return *bundle;
}

v1::Predicate Message(const std::string& text) {
  v1::Predicate predicate;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(text, &predicate))
      << text;
  return predicate;
}

// The keys of the tiny bundle's items that pass, or the error.
std::string Passing(const v1::Predicate& predicate,
                    const ItemFilter::Options& options = {}) {
  const auto filter = ItemFilter::Compile(Tiny(), predicate, options);
  if (!filter.ok()) {
    EXPECT_EQ(filter.status().code(), absl::StatusCode::kInvalidArgument);
    return std::string(filter.status().message());
  }
  std::string keys;
  const RowSet rows = filter->Evaluate();
  EXPECT_EQ(rows.size(), 6);
  EXPECT_EQ(rows.words()[0] >> 6, 0) << "bits behind the last item";
  for (Row row = 0; row < 6; ++row) {
    if (rows.Has(row)) keys += Tiny().items().string(row);
  }
  return keys;
}

std::string PassingWhere(std::string_view where, uint32_t max_terms = 1000) {
  const auto parsed = ParseWhere(where);
  EXPECT_TRUE(parsed.ok()) << where << ": " << parsed.status();
  if (!parsed.ok()) return "";
  return Passing(parsed->predicate, {.path = "filter.where",
                                     .offsets = parsed->offsets,
                                     .max_terms = max_terms});
}

struct Case {
  std::string text;
  std::string expected;
};

TEST(ItemFilter, EachTestOfEachType) {
  const std::vector<Case> cases = {
      {"in_stock", "ace"},
      {"in_stock = false", "bf"},
      {"in_stock = 1", "ace"},
      {"in_stock != true", "bf"},
      {"NOT in_stock", "bdf"},
      {"in_stock : *", "abcef"},
      {"NOT in_stock : *", "d"},
      {"in_stock : (true OR false)", "abcef"},
      {"brand = acme", "ac"},
      {"brand != acme", "bef"},
      {"NOT brand = acme", "bdef"},
      {"brand : (acme OR core)", "ace"},
      {"brand >= bolt", "bef"},
      {"brand > bolt", "e"},
      {"brand < bp", "abcf"},
      {"brand <= acme", "ac"},
      {"brand < a", ""},
      {"brand : *", "abcef"},
      {"brand = ACME", ""},
      {"tags : toys", "acd"},
      {"tags = toys", "acd"},
      {"tags : (new OR sale)", "abcf"},
      {"tags : (new AND sale)", "c"},
      {"tags : (new AND other)", ""},
      {"tags : (new OR other)", "acf"},
      {"tags : *", "abcdf"},
      {"NOT tags : *", "e"},
      {"NOT tags : toys", "bef"},
      {"tags != toys", "bf"},
      {"year = 1999", "ad"},
      {"year = 1999.0", "ad"},
      {"year = 1999.5", ""},
      {"year > 1984", "abdf"},
      {"year > 1984.5", "abdf"},
      {"year >= 1984.5", "abdf"},
      {"year < 1999", "c"},
      {"year <= 1999", "acd"},
      {"year <= 1998.9", "c"},
      {"year : (1984 OR 2020 OR 2021)", "bcf"},
      {"year : *", "abcdf"},
      {"price = 9.99", "ae"},
      {"price < 9.99", "c"},
      {"price <= 9.99", "ace"},
      {"price > 49", "bd"},
      {"price >= 100", "d"},
      {"price = 100", "d"},
      {"price != 100", "abce"},
      {"created_at = 2024-01-01", "ae"},
      {"created_at = 2024-01-01T00:00:00Z", "ae"},
      {"created_at = \"2024-01-01T01:00:00+01:00\"", "ae"},
      {"created_at > 2025-06-15", "bdf"},
      {"created_at >= 2025-06-15T12:00:00Z", "bdf"},
      {"created_at > 2025-06-15T12:00", "d"},
      {"created_at < 2025-06-15T12:00:00.001Z", "abef"},
      {"created_at : *", "abdef"},
      {"in_stock AND price < 50 AND NOT tags : sale", "ae"},
      {"brand = core OR tags : sale", "bce"},
  };
  for (const auto& [text, expected] : cases) {
    EXPECT_EQ(PassingWhere(text), expected) << text;
  }
}

TEST(ItemFilter, RangesOfMessagesHaveTwoSides) {
  EXPECT_EQ(Passing(Message("term { attribute: 'year' range {"
                            " at_least { integer: 1984 }"
                            " below { integer: 2020 } } }")),
            "acd");
  EXPECT_EQ(Passing(Message("term { attribute: 'year' range {"
                            " above { integer: 1984 }"
                            " at_most { integer: 2020 } } }")),
            "abdf");
  EXPECT_EQ(Passing(Message("term { attribute: 'year' range {"
                            " above { integer: 2020 }"
                            " below { integer: 1984 } } }")),
            "");
}

TEST(ItemFilter, ErrorsOfTextNameTheByteOfTheTerm) {
  const std::vector<Case> cases = {
      {"in_stock AND stoc = 1",
       "filter.where: at byte 13: \"stoc\" is no attribute of version 1"},
      {"tag : new",
       "filter.where: at byte 0: \"tag\" is no attribute of version 1; did you "
       "mean \"tags\"?"},
      {"year = soon",
       "filter.where: at byte 0: \"year\" is integer, and \"soon\" is not; "
       "expected a whole number, such as 12"},
      {"a_long_time : *",
       "filter.where: at byte 0: \"a_long_time\" is no attribute of version 1"},
      {"brand = acme OR price = \"9.99\"",
       "filter.where: at byte 16: \"price\" is number, and \"9.99\" is not; "
       "expected a number, such as 49.9"},
      {"in_stock = yes",
       "filter.where: at byte 0: \"in_stock\" is bool, and \"yes\" is not; "
       "expected true or false"},
      {"in_stock > false",
       "filter.where: at byte 0: \"in_stock\" is bool, which has no order"},
      {"tags < x",
       "filter.where: at byte 0: \"tags\" is tags, which has no "
       "order"},
      {"created_at > 2026",
       "filter.where: at byte 0: \"created_at\" is time, and \"2026\" is not; "
       "expected a time in quotes, such as \"2026-11-30T12:00:00Z\" or "
       "\"2026-11-30\""},
      {"created_at > \"2026-13-01\"",
       "filter.where: at byte 0: \"created_at\" is time, and \"2026-13-01\" is "
       "not; expected a time in quotes, such as \"2026-11-30T12:00:00Z\" or "
       "\"2026-11-30\""},
      {"brand : (acme AND bolt)",
       "filter.where: at byte 0: \"brand\" is category, and an item has one "
       "value of it; all of several values are for tags"},
      // 1.50 and 1.5 are the same number, and different texts.
      {"brand = 1.50",
       "filter.where: at byte 0: \"brand\" is category, and \"1.5\" is not; "
       "expected text, in quotes if it looks like a number"},
      {"tags : (new OR 1e5)",
       "filter.where: at byte 0: \"tags\" is tags, and \"100000\" is not; "
       "expected text, in quotes if it looks like a number"},
      {"price : (1 OR x)",
       "filter.where: at byte 0: \"price\" is number, and \"x\" is not; "
       "expected a number, such as 49.9"},
      {"year != soon",
       "filter.where: at byte 0: \"year\" is integer, and \"soon\" is not; "
       "expected a whole number, such as 12"},
  };
  for (const auto& [text, expected] : cases) {
    EXPECT_EQ(PassingWhere(text), expected) << text;
  }
}

TEST(ItemFilter, ErrorsOfMessagesNameThePath) {
  const std::vector<Case> cases = {
      {"", "filter.predicate: one of all, any, negated and term must be set"},
      {"all {}",
       "filter.predicate.all.predicates: empty, expected at least "
       "one"},
      {"any {}",
       "filter.predicate.any.predicates: empty, expected at least "
       "one"},
      {"negated {}",
       "filter.predicate.negated: one of all, any, negated and "
       "term must be set"},
      {"any { predicates { term { attribute: 'year' exists: true } }"
       " predicates { negated { all { predicates {} } } } }",
       "filter.predicate.any.predicates[1].negated.all.predicates[0]: one of "
       "all, any, negated and term must be set"},
      {"term {}",
       "filter.predicate.term.attribute: \"\" is no attribute of version 1"},
      {"term { attribute: 'year' }",
       "filter.predicate.term: one of equals, any_of, all_of, range and exists "
       "must be set"},
      {"term { attribute: 'year' equals {} }",
       "filter.predicate.term.equals: one of flag, text, integer and number "
       "must be set"},
      {"term { attribute: 'brand' equals {} }",
       "filter.predicate.term.equals: one of flag, text, integer and number "
       "must be set"},
      {"term { attribute: 'year' equals { number: nan } }",
       "filter.predicate.term.equals: \"year\" is integer, and \"nan\" is not; "
       "expected a whole number, such as 12"},
      {"term { attribute: 'price' range { below { number: inf } } }",
       "filter.predicate.term.range.below: \"price\" is number, and \"inf\" is "
       "not; expected a number, such as 49.9"},
      {"term { attribute: 'price' any_of {} }",
       "filter.predicate.term.any_of.values: empty, expected at least one"},
      {"term { attribute: 'year' any_of { values { integer: 1 }"
       " values { text: 'x' } } }",
       "filter.predicate.term.any_of.values[1]: \"year\" is integer, and \"x\" "
       "is not; expected a whole number, such as 12"},
      {"term { attribute: 'year' all_of { values { integer: 1 } } }",
       "filter.predicate.term.all_of: \"year\" is integer, and an item has one "
       "value of it; all of several values are for tags"},
      {"term { attribute: 'year' range {} }",
       "filter.predicate.term.range: no limit is set"},
      {"term { attribute: 'year' range { at_least {} } }",
       "filter.predicate.term.range.at_least: one of flag, text, integer and "
       "number must be set"},
      {"term { attribute: 'brand' range { above { number: 1.5 } } }",
       "filter.predicate.term.range.above: \"brand\" is category, and \"1.5\" "
       "is not; expected text, in quotes if it looks like a number"},
      {"term { attribute: 'year' range { at_least { integer: 1 } above "
       "{ integer: 1 } } }",
       "filter.predicate.term.range: at_least and above are both set"},
      {"term { attribute: 'year' range { at_most { integer: 1 } below "
       "{ integer: 1 } } }",
       "filter.predicate.term.range: at_most and below are both set"},
      {"term { attribute: 'in_stock' equals { text: 'true' } }",
       "filter.predicate.term.equals: \"in_stock\" is bool, and \"true\" is "
       "not; expected true or false"},
      {"term { attribute: 'in_stock' equals { integer: 2 } }",
       "filter.predicate.term.equals: \"in_stock\" is bool, and \"2\" is not; "
       "expected true or false"},
      {"term { attribute: 'tags' range { above { text: 'x' } } }",
       "filter.predicate.term.range: \"tags\" is tags, which has no order"},
  };
  for (const auto& [text, expected] : cases) {
    EXPECT_EQ(Passing(Message(text)), expected) << text;
  }
}

TEST(ItemFilter, ABundleWithoutAttributesSaysSo) {
  v1::Manifest manifest = Tiny().manifest();
  manifest.clear_attributes();
  const auto bundle = RewriteBundle(
      Tiny(), manifest, [](BundleWriter*) { return absl::OkStatus(); });
  const auto filter = ItemFilter::Compile(
      *bundle, Message("term { attribute: 'year' exists: true }"), {});
  EXPECT_EQ(filter.status(),
            absl::InvalidArgumentError(
                "filter.predicate.term.attribute: \"year\" is no attribute of "
                "version 1, which has none (docs/filters.md)"));
}

v1::Predicate NestedNegations(int depth) {
  v1::Predicate predicate =
      Message("term { attribute: 'in_stock' exists: true }");
  for (int i = 1; i < depth; ++i) {
    v1::Predicate outer;
    outer.mutable_negated()->Swap(&predicate);
    predicate.Swap(&outer);
  }
  return predicate;
}

TEST(ItemFilter, LimitsOfSize) {
  EXPECT_EQ(Passing(NestedNegations(31)), "abcef");
  EXPECT_EQ(Passing(NestedNegations(32)), "d");
  EXPECT_THAT(Passing(NestedNegations(33)),
              ::testing::EndsWith("negated: nested deeper than 32"));
  EXPECT_EQ(PassingWhere("year:* AND brand:*", 2), "abcf");
  EXPECT_EQ(PassingWhere("year:* AND brand:*", 1),
            "filter.where: at byte 11: more than 1 terms, which is "
            "limits.max_filter_terms");
  // Each value counts, and != is two.
  EXPECT_EQ(PassingWhere("year : (1984 OR 1999)", 2), "acd");
  EXPECT_EQ(PassingWhere("year : (1984 OR 1999 OR 2020)", 2),
            "filter.where: at byte 0: more than 2 terms, which is "
            "limits.max_filter_terms");
  EXPECT_EQ(PassingWhere("year != 1984", 1),
            "filter.where: at byte 0: more than 1 terms, which is "
            "limits.max_filter_terms");
  const auto equals = [](size_t bytes) {
    v1::Predicate predicate = Message("term { attribute: 'brand' }");
    predicate.mutable_term()->mutable_equals()->set_text(
        std::string(bytes, 'x'));
    return predicate;
  };
  EXPECT_EQ(Passing(equals(4), {.max_text_bytes = 4}), "");
  EXPECT_EQ(Passing(equals(5), {.max_text_bytes = 4}),
            "filter.predicate.term.equals: 5 bytes, limits.max_key_bytes is 4");
  EXPECT_EQ(Passing(Message("term { attribute: 'brand' range { below { text: "
                            "'abcde' } } }"),
                    {.max_text_bytes = 4}),
            "filter.predicate.term.range.below: 5 bytes, limits.max_key_bytes "
            "is 4");
}

std::vector<std::string> UnknownValues(std::string_view where) {
  const auto parsed = ParseWhere(where);
  EXPECT_TRUE(parsed.ok()) << parsed.status();
  const auto filter = ItemFilter::Compile(Tiny(), parsed->predicate, {});
  EXPECT_TRUE(filter.ok()) << filter.status();
  return filter->unknown_values();
}

TEST(ItemFilter, ReportsValuesThatNoItemHas) {
  EXPECT_THAT(
      UnknownValues("brand:(acme OR acne) AND NOT tags:old AND year = 1 AND "
                    "price != 1.25 AND created_at = 2000-01-01"),
      ElementsAre("brand: acne", "tags: old", "year: 1", "price: 1.25",
                  "created_at: 2000-01-01"));
  EXPECT_THAT(UnknownValues("year < 5 AND brand > zzz AND in_stock"),
              IsEmpty());
  EXPECT_THAT(UnknownValues("brand = \"a\nb\""), ElementsAre("brand: a\\nb"));
  std::string many = "brand:(x";
  for (int i = 0; i < 100; ++i) many += fmt::format(" OR x{}", i);
  EXPECT_THAT(UnknownValues(many + ")"), SizeIs(16));
}

// Items whose years are the bounds of int64, and what doubles make of them.
TEST(ItemFilter, BoundsOfIntegers) {
  constexpr int64_t k2To60 = int64_t{1} << 60;
  std::vector<AttributedItem> items(7);
  const std::vector<int64_t> years = {kMinInt,    kMinInt + 1, -1,     0,
                                      k2To60 - 1, k2To60,      kMaxInt};
  for (size_t i = 0; i < items.size(); ++i) items[i].year = years[i];
  const auto bundle = OpenBundleOf(items);
  std::vector<v1::AttributeValue> values(13);
  values[0].set_number(-1e300);
  values[1].set_number(-0x1p63);
  values[2].set_number(-0x1p63 - 2048);
  values[3].set_number(-0.5);
  values[4].set_number(0x1p60);
  values[5].set_number(0x1p60 - 128);
  values[6].set_number(0x1p63);
  values[7].set_number(1e300);
  values[8].set_integer(kMinInt);
  values[9].set_integer(kMaxInt);
  values[10].set_integer(0);
  values[11].set_integer(k2To60);
  values[12].set_number(-1);
  using Set = v1::AttributeValue* (v1::ValueRange::*)();
  for (const v1::AttributeValue& value : values) {
    for (const Set set :
         {&v1::ValueRange::mutable_at_least, &v1::ValueRange::mutable_above,
          &v1::ValueRange::mutable_at_most, &v1::ValueRange::mutable_below,
          Set{nullptr}}) {
      v1::Predicate predicate;
      predicate.mutable_term()->set_attribute("year");
      if (set == nullptr) {
        *predicate.mutable_term()->mutable_equals() = value;
      } else {
        *(predicate.mutable_term()->mutable_range()->*set)() = value;
      }
      const auto filter = ItemFilter::Compile(*bundle, predicate, {});
      ASSERT_TRUE(filter.ok()) << filter.status();
      const RowSet rows = filter->Evaluate();
      for (Row row = 0; row < items.size(); ++row) {
        EXPECT_EQ(rows.Has(row), Passes(items[row], predicate))
            << years[row] << " " << predicate.ShortDebugString();
      }
    }
  }
}

TEST(ItemFilter, NumbersAreComparedAsDoubles) {
  std::vector<AttributedItem> items(5);
  const double largest = std::numeric_limits<double>::max();
  const double smallest = std::numeric_limits<double>::denorm_min();
  const std::vector<double> prices = {-largest, -0.0, smallest, 0x1p53,
                                      largest};
  for (size_t i = 0; i < items.size(); ++i) items[i].price = prices[i];
  const auto bundle = OpenBundleOf(items);
  const auto passing = [&](std::string_view where) {
    const auto parsed = ParseWhere(where);
    EXPECT_TRUE(parsed.ok()) << parsed.status();
    const auto filter = ItemFilter::Compile(*bundle, parsed->predicate, {});
    EXPECT_TRUE(filter.ok()) << filter.status();
    std::string rows;
    for (Row row = 0; row < items.size(); ++row) {
      if (filter->Evaluate().Has(row)) rows += fmt::format("{}", row);
    }
    return rows;
  };
  EXPECT_EQ(passing("price = 0"), "1");
  EXPECT_EQ(passing("price > 0"), "234");
  EXPECT_EQ(passing("price >= 0.0"), "1234");
  EXPECT_EQ(passing("price < 0"), "0");
  EXPECT_EQ(passing("price = 9007199254740992"), "3");
  EXPECT_EQ(passing("price <= 9007199254740992"), "0123");
  EXPECT_EQ(passing("price >= 1.7976931348623157e308"), "4");
  EXPECT_EQ(passing("price > -1.7976931348623157e308"), "1234");
}

TEST(ItemFilterProperty, EqualsAnEvaluationItemByItem) {
  uint64_t passing = 0;
  uint64_t evaluated = 0;
  for (const size_t count : {1, 63, 64, 65, 500, 2000}) {
    const auto items = DrawItems(count, static_cast<uint32_t>(count));
    const auto bundle = OpenBundleOf(items);
    RandomPredicates predicates(items, static_cast<uint32_t>(count + 7));
    for (int round = 0; round < 400; ++round) {
      const v1::Predicate predicate = predicates.Draw(round % 5);
      const auto filter =
          ItemFilter::Compile(*bundle, predicate, {.max_terms = 100'000});
      ASSERT_TRUE(filter.ok()) << filter.status();
      const RowSet rows = filter->Evaluate();
      uint64_t expected = 0;
      for (Row row = 0; row < count; ++row) {
        const bool passes = Passes(items[row], predicate);
        ASSERT_EQ(filter->Passes(row), passes)
            << "item " << row << ": " << predicate.ShortDebugString();
        ASSERT_EQ(rows.Has(row), passes)
            << "item " << row << " of " << count << ": "
            << predicate.ShortDebugString();
        expected += passes;
      }
      // None behind the last item.
      ASSERT_EQ(rows.Count(), expected);
      passing += expected;
      evaluated += count;
    }
  }
  // Predicates that pass everything, or nothing, would prove little.
  EXPECT_GT(passing, evaluated / 5);
  EXPECT_LT(passing, evaluated * 4 / 5);
}

bool Mentions(const v1::Predicate& predicate, std::string_view attribute) {
  if (predicate.has_term()) return predicate.term().attribute() == attribute;
  if (predicate.has_negated()) return Mentions(predicate.negated(), attribute);
  for (const auto* list : {&predicate.all(), &predicate.any()}) {
    for (const v1::Predicate& one : list->predicates()) {
      if (Mentions(one, attribute)) return true;
    }
  }
  return false;
}

// The item with another one's value of the attribute.
AttributedItem WithValueOf(AttributedItem item, const AttributedItem& other,
                           std::string_view attribute) {
  if (attribute == "in_stock") item.in_stock = other.in_stock;
  if (attribute == "brand") item.brand = other.brand;
  if (attribute == "tags") item.tags = other.tags;
  if (attribute == "year") item.year = other.year;
  return item;
}

TEST(DropAttributeProperty, PassesWhatPassedWithAnyValueOfTheAttribute) {
  const auto items = DrawItems(80, 5);
  RandomPredicates predicates(items, 11);
  int left = 0;
  uint64_t refused = 0;
  for (int round = 0; round < 3000; ++round) {
    const v1::Predicate predicate = predicates.Draw(round % 5);
    const char* const attribute =
        std::vector{"in_stock", "brand", "tags", "year"}[round % 4];
    v1::Predicate relaxed = predicate;
    if (!DropAttribute(attribute, &relaxed)) continue;
    ++left;
    ASSERT_FALSE(Mentions(relaxed, attribute)) << relaxed.ShortDebugString();
    if (!Mentions(predicate, attribute)) {
      ASSERT_EQ(relaxed.ShortDebugString(), predicate.ShortDebugString());
    }
    for (size_t i = 0; i < items.size(); ++i) {
      const bool passes = Passes(items[i], relaxed);
      refused += !passes;
      for (size_t other : {i, (i + 1) % 80, (i * 7 + 3) % 80}) {
        if (!Passes(WithValueOf(items[i], items[other], attribute),
                    predicate)) {
          continue;
        }
        ASSERT_TRUE(passes)
            << "item " << i << ": " << predicate.ShortDebugString()
            << " without " << attribute << ": " << relaxed.ShortDebugString();
      }
    }
  }
  EXPECT_GT(left, 1000);
  EXPECT_GT(refused, 10'000);
}

TEST(DropAttribute, LeavesTheOtherConditions) {
  const std::vector<Case> cases = {
      // What is left when terms on `brand` are dropped.
      {"in_stock", "in_stock"},
      {"brand = acme AND in_stock", "in_stock"},
      {"in_stock AND NOT brand = acme", "in_stock"},
      {"in_stock AND brand != acme", "in_stock"},
      {"in_stock AND (brand = acme OR year = 1999)", "in_stock"},
      {"in_stock AND NOT (brand = acme OR year = 1999)",
       "in_stock AND NOT year = 1999"},
      {"in_stock AND NOT (brand = acme AND year = 1999)", "in_stock"},
      {"NOT (NOT in_stock OR brand : *)", "in_stock"},
      {"brand = acme", ""},
      {"NOT brand = acme", ""},
      {"brand : * AND brand != acme", ""},
      {"brand = acme OR in_stock", ""},
      {"NOT (brand = acme AND in_stock)", ""},
  };
  for (const auto& [where, expected] : cases) {
    auto parsed = ParseWhere(where);
    ASSERT_TRUE(parsed.ok()) << where << ": " << parsed.status();
    const bool left = DropAttribute("brand", &parsed->predicate);
    EXPECT_EQ(left, !expected.empty()) << where;
    if (!left || expected.empty()) continue;
    EXPECT_EQ(Passing(parsed->predicate), PassingWhere(expected)) << where;
  }
}

}  // namespace
}  // namespace tributary
