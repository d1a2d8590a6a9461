// Pages of a whole server, while versions come and go.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "server/pages/page_token.h"
#include "tests/server/rpc/running_server.h"

namespace tributary {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

// The tiny bundle's popularity, f to a, in pages of two.
v1::RetrieveRequest PagesOfTwo() {
  v1::RetrieveRequest request;
  request.set_k(6);
  request.set_page_size(2);
  (*request.mutable_quotas())["popularity"].set_target(0);
  return request;
}

class PagedServiceTest : public testing::Test {
 protected:
  static std::filesystem::path Root() {
    const std::filesystem::path root = MakeTestDir();
    for (const uint64_t version : {1, 2, 3}) WriteTinyBundle(root, version);
    OverwriteFile(root / "CURRENT", "1\n");
    return root;
  }
  static v1::ServerConfig Config() {
    v1::ServerConfig config = ConfigFor(Root());
    config.mutable_residency()->set_keep(1);
    return config;
  }

  RunningServer running_{Config()};
  v1::RetrieveResponse response_;
};

TEST_F(PagedServiceTest, PagesKeepTheirVersionAcrossASwap) {
  v1::RetrieveRequest request = PagesOfTwo();
  ASSERT_TRUE(running_.Retrieve(request, &response_).ok());
  EXPECT_THAT(response_.item_keys(), ElementsAre("f", "e"));
  EXPECT_EQ(response_.bundle_version(), 1U);

  running_.StageAndActivate(2);
  request.set_page_token(response_.next_page_token());
  ASSERT_TRUE(running_.Retrieve(request, &response_).ok());
  EXPECT_THAT(response_.item_keys(), ElementsAre("d", "c"));
  EXPECT_EQ(response_.bundle_version(), 1U);

  // One more swap, and version 1 is not resident any more.
  running_.StageAndActivate(3);
  request.set_page_token(response_.next_page_token());
  const grpc::Status gone = running_.Retrieve(request, &response_);
  EXPECT_EQ(gone.error_code(), grpc::StatusCode::ABORTED);
  EXPECT_THAT(gone.error_message(),
              HasSubstr("page_token: version 1, which the first page came "
                        "from, is not resident any more; begin again"));
}

TEST_F(PagedServiceTest, PagesKeepTheirLabel) {
  running_.StageAndActivate(2);
  v1::SetLabelRequest label;
  label.set_name("canary");
  label.set_version(1);
  v1::ServerStatus status;
  {
    grpc::ClientContext context;
    ASSERT_TRUE(running_.bundles().SetLabel(&context, label, &status).ok());
  }
  v1::RetrieveRequest request = PagesOfTwo();
  request.set_bundle_label("canary");
  ASSERT_TRUE(running_.Retrieve(request, &response_).ok());
  EXPECT_EQ(response_.bundle_version(), 1U);
  label.set_version(2);
  {
    grpc::ClientContext context;
    ASSERT_TRUE(running_.bundles().SetLabel(&context, label, &status).ok());
  }
  request.set_page_token(response_.next_page_token());
  ASSERT_TRUE(running_.Retrieve(request, &response_).ok());
  EXPECT_EQ(response_.bundle_version(), 1U);
  EXPECT_EQ(response_.bundle_label(), "canary");
}

TEST_F(PagedServiceTest, ATokenThatSomebodyWroteNamesNoNewLabel) {
  v1::RetrieveRequest request = PagesOfTwo();
  PageToken token;
  token.bundle_version = 1;
  token.request_hash = HashForPages(request);
  token.items_hash = SequenceHash().value();
  for (const char* label : {"forged", "no UTF-8: \xff"}) {
    token.bundle_label = label;
    request.set_page_token(FormatPageToken(token));
    ASSERT_TRUE(running_.Retrieve(request, &response_).ok());
    EXPECT_EQ(response_.bundle_label(), "");
  }
}

TEST_F(PagedServiceTest, ATokenThatIsNoneIsInvalid) {
  v1::RetrieveRequest request = PagesOfTwo();
  request.set_page_token("2");
  const grpc::Status status = running_.Retrieve(request, &response_);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_THAT(status.error_message(), HasSubstr("page_token: not a token"));
}

TEST_F(PagedServiceTest, ABatchHasOneVersion) {
  v1::RetrieveRequest request = PagesOfTwo();
  ASSERT_TRUE(running_.Retrieve(request, &response_).ok());
  request.set_page_token(response_.next_page_token());
  v1::BatchRetrieveRequest batch;
  *batch.add_requests() = request;
  v1::BatchRetrieveResponse responses;
  ASSERT_TRUE(running_.BatchRetrieve(batch, &responses).ok());
  EXPECT_THAT(responses.entries(0).response().item_keys(),
              ElementsAre("d", "c"));

  running_.StageAndActivate(2);
  ASSERT_TRUE(running_.BatchRetrieve(batch, &responses).ok());
  EXPECT_EQ(responses.entries(0).code(), grpc::StatusCode::ABORTED);
  EXPECT_THAT(responses.entries(0).message(),
              HasSubstr("page_token: of version 1, but version 2 answers"));
}

}  // namespace
}  // namespace tributary
