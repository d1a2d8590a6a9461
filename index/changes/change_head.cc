#include "index/changes/change_head.h"

#include <algorithm>
#include <charconv>
#include <span>

#include "absl/status/status.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_split.h"
#include "fmt/format.h"
#include "index/bundle/sha256.h"
#include "text/quoted.h"

namespace tributary {
namespace {

constexpr std::string_view kFirstLine = "tributary changes 1";
constexpr std::string_view kReader = "reader ";
constexpr std::string_view kSnapshot = "snapshot ";
constexpr std::string_view kPart = "part ";
constexpr size_t kHashDigits = 64;
// Enough to tell two files of the same numbers apart.
constexpr size_t kNameDigits = 16;
constexpr size_t kSignatureDigits = 128;

std::span<const std::byte> BytesOf(std::string_view text) {
  return std::as_bytes(std::span(text.data(), text.size()));
}

template <typename Number>
bool ParseNumber(std::string_view text, Number* number) {
  const auto [end, error] =
      std::from_chars(text.data(), text.data() + text.size(), *number);
  return error == std::errc() && end == text.data() + text.size();
}

bool IsHex(std::string_view text, size_t digits) {
  return text.size() == digits && std::ranges::all_of(text, [](char c) {
           return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
         });
}

// The lines of a HEAD, one after the other.
class HeadReader {
 public:
  HeadReader(std::string_view text, std::string_view what)
      : rest_(text), what_(what) {}

  absl::StatusOr<ChangeHead> Read() {
    ChangeHead head;
    if (!rest_.ends_with('\n')) return Error("it does not end with a newline");
    if (Next() != kFirstLine) {
      return Error(fmt::format("its first line is not {:?}", kFirstLine));
    }
    if (!Field("through ", &head.through) || !Field("at_ms ", &head.at_ms)) {
      return Error("expected lines with through and at_ms, and a number each");
    }
    head.chain = Next();
    if (!head.chain.starts_with("chain ") ||
        !IsHex(head.chain.erase(0, 6), kHashDigits)) {
      return Error("expected a line with chain, and 64 hexadecimal digits");
    }
    absl::Status status = ReadReaders(&head);
    if (status.ok()) status = ReadSnapshot(&head);
    if (status.ok()) status = ReadSegments(&head);
    if (!status.ok()) return status;
    return head;
  }

 private:
  absl::Status ReadReaders(ChangeHead* head) {
    while (rest_.starts_with(kReader)) {
      const std::vector<std::string> words = Words();
      if (words.size() != 3 || !IsHex(words[1], kHashDigits) ||
          !IsHex(words[2], kHashDigits) ||
          !head->readers.emplace(words[1], words[2]).second) {
        return Error("expected reader, and 64 hexadecimal digits twice");
      }
    }
    if (head->readers.size() <= kMaxChangeReaders) return absl::OkStatus();
    return Error(fmt::format("it has more than {} lines with reader",
                             kMaxChangeReaders));
  }

  absl::Status ReadSnapshot(ChangeHead* head) {
    if (!rest_.starts_with(kSnapshot)) return absl::OkStatus();
    ChangeSnapshot& snapshot = head->snapshot;
    const std::vector<std::string> words = Words();
    if (words.size() != 3 || !ParseNumber(words[1], &snapshot.through) ||
        snapshot.through == 0 || !IsHex(words[2], kHashDigits)) {
      return Error("expected snapshot, a number and 64 hexadecimal digits");
    }
    snapshot.chain = words[2];
    while (rest_.starts_with(kPart)) {
      const std::vector<std::string> part = Words();
      ChangeSnapshotPart& added = snapshot.parts.emplace_back();
      if (part.size() != 4 || !ParseNumber(part[1], &added.changes) ||
          !ParseNumber(part[2], &added.bytes) || !IsHex(part[3], kHashDigits) ||
          added.changes == 0 || added.changes > snapshot.through ||
          added.bytes > kMaxChangeSegmentBytes) {
        return Error("expected part, two numbers and 64 hexadecimal digits");
      }
      added.sha256 = part[3];
    }
    if (snapshot.count() > snapshot.through) {
      return Error("its snapshot has more changes than there were");
    }
    return absl::OkStatus();
  }

