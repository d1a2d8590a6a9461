#include "server/process/memory.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <string>

#include "tests/index/bundle/tiny_bundle.h"

namespace tributary {
namespace {

using testing::HasSubstr;
namespace fs = std::filesystem;

constexpr uint64_t kMax = std::numeric_limits<uint64_t>::max();

class MemoryTest : public testing::Test {
 protected:
  MemoryTest() {
    Write("proc/meminfo",
          "MemTotal:       1000 kB\nMemFree:         10 kB\n"
          "MemAvailable:    400 kB\n");
  }

  void Write(const std::string& path, const std::string& text) {
    fs::create_directories((root_ / path).parent_path());
    OverwriteFile(root_ / path, text);
  }

  ProcessMemory Read() {
    const auto memory = ReadProcessMemory(root_);
    EXPECT_TRUE(memory.ok()) << memory.status();
    return memory.value_or(ProcessMemory());
  }

  const fs::path root_ = MakeTestDir();
};

TEST_F(MemoryTest, WithoutControlGroupsTheMachineIsTheLimit) {
  EXPECT_EQ(Read().machine.total, 1000 * 1024);
  EXPECT_EQ(Read().machine.available, 400 * 1024);
  EXPECT_EQ(Read().container.total, kMax);
  EXPECT_EQ(Read().least().available, 400 * 1024);
}

TEST_F(MemoryTest, AVersion2GroupLimitsAndItsIdleFilePagesAreAvailable) {
  Write("proc/self/cgroup", "0::/pod/app\n");
  Write("sys/fs/cgroup/pod/app/memory.max", "10000\n");
  Write("sys/fs/cgroup/pod/app/memory.current", "9000\n");
  Write("sys/fs/cgroup/pod/app/memory.stat",
        "anon 5000\nfile 4000\ninactive_file 3000\n");
  EXPECT_EQ(Read().container.total, 10000);
  EXPECT_EQ(Read().container.available, 4000);
  EXPECT_EQ(Read().least().total, 10000);
}

TEST_F(MemoryTest, AGroupIsLimitedByThoseItIsIn) {
  Write("proc/self/cgroup", "0::/pod/app\n");
  Write("sys/fs/cgroup/pod/app/memory.max", "max\n");
  Write("sys/fs/cgroup/pod/app/memory.current", "100\n");
  Write("sys/fs/cgroup/pod/memory.max", "5000\n");
  Write("sys/fs/cgroup/pod/memory.current", "4900\n");
  EXPECT_EQ(Read().container.total, 5000);
  EXPECT_EQ(Read().container.available, 100);
}

TEST_F(MemoryTest, InAContainerTheMountIsTheGroupWhateverItsName) {
  Write("proc/self/cgroup", "0::/docker/0123\n");
  Write("sys/fs/cgroup/memory.max", "7000\n");
  Write("sys/fs/cgroup/memory.current", "8000\n");
  EXPECT_EQ(Read().container.total, 7000);
  EXPECT_EQ(Read().container.available, 0);
}

TEST_F(MemoryTest, AVersion1GroupLimits) {
  Write("proc/self/cgroup", "5:cpu,cpuacct:/x\n4:memory:/app\n0::/\n");
  Write("sys/fs/cgroup/memory/app/memory.limit_in_bytes", "6000\n");
  Write("sys/fs/cgroup/memory/app/memory.usage_in_bytes", "1000\n");
  Write("sys/fs/cgroup/memory/app/memory.stat",
        "inactive_file 1\ntotal_inactive_file 500\n");
  Write("sys/fs/cgroup/memory/memory.limit_in_bytes", "9223372036854771712\n");
  Write("sys/fs/cgroup/memory/memory.usage_in_bytes", "1000\n");
  EXPECT_EQ(Read().container.total, 6000);
  EXPECT_EQ(Read().container.available, 5500);
}

TEST_F(MemoryTest, ThisMachineCanBeRead) {
  const auto memory = ReadProcessMemory();
  ASSERT_TRUE(memory.ok()) << memory.status();
  EXPECT_GT(memory->machine.available, 0);
  EXPECT_LE(memory->machine.available, memory->machine.total);
  EXPECT_LE(memory->least().total, memory->machine.total);
}

TEST_F(MemoryTest, AMeminfoThatSaysNothingIsAnError) {
  Write("proc/meminfo", "MemTotal: 1 kB\n");
  EXPECT_TRUE(absl::IsDataLoss(ReadProcessMemory(root_).status()));
  EXPECT_TRUE(absl::IsNotFound(ReadProcessMemory(root_ / "x").status()));
}

TEST(CheckMemory, SaysBothFigures) {
  EXPECT_TRUE(CheckMemory("version 7", 5, "the machine", 5).ok());
  const auto status =
      CheckMemory("version 7", 3 << 20, "the machine", (1 << 20) + 1);
  EXPECT_TRUE(absl::IsResourceExhausted(status)) << status;
  EXPECT_EQ(std::string(status.message()),
            "version 7 needs 3.0 MiB of memory, the machine has 1.0 MiB left");
}

}  // namespace
}  // namespace tributary
