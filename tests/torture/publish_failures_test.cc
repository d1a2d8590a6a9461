// Makes every system call of `tributary publish` and `tributary build` on files
// fail once. The program must succeed or print an error that names the file.
// Visible versions must be whole, and a run without the fault must succeed.
#include <gtest/gtest.h>

#include <filesystem>
#include <functional>
#include <set>
#include <string>
#include <vector>

#include "fmt/core.h"
#include "index/bundle/version_directory.h"
#include "tests/index/bundle/tiny_bundle.h"
#include "tests/index/publish/publish_to.h"
#include "tests/integration/process.h"
#include "tests/torture/failure_kinds.h"
#include "tests/torture/fault.h"
#include "tests/torture/visible_versions.h"

namespace tributary {
namespace {

namespace fs = std::filesystem;

// Outside torture, every kEvery-th system call is tested.
constexpr uint32_t kEvery = 13;

// A program that adds version 2 to a directory of versions.
struct Writer {
  std::string name;
  std::function<std::vector<std::string>(const fs::path& root)> command;
  // What CURRENT is after a successful run.
  std::set<uint64_t> current;
};

class WriterFailuresTest : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(
        PublishTo(WriteTinyBundle(MakeTestDir(), 1), test_ / "template").ok());
  }

  // Injects every kind of failure at every call, each in a fresh copy.
  void FailEverywhere(const Writer& writer) {
    uint32_t turn = 0;
    for (const FailureKind& kind : kFailureKinds) {
      Fault fault{.under = test_, .calls = kind.calls, .times = kind.times};
      const uint32_t calls = Run(writer, fault);
      fault.action = kind.action;
      for (const uint32_t at : ChooseCases(calls, kEvery, turn++)) {
        SCOPED_TRACE(fmt::format("{} at {} of {} of {}", kind.action, at, calls,
                                 kind.calls));
        fault.at = at;
        Run(writer, fault);
      }
    }
  }

  // Runs the program with the fault and, if it failed, without it. Returns the
  // number of matching calls.
  uint32_t Run(const Writer& writer, const Fault& fault) {
    const fs::path root = test_ / "root";
    LinkTree(test_ / "template", root);
    const FaultyCommand command(fault, writer.command(root));
    const Outcome outcome = RunProgram(command.arguments());
    SCOPED_TRACE(command.where() + "\n" + outcome.output);
    // On a disk that stays full, another call than the recorded one may cause
    // the error.
    ExpectOutcome(outcome,
                  fault.times == 0
                      ? outcome.output.find(root.string()) != std::string::npos
                      : command.IsNamedIn(outcome.output),
                  command.hit());
    ExpectWhole(root, {{1}, {1, *writer.current.begin()}});
    // A program may have reached its goal and still fail, if the last sync of
    // the directory failed.
    const bool reached =
        fs::exists(root / "2") && writer.current.contains(*ReadCurrent(root));
    if (!reached) {
      EXPECT_NE(outcome.exit_status, 0);
      const Outcome again = RunProgram(writer.command(root));
      EXPECT_EQ(again.exit_status, 0) << again.output;
    }
    ExpectWhole(root, {{1, 2}, writer.current});
    // The next program that writes here removes the leftovers; do as it does.
    EXPECT_TRUE(RemoveLeftovers(root).ok());
    ExpectNothingBeside(root);
    if (command.hit()) CountFault("failures in " + writer.name);
    fs::remove_all(root);
    return command.calls();
  }

  static void ExpectOutcome(const Outcome& outcome, bool named, bool hit) {
    if (outcome.exit_status == 0) return;
    EXPECT_TRUE(hit);
    EXPECT_EQ(outcome.exit_status, 1);
    EXPECT_NE(outcome.output.find("error: "), std::string::npos);
    EXPECT_TRUE(named) << "the file is not named";
  }

  const fs::path test_ = MakeTestDir();
};

TEST_F(WriterFailuresTest, OfPublishAreReportedAndHarmless) {
  const fs::path bundle = WriteTinyBundle(test_ / "built", 2);
  FailEverywhere({"publish",
                  [&](const fs::path& root) -> std::vector<std::string> {
                    return {Program("tributary"), "publish", bundle, root};
                  },
                  {2}});
}

TEST_F(WriterFailuresTest, OfBuildAreReportedAndHarmless) {
  const fs::path data = test_ / "data";
  fs::create_directories(data);
  std::vector<float> vectors(200);
  for (size_t i = 0; i < vectors.size(); ++i) {
    vectors[i] = static_cast<float>((i * 37) % 101) / 50.0f - 1.0f;
  }
  std::string file = FormatNpyHeader(Dtype::kFloat32, 2, 50, 4);
  file.append(reinterpret_cast<const char*>(vectors.data()),
              vectors.size() * sizeof(float));
  OverwriteFile(data / "taste.items.npy", file);
  OverwriteFile(data / "taste.users.npy", file);
  FailEverywhere({"build",
                  [&](const fs::path& root) -> std::vector<std::string> {
                    return {Program("tributary"),
                            "build",
                            "--data",
                            "vectors:" + data.string(),
                            "--out",
                            root,
                            "--version",
                            "2",
                            "--threads",
                            "1"};
                  },
                  {1}});
}

}  // namespace
}  // namespace tributary
