#include "index/changes/change_log.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "fmt/format.h"
#include "index/changes/read_changes.h"
#include "index/changes/removed_items.h"

namespace tributary {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::HasSubstr;

v1::Change Remove(const std::string& item, const std::string& reason = "") {
  v1::Change change;
  change.set_item(item);
  change.mutable_remove()->set_reason(reason);
  return change;
}

v1::Change Event(const std::string& user, const std::string& type = "",
                 double value = 1) {
  v1::Change change;
  change.set_item("i");
  change.mutable_event()->set_user(user);
  change.mutable_event()->set_type(type);
  change.mutable_event()->set_value(value);
  return change;
}

v1::Change Restore(const std::string& item) {
  v1::Change change;
  change.set_item(item);
  change.mutable_restore();
  return change;
}

std::string ContentsOf(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file),
          std::istreambuf_iterator<char>()};
}

void Write(const fs::path& path, const std::string& contents) {
  std::ofstream(path, std::ios::binary | std::ios::trunc) << contents;
}

class ChangeLogTest : public testing::Test {
 protected:
  ~ChangeLogTest() override { fs::remove_all(folder_); }

  std::unique_ptr<ChangeLog> Open() const {
    auto log = ChangeLog::Open(folder_);
    EXPECT_TRUE(log.ok()) << log.status();
    return *std::move(log);
  }

  // What a reader sees that has read up to *position.
  absl::StatusOr<std::vector<std::string>> Read(
      ChangePosition* position) const {
    const auto head = ReadChangeHead(folder_);
    if (!head.ok()) return head.status();
    std::vector<std::string> seen;
    const absl::Status status = ReadChanges(
        *head, folder_, position,
        [&](const v1::Change& change, std::string_view,
            const absl::Status& verdict) {
          seen.push_back(std::string(verdict.ok() ? "" : "bad ") +
                         (change.has_remove() ? "-" : "+") + change.item());
          return absl::OkStatus();
        });
    if (!status.ok()) return status;
    return seen;
  }
  std::vector<std::string> ReadAll() const {
    ChangePosition position;
    const auto seen = Read(&position);
    EXPECT_TRUE(seen.ok()) << seen.status();
    return seen.value_or(std::vector<std::string>());
  }
  // The name of the file with these changes; "" when there is none.
  std::string Segment(uint64_t first, uint64_t last) const {
    const std::string prefix = fmt::format("{}-{}.", first, last);
    for (const auto& entry : fs::directory_iterator(folder_)) {
      const std::string name = entry.path().filename().native();
      if (name.starts_with(prefix)) return name;
    }
    return "";
  }
  std::string ErrorOfReading() const {
    ChangePosition position;
    const auto seen = Read(&position);
    EXPECT_EQ(seen.status().code(), absl::StatusCode::kDataLoss)
        << seen.status();
    return std::string(seen.status().message());
  }

  const fs::path folder_ =
      fs::path(testing::TempDir()) /
      ("changes-" +
       std::string(
           testing::UnitTest::GetInstance()->current_test_info()->name()));
};

TEST_F(ChangeLogTest, NumbersWhatIsAddedAndReadersSeeItInOrder) {
  EXPECT_THAT(ReadAll(), testing::IsEmpty());
  const auto log = Open();
  ASSERT_TRUE(log->Append({Remove("a", "recalled"), Remove("b")}).ok());
  ChangePosition position;
  EXPECT_THAT(*Read(&position), ElementsAre("-a", "-b"));
  EXPECT_EQ(position.through, 2U);
  ASSERT_TRUE(log->Append({}).ok());
  ASSERT_TRUE(log->Append({Restore("a")}).ok());
  EXPECT_EQ(log->head().through, 3U);
  EXPECT_THAT(*Read(&position), ElementsAre("+a"));
  EXPECT_THAT(*Read(&position), testing::IsEmpty());
  EXPECT_EQ(position.chain, log->head().chain);
  EXPECT_THAT(ReadAll(), ElementsAre("-a", "-b", "+a"));
}

TEST_F(ChangeLogTest, ALaterWriterGoesOn) {
  ASSERT_TRUE(Open()->Append({Remove("a")}).ok());
  ASSERT_TRUE(Open()->Append({Remove("b")}).ok());
  EXPECT_THAT(ReadAll(), ElementsAre("-a", "-b"));
}

TEST_F(ChangeLogTest, OneWritesAtATime) {
  const auto log = Open();
  const auto second = ChangeLog::Open(folder_);
  EXPECT_EQ(second.status().code(), absl::StatusCode::kUnavailable);
  EXPECT_THAT(second.status().message(), HasSubstr("another process writes"));
}

