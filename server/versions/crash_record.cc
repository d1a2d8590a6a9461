#include "server/versions/crash_record.h"

#include <algorithm>
#include <cstddef>
#include <sstream>
#include <string>
#include <system_error>

#include "fmt/format.h"
#include "index/bundle/durable_file.h"
#include "index/bundle/mapped_file.h"
#include "spdlog/spdlog.h"

namespace tributary {
namespace {

// What is beyond it is not read: a server that crashes every second for a day
// writes less.
constexpr size_t kMaxCrashBytes = size_t{4} << 20;

std::string TextOf(const CrashRecord& record) {
  std::string text;
  for (const uint64_t version : record.refused) {
    text += fmt::format("refused {}\n", version);
  }
  return text;
}

void Replace(const std::filesystem::path& path, const CrashRecord& record) {
  const absl::Status written = WriteFileDurably(path, TextOf(record));
  if (written.ok()) return;
  spdlog::warn("event=crash_record_write_failed error={:?}",
               written.ToString());
}

}  // namespace

CrashRecord ParseCrashRecord(std::string_view text) {
  CrashRecord record;
  uint64_t crashed = 0;
  int in_a_row = 0;
  std::istringstream lines{std::string(text)};
  for (std::string line; std::getline(lines, line);) {
    std::istringstream words(line);
    std::string what;
    std::string after;
    uint64_t version = 0;
    uint64_t seconds = 0;
    words >> what >> version;
    if (words.fail()) continue;
    if (what == "refused") record.refused.insert(version);
    if (what != "crashed") continue;
    words >> after >> seconds;
    const bool soon = !words.fail() && after == "after" &&
                      seconds < CrashRecord::kSoonSeconds;
    if (!soon || version != crashed) in_a_row = 0;
    crashed = version;
    in_a_row += soon;
    if (in_a_row >= CrashRecord::kCrashesToRefuse) {
      record.refused.insert(version);
    }
  }
  return record;
}

CrashRecord ReadCrashRecord(const std::filesystem::path& root) {
  const std::filesystem::path path = root / kCrashRecordName;
  const auto file = MappedFile::Open(path);
  if (absl::IsNotFound(file.status())) return {};
  if (!file.ok()) {
    spdlog::warn("event=crash_record_read_failed error={:?}",
                 file.status().ToString());
    return {};
  }
  const std::string_view text(
      reinterpret_cast<const char*>(file->bytes().data()),
      std::min(file->bytes().size(), kMaxCrashBytes));
  const CrashRecord record = ParseCrashRecord(text);
  const auto is_new = [text](uint64_t version) {
    return text.find(fmt::format("refused {}\n", version)) == text.npos;
  };
  if (std::ranges::any_of(record.refused, is_new)) Replace(path, record);
  return record;
}

void EndCrashRecord(const std::filesystem::path& root) {
  const std::filesystem::path path = root / kCrashRecordName;
  std::error_code error;
  if (!std::filesystem::exists(path, error)) return;
  const CrashRecord record = ReadCrashRecord(root);
  if (record.refused.empty()) {
    std::filesystem::remove(path, error);
  } else {
    Replace(path, record);
  }
}

}  // namespace tributary
