#include "server/process/control_groups.h"

#include <sched.h>

#include "gtest/gtest.h"
#include "tests/index/bundle/tiny_bundle.h"

namespace tributary {
namespace {

namespace fs = std::filesystem;

class CpusTest : public testing::Test {
 protected:
  void Write(const std::string& path, const std::string& text) {
    fs::create_directories((root_ / path).parent_path());
    OverwriteFile(root_ / path, text);
  }

  const fs::path root_ = MakeTestDir();
};

TEST_F(CpusTest, WithoutGroupsAllThatItMayRunOn) {
  cpu_set_t before;
  ASSERT_EQ(sched_getaffinity(0, sizeof(before), &before), 0);
  EXPECT_EQ(AvailableCpus(root_), CPU_COUNT(&before));
  cpu_set_t one;
  CPU_ZERO(&one);
  for (int cpu = 0; cpu < CPU_SETSIZE; ++cpu) {
    if (!CPU_ISSET(cpu, &before)) continue;
    CPU_SET(cpu, &one);
    break;
  }
  ASSERT_EQ(sched_setaffinity(0, sizeof(one), &one), 0);
  EXPECT_EQ(AvailableCpus(root_), 1);
  sched_setaffinity(0, sizeof(before), &before);
}

TEST_F(CpusTest, AVersion2GroupLimits) {
  Write("proc/self/cgroup", "0::/pod/app\n");
  Write("sys/fs/cgroup/pod/app/cpu.max", "max 100000\n");
  const uint32_t all = AvailableCpus(root_);
  Write("sys/fs/cgroup/pod/app/cpu.max", "50000 100000\n");
  EXPECT_EQ(AvailableCpus(root_), 1);
  Write("sys/fs/cgroup/pod/app/cpu.max", "1000000000 100000\n");
  EXPECT_EQ(AvailableCpus(root_), all);
  // So does one that it is in.
  Write("sys/fs/cgroup/pod/cpu.max", "100000 100000\n");
  EXPECT_EQ(AvailableCpus(root_), 1);
}

TEST_F(CpusTest, AVersion1GroupLimits) {
  Write("proc/self/cgroup", "5:cpu,cpuacct:/x\n4:memory:/app\n0::/\n");
  Write("sys/fs/cgroup/cpu/x/cpu.cfs_quota_us", "-1\n");
  Write("sys/fs/cgroup/cpu/x/cpu.cfs_period_us", "100000\n");
  const uint32_t all = AvailableCpus(root_);
  EXPECT_GE(all, 1);
  Write("sys/fs/cgroup/cpu/x/cpu.cfs_quota_us", "20000\n");
  EXPECT_EQ(AvailableCpus(root_), 1);
}

}  // namespace
}  // namespace tributary
