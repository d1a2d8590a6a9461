#include "index/sign/signature.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <cstdlib>
#include <filesystem>
#include <string>
#include <vector>

#include "index/publish/small_file.h"
#include "tests/index/bundle/tiny_bundle.h"

namespace tributary {
namespace {

using testing::HasSubstr;
namespace fs = std::filesystem;

constexpr char kManifest[] = R"({"version": "3"})";

class SignatureTest : public testing::Test {
 protected:
  SignatureTest() {
    EXPECT_TRUE(GenerateKeyPair(ours_).ok());
    EXPECT_TRUE(GenerateKeyPair(theirs_).ok());
  }

  PublicKeys Keys(const std::vector<fs::path>& paths) const {
    return *PublicKeys::Read(paths);
  }

  const fs::path dir_ = MakeTestDir();
  const fs::path ours_ = dir_ / "ours";
  const fs::path theirs_ = dir_ / "theirs";
};

TEST_F(SignatureTest, IsAcceptedByTheSignersKeyAmongOthers) {
  const auto signature = SignManifest(kManifest, ours_);
  ASSERT_TRUE(signature.ok()) << signature.status();
  EXPECT_EQ(signature->size(), 64);
  const SignedManifest manifest{kManifest, *signature};
  EXPECT_TRUE(Keys({dir_ / "ours.pub"}).Check(manifest).ok());
  EXPECT_TRUE(
      Keys({dir_ / "theirs.pub", dir_ / "ours.pub"}).Check(manifest).ok());
  const absl::Status status = Keys({dir_ / "theirs.pub"}).Check(manifest);
  EXPECT_TRUE(absl::IsFailedPrecondition(status)) << status;
  EXPECT_THAT(std::string(status.message()), HasSubstr("not a signature"));
}

TEST_F(SignatureTest, CoversEveryByte) {
  const std::string signature = *SignManifest(kManifest, ours_);
  const PublicKeys keys = Keys({dir_ / "ours.pub"});
  const std::string json = kManifest;
  for (size_t i = 0; i < json.size(); ++i) {
    std::string other = json;
    other[i] ^= 1;
    EXPECT_FALSE(keys.Check({other, signature}).ok()) << i;
  }
  for (size_t i = 0; i < signature.size(); ++i) {
    std::string other = signature;
    other[i] ^= 1;
    EXPECT_FALSE(keys.Check({json, other}).ok()) << i;
    EXPECT_FALSE(keys.Check({json, signature.substr(0, i)}).ok()) << i;
  }
  EXPECT_FALSE(keys.Check({json, signature + "x"}).ok());
}

TEST_F(SignatureTest, MustExistIfThereAreKeys) {
  const absl::Status status =
      Keys({dir_ / "ours.pub"}).Check({kManifest, std::nullopt});
  EXPECT_TRUE(absl::IsFailedPrecondition(status)) << status;
  EXPECT_THAT(std::string(status.message()), HasSubstr("missing"));
  EXPECT_TRUE(PublicKeys().Check({kManifest, std::nullopt}).ok());
}

TEST_F(SignatureTest, IsAnEd25519SignatureToOpenssl) {
  OverwriteFile(dir_ / "manifest", kManifest);
  OverwriteFile(dir_ / "signature", *SignManifest(kManifest, ours_));
  const std::string command =
      "openssl pkeyutl -verify -pubin -rawin -inkey " + ours_.string() +
      ".pub -in " + (dir_ / "manifest").string() + " -sigfile " +
      (dir_ / "signature").string() + " >/dev/null 2>&1";
  EXPECT_EQ(std::system(command.c_str()), 0);
}

TEST_F(SignatureTest, PrivateKeysAreReadableOnlyByTheOwner) {
  struct stat info;
  ASSERT_EQ(::stat(ours_.c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0600);
}

TEST_F(SignatureTest, KeysAreNotOverwritten) {
  const std::string key = ReadFile(ours_);
  EXPECT_TRUE(absl::IsAlreadyExists(GenerateKeyPair(ours_)));
  fs::remove(dir_ / "ours.pub");
  EXPECT_TRUE(absl::IsAlreadyExists(GenerateKeyPair(ours_)));
  EXPECT_EQ(ReadFile(ours_), key);
  fs::remove(theirs_);
  EXPECT_TRUE(absl::IsAlreadyExists(GenerateKeyPair(theirs_)));
  EXPECT_FALSE(fs::exists(theirs_));
}

TEST_F(SignatureTest, NamesFilesThatAreNoKeys) {
  OverwriteFile(dir_ / "empty", "");
  OverwriteFile(dir_ / "text", "-----BEGIN PUBLIC KEY-----\nx\n");
  for (const fs::path& path : {dir_ / "empty", dir_ / "text", ours_}) {
    const auto keys = PublicKeys::Read({path});
    EXPECT_TRUE(absl::IsInvalidArgument(keys.status())) << keys.status();
    EXPECT_THAT(std::string(keys.status().message()), HasSubstr(path.string()));
  }
  EXPECT_TRUE(absl::IsNotFound(PublicKeys::Read({dir_ / "no"}).status()));
  EXPECT_TRUE(
      absl::IsInvalidArgument(SignManifest("", dir_ / "ours.pub").status()));
}

// Stores answer differently for a signature that they do not have.
TEST(ReadSignedManifest, WhatIsNoSignatureIsNone) {
  const absl::StatusOr<std::string> answers[] = {
      absl::NotFoundError("404"), absl::PermissionDeniedError("403"),
      absl::DataLossError("manifest.sig: more than 4096 bytes"),
      std::string("<html>nothing here</html>"), std::string()};
  for (const auto& answer : answers) {
    const auto manifest = ReadSignedManifest(
        [&](const std::string& name, uint64_t) -> absl::StatusOr<std::string> {
          if (name == "manifest.json") return std::string("{}");
          return answer;
        });
    ASSERT_TRUE(manifest.ok()) << manifest.status();
    EXPECT_FALSE(manifest->signature.has_value());
    EXPECT_NE(manifest->why_unsigned, "");
  }
}

TEST(ReadSignedManifest, OtherErrorsAreItsOwn) {
  for (const std::string failing : {"manifest.json", "manifest.sig"}) {
    const auto manifest = ReadSignedManifest(
        [&](const std::string& name, uint64_t) -> absl::StatusOr<std::string> {
          if (name == failing) return absl::UnavailableError("cut off");
          return std::string("{}");
        });
    EXPECT_TRUE(absl::IsUnavailable(manifest.status())) << failing;
  }
  // The manifest is not optional.
  EXPECT_TRUE(absl::IsPermissionDenied(
      ReadSignedManifest([](const std::string&, uint64_t) {
        return absl::StatusOr<std::string>(absl::PermissionDeniedError("403"));
      }).status()));
}

TEST_F(SignatureTest, WhoWantsASignatureHearsWhyThereIsNone) {
  const auto keys = PublicKeys::Read({ours_.string() + ".pub"});
  ASSERT_TRUE(keys.ok()) << keys.status();
  SignedManifest manifest{kManifest, {}};
  manifest.why_unsigned = "STORE/3/manifest.sig: HTTP 403";
  const absl::Status status = keys->Check(manifest);
  EXPECT_TRUE(absl::IsFailedPrecondition(status));
  EXPECT_THAT(std::string(status.message()),
              HasSubstr("missing (STORE/3/manifest.sig: HTTP 403)"));
}

}  // namespace
}  // namespace tributary
