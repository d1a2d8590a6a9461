#include "server/http/json_call.h"

#include "gtest/gtest.h"
#include "server/pipeline/server_config.h"

namespace tributary {
namespace {

class JsonTermsTest : public testing::Test {
 protected:
  static v1::ServerConfig Config() {
    v1::ServerConfig config;
    config.set_bundles("b");
    return CompleteServerConfig(config).value();
  }

  // It only looks at the configuration.
  RetrievalHandler handler_{Config(), nullptr, nullptr};
};

TEST_F(JsonTermsTest, ALongTextWaitsBehindInteractiveCalls) {
  const auto of = [this](size_t bytes, Criticality criticality) {
    return JsonTermsOf(handler_, bytes, criticality).criticality;
  };
  EXPECT_EQ(of(kInteractiveJsonBytes, Criticality::kInteractive),
            Criticality::kInteractive);
  EXPECT_EQ(of(kInteractiveJsonBytes + 1, Criticality::kInteractive),
            Criticality::kBatch);
  EXPECT_EQ(of(10, Criticality::kBatch), Criticality::kBatch);
}

TEST_F(JsonTermsTest, ATextCostsMoreTheLongerItIs) {
  const auto units = [this](size_t bytes) {
    return JsonTermsOf(handler_, bytes, Criticality::kInteractive).units;
  };
  EXPECT_GT(units(0), 0);
  EXPECT_NEAR(units(1000) - units(0), 1000 * kUnitsPerJsonByte, 1e-6);
}

}  // namespace
}  // namespace tributary
