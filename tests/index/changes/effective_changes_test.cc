// A snapshot says what the changes say that it is made of, to whoever has read
// any part of them before.
#include "index/changes/effective_changes.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <map>
#include <memory>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "fmt/format.h"
#include "index/changes/change_log.h"
#include "index/changes/read_changes.h"

namespace tributary {
namespace {

using testing::ElementsAre;
namespace fs = std::filesystem;

// What the changes say, in the slow and obvious way: columns of an upsert are
// merged into those before, which keeps the most.
struct Model {
  std::map<std::string, bool> down;
  std::map<std::string, int64_t> expires;
  std::map<std::string, std::map<std::string, std::string>> values;
  std::map<std::string, std::map<std::string, std::string>> columns;
  std::vector<std::string> events;

  void Apply(const v1::Change& change) {
    const std::string& item = change.item();
    if (change.has_remove()) down[item] = true;
    if (change.has_restore()) down[item] = false;
    if (change.has_expire()) expires[item] = change.expire().at_ms();
    for (const auto& [name, value] : change.set().attributes().fields()) {
      values[item][name] = value.SerializeAsString();
    }
    for (const auto& [name, value] : change.upsert().features().fields()) {
      columns[item][name] = value.SerializeAsString();
    }
    for (const auto& [name, vector] : change.upsert().vectors()) {
      columns[item]["vector " + name] = vector.SerializeAsString();
    }
    if (change.upsert().has_popularity()) {
      columns[item]["popularity"] =
          fmt::format("{}", change.upsert().popularity());
    }
    if (change.has_event()) {
      events.push_back(item + " " + change.event().user());
    }
  }
  bool operator==(const Model&) const = default;
};

class Generator {
 public:
  explicit Generator(uint32_t seed) : random_(seed) {}

  v1::Change Next() {
    v1::Change change;
    change.set_item(fmt::format("item-{}", Below(5)));
    switch (Below(6)) {
      case 0:
        change.mutable_remove()->set_reason(fmt::format("{}", Below(3)));
        break;
      case 1:
        change.mutable_restore();
        break;
      case 2:
        change.mutable_expire()->set_at_ms(Below(3));
        break;
      case 3:
        Fill(change.mutable_set()->mutable_attributes());
        break;
      case 4: {
        v1::UpsertItem& upsert = *change.mutable_upsert();
        Fill(upsert.mutable_features());
        if (Below(2) == 0) {
          (*upsert.mutable_vectors())[fmt::format("s{}", Below(2))].add_values(
              static_cast<float>(Below(10)));
        }
        if (Below(3) == 0) upsert.set_popularity(Below(10));
        break;
      }
      default:
        change.mutable_event()->set_user(fmt::format("user-{}", Below(4)));
    }
    return change;
  }
  int Below(int end) {
    return std::uniform_int_distribution<int>(0, end - 1)(random_);
  }

 private:
  void Fill(google::protobuf::Struct* values) {
    for (int i = 0; i <= Below(3); ++i) {
      (*values->mutable_fields())[fmt::format("a{}", Below(4))]
          .set_number_value(Below(100));
    }
  }

  std::mt19937 random_;
};

class SnapshotTest : public testing::Test {
 protected:
  ~SnapshotTest() override { fs::remove_all(folder_.parent_path()); }

  // Applies what comes after *position.
  void ReadOn(ChangePosition* position, Model* model,
              std::vector<uint64_t>* numbers = nullptr) const {
    const auto head = ReadChangeHead(folder_);
    ASSERT_TRUE(head.ok()) << head.status();
    const absl::Status read =
        ReadChanges(*head, folder_, position,
                    [&](const v1::Change& change, std::string_view,
                        const absl::Status& verdict) {
                      EXPECT_TRUE(verdict.ok()) << verdict;
                      model->Apply(change);
                      if (numbers != nullptr) {
                        numbers->push_back(change.number());
                      }
                      return absl::OkStatus();
                    });
    ASSERT_TRUE(read.ok()) << read;
    EXPECT_EQ(position->through, head->through);
  }

