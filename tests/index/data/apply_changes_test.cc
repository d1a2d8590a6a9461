// Data with live changes are the data of files that were edited by hand.
#include "index/data/apply_changes.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <map>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "fmt/format.h"
#include "fmt/ranges.h"
#include "index/data/data_set.h"

namespace tributary {
namespace {

namespace fs = std::filesystem;
using ::testing::Contains;
using ::testing::HasSubstr;

constexpr int64_t kTime = 1'700'000'000;

using Item = std::map<std::string, std::string>;

// What the files say, and what somebody makes of them who edits them.
struct Files {
  std::vector<std::string> columns = {"title", "price", "tags", "in_stock"};
  std::map<std::string, Item> items;
  std::vector<std::string> interactions;
  // The items of events.
  std::set<std::string> met;

  void Write(const fs::path& dir) const {
    fs::create_directories(dir);
    std::ofstream csv(dir / "items.csv");
    csv << "item";
    for (const std::string& column : columns) csv << "," << column;
    csv << "\n";
    for (const auto& [key, item] : items) {
      csv << key;
      for (const std::string& column : columns) {
        const auto value = item.find(column);
        csv << "," << (value == item.end() ? "" : value->second);
      }
      csv << "\n";
    }
    std::ofstream log(dir / "interactions.csv");
    log << "user,item,time,type\n";
    for (const std::string& line : interactions) log << line << "\n";
  }

  void Edit(const v1::Change& change) {
    if (change.has_set() &&
        (items.contains(change.item()) || met.contains(change.item()))) {
      for (const auto& [name, value] : change.set().attributes().fields()) {
        if (std::ranges::count(columns, name) == 0) continue;
        items[change.item()][name] = ChangeValueText(value);
      }
    }
    if (change.has_upsert()) {
      Item& item = items[change.item()];
      for (const auto& [name, value] : change.upsert().features().fields()) {
        if (std::ranges::count(columns, name) == 0) columns.push_back(name);
        item[name] = ChangeValueText(value);
      }
    }
    if (change.has_event()) {
      const v1::UserEvent& event = change.event();
      met.insert(change.item());
      const int64_t ms =
          event.time_ms() != 0 ? event.time_ms() : change.at_ms();
      interactions.push_back(fmt::format(
          "{},{},{},{}", event.user(), change.item(), ms / 1000, event.type()));
    }
  }
};

class ApplyChangesTest : public testing::Test {
 protected:
  ~ApplyChangesTest() override { fs::remove_all(root_); }

  int Below(int end) {
    return std::uniform_int_distribution<int>(0, end - 1)(random_);
  }
  google::protobuf::Value ValueOf(const std::string& column) {
    google::protobuf::Value value;
    if (Below(6) == 0) {
      value.set_null_value(google::protobuf::NULL_VALUE);
    } else if (column == "price") {
      value.set_number_value(0.5 * Below(40));
    } else if (column == "in_stock") {
      value.set_bool_value(Below(2) == 0);
    } else if (column == "tags") {
      for (int i = 0; i <= Below(3); ++i) {
        value.mutable_list_value()->add_values()->set_string_value(
            fmt::format("tag{}", Below(5)));
      }
    } else {
      value.set_string_value(fmt::format("a title of word{}", Below(30)));
    }
    return value;
  }
  Files Some() {
    Files files;
    for (int i = 0; i < 30; ++i) {
      Item& item = files.items[fmt::format("i{}", i)];
      for (const std::string& column : files.columns) {
        item[column] = ChangeValueText(ValueOf(column));
      }
    }
    for (int i = 0; i < 200; ++i) {
      files.interactions.push_back(
          fmt::format("u{},i{},{},{}", Below(20), Below(30), kTime + i,
                      Below(2) == 0 ? "view" : "purchase"));
    }
    return files;
  }
  v1::Change Next(const Files& files, uint64_t number) {
    v1::Change change;
    change.set_number(number);
    change.set_at_ms(1000 * (kTime + 1000) + static_cast<int64_t>(number));
    // Some of them are new, or in no file.
    change.set_item(fmt::format("i{}", Below(40)));
    const auto fill = [&](google::protobuf::Struct* values) {
      for (int i = 0; i <= Below(3); ++i) {
        const std::string& column =
            files.columns[static_cast<size_t>(Below(4))];
        (*values->mutable_fields())[column] = ValueOf(column);
      }
    };
    switch (Below(6)) {
      case 0:
        change.mutable_remove();
        break;
      case 1:
        change.mutable_expire()->set_at_ms(5);
        break;
      case 2:
      case 3:
        fill(change.mutable_set()->mutable_attributes());
        break;
      case 4:
        fill(change.mutable_upsert()->mutable_features());
        break;
      default:
        change.mutable_event()->set_user(fmt::format("u{}", Below(25)));
        change.mutable_event()->set_type(Below(2) == 0 ? "view" : "purchase");
        if (Below(2) == 0) {
          change.mutable_event()->set_time_ms(1000 * (kTime + Below(500)));
        }
    }
    return change;
  }

  static DataSet Read(const fs::path& dir,
                      const std::vector<v1::Change>& changes,
                      uint64_t events_through = 0) {
    auto data = ReadDataSet("csv:" + dir.string(), ReadOptions(),
                            DataChanges{changes, events_through});
    EXPECT_TRUE(data.ok()) << data.status();
    return data.ok() ? *std::move(data) : DataSet();
  }

  static std::vector<std::string> KeysOf(const KeyList& keys) {
    std::vector<std::string> texts;
    for (Row row = 0; row < keys.size(); ++row) texts.push_back(keys.text(row));
    return texts;
  }

