#include "index/changes/read_changes.h"

#include <algorithm>
#include <cmath>
#include <fstream>
#include <iterator>
#include <span>

#include "fmt/format.h"
#include "index/bundle/durable_file.h"
#include "index/bundle/sha256.h"
#include "status/field_error.h"
#include "status/status_macros.h"
#include "text/utf8.h"

namespace tributary {
namespace {

namespace fs = std::filesystem;

// The changes of a segment, after their hash was checked.
absl::StatusOr<v1::ChangeSegment> ParseSegmentFile(
    const ChangeSegmentEntry& entry, std::string_view contents) {
  const std::string name = entry.Name();
  if (contents.size() != entry.bytes ||
      Sha256Hex(std::as_bytes(std::span(contents.data(), contents.size()))) !=
          entry.sha256) {
    return absl::DataLossError(
        fmt::format("{}: its {} bytes are not those that HEAD names", name,
                    contents.size()));
  }
  v1::ChangeSegment segment;
  if (!segment.ParseFromArray(contents.data(),
                              static_cast<int>(contents.size())) ||
      static_cast<uint64_t>(segment.changes_size()) != entry.count()) {
    return absl::DataLossError(
        fmt::format("{}: expected {} changes", name, entry.count()));
  }
  return segment;
}

absl::StatusOr<std::string> ReadWhole(const fs::path& path,
                                      uint64_t max_bytes) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return SystemError("open", path);
  std::string contents((std::istreambuf_iterator<char>(file)),
                       std::istreambuf_iterator<char>());
  if (file.bad()) return SystemError("read", path);
  if (contents.size() > max_bytes) {
    return absl::DataLossError(fmt::format("{}: {} bytes, at most {} may be",
                                           path.string(), contents.size(),
                                           max_bytes));
  }
  return contents;
}

absl::Status CheckEvent(const v1::UserEvent& event, std::string_view path) {
  const std::string user = fmt::format("{}.event.user", path);
  if (event.user().empty()) return FieldError(user, "expected a user's key");
  if (event.user().size() > kMaxChangedKeyBytes) {
    return FieldError(user, "{} bytes, at most {} are allowed",
                      event.user().size(), kMaxChangedKeyBytes);
  }
  if (!IsUtf8(event.user())) return FieldError(user, "not UTF-8");
  if (event.type().size() > kMaxEventTypeBytes) {
    return FieldError(fmt::format("{}.event.type", path),
                      "{} bytes, at most {} are allowed", event.type().size(),
                      kMaxEventTypeBytes);
  }
  if (!std::isfinite(event.value())) {
    return FieldError(fmt::format("{}.event.value", path),
                      "{}, expected a finite number", event.value());
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status CheckChange(const v1::Change& change, std::string_view path) {
  const std::string item = fmt::format("{}.item", path);
  if (change.item().empty()) return FieldError(item, "expected an item's key");
  if (change.item().size() > kMaxChangedKeyBytes) {
    return FieldError(item, "{} bytes, at most {} are allowed",
                      change.item().size(), kMaxChangedKeyBytes);
  }
  if (!IsUtf8(change.item())) return FieldError(item, "not UTF-8");
  if (change.what_case() == v1::Change::WHAT_NOT_SET) {
    return FieldError(fmt::format("{}.what", path),
                      "not set, or something that this program is too old to "
                      "know");
  }
  if (change.remove().reason().size() > kMaxReasonBytes) {
    return FieldError(fmt::format("{}.remove.reason", path),
                      "{} bytes, at most {} are allowed",
                      change.remove().reason().size(), kMaxReasonBytes);
  }
  if (change.has_event()) return CheckEvent(change.event(), path);
  return absl::OkStatus();
}

absl::Status ReadChanges(const ChangeHead& head, ReadChangeFile read,
                         ChangePosition* position, TakeChange take) {
  if (head.through < position->through) {
    return absl::DataLossError(
        fmt::format("HEAD: the log ends with change {}, but it had {} before",
                    head.through, position->through));
  }
  for (const ChangeSegmentEntry& entry : head.segments) {
    if (entry.last <= position->through) continue;
    ASSIGN_OR_RETURN(const std::string contents,
                     read(entry.Name(), kMaxChangeSegmentBytes));
    ASSIGN_OR_RETURN(const v1::ChangeSegment segment,
                     ParseSegmentFile(entry, contents));
    for (uint64_t number = std::max(entry.first, position->through + 1);
         number <= entry.last; ++number) {
      const std::string& bytes =
          segment.changes(static_cast<int>(number - entry.first));
      v1::Change change;
      absl::Status verdict;
      if (!change.ParseFromString(bytes)) {
        verdict = FieldError(fmt::format("change {}", number), "not a Change");
      } else if (change.number() != number) {
        return absl::DataLossError(
            fmt::format("{}: change {} has the number {}", entry.Name(), number,
                        change.number()));
      } else {
        verdict = CheckChange(change, fmt::format("change {}", number));
      }
      RETURN_IF_ERROR(take(change, bytes, verdict));
      position->chain = NextChain(position->chain, bytes);
      position->through = number;
    }
  }
  if (position->chain != head.chain) {
    return absl::DataLossError(fmt::format(
        "HEAD: the changes up to {} are not those that were read before, or "
        "not those that it was made for",
        head.through));
  }
  return absl::OkStatus();
}

absl::StatusOr<ChangeHead> ReadChangeHead(const fs::path& folder) {
  const fs::path path = folder / kChangeHeadName;
  const auto text = ReadWhole(path, kMaxChangeHeadBytes);
  if (absl::IsNotFound(text.status())) return ChangeHead();
  if (!text.ok()) return text.status();
  return ParseChangeHead(*text, path.native());
}

absl::Status ReadChanges(const ChangeHead& head, const fs::path& folder,
                         ChangePosition* position, TakeChange take) {
  return ReadChanges(
      head,
      [&](const std::string& name, uint64_t max_bytes) {
        return ReadWhole(folder / name, max_bytes);
      },
      position, take);
}

absl::StatusOr<v1::ChangeSegment> ReadChangeSegment(
    const ChangeSegmentEntry& entry, const fs::path& folder) {
  ASSIGN_OR_RETURN(const std::string contents,
                   ReadWhole(folder / entry.Name(), kMaxChangeSegmentBytes));
  return ParseSegmentFile(entry, contents);
}

}  // namespace tributary
