// Every system call of `tributary publish` and `tributary build` on files fails
// once: the program says so and names the file, or does what it should; what is
// visible is whole; and once the fault is gone, it works.
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

// Of the calls, where it is not torture.
constexpr uint32_t kEvery = 13;

// A program that adds version 2 to a directory of versions.
struct Writer {
  std::string name;
  std::function<std::vector<std::string>(const fs::path& root)> command;
  // That it moves.
  std::set<uint64_t> current;
};

class WriterFailuresTest : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(
        PublishTo(WriteTinyBundle(MakeTestDir(), 1), test_ / "template").ok());
  }

  // Every kind of failure at every call, each in a fresh copy.
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

  // One run with the fault and one without; how many calls counted.
  uint32_t Run(const Writer& writer, const Fault& fault) {
    const fs::path root = test_ / "root";
    LinkTree(test_ / "template", root);
    const FaultyCommand command(fault, writer.command(root));
    const Outcome outcome = RunProgram(command.arguments());
    SCOPED_TRACE(command.where() + "\n" + outcome.output);
    // On a disk that stays full, several may be the first.
    ExpectOutcome(outcome,
                  fault.times == 0
                      ? outcome.output.find(root.string()) != std::string::npos
                      : command.IsNamedIn(outcome.output),
                  command.hit());
    ExpectWhole(root, {{1}, {1, *writer.current.begin()}});
    // A directory that could not be synced last of all is an error, too.
    const bool reached =
        fs::exists(root / "2") && writer.current.contains(*ReadCurrent(root));
    if (!reached) {
      EXPECT_NE(outcome.exit_status, 0);
      const Outcome again = RunProgram(writer.command(root));
      EXPECT_EQ(again.exit_status, 0) << again.output;
    }
    ExpectWhole(root, {{1, 2}, writer.current});
    // What could not be removed waits for the next program, which does this.
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

TEST_F(WriterFailuresTest, OfPublishAreSaidAndHarmNothing) {
  const fs::path bundle = WriteTinyBundle(test_ / "built", 2);
  FailEverywhere({"publish",
                  [&](const fs::path& root) -> std::vector<std::string> {
                    return {Program("tributary"), "publish", bundle, root};
                  },
                  {2}});
}

TEST_F(WriterFailuresTest, OfBuildAreSaidAndHarmNothing) {
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
