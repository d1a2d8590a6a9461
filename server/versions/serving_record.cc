#include "server/versions/serving_record.h"

#include <algorithm>
#include <charconv>
#include <span>

#include "fmt/format.h"
#include "index/bundle/durable_file.h"
#include "index/bundle/key_table.h"
#include "index/bundle/mapped_file.h"
#include "index/bundle/sha256.h"
#include "status/status_macros.h"

namespace tributary {
namespace {

constexpr std::string_view kFirstLine = "tributary serving 1";
constexpr size_t kBucketsPerDigit = 4;
constexpr size_t kBucketDigits = kUserBuckets / kBucketsPerDigit;
// More than the largest record has.
constexpr size_t kMaxBytes = 1 << 20;

std::string Sha256Of(std::string_view text) {
  return Sha256Hex(std::as_bytes(std::span(text.data(), text.size())));
}

// Hexadecimal digits; bucket i is bit i % 4, counted from the lowest, of digit
// i / 4.
std::string BucketText(const BucketSet& buckets) {
  std::string text;
  for (size_t digit = 0; digit < kBucketDigits; ++digit) {
    int value = 0;
    for (size_t bit = 0; bit < kBucketsPerDigit; ++bit) {
      if (buckets[digit * kBucketsPerDigit + bit]) value |= 1 << bit;
    }
    text += "0123456789abcdef"[value];
  }
  return text;
}

bool ParseBuckets(std::string_view text, BucketSet* buckets) {
  if (text.size() != kBucketDigits) return false;
  for (size_t digit = 0; digit < kBucketDigits; ++digit) {
    int value = 0;
    const char* const at = text.data() + digit;
    if (std::from_chars(at, at + 1, value, 16).ptr != at + 1) return false;
    for (size_t bit = 0; bit < kBucketsPerDigit; ++bit) {
      if ((value >> bit & 1) != 0) buckets->set(digit * kBucketsPerDigit + bit);
    }
  }
  return true;
}

// Returns the text before the first separator, or all of it without one, and
// removes it and the separator from `text`.
std::string_view TakeUntil(char separator, std::string_view* text) {
  const size_t end = text->find(separator);
  const std::string_view taken = text->substr(0, end);
  text->remove_prefix(end == std::string_view::npos ? text->size() : end + 1);
  return taken;
}

bool ParseVersion(std::string_view text, uint64_t* version) {
  return ParseDecimalKey(text, version) && *version > 0;
}

bool AddServed(std::string_view text, ServingRecord* record) {
  uint64_t version = 0;
  std::vector<uint64_t>& served = record->served;
  if (served.size() == kMaxServed || !ParseVersion(text, &version) ||
      std::find(served.begin(), served.end(), version) != served.end()) {
    return false;
  }
  served.push_back(version);
  return true;
}

// "name version buckets".
bool AddLabel(std::string_view text, ServingRecord* record) {
  const std::string_view name = TakeUntil(' ', &text);
  const std::string_view version = TakeUntil(' ', &text);
  LabelRecord label;
  if (!IsLabelName(name) || !ParseVersion(version, &label.version) ||
      !ParseBuckets(text, &label.users) ||
      record->labels.size() == kMaxLabels) {
    return false;
  }
  for (const auto& [other_name, other] : record->labels) {
    if ((other.users & label.users).any()) return false;
  }
  return record->labels.emplace(name, label).second;
}

bool AddLine(std::string_view line, ServingRecord* record) {
  const std::string_view word = TakeUntil(' ', &line);
  if (word == "served") return AddServed(line, record);
  return word == "label" && AddLabel(line, record);
}

}  // namespace

bool IsLabelName(std::string_view name) {
  return !name.empty() && name.size() <= kMaxLabelBytes &&
         name != kStableLabel &&
         std::all_of(name.begin(), name.end(), [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
                  c == '-' || c == '_';
         });
}

std::string ServingRecordText(const ServingRecord& record) {
  std::string text = fmt::format("{}\n", kFirstLine);
  for (const uint64_t version : record.served) {
    text += fmt::format("served {}\n", version);
  }
  for (const auto& [name, label] : record.labels) {
    text += fmt::format("label {} {} {}\n", name, label.version,
                        BucketText(label.users));
  }
  return text + fmt::format("sha256 {}\n", Sha256Of(text));
}

absl::StatusOr<ServingRecord> ParseServingRecord(std::string_view text) {
  const size_t last = text.rfind("sha256 ");
  if (last == std::string_view::npos ||
      text.substr(last) !=
          fmt::format("sha256 {}\n", Sha256Of(text.substr(0, last)))) {
    return absl::DataLossError(
        "the last line is not the SHA-256 of the lines before it");
  }
  text = text.substr(0, last);
  if (TakeUntil('\n', &text) != kFirstLine) {
    return absl::DataLossError(
        fmt::format("the first line is not \"{}\"", kFirstLine));
  }
  ServingRecord record;
  for (int line = 2; !text.empty(); ++line) {
    if (AddLine(TakeUntil('\n', &text), &record)) continue;
    return absl::DataLossError(fmt::format(
        "line {}: expected \"served VERSION\" or \"label NAME VERSION USERS\", "
        "no version or label twice, and no bucket of users in two labels",
        line));
  }
  return record;
}

absl::StatusOr<ServingRecord> ReadServingRecord(
    const std::filesystem::path& root) {
  const auto path = root / kServingRecordName;
  const auto file = MappedFile::Open(path);
  if (absl::IsNotFound(file.status())) return ServingRecord();
  if (!file.ok()) return file.status();
  if (file->bytes().size() > kMaxBytes) {
    return absl::DataLossError(fmt::format("{}: {} bytes, expected at most {}",
                                           path.string(), file->bytes().size(),
                                           kMaxBytes));
  }
  auto record =
      ParseServingRecord({reinterpret_cast<const char*>(file->bytes().data()),
                          file->bytes().size()});
  if (record.ok()) return record;
  return absl::DataLossError(fmt::format(
      "{}: {}", path.string(), std::string(record.status().message())));
}

absl::Status WriteServingRecord(const std::filesystem::path& root,
                                const ServingRecord& record) {
  return WriteFileDurably(root / kServingRecordName, ServingRecordText(record));
}

}  // namespace tributary
