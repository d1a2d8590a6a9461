// The log of live changes: a folder "changes" in a store, and a copy of it in
// each server's bundle directory. It has
//
//   HEAD                   which segments there are, and what must be in them
//   <first>-<last>.segment a v1::ChangeSegment: the changes with these numbers
//   writer.lock            who writes at the moment
//
// Segments do not change. A writer first adds a segment, and then replaces
// HEAD, which makes the changes part of the log. Small segments are merged into
// larger ones later, so that HEAD names few: the same changes are then in a
// segment of another name, and the smaller ones go after a while.
//
// HEAD is text:
//
//   tributary changes 1
//   through <number of the last change>
//   at_ms <when it was written, milliseconds since 1970>
//   chain <hash>
//   segment <first> <last> <bytes> <SHA-256>     a line for each, ascending
//   signature <128 hexadecimal digits>           if it is signed: Ed25519, of
//                                                all lines before
//
// The chain of no change is 64 zeros; that of one more change is the SHA-256 of
// the chain before, as text, and the change's bytes. Whoever has read the log
// before thereby knows that its past is still the same.
#ifndef TRIBUTARY_INDEX_CHANGES_CHANGE_HEAD_H_
#define TRIBUTARY_INDEX_CHANGES_CHANGE_HEAD_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"

namespace tributary {

inline constexpr char kChangesName[] = "changes";
inline constexpr char kChangeHeadName[] = "HEAD";
// Longer ones are refused without being read.
inline constexpr uint64_t kMaxChangeHeadBytes = uint64_t{1} << 20;
inline constexpr uint64_t kMaxChangeSegmentBytes = uint64_t{64} << 20;

// A segment, as HEAD has it.
struct ChangeSegmentEntry {
  uint64_t first = 0;
  uint64_t last = 0;
  uint64_t bytes = 0;
  std::string sha256;

  uint64_t count() const { return last - first + 1; }
  // The name of its file.
  std::string Name() const;

  bool operator==(const ChangeSegmentEntry&) const = default;
};

// What HEAD says. That of an empty log is the default.
struct ChangeHead {
  uint64_t through = 0;
  int64_t at_ms = 0;
  std::string chain = std::string(64, '0');
  // From change 1 to `through`, without a gap.
  std::vector<ChangeSegmentEntry> segments;
  // Raw bytes; empty: it is not signed.
  std::string signature;

  // The file's lines, but for the signature.
  std::string SignedText() const;
  // The file.
  std::string Text() const;
};

// The inverse of Text. DATA_LOSS, beginning with `what`, for any other text.
absl::StatusOr<ChangeHead> ParseChangeHead(std::string_view text,
                                           std::string_view what);

// The chain after one more change. See above.
std::string NextChain(std::string_view chain, std::string_view change);

}  // namespace tributary

#endif  // TRIBUTARY_INDEX_CHANGES_CHANGE_HEAD_H_
