// A loader that comes to its server over TCP, encrypted, with a token: the real
// programs.
#include <gtest/gtest.h>

#include <chrono>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "client/credentials.h"
#include "fmt/format.h"
#include "tests/index/bundle/tiny_bundle.h"
#include "tests/integration/process.h"
#include "tests/server/access/test_tokens.h"
#include "tests/server/tls/test_authority.h"
#include "tributary/v1/bundles.grpc.pb.h"

namespace tributary {
namespace {

class EncryptedLoaderTest : public testing::Test {
 protected:
  void SetUp() override {
    for (const char* const name : {"store", "bundles", "built"}) {
      std::filesystem::create_directories(root_ / name);
    }
    WriteTinyBundle(root_ / "built", 1);
    const Outcome published = RunProgram(
        {Program("tributary"), "publish", root_ / "built/1", root_ / "store"});
    ASSERT_EQ(published.exit_status, 0) << published.output;

    const Issued issued = authority_.Issue();
    Write("ca.pem", authority_.certificate());
    Write("cert.pem", issued.certificate);
    Write("key.pem", issued.private_key);
    Write("tokens",
          fmt::format("loader {}\nreader {}\n", Sha256Text("loader-token"),
                      Sha256Text("reader-token")));
    Write("server.yaml", fmt::format(R"(
bundles: {0}/bundles
listen: 127.0.0.1:0
http: "off"
admin: "off"
control: 127.0.0.1:0
tls: {{certificate_file: {0}/cert.pem, private_key_file: {0}/key.pem}}
access:
  tokens_file: {0}/tokens
  grants:
    - {{who: ["token:loader"], roles: [observe, operate]}}
    - {{who: ["token:reader"], roles: [retrieve, observe]}}
)",
                                     root_.native()));
    server_.emplace(std::vector<std::string>{
        Program("tributary-server"), "--config", root_ / "server.yaml"});
    const auto control = server_->WaitFor(" control=");
    ASSERT_TRUE(control.has_value()) << server_->Output();
    control_ = *control;
  }

  void Write(const char* name, const std::string& text) const {
    ReplaceFile(root_ / name, text);
  }

  void StartLoader(const std::vector<std::string>& access) {
    std::vector<std::string> arguments = {Program("tributary-loader"),
                                          "--store",
                                          root_ / "store",
                                          "--bundles",
                                          root_ / "bundles",
                                          "--control",
                                          control_,
                                          "--poll-interval-ms",
                                          "20"};
    arguments.insert(arguments.end(), access.begin(), access.end());
    loader_.emplace(arguments);
  }

  // What the server says to somebody with this token; 0 without an answer.
  uint64_t ActiveVersion(const std::string& token) const {
    Write("asking.token", token);
    grpc::ChannelArguments arguments;
    arguments.SetInt(GRPC_ARG_ENABLE_HTTP_PROXY, 0);
    ClientCredentials credentials;
    credentials.ca_file = root_ / "ca.pem";
    credentials.token_file = root_ / "asking.token";
    const auto channel = OpenChannel(control_, credentials, arguments);
    EXPECT_TRUE(channel.ok()) << channel.status();
    const auto stub = v1::Bundles::NewStub(*channel);
    grpc::ClientContext context;
    context.set_deadline(std::chrono::system_clock::now() +
                         std::chrono::seconds(10));
    v1::ServerStatus status;
    const grpc::Status got = stub->GetStatus(&context, {}, &status);
    EXPECT_TRUE(got.ok()) << got.error_message();
    return status.active_version();
  }

  const std::filesystem::path root_ = MakeTestDir();
  const TestAuthority authority_{"test root"};
  std::optional<Process> server_;
  std::optional<Process> loader_;
  std::string control_;
};

TEST_F(EncryptedLoaderTest, BringsVersionsWithItsToken) {
  Write("loader.token", "loader-token\n");
  StartLoader({"--access.ca_file", root_ / "ca.pem", "--access.token_file",
               root_ / "loader.token"});
  EXPECT_TRUE(WaitUntil([this] { return ActiveVersion("reader-token") == 1; }))
      << loader_->Output();
}

TEST_F(EncryptedLoaderTest, IsNobodyWithoutATokenThatIsGranted) {
  // One that may look, and not act; then the right one, in the same file.
  Write("loader.token", "reader-token\n");
  StartLoader({"--access.ca_file", root_ / "ca.pem", "--access.token_file",
               root_ / "loader.token"});
  ASSERT_TRUE(WaitUntil([this] {
    return loader_->Output().find("PERMISSION_DENIED") != std::string::npos;
  })) << loader_->Output();
  EXPECT_EQ(ActiveVersion("loader-token"), 0);
  Write("loader.token", "loader-token\n");
  EXPECT_TRUE(WaitUntil([this] { return ActiveVersion("loader-token") == 1; }))
      << loader_->Output();
}

TEST_F(EncryptedLoaderTest, DoesNotTrustAServerOfAnotherAuthority) {
  const TestAuthority other("another root");
  Write("other.pem", other.certificate());
  Write("loader.token", "loader-token\n");
  StartLoader({"--access.ca_file", root_ / "other.pem", "--access.token_file",
               root_ / "loader.token"});
  ASSERT_TRUE(WaitUntil([this] {
    const std::string output = loader_->Output();
    return output.find("event=server_unreachable") != std::string::npos &&
           output.find("certificate verify failed") != std::string::npos;
  })) << loader_->Output();
  EXPECT_EQ(ActiveVersion("loader-token"), 0);
}

}  // namespace
}  // namespace tributary
