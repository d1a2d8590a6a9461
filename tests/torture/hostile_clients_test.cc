// Clients that mean harm, against a server of its own for each attack; other
// clients of it must be served meanwhile and afterwards, and SIGTERM must end
// it. Prints what those saw.
#include <gtest/gtest.h>
#include <signal.h>

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "fmt/core.h"
#include "server/listen/connection_limits.h"
#include "tests/integration/deployment.h"
#include "tests/integration/torture.h"
#include "tests/torture/attacks.h"
#include "tests/torture/bystanders.h"

namespace tributary {
namespace {

using std::chrono::milliseconds;
using Clock = std::chrono::steady_clock;

// Descriptors that 10,000 connections of an attack need.
constexpr uint64_t kOpenFiles = 12'000;
constexpr char kDrainMs[] = "1000";
// What a busy machine adds; the printed figures are what counts.
constexpr int kPatienceMs = 20'000;

double MsSince(Clock::time_point begin) {
  return std::chrono::duration<double, std::milli>(Clock::now() - begin)
      .count();
}

double Mebibytes(uint64_t bytes) {
  return static_cast<double>(bytes) / (1 << 20);
}

// "answered/asked" and the longest time.
std::string Summary(const Answers& answers) {
  int errors = 0;
  for (const auto& [error, count] : answers.errors) errors += count;
  return fmt::format("{}/{} {:.0f}", answers.answered(),
                     answers.answered() + static_cast<size_t>(errors),
                     answers.MaxMs());
}

std::string ErrorsOf(const Sight& sight) {
  std::string text;
  for (const auto* answers : {&sight.http, &sight.admin, &sight.health,
                              &sight.retrieve, &sight.new_client}) {
    for (const auto& [error, count] : answers->errors) {
      text += fmt::format("{} times: {}\n", count, error);
    }
  }
  return text;
}

// An attack that runs until it is destroyed.
class Running {
 public:
  Running(const Attack& attack, const Victim& victim)
      : thread_([this, attack, victim] {
          attack.run(victim, &grip_);
          grip_.End();
        }) {}
  ~Running() { End(); }

  Grip& grip() { return grip_; }
  void End() {
    grip_.Release();
    if (thread_.joinable()) thread_.join();
  }

 private:
  Grip grip_;
  std::thread thread_;
};

class HostileClientsTest : public testing::TestWithParam<Attack> {
 protected:
  // One bundle for all tests.
  static void SetUpTestSuite() {
    RaiseOpenFiles(kOpenFiles);
    deployment_ = new Deployment();
    deployment_->Build(1);
    std::filesystem::copy(deployment_->built() / "1",
                          deployment_->bundles() / "1",
                          std::filesystem::copy_options::recursive);
  }
  static void TearDownTestSuite() {
    delete deployment_;
    deployment_ = nullptr;
  }

  void SetUp() override {
    std::vector<std::string> command = {Program("tributary-server")};
    if (GetParam().open_files > 0) {
      command = {"/bin/sh", "-c",
                 fmt::format("ulimit -n {}; exec \"$0\" \"$@\"",
                             GetParam().open_files),
                 Program("tributary-server")};
    }
    for (const std::string flag :
         {"--bundles", deployment_->bundles().c_str(), "--listen",
          "127.0.0.1:0", "--http", "127.0.0.1:0", "--admin", "127.0.0.1:0",
          "--execution.drain_ms", kDrainMs}) {
      command.push_back(flag);
    }
    server_ = std::make_unique<Process>(command);
    const auto grpc = server_->WaitFor("event=listening grpc=");
    ASSERT_TRUE(grpc.has_value()) << server_->Output();
    const std::string line = "event=listening grpc=" + *grpc;
    const auto http = server_->WaitFor(line + " http=");
    const auto admin = server_->WaitFor(line + " http=" + *http + " admin=");
    victim_ = {
        .grpc = *grpc, .http = *http, .admin = *admin, .pid = server_->pid()};
  }

  int Stop() {
    server_->Signal(SIGTERM);
    return server_->Wait();
  }

