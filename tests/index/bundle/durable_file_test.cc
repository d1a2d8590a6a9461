#include "index/bundle/durable_file.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <iterator>
#include <string>
#include <thread>
#include <vector>

#include "tests/index/bundle/tiny_bundle.h"

namespace tributary {
namespace {

namespace fs = std::filesystem;

TEST(WriteFileDurably, ReusesTheScratchFileOfAKilledWriter) {
  const fs::path dir = MakeTestDir();
  OverwriteFile(dir / ".f.new", "longer than the new contents");
  ASSERT_TRUE(WriteFileDurably(dir / "f", "new").ok());
  EXPECT_EQ(ReadFile(dir / "f"), "new");
  EXPECT_EQ(std::distance(fs::directory_iterator(dir), {}), 1);
}

TEST(WriteFileDurably, OfManyWritersAtATimeLeavesOneWholeFile) {
  const fs::path dir = MakeTestDir();
  std::vector<std::thread> writers;
  for (char c = 'a'; c < 'i'; ++c) {
    writers.emplace_back([&dir, c] {
      // The lengths differ, so that a remainder of a longer text would show.
      const std::string text(static_cast<size_t>(c - 'a' + 1) * 1000, c);
      for (int i = 0; i < 50; ++i) {
        EXPECT_TRUE(WriteFileDurably(dir / "f", text).ok());
        const std::string found = ReadFile(dir / "f");
        EXPECT_EQ(found,
                  std::string(static_cast<size_t>(found[0] - 'a' + 1) * 1000,
                              found[0]));
      }
    });
  }
  for (std::thread& writer : writers) writer.join();
  EXPECT_EQ(std::distance(fs::directory_iterator(dir), {}), 1);
}

TEST(WriteFileDurably, ThatFailsLeavesNothingAndNamesTheFile) {
  const fs::path dir = MakeTestDir();
  fs::create_directories(dir / "f" / "in the way");
  const absl::Status status = WriteFileDurably(dir / "f", "new");
  EXPECT_NE(std::string(status.message()).find((dir / "f").string()),
            std::string::npos)
      << status;
  EXPECT_EQ(std::distance(fs::directory_iterator(dir), {}), 1);
}

}  // namespace
}  // namespace tributary
