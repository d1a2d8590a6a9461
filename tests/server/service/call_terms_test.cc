#include <vector>

#include "gtest/gtest.h"
#include "server/pipeline/server_config.h"
#include "server/service/request_outline.h"
#include "server/service/retrieval_handler.h"
#include "tributary/v1/retrieval.pb.h"

namespace tributary {
namespace {

class CallTermsTest : public testing::Test {
 protected:
  static v1::ServerConfig Config() {
    v1::ServerConfig config;
    config.set_bundles("b");
    return CompleteServerConfig(config).value();
  }
  double Units(const v1::RetrieveRequest& request) const {
    const std::string bytes = request.SerializeAsString();
    const std::vector<RequestOutline> outlines = {
        OutlineRetrieve(bytes, Config().limits())};
    EXPECT_TRUE(outlines[0].status.ok()) << outlines[0].status;
    return handler_
        .TermsOf(outlines, SteadyTime::max(), Criticality::kInteractive)
        .units;
  }

  // It only looks at the configuration.
  RetrievalHandler handler_{Config(), nullptr, nullptr};
};

TEST_F(CallTermsTest, CapsAndDiversityAreMoreWork) {
  v1::RetrieveRequest request;
  request.set_k(300);
  const double plain = Units(request);
  EXPECT_GT(plain, 0);
  request.mutable_decay()->set_attribute("created_at");
  EXPECT_EQ(Units(request), plain);
  v1::RetrieveRequest capped = request;
  capped.add_caps()->set_attribute("brand");
  EXPECT_DOUBLE_EQ(Units(capped), 6 * plain);
  request.mutable_diversity()->set_space("content");
  EXPECT_DOUBLE_EQ(Units(request), 3 * plain);
  request.add_caps()->set_attribute("brand");
  request.add_caps()->set_attribute("year");
  EXPECT_DOUBLE_EQ(Units(request), 18 * plain) << "however many caps there are";
}

}  // namespace
}  // namespace tributary
