// The file of a recording: a ring of v1::RecordedCall, whose oldest are
// overwritten. Numbers are little-endian. It begins with 64 bytes:
//
//    0   8  "TRIBREC" and a line feed
//    8   4  1: the version of this format
//   12   4  zeros
//   16  16  a random key, of this file alone
//   32   8  how large the file may become: max_bytes
//   40   8  where the next call is written
//   48   8  the number of the next call, from 1
//   56   8  checksum of the bytes before
//
// After them come the calls, each at a multiple of 8:
//
//    0   8  a mark: the checksum of "call"
//    8   4  the length of the message
//   12   4  zeros
//   16   8  the number of the call
//   24   8  checksum of the bytes before, but for the mark, and of the message
//   32      a v1::RecordedCall, then zeros up to a multiple of 8
//
// A checksum is SipHash-2-4 under the key of the file, so that no bytes that
// came with a request pass for a call. A call is written first, and the header
// after it: where the program was killed in between, whoever opens the file
// finds the call behind the place that the header names. A reader does not need
// the header's place: it finds every call that is whole by its mark.
#ifndef TRIBUTARY_SERVER_RECORDING_RECORDING_FILE_H_
#define TRIBUTARY_SERVER_RECORDING_RECORDING_FILE_H_

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "server/recording/siphash.h"
#include "tributary/v1/recording.pb.h"

namespace tributary {

inline constexpr uint64_t kRecordingHeaderBytes = 64;
inline constexpr uint64_t kRecordedCallHeaderBytes = 32;

// A descriptor that is closed when it is destroyed.
class RecordingDescriptor {
 public:
  explicit RecordingDescriptor(int fd) : fd_(fd) {}
  ~RecordingDescriptor();
  RecordingDescriptor(const RecordingDescriptor&) = delete;
  RecordingDescriptor& operator=(const RecordingDescriptor&) = delete;
  int get() const { return fd_; }

 private:
  const int fd_;
};

// Writes a recording. Not thread-safe.
class RecordingWriter {
 public:
  // Creates the file, readable by its owner only, or continues the recording
  // that is there; a smaller `max_bytes` than before cuts the file. Errors
  // begin with "recording.file": FAILED_PRECONDITION when the file is no
  // recording, or another process writes to it; those of the system otherwise,
  // such as RESOURCE_EXHAUSTED on a full disk.
  static absl::StatusOr<std::unique_ptr<RecordingWriter>> Open(
      const std::string& path, uint64_t max_bytes);

  // Writes the call, a serialised v1::RecordedCall, over the oldest ones if
  // need be. OUT_OF_RANGE, and nothing is written, when it is longer than
  // max_message_bytes(). After any other error, the file is as a killed program
  // leaves it.
  absl::Status Append(std::string_view message);

  // A quarter of the file, so that one call does not overwrite all others.
  uint64_t max_message_bytes() const { return max_bytes_ / 4; }
  // The number of the next call.
  uint64_t next_number() const { return next_number_; }

 private:
  RecordingWriter(std::string path, int fd, uint64_t max_bytes)
      : path_(std::move(path)), file_(fd), max_bytes_(max_bytes) {}

  absl::Status Begin();
  absl::Status Continue(std::string_view header);
  // Moves past the calls that were written after the header.
  absl::Status FollowWritten();
  absl::Status WriteHeader() const;
  absl::Status WriteAt(uint64_t offset, std::string_view bytes) const;
  // Overwrites what is behind the last call of the round.
  absl::Status ClearRest();

  const std::string path_;
  const RecordingDescriptor file_;
  const uint64_t max_bytes_;
  SipKey key_{};
  uint64_t position_ = kRecordingHeaderBytes;
  uint64_t next_number_ = 1;
  // Reused.
  std::string frame_;
};

// Where a whole call is in the file.
struct RecordedPlace {
  uint64_t number = 0;
  // Of its frame.
  uint64_t offset = 0;
  uint32_t length = 0;
};

// Reads a recording, also one that a server writes meanwhile. Immutable, and
// thread-safe.
class RecordingReader {
 public:
  // Finds the calls. Errors begin with the path: NOT_FOUND; FAILED_PRECONDITION
  // when the file is no recording.
  static absl::StatusOr<std::unique_ptr<RecordingReader>> Open(
      const std::string& path);

  // Those that are whole, oldest first.
  const std::vector<RecordedPlace>& places() const { return places_; }
  // How many calls were found that are not whole: each was being written when
  // the program was killed, or is being written now.
  uint64_t torn() const { return torn_; }
  // How large the file may become.
  uint64_t max_bytes() const { return max_bytes_; }

  // The call. ABORTED when a server has overwritten it since Open; DATA_LOSS
  // when its bytes are no v1::RecordedCall.
  absl::StatusOr<v1::RecordedCall> Read(const RecordedPlace& place) const;

 private:
  RecordingReader(std::string path, int fd)
      : path_(std::move(path)), file_(fd) {}

  const std::string path_;
  const RecordingDescriptor file_;
  SipKey key_{};
  uint64_t max_bytes_ = 0;
  uint64_t torn_ = 0;
  std::vector<RecordedPlace> places_;
};

}  // namespace tributary

#endif  // TRIBUTARY_SERVER_RECORDING_RECORDING_FILE_H_
