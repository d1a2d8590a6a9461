// The log of live changes: a folder "changes" in a store, and a copy of it in
// each server's bundle directory. It has
//
//   HEAD                             which files there are, and what must be in
//                                    them
//   <first>-<last>.<hash>.segment    a v1::ChangeSegment: the changes with
//                                    these numbers
//   <through>.<hash>.snapshot        a v1::ChangeSegment: what is left of the
//                                    changes up to this number
//   writer.lock                      who writes at the moment
//   checked                          of a copy: when it was last found to be as
//                                    the store's log is (the file's time)
//
// Segments and snapshots do not change: their names have the first digits of
// their SHA-256. A writer first adds a segment, and then replaces HEAD, which
// makes the changes part of the log. Small segments are merged into larger ones
// later, so that HEAD names few: the same changes are then in a segment of
// another name, and the smaller ones go after a while.
//
// When the log is long, the changes up to some number become a snapshot: those
// that matter for what the log says (see EffectiveChanges), by their bytes and
// numbers. Whoever has read the log before up to any number goes on with the
// changes of the snapshot after it, and then with the segments.
//
// HEAD is text:
//
//   tributary changes 1
//   through <number of the last change>
//   at_ms <when it was written, milliseconds since 1970>
//   chain <hash>
//   reader <name> <SHA-256>                      a line for each reader of a
//                                                broker: what it wrote last
//   snapshot <through> <chain at that number>    if there is a snapshot
//   part <changes> <bytes> <SHA-256>             a line for each of its files
//   segment <first> <last> <bytes> <SHA-256>     a line for each, ascending
//   signature <128 hexadecimal digits>           if it is signed: Ed25519, of
//                                                all lines before
//
// Programs that do not know snapshots refuse a HEAD that has one.
//
// The chain of no change is 64 zeros; that of one more change is the SHA-256 of
// the chain before, as text, and the change's bytes. Whoever has read the log
// before thereby knows that its past is still the same.
#ifndef TRIBUTARY_INDEX_CHANGES_CHANGE_HEAD_H_
#define TRIBUTARY_INDEX_CHANGES_CHANGE_HEAD_H_

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"

namespace tributary {

inline constexpr char kChangesName[] = "changes";
inline constexpr char kChangeHeadName[] = "HEAD";
// In a server's bundle directory: the loader touches it when the copy is as the
// store's log is.
inline constexpr char kChangesCheckedName[] = "checked";
// Longer ones are refused without being read.
inline constexpr uint64_t kMaxChangeHeadBytes = uint64_t{1} << 20;
inline constexpr size_t kMaxChangeReaders = 64;
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

// One file of a snapshot, as HEAD has it.
struct ChangeSnapshotPart {
  uint64_t changes = 0;
  uint64_t bytes = 0;
  std::string sha256;

  // The name of the file of a snapshot through this number.
  std::string Name(uint64_t through) const;

  bool operator==(const ChangeSnapshotPart&) const = default;
};

// What is left of the changes up to a number. That of no changes is the
// default.
struct ChangeSnapshot {
  uint64_t through = 0;
  std::string chain = std::string(64, '0');
  // The changes ascend from part to part.
  std::vector<ChangeSnapshotPart> parts;

  // How many changes are left.
  uint64_t count() const;
};

// What HEAD says. That of an empty log is the default.
struct ChangeHead {
  uint64_t through = 0;
  int64_t at_ms = 0;
  std::string chain = std::string(64, '0');
  // By the name of a reader of a broker, 64 hexadecimal digits: the SHA-256 of
  // the last batch that it wrote. Of the log itself, not of copies; at most
  // kMaxChangeReaders.
  std::map<std::string, std::string> readers;
  ChangeSnapshot snapshot;
  // From the change after the snapshot to `through`, without a gap.
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