TEST_F(ChangeLogTest, KnowsTheLastBatchOfEachReaderWhateverComesAfterIt) {
  const auto batch = [](char reader, char hash) {
    return ReaderBatch{.reader = std::string(64, reader),
                       .sha256 = std::string(64, hash)};
  };
  const auto log = Open();
  ASSERT_TRUE(log->Append({Remove("a")}, batch('1', 'a')).ok());
  ASSERT_TRUE(log->Append({Remove("b")}, batch('2', 'b')).ok());
  ASSERT_TRUE(log->Append({Remove("c")}, batch('1', 'c')).ok());
  // What is refused is not noted.
  EXPECT_FALSE(log->Append({v1::Change()}, batch('2', 'd')).ok());
  ASSERT_TRUE(log->Append({Restore("c")}).ok());
  ASSERT_TRUE(log->Compact().ok());
  const auto head = ReadChangeHead(folder_);
  ASSERT_TRUE(head.ok()) << head.status();
  EXPECT_EQ(head->readers, (std::map<std::string, std::string>{
                               {std::string(64, '1'), std::string(64, 'c')},
                               {std::string(64, '2'), std::string(64, 'b')}}));
}

TEST_F(ChangeLogTest, AddsAllOrNothing) {
  const auto log = Open();
  v1::Change nothing;
  nothing.set_item("b");
  const std::vector<std::pair<v1::Change, std::string>> refused = {
      {Remove(""), "changes[1].item: expected an item's key"},
      {Remove(std::string(513, 'x')), "changes[1].item: 513 bytes"},
      {Remove("\xff"), "changes[1].item: not UTF-8"},
      {Remove("b", std::string(201, 'x')), "changes[1].remove.reason: 201"},
      {nothing, "changes[1].what: not set"},
      {Event(""), "changes[1].event.user: expected a user's key"},
      {Event(std::string(513, 'x')), "changes[1].event.user: 513 bytes"},
      {Event("\xff"), "changes[1].event.user: not UTF-8"},
      {Event("u", std::string(65, 'x')), "changes[1].event.type: 65 bytes"},
      {Event("u", "", INFINITY), "changes[1].event.value: inf"},
  };
  for (const auto& [change, error] : refused) {
    const absl::Status status = log->Append({Remove("a"), change});
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
    EXPECT_THAT(std::string(status.message()), HasSubstr(error));
  }
  EXPECT_EQ(log->head().through, 0U);
  EXPECT_THAT(ReadAll(), testing::IsEmpty());
}

TEST_F(ChangeLogTest, MergesSmallSegmentsAndKeepsWhatTheySay) {
  const auto log = Open();
  std::vector<std::string> expected;
  ChangePosition follower;
  std::vector<std::string> followed;
  for (int i = 0; i < 200; ++i) {
    std::vector<v1::Change> batch;
    // Batches of different sizes.
    for (int j = 0; j <= (i % 97 == 0 ? 30 : i % 3); ++j) {
      const std::string item = std::to_string(i) + "-" + std::to_string(j);
      batch.push_back(Remove(item));
      expected.push_back("-" + item);
    }
    ASSERT_TRUE(log->Append(std::move(batch)).ok());
    ASSERT_LT(log->head().segments.size(), 50U);
    // One that reads now and then, between which segments are merged.
    if (i % 31 == 0) {
      const auto seen = Read(&follower);
      ASSERT_TRUE(seen.ok()) << seen.status();
      followed.insert(followed.end(), seen->begin(), seen->end());
    }
  }
  EXPECT_EQ(ReadAll(), expected);
  const auto rest = Read(&follower);
  ASSERT_TRUE(rest.ok()) << rest.status();
  followed.insert(followed.end(), rest->begin(), rest->end());
  EXPECT_EQ(followed, expected);
}

TEST_F(ChangeLogTest, RemovesMergedSegmentsOnlyAfterAWhile) {
  auto log = Open();
  for (int i = 0; i < 8; ++i) ASSERT_TRUE(log->Append({Remove("a")}).ok());
  ASSERT_EQ(log->head().segments.size(), 1U);
  EXPECT_NE(Segment(1, 1), "");
  for (const auto& entry : fs::directory_iterator(folder_)) {
    fs::last_write_time(entry.path(), fs::file_time_type::clock::now() -
                                          std::chrono::minutes(11));
  }
  log.reset();
  log = Open();
  EXPECT_EQ(Segment(1, 1), "");
  EXPECT_NE(Segment(1, 8), "");
  EXPECT_EQ(ReadAll().size(), 8U);
}

TEST_F(ChangeLogTest, WhatAnInterruptedWriterLeftIsNotPartOfTheLog) {
  const auto log = Open();
  ASSERT_TRUE(log->Append({Remove("a")}).ok());
  // A segment that no HEAD names: the writer ended before it replaced HEAD.
  Write(folder_ / "2-2.0123456789abcdef.segment", "half of a segm");
  EXPECT_THAT(ReadAll(), ElementsAre("-a"));
  ASSERT_TRUE(log->Append({Remove("b")}).ok());
  EXPECT_THAT(ReadAll(), ElementsAre("-a", "-b"));
}