  static void ExpectEqual(const DataSet& a, const DataSet& b) {
    ASSERT_EQ(KeysOf(a.items), KeysOf(b.items));
    ASSERT_EQ(KeysOf(a.users), KeysOf(b.users));
    ASSERT_EQ(a.interactions.size(), b.interactions.size());
    for (size_t i = 0; i < a.interactions.size(); ++i) {
      ASSERT_EQ(a.interactions[i].user, b.interactions[i].user);
      ASSERT_EQ(a.interactions[i].item, b.interactions[i].item);
      ASSERT_EQ(a.interactions[i].weight, b.interactions[i].weight);
      ASSERT_EQ(a.interactions[i].time_s, b.interactions[i].time_s);
    }
    ASSERT_EQ(a.types, b.types);
    ASSERT_EQ(a.item_features.size(), b.item_features.size());
    for (size_t i = 0; i < a.item_features.size(); ++i) {
      ASSERT_EQ(a.item_features[i].name, b.item_features[i].name);
      ASSERT_EQ(a.item_features[i].kind, b.item_features[i].kind);
      ASSERT_EQ(a.item_features[i].text, b.item_features[i].text);
      ASSERT_EQ(fmt::format("{}", fmt::join(a.item_features[i].numbers, " ")),
                fmt::format("{}", fmt::join(b.item_features[i].numbers, " ")));
    }
    ASSERT_EQ(a.attributes.size(), b.attributes.size());
    for (size_t i = 0; i < a.attributes.size(); ++i) {
      const AttributeData& of_a = *a.attributes[i];
      const AttributeData& of_b = *b.attributes[i];
      ASSERT_EQ(of_a.spec.SerializeAsString(), of_b.spec.SerializeAsString());
      ASSERT_EQ(of_a.texts, of_b.texts);
      ASSERT_EQ(of_a.numbers, of_b.numbers);
      ASSERT_EQ(of_a.codes, of_b.codes);
      ASSERT_EQ(of_a.items, of_b.items);
    }
  }

  const fs::path root_ =
      fs::path(testing::TempDir()) /
      ("apply-" +
       std::string(
           testing::UnitTest::GetInstance()->current_test_info()->name()));
  std::mt19937 random_{7};
};

TEST_F(ApplyChangesTest, GivesWhatEditedFilesGive) {
  for (int round = 0; round < 25; ++round) {
    SCOPED_TRACE(round);
    fs::remove_all(root_);
    const Files files = Some();
    Files edited = files;
    std::vector<v1::Change> changes;
    for (uint64_t number = 1; number <= 60; ++number) {
      changes.push_back(Next(files, number));
      edited.Edit(changes.back());
    }
    files.Write(root_ / "before");
    edited.Write(root_ / "edited");
    ExpectEqual(Read(root_ / "before", changes), Read(root_ / "edited", {}));
    if (HasFatalFailure()) return;
  }
}

TEST_F(ApplyChangesTest, LeavesOutEventsThatTheDataHave) {
  Some().Write(root_);
  std::vector<v1::Change> changes(4);
  for (size_t i = 0; i < changes.size(); ++i) {
    changes[i].set_number(i + 1);
    changes[i].set_item("i1");
    changes[i].mutable_event()->set_user("u1");
  }
  const size_t before = Read(root_, {}).interactions.size();
  EXPECT_EQ(Read(root_, changes).interactions.size(), before + 4);
  EXPECT_EQ(Read(root_, changes, 3).interactions.size(), before + 1);
}

TEST_F(ApplyChangesTest, SaysWhatTheDataHaveNoPlaceFor) {
  Some().Write(root_);
  std::vector<v1::Change> changes(3);
  changes[0].set_item("i1");
  (*changes[0].mutable_set()->mutable_attributes()->mutable_fields())["colour"]
      .set_string_value("red");
  changes[1].set_item("unknown");
  (*changes[1].mutable_set()->mutable_attributes()->mutable_fields())["price"]
      .set_number_value(1);
  changes[2].set_item("new");
  (*changes[2].mutable_upsert()->mutable_vectors())["clip"].add_values(1);
  const DataSet data = Read(root_, changes);
  EXPECT_THAT(data.report.warnings,
              Contains(HasSubstr("no column for the attribute \"colour\"")));
  EXPECT_THAT(data.report.warnings, Contains(HasSubstr("no such item")));
  EXPECT_THAT(data.report.warnings,
              Contains(HasSubstr("for the space \"clip\"")));
  EXPECT_THAT(data.report.facts,
              Contains(HasSubstr("live changes: 1 set attributes, 1 items "
                                 "added or completed, 0 events")));
}

// One text among numbers would make all keys texts, and every client that sends
// numbers would have to change.
TEST_F(ApplyChangesTest, KeysOfAnotherKindAreLeftOut) {
  fs::create_directories(root_);
  std::ofstream(root_ / "interactions.csv") << "user,item\n1,10\n2,20\n";
  std::vector<v1::Change> changes(2);
  changes[0].set_item("lamp");
  changes[0].mutable_upsert();
  changes[1].set_item("10");
  changes[1].mutable_event()->set_user("somebody");
  for (size_t i = 0; i < changes.size(); ++i) changes[i].set_number(i + 1);
  const DataSet data = Read(root_, changes);
  EXPECT_EQ(data.items.kind, v1::UINT64);
  EXPECT_EQ(data.users.kind, v1::UINT64);
  EXPECT_EQ(data.items.size(), 2U);
  EXPECT_THAT(data.report.warnings, Contains(HasSubstr("no decimal integer")));
}

}  // namespace
}  // namespace tributary
