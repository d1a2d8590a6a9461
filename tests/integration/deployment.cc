#include "tests/integration/deployment.h"

#include <gtest/gtest.h>
#include <httplib.h>
#include <signal.h>

#include <fstream>

#include "fmt/core.h"
#include "grpcpp/grpcpp.h"
#include "tests/index/bundle/tiny_bundle.h"

namespace tributary {
namespace {

constexpr int kUsers = 60;
constexpr int kItems = 400;

// Users like items whose number has the same remainder by 5.
void WriteData(const std::filesystem::path& dir, uint64_t version) {
  std::filesystem::create_directories(dir);
  std::ofstream interactions(dir / "interactions.csv");
  interactions << "user,item,timestamp\n";
  for (int user = 0; user < kUsers; ++user) {
    for (int i = 0; i < 20; ++i) {
      const int item = (user % 5 + 5 * (i * (user + 3) % 60)) % kItems;
      interactions << fmt::format("u{},v{}-{},{}\n", user, version, item,
                                  1700000000 + user * 1000 + i);
    }
  }
  std::ofstream items(dir / "items.csv");
  items << "item,title,genres\n";
  for (int item = 0; item < kItems; ++item) {
    items << fmt::format("v{}-{},thing of kind {},kind{}|all\n", version, item,
                         item % 5, item % 5);
  }
}

}  // namespace

Deployment::Deployment(bool gate)
    : gate_(gate),
      root_(MakeTestDir()),
      built_(root_ / "built"),
      store_(root_ / "store"),
      bundles_(root_ / "bundles") {
  for (const auto& dir : {built_, store_, bundles_}) {
    std::filesystem::create_directories(dir);
  }
}

void Deployment::Build(uint64_t version,
                       const std::vector<std::string>& flags) {
  const auto data = root_ / fmt::format("data-{}", version);
  WriteData(data, version);
  std::vector<std::string> arguments = {Program("tributary"),
                                        "build",
                                        "--data",
                                        "csv:" + data.string(),
                                        "--out",
                                        built_,
                                        "--version",
                                        fmt::format("{}", version),
                                        "--als.dim",
                                        "8",
                                        "--behavior.history.dim",
                                        "8",
                                        "--behavior.history.epochs",
                                        "5",
                                        "--content.dim",
                                        "16"};
  arguments.insert(arguments.end(), flags.begin(), flags.end());
  const Outcome outcome = RunProgram(arguments);
  ASSERT_EQ(outcome.exit_status, 0) << outcome.output;
}

Outcome Deployment::Publish(uint64_t version) {
  return RunProgram({Program("tributary"), "publish",
                     built_ / fmt::format("{}", version), store_});
}

void Deployment::StartServer(const std::vector<std::string>& flags) {
  const auto or_any = [](const std::string& address) {
    return address.empty() ? "127.0.0.1:0" : address;
  };
  std::vector<std::string> arguments = server_command_;
  arguments.insert(arguments.end(),
                   {"--bundles", bundles_, "--listen", or_any(grpc_), "--http",
                    or_any(http_), "--admin", "127.0.0.1:0"});
  arguments.insert(arguments.end(), flags.begin(), flags.end());
  server_.emplace(arguments);
  const auto grpc = server_->WaitFor(" grpc=");
  const auto http = server_->WaitFor(" http=");
  ASSERT_TRUE(grpc && http) << server_->Output();
  grpc_ = *grpc;
  http_ = *http;
  auto client = RetrievalClient::Connect(grpc_, {.deadline_ms = 10000});
  ASSERT_TRUE(client.ok()) << client.status();
  client_ = *std::move(client);
  control_ = v1::Bundles::NewStub(
      grpc::CreateChannel("unix:" + (bundles_ / "control.sock").string(),
                          grpc::InsecureChannelCredentials()));
}

void Deployment::StartLoader(const std::vector<std::string>& flags) {
  std::vector<std::string> arguments = loader_command_;
  arguments.insert(arguments.end(),
                   {"--store", store_, "--bundles", bundles_, "--control",
                    "unix:" + (bundles_ / "control.sock").string(),
                    "--poll-interval-ms", "20",
                    // Versions of different items, so that replies show which
                    // served, would not pass.
                    "--gate.enabled", gate_ ? "true" : "false"});
  arguments.insert(arguments.end(), flags.begin(), flags.end());
  loader_.emplace(arguments);
}

int Deployment::StopServer() {
  server_->Signal(SIGTERM);
  return server_->Wait();
}

int Deployment::StopLoader() {
  loader_->Signal(SIGTERM);
  return loader_->Wait();
}

bool Deployment::WaitForVersion(uint64_t version) {
  return WaitUntil([&] { return Status().active_version() == version; });
}

v1::ServerStatus Deployment::Status() {
  grpc::ClientContext context;
  context.set_wait_for_ready(true);
  context.set_deadline(std::chrono::system_clock::now() +
                       std::chrono::seconds(10));
  v1::ServerStatus status;
  const grpc::Status got = control_->GetStatus(&context, {}, &status);
  EXPECT_TRUE(got.ok()) << got.error_message();
  return status;
}

std::string Deployment::Get(const std::string& path) {
  httplib::Client client("http://" + http_);
  const auto result = client.Get(path);
  if (!result) return httplib::to_string(result.error());
  return result->status == 200 ? result->body
                               : fmt::format("status {}", result->status);
}

}  // namespace tributary