TEST_F(ChangeLogTest, AnyChangedByteIsRefused) {
  const auto log = Open();
  ASSERT_TRUE(log->Append({Remove("a"), Remove("b")}).ok());
  ASSERT_TRUE(log->Append({Remove("c")}).ok());
  for (const std::string& name :
       {std::string("HEAD"), Segment(1, 2), Segment(3, 3)}) {
    const std::string contents = ContentsOf(folder_ / name);
    for (size_t i = 0; i < contents.size(); ++i) {
      std::string changed = contents;
      changed[i] = static_cast<char>(changed[i] ^ 1);
      Write(folder_ / name, changed);
      ChangePosition position;
      const auto seen = Read(&position);
      // The time is for people; it is signed where HEAD is.
      const bool of_time = name == "HEAD" && i > contents.find("at_ms") &&
                           i < contents.find("chain");
      EXPECT_EQ(seen.ok(), of_time && seen.ok()) << name << " byte " << i;
    }
    Write(folder_ / name, contents);
  }
  EXPECT_EQ(ReadAll().size(), 3U);
}

TEST_F(ChangeLogTest, AMissingSegmentIsAnError) {
  ASSERT_TRUE(Open()->Append({Remove("a")}).ok());
  fs::remove(folder_ / Segment(1, 1));
  ChangePosition position;
  EXPECT_EQ(Read(&position).status().code(), absl::StatusCode::kNotFound);
}

TEST_F(ChangeLogTest, AnotherPastIsRefused) {
  ASSERT_TRUE(Open()->Append({Remove("a"), Remove("b")}).ok());
  ChangePosition position;
  ASSERT_TRUE(Read(&position).ok());
  const ChangePosition before = position;
  // The log was lost, and begun anew.
  fs::remove_all(folder_);
  ASSERT_TRUE(Open()->Append({Remove("x")}).ok());
  EXPECT_THAT(std::string(Read(&position).status().message()),
              HasSubstr("ends with change 1, but it had 2 before"));
  ASSERT_TRUE(Open()->Append({Remove("y"), Remove("z")}).ok());
  position = before;
  EXPECT_THAT(std::string(Read(&position).status().message()),
              HasSubstr("not those that were read before"));
}

TEST_F(ChangeLogTest, AChangeThatThisProgramIsTooOldForDoesNotHideOthers) {
  {
    const auto log = Open();
    ASSERT_TRUE(log->Append({Remove("a")}).ok());
    v1::Change newer;
    newer.set_number(2);
    newer.set_item("b");
    // Field 100, of which this program knows nothing.
    const std::string bytes = newer.SerializeAsString() + "\xa2\x06\x01x";
    ASSERT_TRUE(log->AppendCopies({{bytes}}, 0).ok());
    ASSERT_TRUE(log->Append({Remove("c")}).ok());
  }
  EXPECT_THAT(ReadAll(), ElementsAre("-a", "bad +b", "-c"));
}

TEST_F(ChangeLogTest, ACopyHasTheSameChain) {
  const auto log = Open();
  ASSERT_TRUE(log->Append({Remove("a"), Restore("b")}).ok());
  const fs::path copied = folder_.native() + "-copy";
  {
    auto copy = ChangeLog::Open(copied);
    ASSERT_TRUE(copy.ok());
    ChangePosition position;
    std::vector<std::string> changes;
    ASSERT_TRUE(ReadChanges(log->head(), folder_, &position,
                            [&](const v1::Change&, std::string_view bytes,
                                const absl::Status&) {
                              changes.emplace_back(bytes);
                              return absl::OkStatus();
                            })
                    .ok());
    ASSERT_TRUE((*copy)->AppendCopies(changes, log->head().at_ms).ok());
    EXPECT_EQ((*copy)->head().chain, log->head().chain);
    EXPECT_EQ((*copy)->head().through, 2U);
  }
  const auto head = ReadChangeHead(copied);
  ASSERT_TRUE(head.ok());
  EXPECT_EQ(head->at_ms, log->head().at_ms);
  fs::remove_all(copied);
}

TEST_F(ChangeLogTest, ASignerSignsTheTextOfEveryHead) {
  auto log = ChangeLog::Open(
      folder_, [](std::string_view text) -> absl::StatusOr<std::string> {
        return std::string(64, static_cast<char>(text.size() % 128));
      });
  ASSERT_TRUE(log.ok());
  ASSERT_TRUE((*log)->Append({Remove("a")}).ok());
  const auto head = ReadChangeHead(folder_);
  ASSERT_TRUE(head.ok()) << head.status();
  EXPECT_EQ(
      head->signature,
      std::string(64, static_cast<char>(head->SignedText().size() % 128)));
}

TEST(RemovedItemsTest, TheLastChangeOfAnItemCounts) {
  RemovedItems items;
  v1::Change change = Remove("a", "recalled");
  change.set_number(7);
  EXPECT_TRUE(items.Apply(change));
  change.set_number(8);
  EXPECT_FALSE(items.Apply(change));
  EXPECT_TRUE(items.Apply(Remove("b")));
  EXPECT_FALSE(items.Apply(Restore("c")));
  ASSERT_NE(items.Find("a"), nullptr);
  EXPECT_EQ(items.Find("a")->change, 8U);
  EXPECT_EQ(items.Find("a")->reason, "recalled");
  EXPECT_TRUE(items.Apply(Restore("a")));
  EXPECT_EQ(items.Find("a"), nullptr);
  EXPECT_EQ(items.size(), 1U);
}

}  // namespace
}  // namespace tributary
