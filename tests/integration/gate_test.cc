// Versions of poor quality: `tributary gate`, and a real loader and server.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <string>

#include "google/protobuf/util/json_util.h"
#include "tests/index/bundle/tiny_bundle.h"
#include "tests/integration/deployment.h"
#include "tests/server/gate/gate_world.h"
#include "tributary/v1/gate.pb.h"

namespace tributary {
namespace {

using testing::AllOf;
using testing::HasSubstr;

const GateWorld kGood{.noise_seed = 2};
const GateWorld kBad{.noise_seed = 3, .items_mixed_up = true};
// Shorter than the catalogue.
const std::vector<std::string> kFlags = {"--gate.n", "40"};

class GateTest : public testing::Test {
 protected:
  std::string Built(uint64_t version) const {
    return deployment_.built() / std::to_string(version);
  }
  Outcome RunGate(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(),
                     {Program("tributary"), "gate", "--n", "40"});
    return RunProgram(arguments);
  }
  void PublishWorld(uint64_t version, const GateWorld& world) {
    world.Write(deployment_.built(), version);
    const Outcome outcome = deployment_.Publish(version);
    ASSERT_EQ(outcome.exit_status, 0) << outcome.output;
  }
  bool WaitForRefusal(uint64_t version) {
    return WaitUntil([&] {
      return deployment_.Status().last_refusal().version() == version;
    });
  }

  Deployment deployment_{/*gate=*/true};
};

TEST_F(GateTest, TheCommandSaysWhetherAVersionMayTakeAnothersPlace) {
  GateWorld().Write(deployment_.built(), 1);
  kGood.Write(deployment_.built(), 2);
  kBad.Write(deployment_.built(), 3);

  Outcome outcome = RunGate({Built(1), Built(2)});
  EXPECT_EQ(outcome.exit_status, 0) << outcome.output;
  EXPECT_THAT(outcome.output,
              AllOf(HasSubstr("version 2 against 1"), HasSubstr("\npassed\n")));
  outcome = RunGate({Built(3)});
  EXPECT_EQ(outcome.exit_status, 0) << outcome.output;

  const auto json = MakeTestDir() / "report.json";
  outcome = RunGate({Built(1), Built(3), "--json", json});
  EXPECT_EQ(outcome.exit_status, 1) << outcome.output;
  EXPECT_THAT(outcome.output, HasSubstr("FAILED: overlap of taste is "));
  v1::GateReport report;
  ASSERT_TRUE(
      google::protobuf::util::JsonStringToMessage(ReadFile(json), &report)
          .ok());
  EXPECT_FALSE(report.passed());
  EXPECT_EQ(report.thresholds().n(), 40);

  outcome = RunGate({Built(1), Built(3), "--force"});
  EXPECT_EQ(outcome.exit_status, 0) << outcome.output;
  EXPECT_THAT(outcome.output, HasSubstr("FORCED: version 3"));
  outcome = RunGate({Built(1), Built(3), "--min_overlap", "0"});
  EXPECT_EQ(outcome.exit_status, 0) << outcome.output;

  std::filesystem::remove(Built(2) + "/popularity.all.npy");
  outcome = RunGate({Built(1), Built(2), "--force"});
  EXPECT_EQ(outcome.exit_status, 1) << outcome.output;
}

TEST_F(GateTest, TheOldVersionServesUntilARepairedOrForcedOneComes) {
  deployment_.StartServer();
  deployment_.StartLoader(kFlags);
  PublishWorld(1, {});
  ASSERT_TRUE(deployment_.WaitForVersion(1)) << deployment_.loader().Output();

  PublishWorld(2, kBad);
  ASSERT_TRUE(WaitForRefusal(2)) << deployment_.loader().Output();
  EXPECT_EQ(deployment_.Status().active_version(), 1);
  EXPECT_THAT(deployment_.Status().last_refusal().reason(),
              HasSubstr("overlap of taste"));
  EXPECT_THAT(ReadFile(deployment_.bundles() / ".refused" / "2.txt"),
              HasSubstr("FAILED"));

  PublishWorld(3, kGood);
  ASSERT_TRUE(deployment_.WaitForVersion(3)) << deployment_.loader().Output();

  PublishWorld(4, kBad);
  ASSERT_TRUE(WaitForRefusal(4)) << deployment_.loader().Output();
  ASSERT_EQ(deployment_.StopLoader(), 0);
  deployment_.StartLoader({"--gate.n", "40", "--force", "4"});
  ASSERT_TRUE(deployment_.WaitForVersion(4)) << deployment_.loader().Output();
  EXPECT_THAT(deployment_.loader().Output(),
              HasSubstr("event=forced version=4 reason=\"overlap of taste"));
  EXPECT_TRUE(
      WaitUntil([&] { return deployment_.Status().loader().forced() == 1; }));
  EXPECT_EQ(deployment_.StopLoader(), 0);
  EXPECT_EQ(deployment_.StopServer(), 0);
}

}  // namespace
}  // namespace tributary