  // In memory if possible: nothing is said of disks here.
  const fs::path folder_ =
      fs::path(fs::is_directory("/dev/shm") ? "/dev/shm" : testing::TempDir()) /
      (fmt::format("snapshots-{}-", ::getpid()) +
       std::string(
           testing::UnitTest::GetInstance()->current_test_info()->name())) /
      "changes";
};

TEST_F(SnapshotTest, SaysWhatTheChangesSayToEveryReader) {
  for (uint32_t seed = 0; seed < 30; ++seed) {
    fs::remove_all(folder_);
    Generator generator(seed);
    Model expected;
    struct Reader {
      ChangePosition position;
      Model model;
    };
    // Each begins at another time, and reads again now and then.
    std::vector<Reader> readers;
    const auto log = ChangeLog::Open(folder_);
    ASSERT_TRUE(log.ok()) << log.status();
    for (int batch = 0; batch < 40; ++batch) {
      std::vector<v1::Change> changes;
      for (int i = 0; i <= generator.Below(6); ++i) {
        changes.push_back(generator.Next());
        expected.Apply(changes.back());
      }
      ASSERT_TRUE((*log)->Append(std::move(changes)).ok());
      if (generator.Below(8) == 0) {
        ASSERT_TRUE((*log)->Compact().ok());
      }
      if (generator.Below(4) == 0) readers.emplace_back();
      for (Reader& reader : readers) {
        if (generator.Below(6) > 0) continue;
        ReadOn(&reader.position, &reader.model);
        ASSERT_EQ(reader.model.values, expected.values);
        ASSERT_TRUE(reader.model == expected) << "seed " << seed;
      }
    }
    readers.emplace_back();
    for (Reader& reader : readers) {
      ReadOn(&reader.position, &reader.model);
      ASSERT_TRUE(reader.model == expected) << "seed " << seed;
    }
  }
}

TEST_F(SnapshotTest, HasOnlyWhatNoLaterChangeReplaced) {
  const auto log = ChangeLog::Open(folder_);
  ASSERT_TRUE(log.ok()) << log.status();
  std::vector<v1::Change> changes(6);
  for (v1::Change& change : changes) change.set_item("x");
  changes[0].mutable_remove();
  const auto set = [](v1::Change* change, const char* name) {
    (*change->mutable_set()->mutable_attributes()->mutable_fields())[name]
        .set_bool_value(true);
  };
  set(&changes[1], "a");
  set(&changes[1], "b");
  set(&changes[2], "a");
  changes[3].mutable_restore();
  set(&changes[4], "b");
  changes[5].mutable_event()->set_user("u");
  ASSERT_TRUE((*log)->Append(changes).ok());
  const std::string chain = (*log)->head().chain;
  ASSERT_TRUE((*log)->Compact().ok());
  EXPECT_EQ((*log)->head().chain, chain);
  EXPECT_TRUE((*log)->head().segments.empty());
  ChangePosition position;
  Model model;
  std::vector<uint64_t> numbers;
  ReadOn(&position, &model, &numbers);
  EXPECT_EQ(numbers, (std::vector<uint64_t>{3, 4, 5, 6}));
  // Whoever has read a part gets the rest of it.
  position = {4, std::string(64, 'a')};
  numbers.clear();
  ReadOn(&position, &model, &numbers);
  EXPECT_EQ(numbers, (std::vector<uint64_t>{5, 6}));
  // Once more: nothing is left to do.
  ASSERT_TRUE((*log)->Compact().ok());
  EXPECT_EQ((*log)->head().snapshot.through, 6U);
  ASSERT_TRUE((*log)->Append({changes[0]}).ok());
  position = {};
  numbers.clear();
  ReadOn(&position, &model, &numbers);
  EXPECT_EQ(numbers, (std::vector<uint64_t>{3, 4, 5, 6, 7}));
}

// A text for a number is refused, and the number before it stays.
TEST(EffectiveChangesTest, AValueOfAnotherKindReplacesNothing) {
  EffectiveChanges effective;
  uint64_t number = 0;
  const auto set = [&](const google::protobuf::Value& value) {
    v1::Change change;
    change.set_number(++number);
    change.set_item("a");
    (*change.mutable_set()->mutable_attributes()->mutable_fields())["price"] =
        value;
    effective.Add(change, change.SerializeAsString(), true);
  };
  google::protobuf::Value cheap;
  cheap.set_string_value("cheap");
  google::protobuf::Value three;
  three.set_number_value(3);
  for (const auto& value : {three, cheap, three, cheap}) set(value);
  std::vector<uint64_t> kept;
  for (const auto& [at, bytes] : effective.kept()) kept.push_back(at);
  EXPECT_THAT(kept, ElementsAre(3, 4));
}

TEST(EffectiveChangesTest, ForgetsEventsUpToANumberAndNothingElse) {
  EffectiveChanges effective;
  for (uint64_t number = 1; number <= 4; ++number) {
    v1::Change change;
    change.set_number(number);
    change.set_item(fmt::format("{}", number));
    if (number == 2) {
      change.mutable_remove();
    } else {
      change.mutable_event()->set_user("u");
    }
    effective.Add(change, change.SerializeAsString(), true);
  }
  effective.ForgetEvents(3);
  ASSERT_EQ(effective.size(), 2U);
  EXPECT_TRUE(effective.kept().contains(2));
  EXPECT_TRUE(effective.kept().contains(4));
}

TEST_F(SnapshotTest, IsMadeWhenTheLogIsLong) {
  const auto log = ChangeLog::Open(folder_);
  ASSERT_TRUE(log.ok()) << log.status();
  std::vector<v1::Change> changes(ChangeLog::kCompactAfter / 4);
  for (size_t i = 0; i < changes.size(); ++i) {
    changes[i].set_item(fmt::format("item-{}", i % 1000));
    changes[i].mutable_remove();
  }
  for (int i = 0; i < 4; ++i) ASSERT_TRUE((*log)->Append(changes).ok());
  EXPECT_EQ((*log)->head().snapshot.through, 0U);
  ASSERT_TRUE((*log)->Append({changes[0]}).ok());
  EXPECT_EQ((*log)->head().snapshot.through, ChangeLog::kCompactAfter + 1);
  EXPECT_EQ((*log)->head().snapshot.count(), 1000U);
}

TEST_F(SnapshotTest, AnyChangedByteIsRefused) {
  {
    const auto log = ChangeLog::Open(folder_);
    ASSERT_TRUE(log.ok()) << log.status();
    Generator generator(1);
    for (int i = 0; i < 5; ++i) {
      ASSERT_TRUE((*log)->Append({generator.Next()}).ok());
    }
    ASSERT_TRUE((*log)->Compact().ok());
  }
  const auto head = ReadChangeHead(folder_);
  ASSERT_TRUE(head.ok());
  ASSERT_EQ(head->snapshot.parts.size(), 1U);
  const std::string name = head->snapshot.parts[0].Name(5);
  const auto contents = ReadChangeFileOf(folder_, name, 1 << 20);
  ASSERT_TRUE(contents.ok());
  for (size_t i = 0; i < contents->size(); ++i) {
    std::string changed = *contents;
    changed[i] = static_cast<char>(changed[i] ^ 1);
    ChangePosition position;
    const absl::Status status = ReadChanges(
        *head,
        [&](const std::string&, uint64_t) -> absl::StatusOr<std::string> {
          return changed;
        },
        &position,
        [](const v1::Change&, std::string_view, const absl::Status&) {
          return absl::OkStatus();
        });
    EXPECT_EQ(status.code(), absl::StatusCode::kDataLoss);
  }
}

}  // namespace
}  // namespace tributary
