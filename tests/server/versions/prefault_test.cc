#include "server/versions/prefault.h"

#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <string>
#include <vector>

#include "index/bundle/mapped_file.h"
#include "tests/index/bundle/tiny_bundle.h"

namespace tributary {
namespace {

// Whether /proc/self/pagemap shows the page as mapped for this process, not
// only in the page cache.
// https://www.kernel.org/doc/Documentation/admin-guide/mm/pagemap.rst
size_t PagesPresent(std::span<const std::byte> bytes) {
  const size_t page = static_cast<size_t>(sysconf(_SC_PAGESIZE));
  const std::string pagemap = "/proc/self/pagemap";
  FILE* const file = std::fopen(pagemap.c_str(), "rb");
  size_t present = 0;
  for (size_t at = 0; at < bytes.size(); at += page) {
    uint64_t entry = 0;
    const auto address = reinterpret_cast<uintptr_t>(bytes.data() + at);
    std::fseek(file, static_cast<long>(address / page * 8), SEEK_SET);
    EXPECT_EQ(std::fread(&entry, sizeof(entry), 1, file), 1);
    present += entry >> 63;
  }
  std::fclose(file);
  return present;
}

TEST(Prefault, MapsEveryPageUnderTheDirectoryAndNoOther) {
  const size_t page = static_cast<size_t>(sysconf(_SC_PAGESIZE));
  constexpr size_t kPages = 3000;
  for (const PrefaultBy by : {PrefaultBy::kKernel, PrefaultBy::kTouch}) {
    const auto dir = MakeTestDir();
    std::filesystem::create_directories(dir / "1");
    std::filesystem::create_directories(dir / "10");
    for (const char* version : {"1", "10"}) {
      OverwriteFile(dir / version / "file",
                    std::string(kPages * page - 5, 'x'));
    }
    const auto wanted = MappedFile::Open(dir / "1" / "file");
    const auto other = MappedFile::Open(dir / "10" / "file");
    ASSERT_TRUE(wanted.ok() && other.ok());
    EXPECT_EQ(PagesPresent(wanted->bytes()), 0);
    const auto bytes = Prefault(dir / "1", by);
    ASSERT_TRUE(bytes.ok()) << bytes.status();
    EXPECT_EQ(*bytes, kPages * page);
    EXPECT_EQ(PagesPresent(wanted->bytes()), kPages);
    EXPECT_EQ(PagesPresent(other->bytes()), 0);
  }
}

TEST(Prefault, AFileThatWasCutOffIsAnErrorAndNoCrash) {
  const auto dir = MakeTestDir();
  OverwriteFile(dir / "file", std::string(1 << 20, 'x'));
  const auto file = MappedFile::Open(dir / "file");
  ASSERT_TRUE(file.ok());
  std::filesystem::resize_file(dir / "file", 1 << 16);
  EXPECT_EQ(Prefault(dir).status().code(), absl::StatusCode::kDataLoss);
  EXPECT_TRUE(Prefault(dir, PrefaultBy::kTouch).ok());
}

}  // namespace
}  // namespace tributary
