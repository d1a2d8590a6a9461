#include "server/access/token_table.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>

namespace tributary {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

// echo -n secret | sha256sum
constexpr char kHashOfSecret[] =
    "2bb80d537b1da3e38bd30361aa855686bde0eacd7162fef6a25fe97bf527a25b";
constexpr char kOtherHash[] =
    "0000000000000000000000000000000000000000000000000000000000000000";

TEST(TokenTable, FindsATokenByItsHash) {
  const auto table = TokenTable::Parse(
      "tokens", std::string("# who comes\n\nranker ") + kHashOfSecret +
                    "\r\nnightly\t" + kOtherHash + " 2030-01-31T00:00:00Z\n");
  ASSERT_TRUE(table.ok()) << table.status();
  EXPECT_EQ(table->size(), 2);
  const TokenTable::Token* const token = table->Find(HashToken("secret"));
  ASSERT_NE(token, nullptr);
  EXPECT_EQ(token->name, "ranker");
  EXPECT_EQ(token->expires_s, std::numeric_limits<int64_t>::max());
  EXPECT_EQ(table->Find(HashToken("secret2")), nullptr);
  EXPECT_EQ(table->Find(TokenHash{})->expires_s, 1896048000);
}

TEST(TokenTable, OfTwoLinesForATokenTheLongerOneCounts) {
  const std::string line = std::string("a ") + kHashOfSecret;
  const auto table =
      TokenTable::Parse("tokens", line + " 2020-01-01T00:00:00Z\n" + line +
                                      " 2040-01-01T00:00:00Z");
  ASSERT_TRUE(table.ok()) << table.status();
  EXPECT_GT(table->Find(HashToken("secret"))->expires_s, 2'000'000'000);
}

TEST(TokenTable, NamesTheLineThatIsWrongButRepeatsNothingOfIt) {
  const auto error = [](const std::string& text) {
    return TokenTable::Parse("tokens", text).status().ToString();
  };
  EXPECT_THAT(error("a\n"), HasSubstr("tokens: line 1: expected a name"));
  EXPECT_THAT(error("\nranker secret\n"),
              AllOf(HasSubstr("tokens: line 2: expected the token's SHA-256"),
                    Not(HasSubstr("secret"))));
  EXPECT_THAT(error(std::string("a*b ") + kHashOfSecret),
              HasSubstr("expected a name of at most"));
  EXPECT_THAT(error(std::string("a ") + kHashOfSecret + " tomorrow"),
              HasSubstr("expected a time such as"));
}

}  // namespace
}  // namespace tributary
