#include "index/data/input_files.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <system_error>
#include <utility>

#include "absl/status/status.h"
#include "fmt/format.h"
#include "status/status_macros.h"

namespace tributary {
namespace {

namespace fs = std::filesystem;

constexpr std::array<std::string_view, 2> kCompressions = {".gz", ".zst"};
// Of tables of text, and of what people try instead: the reader says of those
// what to do.
constexpr std::array<std::string_view, 14> kTableExtensions = {
    "csv",     "tsv",     "txt",   "tab",  "dat",  "data",  "psv",
    "parquet", "feather", "arrow", "xlsx", "json", "jsonl", "ndjson"};
constexpr std::array<std::string_view, 3> kJsonExtensions = {"json", "jsonl",
                                                             "ndjson"};
constexpr std::array<std::string_view, 6> kBackupEndings = {
    "~", ".bak", ".swp", ".swo", ".orig", ".tmp"};

bool IsDigit(char c) { return c >= '0' && c <= '9'; }

std::string LowerAscii(std::string_view text) {
  std::string lower(text);
  for (char& c : lower) {
    c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  }
  return lower;
}

// Compares with runs of digits as numbers.
bool NaturalLess(std::string_view a, std::string_view b) {
  size_t i = 0;
  size_t j = 0;
  while (i < a.size() && j < b.size()) {
    if (!IsDigit(a[i]) || !IsDigit(b[j])) {
      if (a[i] != b[j]) return a[i] < b[j];
      ++i;
      ++j;
      continue;
    }
    while (i < a.size() && a[i] == '0') ++i;
    while (j < b.size() && b[j] == '0') ++j;
    const size_t i0 = i;
    const size_t j0 = j;
    while (i < a.size() && IsDigit(a[i])) ++i;
    while (j < b.size() && IsDigit(b[j])) ++j;
    if (i - i0 != j - j0) return i - i0 < j - j0;
    const int order = a.substr(i0, i - i0).compare(b.substr(j0, j - j0));
    if (order != 0) return order < 0;
  }
  return a.size() - i < b.size() - j;
}

bool MayBeData(std::string_view name) {
  if (name.empty() || name[0] == '.' || name[0] == '_' || name[0] == '#') {
    return false;
  }
  return std::none_of(
      kBackupEndings.begin(), kBackupEndings.end(),
      [&](std::string_view ending) { return name.ends_with(ending); });
}

// Whether a file or directory of this name has the table `stem`.
bool HasStem(std::string_view plain_name, std::string_view stem) {
  const std::string lower = LowerAscii(plain_name);
  if (!lower.starts_with(stem)) return false;
  const std::string_view rest = std::string_view(lower).substr(stem.size());
  if (rest.empty()) return true;
  return IsDigit(rest[0]) ||
         std::string_view("._- ").find(rest[0]) != std::string_view::npos;
}

bool IsTable(std::string_view plain_name) {
  const std::string lower = LowerAscii(plain_name);
  const size_t dot = lower.rfind('.');
  return dot != std::string::npos &&
         std::count(kTableExtensions.begin(), kTableExtensions.end(),
                    std::string_view(lower).substr(dot + 1)) > 0;
}

absl::Status RejectJson(const fs::path& path) {
  const std::string lower = LowerAscii(PlainName(path));
  for (const std::string_view extension : kJsonExtensions) {
    if (!lower.ends_with(fmt::format(".{}", extension))) continue;
    return absl::InvalidArgumentError(fmt::format(
        "{}: JSON is not read; write it as csv: pandas.read_json(..., "
        "lines=True).to_csv(..., index=False)",
        path.string()));
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<bool> FileExists(const fs::path& path) {
  std::error_code error;
  const bool exists = fs::exists(path, error);
  if (error) return absl::ErrnoToStatus(error.value(), path.string());
  return exists;
}

absl::StatusOr<std::vector<fs::path>> ListDataFiles(const fs::path& dir) {
  std::error_code error;
  fs::directory_iterator entries(dir, error);
  if (error) return absl::ErrnoToStatus(error.value(), dir.string());
  std::vector<fs::path> files;
  for (; entries != fs::directory_iterator(); entries.increment(error)) {
    if (MayBeData(entries->path().filename().string())) {
      files.push_back(entries->path());
    }
    if (error) break;
  }
  if (error) return absl::ErrnoToStatus(error.value(), dir.string());
  std::sort(files.begin(), files.end(), [](const auto& a, const auto& b) {
    return NaturalLess(a.filename().string(), b.filename().string());
  });
  return files;
}

std::string PlainName(const fs::path& path) {
  std::string name = path.filename().string();
  for (const std::string_view ending : kCompressions) {
    if (!LowerAscii(name).ends_with(ending)) continue;
    name.resize(name.size() - ending.size());
    break;
  }
  return name;
}

bool IsRecBole(const fs::path& path) {
  const fs::path extension = fs::path(PlainName(path)).extension();
  return extension == ".inter" || extension == ".item" || extension == ".user";
}

absl::StatusOr<fs::path> FindCompressed(const fs::path& path) {
  std::vector<fs::path> found;
  for (const std::string_view ending : {"", ".gz", ".zst"}) {
    fs::path candidate = path;
    candidate += ending;
    ASSIGN_OR_RETURN(const bool exists, FileExists(candidate));
    if (exists) found.push_back(std::move(candidate));
  }
  if (found.empty()) return path;
  if (found.size() == 1) return found[0];
  return absl::InvalidArgumentError(
      fmt::format("{} and {} both exist: remove one of them", found[0].string(),
                  found[1].filename().string()));
}

absl::StatusOr<std::vector<fs::path>> FindTable(
    std::span<const fs::path> files, std::span<const std::string_view> stems) {
  std::vector<fs::path> table;
  for (const std::string_view stem : stems) {
    for (const fs::path& path : files) {
      const std::string name = PlainName(path);
      if (!HasStem(name, stem)) continue;
      std::error_code error;
      if (fs::is_directory(path, error)) {
        ASSIGN_OR_RETURN(const std::vector<fs::path> parts,
                         ListDataFiles(path));
        table.insert(table.end(), parts.begin(), parts.end());
      } else if (IsTable(name)) {
        table.push_back(path);
      }
    }
    if (!table.empty()) break;
  }
  for (size_t i = 0; i < table.size(); ++i) {
    RETURN_IF_ERROR(RejectJson(table[i]));
    for (size_t j = 0; j < i; ++j) {
      if (PlainName(table[i]) != PlainName(table[j])) continue;
      return absl::InvalidArgumentError(fmt::format(
          "{} and {} have one content, compressed and not: remove one of them",
          table[j].string(), table[i].string()));
    }
  }
  return table;
}

}  // namespace tributary
