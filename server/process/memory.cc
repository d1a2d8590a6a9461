#include "server/process/memory.h"

#include <algorithm>
#include <array>
#include <fstream>
#include <optional>
#include <sstream>
#include <string>

#include "fmt/core.h"
#include "server/process/control_groups.h"

namespace tributary {
namespace {

namespace fs = std::filesystem;

// Version 1 writes "no limit" as the largest multiple of a page. Anything from
// here on is no limit.
constexpr uint64_t kNoLimitOfVersion1 = uint64_t{1} << 62;
constexpr uint64_t kBytesPerKib = 1024;

// Where a version of control groups keeps the limits of memory.
struct MemoryFiles {
  const char* limit;
  const char* usage;
  const char* inactive_field;
};
constexpr MemoryFiles kVersion1 = {
    "memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file "};
constexpr MemoryFiles kVersion2 = {"memory.max", "memory.current",
                                   "inactive_file "};

// The first number in the file; absent for "max" and without the file.
std::optional<uint64_t> ReadNumber(const fs::path& file) {
  std::ifstream stream(file);
  uint64_t number = 0;
  if (stream >> number) return number;
  return std::nullopt;
}

// The number after `field` at the beginning of a line.
std::optional<uint64_t> ReadField(const fs::path& file,
                                  std::string_view field) {
  std::ifstream stream(file);
  for (std::string line; std::getline(stream, line);) {
    if (!line.starts_with(field)) continue;
    std::istringstream rest(line.substr(field.size()));
    uint64_t number = 0;
    if (rest >> number) return number;
    return std::nullopt;
  }
  return std::nullopt;
}

void LimitBy(const MemoryNumbers& numbers, MemoryNumbers* least) {
  least->total = std::min(least->total, numbers.total);
  least->available = std::min(least->available, numbers.available);
}

MemoryNumbers ReadGroup(const ControlGroup& group) {
  const MemoryFiles& files = group.version == 1 ? kVersion1 : kVersion2;
  const auto limit = ReadNumber(group.dir / files.limit);
  const auto usage = ReadNumber(group.dir / files.usage);
  if (!limit || !usage || *limit >= kNoLimitOfVersion1) return {};
  const uint64_t inactive =
      ReadField(group.dir / "memory.stat", files.inactive_field).value_or(0);
  const uint64_t used = *usage - std::min(*usage, inactive);
  return {*limit, *limit - std::min(*limit, used)};
}

}  // namespace

MemoryNumbers ProcessMemory::least() const {
  MemoryNumbers both = machine;
  LimitBy(container, &both);
  return both;
}

absl::StatusOr<ProcessMemory> ReadProcessMemory(const fs::path& root) {
  const fs::path meminfo = root / "proc/meminfo";
  std::error_code error;
  if (!fs::exists(meminfo, error)) {
    return absl::NotFoundError(meminfo.string() + ": no such file");
  }
  const auto total = ReadField(meminfo, "MemTotal:");
  const auto available = ReadField(meminfo, "MemAvailable:");
  if (!total || !available) {
    return absl::DataLossError(fmt::format(
        "{}: expected MemTotal and MemAvailable", meminfo.string()));
  }
  ProcessMemory memory;
  memory.machine = {*total * kBytesPerKib, *available * kBytesPerKib};
  for (const ControlGroup& group : ControlGroupsOf(root, "memory")) {
    LimitBy(ReadGroup(group), &memory.container);
  }
  return memory;
}

absl::Status CheckMemory(std::string_view what, uint64_t needs,
                         std::string_view where, uint64_t has) {
  if (needs <= has) return absl::OkStatus();
  return absl::ResourceExhaustedError(
      fmt::format("{} needs {} of memory, {} has {} left", what,
                  ByteText(needs), where, ByteText(has)));
}

std::string ByteText(uint64_t bytes) {
  constexpr std::array<std::string_view, 5> kUnits = {"bytes", "KiB", "MiB",
                                                      "GiB", "TiB"};
  auto value = static_cast<double>(bytes);
  size_t unit = 0;
  while (value >= 1024 && unit + 1 < kUnits.size()) {
    value /= 1024;
    ++unit;
  }
  return unit == 0 ? fmt::format("{} bytes", bytes)
                   : fmt::format("{:.1f} {}", value, kUnits[unit]);
}

}  // namespace tributary
