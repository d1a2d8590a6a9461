#include "index/sign/signed_current.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <string>

#include "tests/index/bundle/tiny_bundle.h"

namespace tributary {
namespace {

using ::testing::HasSubstr;
namespace fs = std::filesystem;

constexpr int64_t kNowMs = 1'800'000'000'000;

class SignedCurrentTest : public testing::Test {
 protected:
  SignedCurrentTest() {
    EXPECT_TRUE(GenerateKeyPair(key_).ok());
    auto keys = PublicKeys::Read({key_.native() + ".pub"});
    EXPECT_TRUE(keys.ok());
    keys_ = *std::move(keys);
  }
  std::string Signed() const {
    const auto text = SignCurrent(7, kNowMs, key_);
    EXPECT_TRUE(text.ok()) << text.status();
    return text.value_or("");
  }
  std::string ErrorAt(int64_t now_ms, uint64_t max_age_seconds) const {
    const auto current = ParseSignedCurrent(Signed());
    EXPECT_TRUE(current.ok()) << current.status();
    const absl::Status status =
        CheckSignedCurrent(*current, keys_, now_ms, max_age_seconds);
    EXPECT_TRUE(status.ok() || absl::IsFailedPrecondition(status));
    return std::string(status.message());
  }

  const fs::path key_ = MakeTestDir() / "key";
  PublicKeys keys_;
};

TEST_F(SignedCurrentTest, IsReadAsItWasSigned) {
  const auto current = ParseSignedCurrent(Signed());
  ASSERT_TRUE(current.ok()) << current.status();
  EXPECT_EQ(current->version, 7U);
  EXPECT_EQ(current->at_ms, kNowMs);
  EXPECT_EQ(current->Text(), Signed());
}

TEST_F(SignedCurrentTest, HoldsForAWhile) {
  EXPECT_EQ(ErrorAt(kNowMs, 60), "");
  EXPECT_EQ(ErrorAt(kNowMs + 60'999, 60), "");
  EXPECT_THAT(ErrorAt(kNowMs + 61'000, 60),
              HasSubstr("signed 61 s ago, max_current_age_seconds is 60"));
  // Clocks differ a little.
  EXPECT_EQ(ErrorAt(kNowMs - 300'000, 60), "");
  EXPECT_THAT(ErrorAt(kNowMs - 300'001, 60), HasSubstr("in the future"));
}

TEST_F(SignedCurrentTest, AnyOtherVersionTimeOrKeyIsRefused) {
  SignedCurrent current = *ParseSignedCurrent(Signed());
  current.version = 8;
  EXPECT_FALSE(CheckSignedCurrent(current, keys_, kNowMs, 60).ok());
  current = *ParseSignedCurrent(Signed());
  current.at_ms += 1000;
  EXPECT_FALSE(CheckSignedCurrent(current, keys_, kNowMs, 60).ok());
  const fs::path other = MakeTestDir() / "other";
  ASSERT_TRUE(GenerateKeyPair(other).ok());
  const auto keys = PublicKeys::Read({other.native() + ".pub"});
  ASSERT_TRUE(keys.ok());
  current = *ParseSignedCurrent(Signed());
  EXPECT_THAT(
      std::string(CheckSignedCurrent(current, *keys, kNowMs, 60).message()),
      HasSubstr("by another key"));
}

// Everything but what SignCurrent writes, each byte changed and each cut.
TEST_F(SignedCurrentTest, NothingElseIsTakenForOne) {
  const std::string text = Signed();
  for (size_t i = 0; i < text.size(); ++i) {
    EXPECT_FALSE(ParseSignedCurrent(text.substr(0, i)).ok()) << i;
    std::string changed = text;
    changed[i] = static_cast<char>(changed[i] ^ 1);
    const auto current = ParseSignedCurrent(changed);
    EXPECT_FALSE(current.ok() &&
                 CheckSignedCurrent(*current, keys_, kNowMs, 60).ok())
        << i;
  }
  EXPECT_FALSE(ParseSignedCurrent(text + "\n").ok());
  EXPECT_FALSE(ParseSignedCurrent("tributary current 1\nversion \n").ok());
}

}  // namespace
}  // namespace tributary
