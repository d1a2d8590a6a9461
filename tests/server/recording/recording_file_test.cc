#include "server/recording/recording_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstring>
#include <filesystem>
#include <string>
#include <thread>
#include <vector>

#include "fmt/format.h"
#include "tests/index/bundle/tiny_bundle.h"

namespace tributary {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

constexpr uint64_t kMiB = 1 << 20;

// A call that can be told by its number, of about so many bytes.
std::string Call(int64_t number, size_t bytes = 100) {
  v1::RecordedCall call;
  call.set_at_ms(number);
  call.set_message(std::string(bytes, 'x'));
  return call.SerializeAsString();
}

std::unique_ptr<RecordingWriter> Write(const std::string& path,
                                       uint64_t max_bytes = kMiB) {
  auto writer = RecordingWriter::Open(path, max_bytes);
  EXPECT_TRUE(writer.ok()) << writer.status();
  return *std::move(writer);
}

struct Recording {
  std::vector<int64_t> calls;
  uint64_t torn = 0;
};

// What a reader finds: the calls by at_ms.
Recording ReadAll(const std::string& path) {
  const auto reader = RecordingReader::Open(path);
  EXPECT_TRUE(reader.ok()) << reader.status();
  Recording all;
  all.torn = (*reader)->torn();
  for (const RecordedPlace& place : (*reader)->places()) {
    const auto call = (*reader)->Read(place);
    EXPECT_TRUE(call.ok()) << call.status();
    all.calls.push_back(call->at_ms());
  }
  return all;
}

class RecordingFile : public testing::Test {
 protected:
  const std::filesystem::path root_ = MakeTestDir();
  const std::string path_ = root_ / "calls.rec";
};

TEST_F(RecordingFile, KeepsWhatIsAppended) {
  {
    const auto writer = Write(path_);
    for (int i = 1; i <= 3; ++i) ASSERT_TRUE(writer->Append(Call(i)).ok());
  }
  EXPECT_THAT(ReadAll(path_).calls, ElementsAre(1, 2, 3));
  EXPECT_EQ(ReadAll(path_).torn, 0);
}

TEST_F(RecordingFile, IsForItsOwnerOnly) {
  Write(path_);
  struct stat about {};
  ASSERT_EQ(stat(path_.c_str(), &about), 0);
  EXPECT_EQ(about.st_mode & 0777, 0600);
  std::filesystem::permissions(path_, std::filesystem::perms::all);
  Write(path_);
  ASSERT_EQ(stat(path_.c_str(), &about), 0);
  EXPECT_EQ(about.st_mode & 0777, 0600);
}

TEST_F(RecordingFile, OverwritesTheOldestFirst) {
  const auto writer = Write(path_);
  int64_t last = 0;
  for (int round = 0; round < 4; ++round) {
    for (int i = 0; i < 700; ++i) {
      // Lengths differ, so that rounds end at different places.
      ++last;
      ASSERT_TRUE(writer->Append(Call(last, 900 + (last * 37) % 800)).ok());
    }
    const Recording all = ReadAll(path_);
    // What is left is the end of what was written, without a gap.
    ASSERT_GT(all.calls.size(), 500);
    for (size_t i = 0; i < all.calls.size(); ++i) {
      ASSERT_EQ(all.calls[i],
                last - static_cast<int64_t>(all.calls.size() - 1 - i));
    }
    EXPECT_EQ(all.torn, 0);
    EXPECT_LE(std::filesystem::file_size(path_), kMiB);
  }
}

TEST_F(RecordingFile, IsContinuedByTheNextRun) {
  int64_t last = 0;
  for (int run = 0; run < 12; ++run) {
    const auto writer = Write(path_);
    for (int i = 0; i < 100; ++i) {
      ASSERT_TRUE(writer->Append(Call(++last, 1500)).ok());
    }
  }
  const Recording all = ReadAll(path_);
  EXPECT_GT(all.calls.size(), 500);
  EXPECT_EQ(all.calls.back(), 1200);
  EXPECT_EQ(all.calls.front(), 1200 - all.calls.size() + 1);
}

TEST_F(RecordingFile, TakesAnotherSize) {
  int64_t last = 0;
  for (const uint64_t size : {2 * kMiB, kMiB, 4 * kMiB}) {
    const auto writer = Write(path_, size);
    for (int i = 0; i < 1500; ++i) {
      ASSERT_TRUE(writer->Append(Call(++last, 1000)).ok());
    }
    EXPECT_LE(std::filesystem::file_size(path_), size);
    const Recording all = ReadAll(path_);
    EXPECT_EQ(all.calls.back(), last);
    EXPECT_GT(all.calls.size(), 900);
  }
}

TEST_F(RecordingFile, RefusesACallThatIsTooLong) {
  const auto writer = Write(path_);
  EXPECT_EQ(writer->Append(Call(1, kMiB / 4)).code(),
            absl::StatusCode::kOutOfRange);
  EXPECT_TRUE(writer->Append(Call(2, kMiB / 4 - 100)).ok());
  EXPECT_THAT(ReadAll(path_).calls, ElementsAre(2));
}

// Every moment at which a program may be killed: the file as it is after each
// byte of the last two writes, the call's and the header's.
TEST_F(RecordingFile, EveryWholeCallIsFoundWhereverAWriteWasCut) {
  for (int i = 1; i <= 3; ++i) {
    ASSERT_TRUE(Write(path_)->Append(Call(i, 40)).ok());
  }
  const std::string before = ReadFile(path_);
  ASSERT_TRUE(Write(path_)->Append(Call(4, 40)).ok());
  const std::string after = ReadFile(path_);
  // What is after it is padding.
  const size_t end =
      before.size() + kRecordedCallHeaderBytes + Call(4, 40).size();
  ASSERT_GE(after.size(), end);
  for (size_t cut = before.size(); cut < end; ++cut) {
    std::string bytes = before + after.substr(before.size());
    bytes.resize(cut);
    OverwriteFile(path_, bytes);
    const Recording all = ReadAll(path_);
    ASSERT_THAT(all.calls, ElementsAre(1, 2, 3)) << cut;
    ASSERT_EQ(all.torn, cut >= before.size() + 8 ? 1 : 0) << cut;
    // The next run overwrites it.
    ASSERT_TRUE(Write(path_)->Append(Call(5, 40)).ok());
    ASSERT_THAT(ReadAll(path_).calls, ElementsAre(1, 2, 3, 5)) << cut;
  }
  // The call is there; the header is not, or in part.
  for (size_t cut = 0; cut <= kRecordingHeaderBytes; ++cut) {
    OverwriteFile(path_, after.substr(0, cut) + before.substr(cut) +
                             after.substr(before.size()));
    ASSERT_THAT(ReadAll(path_).calls, ElementsAre(1, 2, 3, 4)) << cut;
    ASSERT_TRUE(Write(path_)->Append(Call(5, 40)).ok());
    ASSERT_THAT(ReadAll(path_).calls, ElementsAre(1, 2, 3, 4, 5)) << cut;
  }
}

// A write over old calls that was cut costs those that it hit, and no other.
TEST_F(RecordingFile, ACutWriteOverOldCallsLosesOnlyThose) {
  int64_t last = 0;
  {
    const auto writer = Write(path_);
    for (int i = 0; i < 1500; ++i) {
      ASSERT_TRUE(writer->Append(Call(++last, 1000)).ok());
    }
  }
  const std::string before = ReadFile(path_);
  const Recording old = ReadAll(path_);
  ASSERT_TRUE(Write(path_)->Append(Call(++last, 5000)).ok());
  const std::string after = ReadFile(path_);
  size_t at = kRecordingHeaderBytes;
  while (before[at] == after[at]) ++at;
  for (const size_t written : {1, 8, 31, 32, 1000, 4000}) {
    std::string bytes = before;
    bytes.replace(at, written, after, at, written);
    OverwriteFile(path_, bytes);
    const Recording all = ReadAll(path_);
    EXPECT_LE(all.torn, 1) << written;
    EXPECT_EQ(all.calls.back(), last - 1) << written;
    EXPECT_GE(all.calls.size() + 2 + written / 1000, old.calls.size())
        << written;
  }
}

// A real kill -9, at moments that nobody chooses.
TEST_F(RecordingFile, AKilledWriterLosesNothingThatItHadWritten) {
  for (int round = 0; round < 20; ++round) {
    int ends[2];
    ASSERT_EQ(pipe(ends), 0);
    const pid_t child = fork();
    if (child == 0) {
      const auto writer = RecordingWriter::Open(path_, kMiB);
      if (!writer.ok()) _exit(1);
      while (true) {
        const auto number = static_cast<int64_t>((*writer)->next_number());
        if (!(*writer)->Append(Call(number, 3000 + number % 500)).ok()) {
          _exit(2);
        }
        if (write(ends[1], &number, sizeof(number)) != sizeof(number)) _exit(3);
      }
    }
    close(ends[1]);
    int64_t written = 0;
    const auto until =
        std::chrono::steady_clock::now() + std::chrono::milliseconds(5 + round);
    while (std::chrono::steady_clock::now() < until &&
           read(ends[0], &written, sizeof(written)) == sizeof(written)) {
    }
    kill(child, SIGKILL);
    while (read(ends[0], &written, sizeof(written)) == sizeof(written)) {
    }
    close(ends[0]);
    int status = 0;
    waitpid(child, &status, 0);
    ASSERT_TRUE(WIFSIGNALED(status)) << WEXITSTATUS(status);
    ASSERT_GT(written, 0);
    const Recording all = ReadAll(path_);
    ASSERT_THAT(all.calls, Not(IsEmpty()));
    // The last one may be whole although it was not told of.
    EXPECT_GE(all.calls.back(), written);
    EXPECT_LE(all.calls.back(), written + 1);
    EXPECT_LE(all.torn, 1);
    for (size_t i = 1; i < all.calls.size(); ++i) {
      ASSERT_EQ(all.calls[i], all.calls[i - 1] + 1);
    }
  }
}

TEST_F(RecordingFile, RefusesAFileThatIsNone) {
  OverwriteFile(path_, std::string(100, 'a'));
  const auto opened = RecordingWriter::Open(path_, kMiB);
  EXPECT_EQ(opened.status().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(opened.status().message()),
              AllOf(testing::StartsWith("recording.file: "), HasSubstr(path_),
                    HasSubstr("is no recording")));
  EXPECT_EQ(ReadFile(path_), std::string(100, 'a'));
  OverwriteFile(path_, "short");
  EXPECT_FALSE(RecordingWriter::Open(path_, kMiB).ok());
  EXPECT_FALSE(RecordingReader::Open(path_).ok());
  EXPECT_EQ(ReadFile(path_), "short");
  EXPECT_FALSE(RecordingWriter::Open(root_, kMiB).ok());
  EXPECT_EQ(RecordingReader::Open(root_ / "none").status().code(),
            absl::StatusCode::kNotFound);
}

TEST_F(RecordingFile, RefusesAnotherVersionOfTheFormat) {
  Write(path_);
  std::string bytes = ReadFile(path_);
  bytes[8] = 2;
  OverwriteFile(path_, bytes);
  EXPECT_THAT(
      std::string(RecordingWriter::Open(path_, kMiB).status().message()),
      HasSubstr("version 2"));
  EXPECT_THAT(std::string(RecordingReader::Open(path_).status().message()),
              HasSubstr("version 2"));
}

TEST_F(RecordingFile, IsWrittenByOneProcess) {
  const auto writer = Write(path_);
  const auto second = RecordingWriter::Open(path_, kMiB);
  EXPECT_THAT(std::string(second.status().message()),
              HasSubstr("another process writes to"));
}

// Whoever knows the format but not the file's key cannot put a call into it.
TEST_F(RecordingFile, BytesOfARequestPassForNoCall) {
  const auto other = Write(root_ / "other");
  ASSERT_TRUE(other->Append(Call(7)).ok());
  const std::string frame =
      ReadFile(root_ / "other").substr(kRecordingHeaderBytes);
  v1::RecordedCall call;
  for (int shift = 0; shift < 8; ++shift) {
    call.mutable_request()->set_user_key(std::string(shift, ' ') + frame);
    ASSERT_TRUE(Write(path_)->Append(call.SerializeAsString()).ok());
  }
  // The frames of the hostile calls are gone, what is in them is not.
  std::string bytes = ReadFile(path_);
  for (size_t at = kRecordingHeaderBytes; at < bytes.size();) {
    uint32_t length = 0;
    std::memcpy(&length, bytes.data() + at + 8, 4);
    bytes.replace(at, 8, std::string(8, '\0'));
    at += (32 + length + 7) / 8 * 8;
  }
  OverwriteFile(path_, bytes);
  EXPECT_THAT(ReadAll(path_).calls, IsEmpty());
  EXPECT_EQ(ReadAll(path_).torn, 0);
}

TEST_F(RecordingFile, CanBeReadWhileItIsWritten) {
  const auto writer = Write(path_);
  int64_t last = 0;
  for (int i = 0; i < 900; ++i) {
    ASSERT_TRUE(writer->Append(Call(++last, 1000)).ok());
  }
  const auto reader = RecordingReader::Open(path_);
  ASSERT_TRUE(reader.ok());
  const RecordedPlace oldest = (*reader)->places().front();
  EXPECT_TRUE((*reader)->Read(oldest).ok());
  for (int i = 0; i < 300; ++i) {
    ASSERT_TRUE(writer->Append(Call(++last, 1000)).ok());
  }
  EXPECT_EQ((*reader)->Read(oldest).status().code(),
            absl::StatusCode::kAborted);
}

}  // namespace
}  // namespace tributary
