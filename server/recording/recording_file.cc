#include "server/recording/recording_file.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstring>
#include <functional>
#include <utility>

#include "fmt/format.h"
#include "status/status_macros.h"
#include "status/status_message.h"

namespace tributary {
namespace {

constexpr std::string_view kMagic = "TRIBREC\n";
constexpr uint32_t kRecordingVersion = 1;
constexpr uint64_t kAlignment = 8;
// How much of the file is read at a time.
constexpr size_t kWindowBytes = size_t{1} << 20;
constexpr mode_t kOwnerOnly = 0600;

constexpr size_t kMarkBytes = 8;

template <typename Number>
Number NumberAt(std::string_view bytes, size_t at) {
  Number number;
  std::memcpy(&number, bytes.data() + at, sizeof(number));
  return number;
}

template <typename Number>
void AppendNumber(Number number, std::string* bytes) {
  bytes->append(reinterpret_cast<const char*>(&number), sizeof(number));
}

uint64_t Aligned(uint64_t bytes) {
  return (bytes + kAlignment - 1) / kAlignment * kAlignment;
}

uint64_t FrameBytes(uint64_t length) {
  return Aligned(kRecordedCallHeaderBytes + length);
}

SipKey KeyIn(std::string_view header) {
  return {NumberAt<uint64_t>(header, 16), NumberAt<uint64_t>(header, 24)};
}

uint64_t MarkOf(const SipKey& key) { return SipHash(key, "call"); }

// Of a call's length and number, and its message.
uint64_t FrameChecksum(const SipKey& key, std::string_view length_and_number,
                       std::string_view message) {
  std::string sum(length_and_number);
  AppendNumber(SipHash(key, message), &sum);
  return SipHash(key, sum);
}

absl::Status NoRecording(const std::string& path, std::string_view why) {
  return absl::FailedPreconditionError(
      fmt::format("{} is no recording: {}", path, why));
}

// What the first bytes of a recording must say.
absl::Status CheckRecordingHeader(const std::string& path,
                                  std::string_view header) {
  if (!header.starts_with(kMagic)) {
    return NoRecording(path, "it does not begin as one");
  }
  if (header.size() < kRecordingHeaderBytes) {
    return NoRecording(path, "it ends within its header");
  }
  const auto version = NumberAt<uint32_t>(header, 8);
  if (version != kRecordingVersion) {
    return absl::FailedPreconditionError(fmt::format(
        "{}: a recording in version {} of the format; this program reads {}",
        path, version, kRecordingVersion));
  }
  return absl::OkStatus();
}

// Up to `length` bytes at `offset`.
absl::StatusOr<std::string> ReadAt(const std::string& path, int fd,
                                   uint64_t offset, size_t length) {
  std::string bytes(length, '\0');
  size_t done = 0;
  while (done < length) {
    const ssize_t got = pread(fd, bytes.data() + done, length - done,
                              static_cast<off_t>(offset + done));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return absl::ErrnoToStatus(errno, path);
    if (got == 0) break;
    done += static_cast<size_t>(got);
  }
  bytes.resize(done);
  return bytes;
}

// Reads a file from its front to its end.
class Window {
 public:
  Window(const std::string& path, int fd, size_t at_a_time)
      : path_(path), fd_(fd), at_a_time_(at_a_time) {}

  // The bytes at `offset`: `length` of them, or as many as the file has.
  absl::StatusOr<std::string_view> At(uint64_t offset, size_t length) {
    if (offset < begin_ || offset + length > begin_ + bytes_.size()) {
      ASSIGN_OR_RETURN(
          bytes_, ReadAt(path_, fd_, offset, std::max(length, at_a_time_)));
      begin_ = offset;
    }
    return std::string_view(bytes_).substr(offset - begin_, length);
  }

