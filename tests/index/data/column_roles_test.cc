#include "index/data/column_roles.h"

#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace tributary {
namespace {

using ::testing::HasSubstr;
using Header = std::vector<std::string>;

constexpr Role kAll[] = {Role::kUser, Role::kItem, Role::kTime, Role::kType,
                         Role::kValue};

// "user=a item=b": the columns of the roles that were found.
std::string Found(const Header& header, const v1::Input& input = {}) {
  const auto roles = FindRoles("x.csv", header, kAll, input);
  if (!roles.ok()) return std::string(roles.status().message());
  std::string text;
  for (const Role role : kAll) {
    if (!(*roles)[role]) continue;
    if (!text.empty()) text += ' ';
    text += std::string(RoleName(role)) + '=' + header[*(*roles)[role]];
  }
  return text;
}

TEST(ColumnRoles, KnowColumnsOfPublicDataSetsInAnyOrder) {
  EXPECT_EQ(Found({"timestamp", "rating", "userId", "movieId"}),
            "user=userId item=movieId time=timestamp value=rating");
  EXPECT_EQ(Found({"event_time", "event_type", "product_id", "category_id",
                   "brand", "price", "user_session", "user_id"}),
            "user=user_id item=product_id time=event_time type=event_type");
  EXPECT_EQ(Found({"reviewerID", "asin", "overall", "reviewTime",
                   "unixReviewTime", "summary"}),
            "user=reviewerID item=asin time=unixReviewTime value=overall");
  EXPECT_EQ(Found({"InvoiceNo", "StockCode", "Description", "Quantity",
                   "InvoiceDate", "UnitPrice", "CustomerID", "Country"}),
            "user=CustomerID item=StockCode time=InvoiceDate value=Quantity");
  EXPECT_EQ(
      Found({"timestamp", "visitorid", "event", "itemid", "transactionid"}),
      "user=visitorid item=itemid time=timestamp type=event");
  EXPECT_EQ(Found({"FeedbackType", "UserId", "ItemId", "TimeStamp"}),
            "user=UserId item=ItemId time=TimeStamp type=FeedbackType");
  EXPECT_EQ(Found({"review_id", "user_id", "business_id", "stars", "date"}),
            "user=user_id item=business_id time=date value=stars");
  EXPECT_EQ(Found({"session", "aid", "ts", "type"}),
            "user=session item=aid time=ts type=type");
  EXPECT_EQ(Found({"Customer Id", "SKU", "Purchased At", "qty"}),
            "user=Customer Id item=SKU time=Purchased At value=qty");
  EXPECT_EQ(Found({"userID", "artistID", "weight"}),
            "user=userID item=artistID value=weight");
}

TEST(ColumnRoles, DoNotTakeFeaturesForKeys) {
  EXPECT_EQ(Found({"user_rating_mean", "item_category", "price"}), "");
  EXPECT_EQ(Found({"event_type", "events"}), "type=event_type");
}

TEST(ColumnRoles, WhatIsStatedCountsAndNothingElseIsGuessed) {
  v1::Input input;
  (*input.mutable_columns())["user"] = "Kunde";
  (*input.mutable_columns())["time"] = "";
  EXPECT_EQ(Found({"user_id", "kunde", "item", "ts"}, input),
            "user=kunde item=item");
  (*input.mutable_columns())["user"] = "client";
  EXPECT_THAT(Found({"kunde", "item"}, input),
              HasSubstr("no column \"client\", which is stated for the role "
                        "user; there are \"kunde\", \"item\""));
  input.mutable_columns()->clear();
  (*input.mutable_columns())["buyer"] = "kunde";
  EXPECT_THAT(Found({"kunde"}, input), HasSubstr("\"buyer\" is no role"));
}

TEST(ColumnRoles, AMissingColumnIsNamedWithThoseThereAre) {
  const Header header = {"a", "b"};
  const absl::Status status = MissingRole("x.csv", Role::kItem, header);
  EXPECT_EQ(status.code(), absl::StatusCode::kNotFound);
  EXPECT_THAT(std::string(status.message()),
              HasSubstr("no column is known as the item; there are \"a\", "
                        "\"b\". Name it: --columns item=COLUMN"));
}

std::string Key(const Header& header, Role role) {
  const auto column = FindKeyColumn("items.csv", role, header, v1::Input());
  return column.ok() ? header[*column] : std::string("none");
}

TEST(KeyColumn, IsTheIdOfATableOfItsOwn) {
  EXPECT_EQ(Key({"", "item", "title"}, Role::kItem), "item");
  EXPECT_EQ(Key({"id", "title", "artist"}, Role::kItem), "id");
  EXPECT_EQ(Key({"id", "product_id", "title"}, Role::kItem), "product_id");
  EXPECT_EQ(Key({"title", "ID"}, Role::kItem), "ID");
  EXPECT_EQ(Key({"age", "customerId"}, Role::kUser), "customerId");
  EXPECT_EQ(Key({"age", "city"}, Role::kUser), "none");
}

}  // namespace
}  // namespace tributary
