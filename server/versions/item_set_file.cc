#include "server/versions/item_set_file.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <limits>
#include <span>
#include <system_error>
#include <utility>

#include "fmt/format.h"
#include "index/bundle/durable_file.h"
#include "index/bundle/key_table.h"
#include "index/bundle/mapped_file.h"
#include "index/bundle/sha256.h"
#include "status/status_macros.h"

namespace tributary {
namespace {

constexpr std::string_view kItemSetHead = "tributary item set 1";
// "sha256 ", 64 digits and the end of the line.
constexpr size_t kSumBytes = 7 + 64 + 1;

std::string SumLine(std::string_view text) {
  return fmt::format(
      "sha256 {}\n",
      Sha256Hex(std::as_bytes(std::span(text.data(), text.size()))));
}

void AppendNumbers(std::span<const uint64_t> numbers, std::string* text) {
  text->append(reinterpret_cast<const char*>(numbers.data()),
               numbers.size_bytes());
}

// Takes the line "<word> <number>..." from the beginning of *text. False when
// there is no such line.
bool TakeLine(std::string_view word, std::span<uint64_t> numbers,
              std::string_view* text) {
  const size_t end = text->find('\n');
  if (end == std::string_view::npos) return false;
  std::string_view line = text->substr(0, end);
  text->remove_prefix(end + 1);
  if (!line.starts_with(word)) return false;
  line.remove_prefix(word.size());
  for (uint64_t& number : numbers) {
    if (!line.starts_with(' ')) return false;
    line.remove_prefix(1);
    const std::string_view digits = line.substr(0, line.find(' '));
    if (!ParseDecimalKey(digits, &number)) return false;
    line.remove_prefix(digits.size());
  }
  return line.empty();
}

// Takes `count` numbers from the beginning of *text. False when it is shorter.
bool TakeNumbers(uint64_t count, std::string_view* text,
                 std::vector<uint64_t>* numbers) {
  if (count > text->size() / sizeof(uint64_t)) return false;
  numbers->resize(count);
  const size_t bytes = count * sizeof(uint64_t);
  if (bytes > 0) std::memcpy(numbers->data(), text->data(), bytes);
  text->remove_prefix(bytes);
  return true;
}

bool ParseChecked(std::string_view text, StoredItemSet* set) {
  uint64_t put_at_ms = 0;
  uint64_t n_ids = 0;
  uint64_t n_texts[2] = {};
  std::vector<uint64_t> ids;
  std::vector<uint64_t> ends;
  if (!TakeLine(kItemSetHead, {}, &text) ||
      !TakeLine("put_at_ms", {&put_at_ms, 1}, &text) ||
      put_at_ms > std::numeric_limits<int64_t>::max() ||
      !TakeLine("ids", {&n_ids, 1}, &text) ||
      !TakeLine("texts", n_texts, &text) || !TakeNumbers(n_ids, &text, &ids) ||
      !TakeNumbers(n_texts[0], &text, &ends) || text.size() != n_texts[1]) {
    return false;
  }
  set->put_at = absl::FromUnixMillis(static_cast<int64_t>(put_at_ms));
  return set->keys.Assign(std::move(ids), std::move(ends), std::string(text));
}

}  // namespace

bool IsItemSetName(std::string_view name) {
  return !name.empty() && name.size() <= kMaxItemSetNameBytes &&
         std::all_of(name.begin(), name.end(), [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
                  c == '-' || c == '_';
         });
}

std::string ItemSetText(const StoredItemSet& set) {
  const ItemKeys& keys = set.keys;
  std::string text =
      fmt::format("{}\nput_at_ms {}\nids {}\ntexts {} {}\n", kItemSetHead,
                  absl::ToUnixMillis(set.put_at), keys.ids().size(),
                  keys.ends().size(), keys.texts().size());
  text.reserve(text.size() + keys.size_bytes() + kSumBytes);
  AppendNumbers(keys.ids(), &text);
  AppendNumbers(keys.ends(), &text);
  text.append(keys.texts());
  text += SumLine(text);
  return text;
}

absl::StatusOr<StoredItemSet> ParseItemSet(std::string_view text) {
  const size_t body = text.size() - std::min(text.size(), kSumBytes);
  if (text.substr(body) != SumLine(text.substr(0, body))) {
    return absl::DataLossError(
        "the last line is not the SHA-256 of all before it");
  }
  StoredItemSet set;
  if (!ParseChecked(text.substr(0, body), &set)) {
    return absl::DataLossError(fmt::format(
        "expected \"{}\" and keys, ascending, as many as the head says",
        kItemSetHead));
  }
  return set;
}

std::vector<std::string> ListItemSets(const std::filesystem::path& folder) {
  std::vector<std::string> names;
  std::vector<std::filesystem::path> left_over;
  std::error_code error;
  for (std::filesystem::directory_iterator entry(folder, error), end;
       !error && entry != end; entry.increment(error)) {
    std::string name = entry->path().filename().string();
    if (IsItemSetName(name)) {
      names.push_back(std::move(name));
    } else if (name.starts_with('.') && name.ends_with(".new")) {
      left_over.push_back(entry->path());
    }
  }
  for (const std::filesystem::path& path : left_over) {
    std::filesystem::remove(path, error);
  }
  std::sort(names.begin(), names.end());
  return names;
}

absl::StatusOr<StoredItemSet> ReadItemSet(const std::filesystem::path& folder,
                                          std::string_view name) {
  const std::filesystem::path path = folder / name;
  ASSIGN_OR_RETURN(const MappedFile file, MappedFile::Open(path));
  auto set = ParseItemSet({reinterpret_cast<const char*>(file.bytes().data()),
                           file.bytes().size()});
  if (set.ok()) return set;
  return absl::DataLossError(fmt::format("{}: {}", path.string(),
                                         std::string(set.status().message())));
}

absl::Status WriteItemSet(const std::filesystem::path& folder,
                          std::string_view name, const StoredItemSet& set) {
  std::error_code error;
  const bool created = std::filesystem::create_directory(folder, error);
  if (error) {
    return absl::ErrnoToStatus(error.value(), folder.string() + ": create");
  }
  if (created) RETURN_IF_ERROR(SyncDirectory(folder.parent_path()));
  return WriteFileDurably(folder / name, ItemSetText(set));
}

absl::Status RemoveItemSet(const std::filesystem::path& folder,
                           std::string_view name) {
  const std::filesystem::path path = folder / name;
  if (::unlink(path.c_str()) != 0) return SystemError("unlink", path);
  return SyncDirectory(folder);
}

}  // namespace tributary