 private:
  const std::string& path_;
  const int fd_;
  const size_t at_a_time_;
  uint64_t begin_ = 0;
  std::string bytes_;
};

enum class Found { kNothing, kTorn, kWhole };

// What begins at `offset`. The window has the frame if it is whole.
absl::StatusOr<Found> LookAt(Window& window, const SipKey& key, uint64_t mark,
                             uint64_t offset, uint64_t size,
                             RecordedPlace* place) {
  ASSIGN_OR_RETURN(const std::string_view head,
                   window.At(offset, kRecordedCallHeaderBytes));
  if (head.size() < kMarkBytes || NumberAt<uint64_t>(head, 0) != mark) {
    return Found::kNothing;
  }
  if (head.size() < kRecordedCallHeaderBytes) return Found::kTorn;
  *place = {.number = NumberAt<uint64_t>(head, 16),
            .offset = offset,
            .length = NumberAt<uint32_t>(head, 8)};
  const uint64_t bytes = kRecordedCallHeaderBytes + place->length;
  if (offset + bytes > size) return Found::kTorn;
  ASSIGN_OR_RETURN(const std::string_view frame, window.At(offset, bytes));
  if (frame.size() < bytes) return Found::kTorn;
  const uint64_t checksum =
      FrameChecksum(key, frame.substr(kMarkBytes, 16),
                    frame.substr(kRecordedCallHeaderBytes));
  return checksum == NumberAt<uint64_t>(frame, 24) ? Found::kWhole
                                                   : Found::kTorn;
}

// Calls `on_call` for each whole call of the file, in the order of places, and
// returns how many are torn.
absl::StatusOr<uint64_t> ScanRecording(
    const std::string& path, int fd, const SipKey& key,
    const std::function<void(const RecordedPlace&)>& on_call) {
  struct stat about {};
  if (fstat(fd, &about) != 0) return absl::ErrnoToStatus(errno, path);
  const auto size = static_cast<uint64_t>(about.st_size);
  const uint64_t mark = MarkOf(key);
  Window window(path, fd, kWindowBytes);
  uint64_t torn = 0;
  uint64_t offset = kRecordingHeaderBytes;
  while (offset + kMarkBytes <= size) {
    RecordedPlace place;
    ASSIGN_OR_RETURN(const Found found,
                     LookAt(window, key, mark, offset, size, &place));
    if (found == Found::kWhole) {
      on_call(place);
      offset += FrameBytes(place.length);
      continue;
    }
    torn += found == Found::kTorn ? 1 : 0;
    offset += kAlignment;
  }
  return torn;
}

absl::Status OfRecordingField(const absl::Status& status) {
  return absl::Status(status.code(),
                      fmt::format("recording.file: {}", MessageOf(status)));
}

// Locked, so that no other process writes.
absl::StatusOr<int> OpenForWriting(const std::string& path) {
  const int fd =
      open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOCTTY | O_NONBLOCK,
           kOwnerOnly);
  if (fd < 0) return absl::ErrnoToStatus(errno, path);
  const auto fail = [fd](absl::Status status) {
    close(fd);
    return status;
  };
  struct stat about {};
  if (fstat(fd, &about) != 0) return fail(absl::ErrnoToStatus(errno, path));
  if (!S_ISREG(about.st_mode)) {
    return fail(NoRecording(path, "it is no regular file"));
  }
  if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
    return fail(absl::FailedPreconditionError(fmt::format(
        "another process writes to {}; give each server a file of its own",
        path)));
  }
  return fd;
}

}  // namespace

RecordingDescriptor::~RecordingDescriptor() {
  if (fd_ >= 0) close(fd_);
}

absl::StatusOr<std::unique_ptr<RecordingWriter>> RecordingWriter::Open(
    const std::string& path, uint64_t max_bytes) {
  const absl::StatusOr<int> fd = OpenForWriting(path);
  if (!fd.ok()) return OfRecordingField(fd.status());
  std::unique_ptr<RecordingWriter> writer(
      new RecordingWriter(path, *fd, max_bytes / kAlignment * kAlignment));
  const absl::Status begun = writer->Begin();
  if (!begun.ok()) return OfRecordingField(begun);
  return writer;
}

