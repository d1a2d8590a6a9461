#include "index/filter/failed_parts.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "index/filter/item_filter.h"
#include "index/filter/where.h"
#include "index/filter/where_text.h"
#include "tests/index/bundle/tiny_bundle.h"
#include "tests/index/filter/attributed_items.h"
#include "tests/index/filter/random_predicates.h"

namespace tributary {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

const Bundle& Tiny() {
  static const std::shared_ptr<const Bundle> bundle =
      *Bundle::Open(WriteTinyBundle(MakeTestDir(), 1));
  return *bundle;
}

v1::Predicate Parsed(std::string_view where) {
  const auto parsed = ParseWhere(where);
  EXPECT_TRUE(parsed.ok()) << where << ": " << parsed.status();
  return parsed.ok() ? parsed->predicate : v1::Predicate();
}

// What item "a" to "f" fails of the text.
std::vector<std::string> Failed(std::string_view key, std::string_view where) {
  std::vector<std::string> parts;
  for (const v1::Predicate& part :
       FailedParts(Tiny(), Parsed(where), Tiny().items().Find(key))) {
    parts.push_back(WhereText(part));
  }
  return parts;
}

// The text without what the item fails; "everything" if nothing is left.
std::string Left(std::string_view key, std::string_view where) {
  const auto left =
      WithoutFailedParts(Tiny(), Parsed(where), Tiny().items().Find(key));
  return left.has_value() ? WhereText(*left) : "everything";
}

TEST(FailedParts, AreTheSmallestThatWouldHaveToPass) {
  // a: in stock, acme, new and toys, 1999, 9.99.
  EXPECT_THAT(Failed("a", "brand = acme AND price < 50"), IsEmpty());
  EXPECT_THAT(Failed("a", "brand = acme AND price < 5"),
              ElementsAre("price < 5"));
  EXPECT_THAT(Failed("a", "brand = bolt AND price < 5 AND in_stock"),
              ElementsAre("brand = \"bolt\"", "price < 5"));
  // Any of them would do, so that they are one part.
  EXPECT_THAT(Failed("a", "in_stock AND (brand = bolt OR price < 5)"),
              ElementsAre("brand = \"bolt\" OR price < 5"));
  EXPECT_THAT(Failed("a", "in_stock AND brand = bolt OR price < 5"),
              ElementsAre("brand = \"bolt\" OR price < 5"));
  EXPECT_THAT(Failed("a", "brand = bolt OR in_stock"), IsEmpty());
  EXPECT_THAT(Failed("a", "brand != acme AND year = 1999"),
              ElementsAre("brand != \"acme\""));
  EXPECT_THAT(Failed("a", "NOT tags : toys"),
              ElementsAre("NOT tags = \"toys\""));
}

TEST(FailedParts, OfANegationAreThoseOfWhatItNegates) {
  EXPECT_THAT(Failed("a", "NOT (tags : toys OR price > 50)"),
              ElementsAre("NOT tags = \"toys\""));
  EXPECT_THAT(Failed("a", "NOT (tags : toys AND price < 50)"),
              ElementsAre("NOT (tags = \"toys\" AND price < 50)"));
  EXPECT_THAT(Failed("a", "NOT (NOT brand = bolt)"),
              ElementsAre("brand = \"bolt\""));
  EXPECT_EQ(Left("a", "NOT (tags : toys OR price > 50)"), "NOT price > 50");
}

TEST(WithoutFailedParts, KeepsWhatTheItemPasses) {
  EXPECT_EQ(Left("a", "brand = acme"), "brand = \"acme\"");
  EXPECT_EQ(Left("a", "brand = bolt"), "everything");
  EXPECT_EQ(Left("a", "brand = bolt AND price < 50"), "price < 50");
  EXPECT_EQ(Left("a", "(brand = bolt OR price < 5) AND in_stock AND year > 0"),
            "in_stock = true AND year > 0");
}

TEST(ItemValueText, IsWhatPeopleWrite) {
  const auto value = [](std::string_view key, const char* attribute) {
    return ItemValueText(*Tiny().FindAttribute(attribute),
                         Tiny().items().Find(key));
  };
  EXPECT_EQ(value("a", "in_stock"), "true");
  EXPECT_EQ(value("a", "brand"), "acme");
  EXPECT_EQ(value("c", "tags"), "new, sale, toys");
  EXPECT_EQ(value("a", "year"), "1999");
  EXPECT_EQ(value("a", "price"), "9.99");
  EXPECT_EQ(value("a", "created_at"), "2024-01-01T00:00:00Z");
  EXPECT_EQ(value("d", "brand"), "");
  EXPECT_EQ(value("e", "tags"), "");
}

TEST(WhereText, IsWrittenAsPeopleWouldWriteIt) {
  for (const char* text :
       {"brand = \"acme\"", "price >= 1.5 AND price < 5", "year : *",
        "NOT year : *", "brand = (\"a\" OR \"b\")", "tags = (\"a\" AND \"b\")",
        "in_stock = true", "brand != \"a\\\"b\\\\c\"",
        "(brand = \"a\" OR year = 1) AND NOT (year = 2 AND year = 3)",
        "NOT (NOT year = 2)", "price = 1e+30", "price = 50.0", "price = -3"}) {
    EXPECT_EQ(WhereText(Parsed(text)), text);
  }
}

// On random items and predicates of every form.
TEST(FailedPartsProperty, ExactlyWhatIsNamedIsInTheWay) {
  const auto items = DrawItems(200, 3);
  const auto bundle = OpenBundleOf(items);
  RandomPredicates predicates(items, 5);
  int failed = 0;
  int narrowed = 0;
  for (int round = 0; round < 3000; ++round) {
    const v1::Predicate predicate = predicates.Draw(round % 5);
    const auto row = static_cast<Row>(round % 200);
    SCOPED_TRACE(predicate.ShortDebugString());
    // The text passes the same items.
    const v1::Predicate reread = Parsed(WhereText(predicate));
    for (size_t i = 0; i < items.size(); i += 3) {
      ASSERT_EQ(Passes(items[i], reread), Passes(items[i], predicate))
          << WhereText(predicate);
    }
    const auto parts = FailedParts(*bundle, predicate, row);
    ASSERT_EQ(parts.empty(), Passes(items[row], predicate));
    for (const v1::Predicate& part : parts) {
      ASSERT_FALSE(Passes(items[row], part)) << WhereText(part);
    }
    // What is left passes the item, and whatever passed before.
    const auto left = WithoutFailedParts(*bundle, predicate, row);
    if (!left.has_value()) {
      ++failed;
      continue;
    }
    ASSERT_TRUE(Passes(items[row], *left)) << WhereText(*left);
    narrowed += parts.empty() ? 0 : 1;
    for (const AttributedItem& item : items) {
      ASSERT_TRUE(Passes(item, *left) || !Passes(item, predicate));
    }
    // An item that passes what is left and every part passes all.
    for (const AttributedItem& item : items) {
      bool all = Passes(item, *left);
      for (const v1::Predicate& part : parts) all = all && Passes(item, part);
      ASSERT_TRUE(!all || Passes(item, predicate));
    }
  }
  EXPECT_GT(failed, 300);
  EXPECT_GT(narrowed, 100);
}

}  // namespace
}  // namespace tributary
