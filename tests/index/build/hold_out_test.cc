#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "index/build/build.h"
#include "index/build/data_set_builder.h"
#include "index/build/inter_file.h"
#include "tests/index/build/test_files.h"

namespace tributary {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::StartsWith;

DataSet MakeData(bool times, Row users, Row items_each, Row skip = kNoRow) {
  DataSetBuilder builder;
  for (Row user = 0; user < users; ++user) {
    for (Row i = 0; i < items_each; ++i) {
      if (i == skip) continue;
      builder.AddInteraction(builder.users.Add("u" + std::to_string(user)),
                             builder.items.Add("i" + std::to_string(i)), 1,
                             times ? 1000 + i : 0);
    }
  }
  return std::move(builder).Finish();
}

TEST(HoldOut, TakesTheNewestWhereThereAreTimes) {
  std::vector<Interaction> held_out;
  const DataSet kept = HoldOut(MakeData(true, 1, 10), 0.2, "test", &held_out);
  ASSERT_EQ(held_out.size(), 2);
  EXPECT_EQ(held_out[0].time_s, 1008);
  EXPECT_EQ(held_out[1].time_s, 1009);
  EXPECT_EQ(kept.interactions.size(), 8);
  EXPECT_EQ(kept.items.size(), 10);
}

TEST(HoldOut, LeavesUsersWithFewerThanFiveAlone) {
  std::vector<Interaction> held_out;
  HoldOut(MakeData(true, 10, 4), 0.5, "test", &held_out);
  EXPECT_THAT(held_out, IsEmpty());
  HoldOut(MakeData(true, 10, 5), 0.2, "test", &held_out);
  EXPECT_EQ(held_out.size(), 10);
}

TEST(HoldOut, WithoutTimesTakesAboutTheShare) {
  std::vector<Interaction> held_out;
  const DataSet kept =
      HoldOut(MakeData(false, 100, 50), 0.2, "test", &held_out);
  EXPECT_EQ(kept.interactions.size() + held_out.size(), 5000);
  EXPECT_NEAR(static_cast<double>(held_out.size()), 1000, 100);
}

TEST(HoldOut, WithoutTimesOtherInteractionsChangeNothing) {
  const auto held_keys = [](const DataSet& data) {
    std::vector<Interaction> held_out;
    HoldOut(data, 0.3, "test", &held_out);
    std::set<std::pair<std::string, std::string>> keys;
    for (const Interaction& x : held_out) {
      keys.insert({data.users.strings[x.user], data.items.strings[x.item]});
    }
    return keys;
  };
  auto all = held_keys(MakeData(false, 20, 30));
  const auto fewer = held_keys(MakeData(false, 20, 30, /*skip=*/7));
  std::erase_if(all, [](const auto& key) { return key.second == "i7"; });
  EXPECT_EQ(all, fewer);
}

TEST(HoldOut, OfWhatOnePurposeLeavesAnotherTakesItsShare) {
  std::vector<Interaction> test;
  DataSet kept = HoldOut(MakeData(false, 100, 50), 0.2, "test", &test);
  const auto left = static_cast<double>(kept.interactions.size());
  std::vector<Interaction> validation;
  HoldOut(std::move(kept), 0.1, "validation", &validation);
  EXPECT_NEAR(static_cast<double>(validation.size()), 0.1 * left, 80);
}

TEST(HoldOut, HoldsOutWantedAndNewThingsOnly) {
  DataSetBuilder builder;
  const uint32_t user = builder.users.Add("u");
  const auto add = [&](std::string_view item, float value) {
    builder.AddInteraction(user, builder.items.Add(item), value, 0);
  };
  for (const char* item : {"a", "b", "c"}) add(item, 1);
  add("a", 1);   // had before
  add("d", -1);  // not wanted
  add("e", 1);
  add("e", 1);  // twice
  DataSet data = std::move(builder).Finish();
  for (size_t i = 0; i < data.interactions.size(); ++i) {
    data.interactions[i].time_s = static_cast<int64_t>(i) + 1;
  }
  data.has_times = true;
  std::vector<Interaction> held_out;
  HoldOut(std::move(data), 0.5, "test", &held_out);
  ASSERT_EQ(held_out.size(), 1);
  EXPECT_EQ(held_out[0].item, 4);
}

TEST(InterFile, ReadsBackWhatItWrites) {
  const DataSet data = MakeData(true, 2, 2);
  const auto path = MakeTestDir() / "test.inter";
  ASSERT_TRUE(WriteInterFile(path, data, data.interactions).ok());
  EXPECT_THAT(
      ReadFile(path),
      StartsWith("user_id:token\titem_id:token\trating:float\ttimestamp:float\n"
                 "u0\ti0\t1\t1000\n"));
  const auto read = ReadInterFile(path, 0);
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_THAT(
      *read,
      ElementsAre(KeyedInteraction{"u0", "i0"}, KeyedInteraction{"u0", "i1"},
                  KeyedInteraction{"u1", "i0"}, KeyedInteraction{"u1", "i1"}));
}

TEST(InterFile, RefusesKeysThatTheFormatCannotHold) {
  DataSetBuilder builder;
  builder.AddInteraction(builder.users.Add("a\tb"), builder.items.Add("i"), 1,
                         0);
  const DataSet data = std::move(builder).Finish();
  const auto path = MakeTestDir() / "test.inter";
  EXPECT_EQ(WriteInterFile(path, data, data.interactions).code(),
            absl::StatusCode::kInvalidArgument);
}

}  // namespace
}  // namespace tributary
