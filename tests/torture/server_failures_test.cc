// Makes every system call of tributary-server on its bundle directory fail
// once. The server must report an error that names the file, never give a wrong
// answer, and succeed when asked again.
#include <google/protobuf/util/message_differencer.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "client/retrieval_client.h"
#include "fmt/core.h"
#include "index/bundle/version_directory.h"
#include "tests/index/bundle/tiny_bundle.h"
#include "tests/integration/process.h"
#include "tests/torture/control_plane.h"
#include "tests/torture/failure_kinds.h"
#include "tests/torture/fault.h"
#include "tests/torture/visible_versions.h"

namespace tributary {
namespace {

namespace fs = std::filesystem;

// Outside torture, every kEvery-th system call is tested.
constexpr uint32_t kEvery = 37;
// Two digits, so that half of CURRENT is a number as well.
constexpr uint64_t kOld = 10;
constexpr uint64_t kNew = 20;
// How often to try a call that fails once.
constexpr int kAttempts = 2;

class ServerFailuresTest : public testing::Test {
 protected:
  // kOld is active, kNew is on disk.
  void SetUp() override {
    WriteTinyBundle(template_, kOld);
    WriteTinyBundle(template_, kNew);
    ASSERT_TRUE(WriteCurrent(template_, kOld).ok());
  }

  static std::vector<std::string> ServerCommand(const fs::path& bundles) {
    return {Program("tributary-server"),
            "--bundles",
            bundles,
            "--listen",
            "127.0.0.1:0",
            "--http",
            "127.0.0.1:0",
            "--admin",
            "off"};
  }

  // The server's answer without durations.
  static v1::RetrieveResponse Ask(const std::string& address) {
    const auto client =
        RetrievalClient::Connect(address, {.deadline_ms = 10000});
    EXPECT_TRUE(client.ok()) << client.status();
    v1::RetrieveRequest request;
    request.set_user_id(10);
    request.set_k(6);
    request.set_view(v1::FULL);
    const auto response = (*client)->Retrieve(request);
    EXPECT_TRUE(response.ok()) << response.status();
    v1::RetrieveResponse answer;
    if (!response.ok()) return answer;
    answer.set_bundle_version(response->bundle_version());
    *answer.mutable_item_keys() = response->item_keys();
    *answer.mutable_scores() = response->scores();
    *answer.mutable_sources() = response->sources();
    return answer;
  }

  // Repeats the call until it succeeds, at most kAttempts times.
  static void Repeat(const std::function<grpc::Status()>& call) {
    for (int i = 0; i < kAttempts; ++i) {
      const grpc::Status status = call();
      if (status.ok()) return;
      EXPECT_NE(status.error_code(), grpc::UNAVAILABLE)
          << status.error_message();
    }
    ADD_FAILURE() << "failed " << kAttempts << " times";
  }

  // Activates kNew, then kOld by a rollback. Returns the answers of both.
  static std::vector<v1::RetrieveResponse> Swap(const fs::path& bundles,
                                                const std::string& address) {
    ControlPlane control(bundles);
    // In case the fault prevented this at the start.
    Repeat([&] { return control.Stage(kOld); });
    Repeat([&] { return control.Activate(kOld); });
    Repeat([&] { return control.Stage(kNew); });
    Repeat([&] { return control.Activate(kNew); });
    std::vector<v1::RetrieveResponse> answers = {Ask(address)};
    Repeat([&] { return control.Rollback(); });
    answers.push_back(Ask(address));
    EXPECT_EQ(control.GetStatus()->active_version(), kOld);
    EXPECT_EQ(*ReadCurrent(bundles), kOld);
    return answers;
  }

  // Runs a server with the fault and swaps versions. Returns the number of
  // matching calls.
  uint32_t Run(const Fault& fault) {
    LinkTree(template_, fault.under);
    const FaultyCommand command(fault, ServerCommand(fault.under));
    Process server(command.arguments());
    const auto address = server.WaitFor(" grpc=");
    SCOPED_TRACE(command.where() + "\n" + server.Output());
    if (address) {
      const auto answers = Swap(fault.under, *address);
      if (answers_.empty()) answers_ = answers;
      for (size_t i = 0; i < answers.size(); ++i) {
        EXPECT_TRUE(google::protobuf::util::MessageDifferencer::Equals(
            answers[i], answers_[i]))
            << answers[i].DebugString() << answers_[i].DebugString();
      }
    } else {
      EXPECT_TRUE(command.hit());
      EXPECT_EQ(server.Wait(), 1);
      EXPECT_TRUE(command.IsNamedIn(server.Output()));
    }
    const uint32_t calls = command.calls();
    const std::string output = server.Output();
    EXPECT_TRUE(output.find("failed") == std::string::npos ||
                command.IsNamedIn(output))
        << output;
    ExpectWhole(fault.under, {{kOld, kNew}, {kOld, kNew}});
    if (command.hit()) CountFault("failures in the server");
    server.Signal(SIGKILL);
    server.Wait();
    fs::remove_all(fault.under);
    return calls;
  }

  const fs::path template_ = MakeTestDir();
  std::vector<v1::RetrieveResponse> answers_;
};

TEST_F(ServerFailuresTest, AreReportedAndAnswersStayCorrect) {
  const fs::path bundles = MakeTestDir() / "bundles";
  uint32_t turn = 0;
  for (const FailureKind& kind : kFailureKinds) {
    // full_disk_test tests a disk that stays full.
    if (kind.times == 0) continue;
    Fault fault{.under = bundles, .calls = kind.calls};
    const uint32_t calls = Run(fault);
    fault.action = kind.action;
    for (const uint32_t at : ChooseCases(calls, kEvery, turn++)) {
      SCOPED_TRACE(fmt::format("{} at {} of {} of {}", kind.action, at, calls,
                               kind.calls));
      fault.at = at;
      Run(fault);
      ASSERT_FALSE(HasFailure());
    }
  }
}

}  // namespace
}  // namespace tributary
