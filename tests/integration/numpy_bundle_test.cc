// A bundle that was written without our code is as good as any.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sstream>
#include <string>
#include <vector>

#include "tests/index/bundle/tiny_bundle.h"
#include "tests/integration/deployment.h"

namespace tributary {
namespace {

TEST(NumpyBundle, VerifiesAndServesTheExactAnswer) {
  Deployment deployment;
  const Outcome written = RunProgram(
      {"/usr/bin/python3", NUMPY_BUNDLE_PY, deployment.bundles(), "1"});
  ASSERT_EQ(written.exit_status, 0) << written.output;
  const Outcome verified =
      RunProgram({Program("tributary"), "verify", deployment.bundles() / "1"});
  EXPECT_EQ(verified.exit_status, 0) << verified.output;
  EXPECT_EQ(verified.output, "ok\n");

  deployment.StartServer();
  v1::RetrieveRequest request;
  request.set_user_key("user-é7");
  request.set_k(10);
  (*request.mutable_quotas())["taste"].set_target(10);
  const auto response = deployment.client().Retrieve(request);
  ASSERT_TRUE(response.ok()) << response.status();
  std::istringstream expected(written.output);
  std::vector<uint64_t> ids;
  for (uint64_t id = 0; expected >> id;) ids.push_back(id);
  EXPECT_THAT(response->item_ids(), testing::ElementsAreArray(ids));
}

}  // namespace
}  // namespace tributary