absl::Status RecordingWriter::Begin() {
  ASSIGN_OR_RETURN(const std::string header,
                   ReadAt(path_, file_.get(), 0, kRecordingHeaderBytes));
  // A program that is killed while it creates the file leaves a part of what
  // it wrote first.
  const bool is_new = header.size() < kRecordingHeaderBytes &&
                      std::string_view(header).substr(0, kMagic.size()) ==
                          kMagic.substr(0, header.size());
  if (is_new) {
    key_ = RandomSipKey();
  } else {
    RETURN_IF_ERROR(CheckRecordingHeader(path_, header));
    RETURN_IF_ERROR(Continue(header));
  }
  if (fchmod(file_.get(), kOwnerOnly) != 0) {
    return absl::ErrnoToStatus(errno, path_);
  }
  return WriteHeader();
}

absl::Status RecordingWriter::Continue(std::string_view header) {
  key_ = KeyIn(header);
  struct stat about {};
  if (fstat(file_.get(), &about) != 0) {
    return absl::ErrnoToStatus(errno, path_);
  }
  if (SipHash(key_, header.substr(0, 56)) == NumberAt<uint64_t>(header, 56)) {
    position_ = NumberAt<uint64_t>(header, 40);
    next_number_ = NumberAt<uint64_t>(header, 48);
    RETURN_IF_ERROR(FollowWritten());
  } else {
    // The header was being written when the program was killed.
    RETURN_IF_ERROR(ScanRecording(path_, file_.get(), key_,
                                  [this](const RecordedPlace& place) {
                                    if (place.number < next_number_) return;
                                    next_number_ = place.number + 1;
                                    position_ =
                                        place.offset + FrameBytes(place.length);
                                  })
                        .status());
  }
  if (static_cast<uint64_t>(about.st_size) > max_bytes_ &&
      ftruncate(file_.get(), static_cast<off_t>(max_bytes_)) != 0) {
    return absl::ErrnoToStatus(errno, path_);
  }
  if (position_ > max_bytes_) position_ = kRecordingHeaderBytes;
  return absl::OkStatus();
}

absl::Status RecordingWriter::FollowWritten() {
  struct stat about {};
  if (fstat(file_.get(), &about) != 0) {
    return absl::ErrnoToStatus(errno, path_);
  }
  Window window(path_, file_.get(), kWindowBytes);
  // At the end of a round, the call behind the header's place is the first.
  for (const uint64_t from : {position_, kRecordingHeaderBytes}) {
    uint64_t at = from;
    while (true) {
      RecordedPlace place;
      ASSIGN_OR_RETURN(const Found found,
                       LookAt(window, key_, MarkOf(key_), at,
                              static_cast<uint64_t>(about.st_size), &place));
      if (found != Found::kWhole || place.number != next_number_) break;
      ++next_number_;
      at += FrameBytes(place.length);
      position_ = at;
    }
  }
  return absl::OkStatus();
}

absl::Status RecordingWriter::WriteAt(uint64_t offset,
                                      std::string_view bytes) const {
  while (!bytes.empty()) {
    const ssize_t wrote = pwrite(file_.get(), bytes.data(), bytes.size(),
                                 static_cast<off_t>(offset));
    if (wrote < 0 && errno == EINTR) continue;
    if (wrote < 0) return absl::ErrnoToStatus(errno, path_);
    bytes.remove_prefix(static_cast<size_t>(wrote));
    offset += static_cast<uint64_t>(wrote);
  }
  return absl::OkStatus();
}

