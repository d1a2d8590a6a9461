#include "server/versions/prefault.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <fstream>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

#include "fmt/format.h"
#include "index/bundle/durable_file.h"
#include "status/status_macros.h"

#ifndef MADV_POPULATE_READ
#define MADV_POPULATE_READ 22
#endif

namespace tributary {
namespace {

constexpr size_t kStepBytes = 4 << 20;

struct Range {
  uintptr_t begin;
  uintptr_t end;
};

// Parses a line of /proc/self/maps, "begin-end perms offset device inode path".
// Returns false when the path is not under `directory`.
// https://man7.org/linux/man-pages/man5/proc_pid_maps.5.html
bool ParseLine(std::string_view line, std::string_view directory,
               Range* range) {
  const size_t path = line.find('/');
  if (path == std::string_view::npos) return false;
  if (!line.substr(path).starts_with(directory)) return false;
  const char* const end = line.data() + line.size();
  const auto first = std::from_chars(line.data(), end, range->begin, 16);
  if (first.ec != std::errc() || first.ptr == end) return false;
  return std::from_chars(first.ptr + 1, end, range->end, 16).ec == std::errc();
}

absl::StatusOr<std::vector<Range>> MappingsUnder(
    const std::filesystem::path& dir) {
  std::error_code error;
  const auto canonical = std::filesystem::canonical(dir, error);
  if (error) return absl::ErrnoToStatus(error.value(), dir.string());
  const std::string directory = canonical.string() + "/";
  std::ifstream maps("/proc/self/maps");
  std::vector<Range> ranges;
  Range range;
  for (std::string line; std::getline(maps, line);) {
    if (ParseLine(line, directory, &range)) ranges.push_back(range);
  }
  if (maps.bad())
    return absl::UnavailableError("/proc/self/maps: cannot be read");
  return ranges;
}

// Returns false when the kernel does not support MADV_POPULATE_READ.
absl::StatusOr<bool> Populate(const Range& range) {
  for (uintptr_t at = range.begin; at < range.end; at += kStepBytes) {
    const size_t size = std::min<size_t>(kStepBytes, range.end - at);
    while (madvise(reinterpret_cast<void*>(at), size, MADV_POPULATE_READ) !=
           0) {
      if (errno == EINTR || errno == EAGAIN) continue;
      if (errno == EINVAL) return false;
      // Unmapped meanwhile by another user of the same version.
      if (errno == ENOMEM) return true;
      return absl::DataLossError(fmt::format(
          "mapping pages: {}", std::system_category().message(errno)));
    }
  }
  return true;
}

// Reads through /proc/self/mem: if the range is unmapped meanwhile, that is an
// error of pread(2), where dereferencing a pointer would crash.
void Touch(int memory, const Range& range) {
  const auto page = static_cast<uintptr_t>(sysconf(_SC_PAGESIZE));
  char byte = 0;
  for (uintptr_t at = range.begin; at < range.end; at += page) {
    [[maybe_unused]] const ssize_t ignored =
        pread(memory, &byte, 1, static_cast<off_t>(at));
  }
}

absl::Status TouchAll(const std::vector<Range>& ranges) {
  const int memory = open("/proc/self/mem", O_RDONLY | O_CLOEXEC);
  if (memory < 0) return SystemError("open", "/proc/self/mem");
  for (const Range& range : ranges) Touch(memory, range);
  close(memory);
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<uint64_t> Prefault(const std::filesystem::path& dir,
                                  PrefaultBy by) {
  ASSIGN_OR_RETURN(const std::vector<Range> ranges, MappingsUnder(dir));
  uint64_t bytes = 0;
  bool populated = by == PrefaultBy::kKernel;
  for (const Range& range : ranges) {
    bytes += range.end - range.begin;
    if (!populated) continue;
    ASSIGN_OR_RETURN(populated, Populate(range));
  }
  if (!populated) RETURN_IF_ERROR(TouchAll(ranges));
  return bytes;
}

}  // namespace tributary
