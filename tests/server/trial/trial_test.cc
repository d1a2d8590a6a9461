// Trials of good and damaged versions in real processes. The hashes in the
// manifests fit the damaged files, so that only a parser can see the damage.
#include "server/trial/trial.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>
#include <string>

#include "server/gate/gate_config.h"
#include "server/gate/gate_report.h"
#include "server/trial/trial_config.h"
#include "tests/index/bundle/tiny_bundle.h"
#include "tests/server/gate/gate_world.h"

namespace tributary {
namespace {

using testing::AllOf;
using testing::HasSubstr;

std::string Message(const absl::Status& status) {
  return std::string(status.message());
}

void Put(std::string* bytes, size_t at, uint64_t value, size_t size) {
  ASSERT_LE(at + size, bytes->size());
  std::memcpy(&(*bytes)[at], &value, size);
}

size_t FindInts(const std::string& bytes, std::initializer_list<int32_t> ints) {
  const std::string pattern(reinterpret_cast<const char*>(ints.begin()),
                            ints.size() * sizeof(int32_t));
  const size_t at = bytes.find(pattern);
  EXPECT_NE(at, std::string::npos);
  return at;
}

// Sets the entry point of the HNSW graph to a node that does not exist.
void MoveEntryPoint(std::string* bytes) {
  // The fields efConstruction, efSearch and one more, which follow the entry
  // point and the highest level.
  const size_t at = FindInts(*bytes, {40, 1, 1});
  Put(bytes, at - 8, 0x7fffff00, 4);
}

// Sets the number of subvectors of the product quantiser to 0, by which FAISS
// divides when it reads the file.
void CutIntoNothing(std::string* bytes) {
  // 8 dimensions, 4 parts, 4 bits each.
  const size_t at = FindInts(*bytes, {8, 0, 4, 0, 4, 0});
  Put(bytes, at + 8, 0, 8);
}

TrialTask Task(const std::filesystem::path& dir) {
  TrialTask task{.bundle = dir};
  task.trial = *CompleteTrial({});
  task.trial.set_timeout_ms(60'000);
  return task;
}

absl::Status Try(const GateWorld& world) {
  return TryVersion(Task(world.Write(MakeTestDir(), 1))).status();
}

TEST(Trial, AGoodVersionPasses) {
  for (const char* factory : {"", "Flat", "HNSW16", "IVF20,Flat"}) {
    const auto status = Try({.factory = factory, .golden_queries = true});
    EXPECT_TRUE(status.ok()) << factory << status;
  }
}

TEST(Trial, AFileThatWouldCrashFaissIsRefusedByItsPart) {
  const auto status = Try(
      {.factory = "HNSW16", .damage = MoveEntryPoint, .golden_queries = true});
  EXPECT_TRUE(absl::IsDataLoss(status)) << status;
  EXPECT_THAT(Message(status),
              HasSubstr("taste.index: IndexHNSWFlat.hnsw: entry_point is "
                        "2147483392, expected 0 to 399"));
}

TEST(Trial, AFileThatWouldCrashFaissWhileItIsReadIsRefusedByItsPart) {
  const auto status = Try({.factory = "PQ4x4", .damage = CutIntoNothing});
  EXPECT_TRUE(absl::IsDataLoss(status)) << status;
  EXPECT_THAT(Message(status), HasSubstr("taste.index: IndexPQ.pq: M is 0, "
                                         "expected a divisor of d 8"));
}

TEST(Trial, AKindOfThisProgramThatCannotBeMadeIsRefused) {
  const auto status = Try({.own_kind = "unmakable"});
  EXPECT_TRUE(absl::IsInvalidArgument(status)) << status;
  EXPECT_THAT(Message(status),
              HasSubstr("retrievers[\"own\"]: settings: not today"));
}

// Sets the number of floats in the flat index to one that needs 4 GiB more.
void ClaimMoreFloats(std::string* bytes) {
  // 400 vectors of 8.
  const size_t at = FindInts(*bytes, {3200, 0});
  Put(bytes, at, 3200 + (uint64_t{1} << 30), 8);
}

TEST(Trial, AFileThatWouldHaveFaissTakeMuchMemoryIsRefused) {
  const auto status = Try({.factory = "Flat", .damage = ClaimMoreFloats});
  EXPECT_TRUE(absl::IsDataLoss(status)) << status;
  EXPECT_THAT(Message(status),
              HasSubstr("taste.index: IndexFlatIP: codes has 1073745024 "
                        "elements of 4 bytes"));
}

TEST(Trial, AFileThatIsCutIsRefused) {
  const auto status = Try({.factory = "Flat", .damage = [](std::string* bytes) {
                             bytes->resize(bytes->size() / 2);
                           }});
  EXPECT_TRUE(absl::IsDataLoss(status)) << status;
  EXPECT_THAT(Message(status), HasSubstr("but the file has only"));
}

TEST(Trial, AWrongHashIsRefused) {
  const auto dir = GateWorld().Write(MakeTestDir(), 1);
  std::string bytes = ReadFile(dir / "popularity.all.npy");
  bytes.back() ^= 1;
  OverwriteFile(dir / "popularity.all.npy", bytes);
  const auto status = TryVersion(Task(dir)).status();
  EXPECT_TRUE(absl::IsDataLoss(status)) << status;
  EXPECT_THAT(Message(status), HasSubstr("popularity.all.npy"));
  // Without verification nobody reads the hash.
  TrialTask task = Task(dir);
  task.verify = false;
  EXPECT_TRUE(TryVersion(task).ok());
}

TEST(Trial, AVersionThatIsNotThereIsAnError) {
  EXPECT_TRUE(absl::IsNotFound(TryVersion(Task("/nowhere/1")).status()));
}

TEST(Trial, TheGatesReportComesBack) {
  TrialTask task = Task(GateWorld{.scale = 100}.Write(MakeTestDir(), 2));
  task.old_bundle = GateWorld().Write(MakeTestDir(), 1);
  task.gate = *CompleteGate({});
  const auto report = TryVersion(task);
  ASSERT_TRUE(report.ok()) << report.status();
  EXPECT_EQ(report->version(), 2);
  EXPECT_EQ(report->old_version(), 1);
  EXPECT_FALSE(report->passed());
  EXPECT_GT(report->checks_size(), 5);
}

TEST(Trial, AnOldVersionThatCannotBeOpenedIsNoted) {
  TrialTask task = Task(GateWorld().Write(MakeTestDir(), 2));
  task.old_bundle = GateWorld().Write(MakeTestDir(), 1);
  std::filesystem::remove(task.old_bundle / "manifest.json");
  task.gate = *CompleteGate({});
  const auto report = TryVersion(task);
  ASSERT_TRUE(report.ok()) << report.status();
  EXPECT_TRUE(report->passed());
  EXPECT_EQ(report->old_version(), 0);
  const v1::GateCheck& last = *report->checks().rbegin();
  EXPECT_EQ(last.verdict(), v1::GateCheck::NOTED);
  EXPECT_THAT(last.note(), HasSubstr("manifest.json"));
}

TEST(Trial, AKindThatTheProgramDoesNotKnowFailsTheGateAndIsNamed) {
  TrialTask task =
      Task(GateWorld{.own_kind = "one_item"}.Write(MakeTestDir(), 2));
  task.gate = *CompleteGate({});
  const auto report = TryVersion(task);
  ASSERT_TRUE(report.ok()) << report.status();
  EXPECT_FALSE(report->passed());
  EXPECT_THAT(GateReasons(*report),
              HasSubstr("\"one_item\" is not a registered kind"));
}

TEST(Trial, ACrashOfTheGateNamesTheSource) {
  TrialTask task =
      Task(GateWorld{.own_kind = "crashes"}.Write(MakeTestDir(), 2));
  task.gate = *CompleteGate({});
  const auto status = TryVersion(task).status();
  EXPECT_TRUE(absl::IsFailedPrecondition(status)) << status;
  EXPECT_THAT(Message(status),
              HasSubstr("killed by SIGSEGV while asking source own of version "
                        "2"));
}

TEST(Trial, OnlyFilesThatAreReadCountForTheContainer) {
  const auto dir = GateWorld{.factory = "Flat"}.Write(MakeTestDir(), 7);
  const uint64_t read = std::filesystem::file_size(dir / "taste.index");
  ProcessMemory memory;
  EXPECT_TRUE(CheckRoomFor(dir, memory).ok());
  memory.container.available = read;
  EXPECT_TRUE(CheckRoomFor(dir, memory).ok());
  memory.container.available = read - 1;
  auto status = CheckRoomFor(dir, memory);
  EXPECT_TRUE(absl::IsResourceExhausted(status)) << status;
  EXPECT_THAT(Message(status), AllOf(HasSubstr("version 7 needs "),
                                     HasSubstr("the container has ")));
  memory = {};
  memory.machine.available = 2 * read;
  status = CheckRoomFor(dir, memory);
  EXPECT_TRUE(absl::IsResourceExhausted(status)) << status;
  EXPECT_THAT(Message(status), HasSubstr("the machine has "));
}

}  // namespace
}  // namespace tributary