absl::Status RecordingWriter::WriteHeader() const {
  std::string header(kMagic);
  AppendNumber(kRecordingVersion, &header);
  AppendNumber(uint32_t{0}, &header);
  AppendNumber(key_[0], &header);
  AppendNumber(key_[1], &header);
  AppendNumber(max_bytes_, &header);
  AppendNumber(position_, &header);
  AppendNumber(next_number_, &header);
  AppendNumber(SipHash(key_, header), &header);
  return WriteAt(0, header);
}

absl::Status RecordingWriter::ClearRest() {
  struct stat about {};
  if (fstat(file_.get(), &about) != 0) {
    return absl::ErrnoToStatus(errno, path_);
  }
  const uint64_t end =
      std::min<uint64_t>(max_bytes_, static_cast<uint64_t>(about.st_size));
  if (position_ < end) {
    // Calls that are left there are older than those that will be overwritten
    // before them.
    RETURN_IF_ERROR(WriteAt(position_, std::string(end - position_, '\0')));
  }
  position_ = kRecordingHeaderBytes;
  return absl::OkStatus();
}

absl::Status RecordingWriter::Append(std::string_view message) {
  if (message.size() > max_message_bytes()) {
    return absl::OutOfRangeError(
        fmt::format("a call of {} bytes; {} has room for {} at most",
                    message.size(), path_, max_message_bytes()));
  }
  frame_.clear();
  AppendNumber(MarkOf(key_), &frame_);
  AppendNumber(static_cast<uint32_t>(message.size()), &frame_);
  AppendNumber(uint32_t{0}, &frame_);
  AppendNumber(next_number_, &frame_);
  AppendNumber(
      FrameChecksum(key_, std::string_view(frame_).substr(kMarkBytes), message),
      &frame_);
  frame_.append(message);
  frame_.resize(Aligned(frame_.size()), '\0');
  if (position_ + frame_.size() > max_bytes_) RETURN_IF_ERROR(ClearRest());
  RETURN_IF_ERROR(WriteAt(position_, frame_));
  position_ += frame_.size();
  ++next_number_;
  return WriteHeader();
}

absl::StatusOr<std::unique_ptr<RecordingReader>> RecordingReader::Open(
    const std::string& path) {
  const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (fd < 0) return absl::ErrnoToStatus(errno, path);
  std::unique_ptr<RecordingReader> reader(new RecordingReader(path, fd));
  ASSIGN_OR_RETURN(const std::string header,
                   ReadAt(path, fd, 0, kRecordingHeaderBytes));
  RETURN_IF_ERROR(CheckRecordingHeader(path, header));
  reader->key_ = KeyIn(header);
  reader->max_bytes_ = NumberAt<uint64_t>(header, 32);
  ASSIGN_OR_RETURN(reader->torn_,
                   ScanRecording(path, fd, reader->key_,
                                 [&reader](const RecordedPlace& place) {
                                   reader->places_.push_back(place);
                                 }));
  std::ranges::sort(reader->places_, {}, &RecordedPlace::number);
  return reader;
}

absl::StatusOr<v1::RecordedCall> RecordingReader::Read(
    const RecordedPlace& place) const {
  Window window(path_, file_.get(), kRecordedCallHeaderBytes);
  RecordedPlace now;
  const uint64_t end = place.offset + kRecordedCallHeaderBytes + place.length;
  ASSIGN_OR_RETURN(const Found found,
                   LookAt(window, key_, MarkOf(key_), place.offset, end, &now));
  if (found != Found::kWhole || now.number != place.number) {
    return absl::AbortedError(
        fmt::format("{}: call {} was overwritten by a server meanwhile", path_,
                    place.number));
  }
  ASSIGN_OR_RETURN(
      const std::string_view message,
      window.At(place.offset + kRecordedCallHeaderBytes, place.length));
  v1::RecordedCall call;
  if (!call.ParseFromArray(message.data(), static_cast<int>(message.size()))) {
    return absl::DataLossError(
        fmt::format("{}: call {} is no RecordedCall", path_, place.number));
  }
  return call;
}

}  // namespace tributary