  // How long it takes from now until each kind of call is answered again.
  double RecoveryMs() const {
    const auto begin = Clock::now();
    const std::vector<std::function<std::string()>> calls = {
        [&] { return GetOverNewConnection(victim_.http, "/healthz"); },
        [&] { return GetOverNewConnection(victim_.admin, "/healthz"); },
        [&] { return CheckOverNewConnection(victim_.grpc); },
        [&] { return RetrieveOverNewConnection(victim_.grpc); },
    };
    for (const auto& call : calls) {
      std::string error = call();
      while (!error.empty() && MsSince(begin) < kPatienceMs) error = call();
      EXPECT_EQ(error, "");
    }
    return MsSince(begin);
  }

  static Deployment* deployment_;
  std::unique_ptr<Process> server_;
  Victim victim_;
};

Deployment* HostileClientsTest::deployment_ = nullptr;

TEST_P(HostileClientsTest, DoNotKeepOthersFromTheServer) {
  const milliseconds quiet_time(TortureCount(200, 2000));
  const milliseconds held_time(TortureCount(300, 3000));
  Bystanders others(victim_);
  std::this_thread::sleep_for(milliseconds(100));
  others.Take();
  std::this_thread::sleep_for(quiet_time);
  const Sight quiet = others.Take();
  Running attack(GetParam(), victim_);
  attack.grip().WaitUntilHeld(TortureCount(5000, 60'000));
  std::this_thread::sleep_for(held_time);
  const Sight during = others.Take();
  ASSERT_FALSE(server_->HasEnded()) << server_->Output();
  attack.End();
  const double recovery_ms = RecoveryMs();
  others.Stop();
  const uint64_t left_bytes = ResidentBytes(victim_.pid);
  fmt::print(
      "counted: hostile {}: answered/asked max_ms: http {}, admin {}, health "
      "{}, new client {}, Retrieve {}, p99 {:.1f} ms (quiet {:.1f}); resident "
      "{:.0f} MiB, at most {:.0f}, then {:.0f}; {:.0f} % of a core; recovered "
      "in {:.0f} ms\n",
      GetParam().name, Summary(during.http), Summary(during.admin),
      Summary(during.health), Summary(during.new_client),
      Summary(during.retrieve), during.retrieve.QuantileMs(.99),
      quiet.retrieve.QuantileMs(.99), Mebibytes(quiet.peak_resident_bytes),
      Mebibytes(during.peak_resident_bytes), Mebibytes(left_bytes),
      during.cpu_seconds / during.seconds * 100, recovery_ms);
  fmt::print("{}", ErrorsOf(during));
  EXPECT_GT(quiet.retrieve.answered(), 0U);
  EXPECT_GT(during.retrieve.answered(), 0U) << ErrorsOf(during);
  EXPECT_GT(during.health.answered(), 0U) << ErrorsOf(during);
  if (!GetParam().takes_connections) {
    EXPECT_GT(during.http.answered(), 0U) << ErrorsOf(during);
    EXPECT_GT(during.admin.answered(), 0U) << ErrorsOf(during);
    EXPECT_GT(during.new_client.answered(), 0U) << ErrorsOf(during);
  }
  EXPECT_EQ(Stop(), 0) << server_->Output();
}

TEST_P(HostileClientsTest, DoNotKeepTheServerFromItsEnd) {
  Running attack(GetParam(), victim_);
  attack.grip().WaitUntilHeld(TortureCount(300, 1000));
  const auto begin = Clock::now();
  server_->Signal(SIGTERM);
  const int status = server_->Wait();
  const double took_ms = MsSince(begin);
  fmt::print(
      "counted: hostile {}: SIGTERM with a drain of {} ms: ended in "
      "{:.0f} ms\n",
      GetParam().name, kDrainMs, took_ms);
  EXPECT_EQ(status, 0) << server_->Output();
  EXPECT_LT(took_ms, kPatienceMs);
}

INSTANTIATE_TEST_SUITE_P(Attacks, HostileClientsTest,
                         testing::ValuesIn(AllAttacks()),
                         [](const auto& tested) { return tested.param.name; });

}  // namespace

void PrintTo(const Attack& attack, std::ostream* to) { *to << attack.name; }

}  // namespace tributary
