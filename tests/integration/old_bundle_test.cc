// The bundle format is a promise: a bundle that older programs wrote loads, and
// is answered from as they did.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <string>

#include "google/protobuf/util/json_util.h"
#include "tests/index/bundle/tiny_bundle.h"
#include "tests/integration/deployment.h"

namespace tributary {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAreArray;
using testing::FloatNear;
using testing::Pointwise;

const fs::path kOld = OLD_BUNDLE_DIR;

v1::RetrieveResponse KnownReply(const std::string& name) {
  v1::RetrieveResponse reply;
  const auto parsed = google::protobuf::util::JsonStringToMessage(
      ReadFile(kOld / name), &reply);
  EXPECT_TRUE(parsed.ok()) << parsed.ToString();
  EXPECT_GT(reply.item_keys_size(), 0);
  return reply;
}

void ExpectSame(const v1::RetrieveResponse& reply,
                const v1::RetrieveResponse& known) {
  EXPECT_THAT(reply.item_keys(), ElementsAreArray(known.item_keys()));
  EXPECT_THAT(reply.scores(), Pointwise(FloatNear(1e-4F), known.scores()));
  EXPECT_THAT(reply.sources(), ElementsAreArray(known.sources()));
}

TEST(OldBundle, VerifiesWithItsSignature) {
  const Outcome verified =
      RunProgram({Program("tributary"), "verify", kOld / "1", "--public-key",
                  kOld / "release.pub"});
  EXPECT_EQ(verified.exit_status, 0) << verified.output;
  EXPECT_EQ(verified.output, "ok\n");
}

TEST(OldBundle, AnswersAsItDid) {
  Deployment deployment;
  fs::copy(kOld / "1", deployment.bundles() / "1", fs::copy_options::recursive);
  deployment.StartServer();

  v1::RetrieveRequest request;
  request.set_user_key("u3");
  request.set_k(20);
  const auto known_user = deployment.client().Retrieve(request);
  ASSERT_TRUE(known_user.ok()) << known_user.status();
  ExpectSame(*known_user, KnownReply("u3.json"));

  request.clear_user_key();
  request.add_recent_item_keys("i3");
  request.add_recent_item_keys("i7");
  const auto anonymous = deployment.client().Retrieve(request);
  ASSERT_TRUE(anonymous.ok()) << anonymous.status();
  ExpectSame(*anonymous, KnownReply("recent_i3_i7.json"));
}

TEST(OldBundle, IsExtended) {
  const fs::path dir = MakeTestDir();
  fs::copy(kOld / "1", dir / "1", fs::copy_options::recursive);
  OverwriteFile(dir / "new.csv",
                "item,title,category,price\nnew,small oak lamp,lamp,7.5\n");
  const Outcome extended = RunProgram({Program("tributary"), "extend", "--from",
                                       dir / "1", "--items", dir / "new.csv"});
  EXPECT_EQ(extended.exit_status, 0) << extended.output;
  const Outcome verified =
      RunProgram({Program("tributary"), "verify", dir / "2"});
  EXPECT_EQ(verified.output, "ok\n");
}

}  // namespace
}  // namespace tributary
