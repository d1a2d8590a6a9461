#include "index/changes/read_changes.h"

#include <algorithm>
#include <cmath>
#include <fstream>
#include <iterator>
#include <span>

#include "fmt/format.h"
#include "index/bundle/durable_file.h"
#include "index/bundle/sha256.h"
#include "index/changes/check_change.h"
#include "status/field_error.h"
#include "status/status_macros.h"

namespace tributary {
namespace {

namespace fs = std::filesystem;

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

// Passes a change on, unless its number is another one than `number`. Returns
// its number.
absl::StatusOr<uint64_t> PassOn(const std::string& bytes, uint64_t number,
                                TakeChange take) {
  v1::Change change;
  absl::Status verdict;
  if (!change.ParseFromString(bytes)) {
    change.Clear();
    change.set_number(number);
    verdict = FieldError(fmt::format("change {}", number), "not a Change");
  } else if (change.number() != number) {
    return change.number();
  } else {
    verdict = CheckChange(change, fmt::format("change {}", number));
  }
  RETURN_IF_ERROR(take(change, bytes, verdict));
  return number;
}

// Passes on the changes of a snapshot that come after `position`.
absl::Status ReadSnapshot(const ChangeSnapshot& snapshot, ReadChangeFile read,
                          uint64_t position, TakeChange take) {
  uint64_t last = 0;
  for (const ChangeSnapshotPart& part : snapshot.parts) {
    const std::string name = part.Name(snapshot.through);
    ASSIGN_OR_RETURN(const std::string contents,
                     read(name, kMaxChangeSegmentBytes));
    ASSIGN_OR_RETURN(
        const v1::ChangeSegment segment,
        ParseChangeFile(name, part.changes, part.bytes, part.sha256, contents));
    for (const std::string& bytes : segment.changes()) {
      v1::Change change;
      // One that this program cannot read would not be in its place.
      const bool is_change = change.ParseFromString(bytes);
      const uint64_t number = change.number();
      if (!is_change || number <= last || number > snapshot.through) {
        return absl::DataLossError(fmt::format(
            "{}: after change {} comes one that does not belong there", name,
            last));
      }
      last = number;
      if (number <= position) continue;
      RETURN_IF_ERROR(
          take(change, bytes,
               CheckChange(change, fmt::format("change {}", number))));
    }
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<v1::ChangeSegment> ParseChangeFile(const std::string& name,
                                                  uint64_t changes,
                                                  uint64_t bytes,
                                                  const std::string& sha256,
                                                  std::string_view contents) {
  if (contents.size() != bytes ||
      Sha256Hex(std::as_bytes(std::span(contents.data(), contents.size()))) !=
          sha256) {
    return absl::DataLossError(
        fmt::format("{}: its {} bytes are not those that HEAD names", name,
                    contents.size()));
  }
  v1::ChangeSegment segment;
  if (!segment.ParseFromArray(contents.data(),
                              static_cast<int>(contents.size())) ||
      static_cast<uint64_t>(segment.changes_size()) != changes) {
    return absl::DataLossError(
        fmt::format("{}: expected {} changes", name, changes));
  }
  return segment;
}

absl::Status ReadChanges(const ChangeHead& head, ReadChangeFile read,
                         ChangePosition* position, TakeChange take) {
  if (head.through < position->through) {
    return absl::DataLossError(
        fmt::format("HEAD: the log ends with change {}, but it had {} before",
                    head.through, position->through));
  }
  if (head.snapshot.through > position->through) {
    RETURN_IF_ERROR(ReadSnapshot(head.snapshot, read, position->through, take));
    *position = {head.snapshot.through, head.snapshot.chain};
  }
  for (const ChangeSegmentEntry& entry : head.segments) {
    if (entry.last <= position->through) continue;
    const std::string name = entry.Name();
    ASSIGN_OR_RETURN(const std::string contents,
                     read(name, kMaxChangeSegmentBytes));
    ASSIGN_OR_RETURN(const v1::ChangeSegment segment,
                     ParseChangeFile(name, entry.count(), entry.bytes,
                                     entry.sha256, contents));
    for (uint64_t number = std::max(entry.first, position->through + 1);
         number <= entry.last; ++number) {
      const std::string& bytes =
          segment.changes(static_cast<int>(number - entry.first));
      ASSIGN_OR_RETURN(const uint64_t read_number, PassOn(bytes, number, take));
      if (read_number != number) {
        return absl::DataLossError(fmt::format(
            "{}: change {} has the number {}", name, number, read_number));
      }
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

absl::StatusOr<std::string> ReadChangeFileOf(const fs::path& folder,
                                             const std::string& name,
                                             uint64_t max_bytes) {
  return ReadWhole(folder / name, max_bytes);
}

}  // namespace tributary