  absl::Status ReadSegments(ChangeHead* head) {
    uint64_t last = head->snapshot.through;
    while (!rest_.empty()) {
      const std::string line = Next();
      if (line.starts_with("signature ")) {
        const std::string digits = line.substr(10);
        if (!rest_.empty() || !IsHex(digits, kSignatureDigits)) {
          return Error(
              "expected 128 hexadecimal digits after signature, on the last "
              "line");
        }
        head->signature = absl::HexStringToBytes(digits);
        break;
      }
      ChangeSegmentEntry segment;
      if (!ParseSegment(line, &segment)) {
        return Error(fmt::format("not a segment: {}", Quoted(line)));
      }
      if (segment.first != last + 1 || segment.last < segment.first) {
        return Error(
            fmt::format("segment {} comes after change {}: changes are missing "
                        "or there twice",
                        segment.Name(), last));
      }
      last = segment.last;
      head->segments.push_back(std::move(segment));
    }
    if (last != head->through) {
      return Error(fmt::format("its segments end with change {}, not {}", last,
                               head->through));
    }
    return absl::OkStatus();
  }

  static bool ParseSegment(std::string_view line, ChangeSegmentEntry* segment) {
    const std::vector<std::string> parts =
        absl::StrSplit(absl::string_view(line.data(), line.size()), ' ');
    if (parts.size() != 5 || parts[0] != "segment" ||
        !ParseNumber(parts[1], &segment->first) ||
        !ParseNumber(parts[2], &segment->last) ||
        !ParseNumber(parts[3], &segment->bytes) ||
        !IsHex(parts[4], kHashDigits)) {
      return false;
    }
    segment->sha256 = parts[4];
    return segment->bytes <= kMaxChangeSegmentBytes;
  }

  std::vector<std::string> Words() {
    const std::string line = Next();
    return absl::StrSplit(absl::string_view(line.data(), line.size()), ' ');
  }

  std::string Next() {
    const size_t end = std::min(rest_.find('\n'), rest_.size());
    std::string line(rest_.substr(0, end));
    rest_.remove_prefix(std::min(end + 1, rest_.size()));
    return line;
  }

  template <typename Number>
  bool Field(std::string_view name, Number* number) {
    const std::string line = Next();
    return line.starts_with(name) &&
           ParseNumber(std::string_view(line).substr(name.size()), number);
  }

  absl::Status Error(std::string_view why) const {
    return absl::DataLossError(fmt::format("{}: {}", what_, why));
  }

  std::string_view rest_;
  const std::string_view what_;
};

}  // namespace

std::string ChangeSegmentEntry::Name() const {
  return fmt::format("{}-{}.{}.segment", first, last,
                     std::string_view(sha256).substr(0, kNameDigits));
}

std::string ChangeSnapshotPart::Name(uint64_t through) const {
  return fmt::format("{}.{}.snapshot", through,
                     std::string_view(sha256).substr(0, kNameDigits));
}

uint64_t ChangeSnapshot::count() const {
  uint64_t count = 0;
  for (const ChangeSnapshotPart& part : parts) count += part.changes;
  return count;
}

std::string ChangeHead::SignedText() const {
  std::string text = fmt::format("{}\nthrough {}\nat_ms {}\nchain {}\n",
                                 kFirstLine, through, at_ms, chain);
  for (const auto& [name, batch] : readers) {
    text += fmt::format("{}{} {}\n", kReader, name, batch);
  }
  if (snapshot.through > 0) {
    text +=
        fmt::format("{}{} {}\n", kSnapshot, snapshot.through, snapshot.chain);
  }
  for (const ChangeSnapshotPart& part : snapshot.parts) {
    text += fmt::format("{}{} {} {}\n", kPart, part.changes, part.bytes,
                        part.sha256);
  }
  for (const ChangeSegmentEntry& segment : segments) {
    text += fmt::format("segment {} {} {} {}\n", segment.first, segment.last,
                        segment.bytes, segment.sha256);
  }
  return text;
}

std::string ChangeHead::Text() const {
  std::string text = SignedText();
  if (!signature.empty()) {
    text += fmt::format("signature {}\n",
                        std::string(absl::BytesToHexString(signature)));
  }
  return text;
}

absl::StatusOr<ChangeHead> ParseChangeHead(std::string_view text,
                                           std::string_view what) {
  return HeadReader(text, what).Read();
}

std::string NextChain(std::string_view chain, std::string_view change) {
  Sha256 hash;
  hash.Add(BytesOf(chain));
  hash.Add(BytesOf(change));
  return std::move(hash).Hex();
}

}  // namespace tributary
