#include "index/data/hold_out.h"

#include <cmath>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "index/data/data_set_builder.h"
#include "index/data/feedback.h"
#include "index/data/inter_file.h"
#include "index/data/split_files.h"
#include "tests/index/data/data_files.h"

namespace tributary {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Pair;
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

// Two users' interactions as "item@time" after a split.
using Kept = std::pair<std::vector<std::string>, std::vector<std::string>>;
Kept SplitGolden(SplitBy by, double share) {
  DataSetBuilder builder;
  const auto add = [&](std::string_view user, std::string_view item,
                       int64_t time_s) {
    builder.AddInteraction(builder.users.Add(user), builder.items.Add(item), 1,
                           time_s);
  };
  // In order of input; u's g and f are of one moment.
  for (const auto& [item, time_s] :
       std::vector<std::pair<std::string, int64_t>>{
           {"a", 60}, {"b", 10}, {"c", 50}, {"d", 20}, {"g", 70}, {"f", 70}}) {
    add("u", item, time_s);
  }
  for (int i = 0; i < 5; ++i) add("v", std::string(1, 'p' + i), 100 - i);
  for (int i = 0; i < 4; ++i) add("w", std::string(1, 'x' + i), 1000);
  std::vector<Interaction> held_out;
  const auto data =
      HoldOut(std::move(builder).Finish(), by, share, "test", &held_out);
  EXPECT_TRUE(data.ok()) << data.status();
  const auto names = [&](const std::vector<Interaction>& interactions) {
    std::vector<std::string> texts;
    for (const Interaction& x : interactions) {
      texts.push_back(data->users.text(x.user) + data->items.text(x.item));
    }
    return texts;
  };
  return {names(data->interactions), names(held_out)};
}

TEST(SplitBy, UserTimeTakesEachUsersNewestShareRoundedUp) {
  const auto [kept, held_out] = SplitGolden(SplitBy::kUserTime, 0.2);
  // .2 of 6 is 2, and of 5 is 1; w has fewer than 5.
  EXPECT_THAT(held_out, ElementsAre("ug", "uf", "vp"));
  EXPECT_THAT(kept, ElementsAre("ub", "ud", "uc", "ua", "vt", "vs", "vr", "vq",
                                "wx", "wy", "wz", "w{"));
}

TEST(SplitBy, TimeTakesWhatCameAfterOneMoment) {
  const auto [kept, held_out] = SplitGolden(SplitBy::kTime, 0.4);
  // .4 of 15 is 6; the ninth oldest is v's r (98), so that 98 is kept.
  EXPECT_THAT(held_out, ElementsAre("vq", "vp", "wx", "wy", "wz", "w{"));
  EXPECT_EQ(kept.size(), 9);
}

TEST(SplitBy, TimeDoesNotSplitAMoment) {
  const auto [kept, held_out] = SplitGolden(SplitBy::kTime, 0.2);
  // .2 of 15 is 3, but w's four are of one moment.
  EXPECT_THAT(held_out, IsEmpty());
  EXPECT_EQ(kept.size(), 15);
}

TEST(SplitBy, LastTakesOneOfEachUser) {
  const auto [kept, held_out] = SplitGolden(SplitBy::kLast, 0.2);
  EXPECT_THAT(held_out, ElementsAre("uf", "vp"));
  EXPECT_EQ(kept.size(), 13);
}

TEST(SplitBy, TimesMustBeThereWhereTheyDecide) {
  std::vector<Interaction> held_out;
  for (const SplitBy by : {SplitBy::kUserTime, SplitBy::kTime}) {
    EXPECT_EQ(HoldOut(MakeData(false, 2, 9), by, 0.2, "test", &held_out)
                  .status()
                  .code(),
              absl::StatusCode::kFailedPrecondition);
  }
  EXPECT_TRUE(
      HoldOut(MakeData(false, 2, 9), SplitBy::kLast, 0.2, "test", &held_out)
          .ok());
  EXPECT_EQ(held_out.size(), 2);
}

TEST(SplitFiles, AreReadAsTheTrainingDataWithAllTables) {
  DataSetBuilder builder;
  const uint32_t user = builder.users.Add("ann");
  for (int i = 0; i < 5; ++i) {
    builder.AddInteraction(user, builder.items.Add("i" + std::to_string(i)),
                           1.5F, 1'000'000'100 + i);
  }
  using Kind = FeatureColumn::Kind;
  auto& features = builder.item_features;
  const size_t genres = features.AddColumn("genres", Kind::kTokens);
  features.AddToken(genres, 0, "Sci Fi");
  features.AddToken(genres, 0, "War");
  const size_t year = features.AddColumn("year", Kind::kNumber);
  features.Set(year, 1, "1995");
  const size_t title = features.AddColumn("title", Kind::kText);
  features.Set(title, 2, "tea\tfor\ntwo");
  std::vector<Interaction> held_out;
  const DataSet kept =
      HoldOut(std::move(builder).Finish(), 0.2, "test", &held_out);

  const auto dir = MakeTestDir() / "split";
  ASSERT_TRUE(WriteSplitFiles(dir, kept, held_out).ok());
  const auto read = ReadDataSet("recbole:" + dir.string(), 0);
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_EQ(read->items.strings, kept.items.strings);
  ASSERT_EQ(read->interactions.size(), 4);
  EXPECT_EQ(read->interactions[3].time_s, 1'000'000'103);
  EXPECT_EQ(ValueOf(*read, read->interactions[3]), 1.5F);
  ASSERT_EQ(read->item_features.size(), 3);
  EXPECT_EQ(read->item_features[0].text[0], "Sci_Fi\x1fWar");
  EXPECT_EQ(read->item_features[1].numbers[1], 1995);
  EXPECT_EQ(read->item_features[2].text[2],
            "tea\x1f"
            "for\x1ftwo");
  const auto test = ReadInterFile(dir / "test" / "test.inter", 0);
  ASSERT_TRUE(test.ok()) << test.status();
  EXPECT_THAT(*test, ElementsAre(KeyedInteraction{"ann", "i4"}));
}

// The weights of each item's interactions after a split that keeps the user's
// first three.
std::map<std::string, std::vector<float>> WeightsAfterSplit(
    const std::vector<std::string>& items) {
  DataSetBuilder builder;
  const uint32_t user = builder.users.Add("u");
  for (size_t i = 0; i < items.size(); ++i) {
    builder.AddInteraction(user, builder.items.Add(items[i]), 1,
                           static_cast<int64_t>(i + 1) * 86400);
  }
  const double share = 1 - 3.0 / static_cast<double>(items.size());
  std::vector<Interaction> held_out;
  const DataSet kept =
      HoldOut(std::move(builder).Finish(), share, "test", &held_out);
  std::map<std::string, std::vector<float>> weights;
  for (const Interaction& x : kept.interactions) {
    weights[kept.items.text(x.item)].push_back(x.weight);
  }
  for (const Interaction& x : held_out) {
    weights["held out " + kept.items.text(x.item)].push_back(x.weight);
  }
  return weights;
}

TEST(HoldOut, GivesRepeatsBackTheWeightThatTheyLostToHeldOutOnes) {
  // The newest a has all the weight of the user and a, until it is left out.
  EXPECT_THAT(
      WeightsAfterSplit({"a", "b", "a", "a", "c", "c"}),
      ElementsAre(Pair("a", ElementsAre(0, 1)), Pair("b", ElementsAre(1)),
                  Pair("held out c", ElementsAre(1))));
}

TEST(SplitFiles, CarryValuesAndTypesAsTheyWereRead) {
  DataSetBuilder builder;
  const uint32_t user = builder.users.Add("ann");
  const uint32_t item = builder.items.Add("tea");
  builder.AddInteraction(user, item, 4.5F, 1'000'000'010, "rate");
  builder.AddInteraction(user, item, NAN, 1'000'000'020, "view");
  builder.AddInteraction(user, item, -1, 1'000'000'030);
  DataSet data = std::move(builder).Finish();
  const auto dir = MakeTestDir() / "typed";
  ASSERT_TRUE(WriteSplitFiles(dir, data, {}).ok());
  EXPECT_EQ(ReadFile(dir / "train.inter"),
            "user_id:token\titem_id:token\trating:float\ttimestamp:float\t"
            "type:token\n"
            "ann\ttea\t4.5\t1000000010\trate\n"
            "ann\ttea\t\t1000000020\tview\n"
            "ann\ttea\t-1\t1000000030\t\n");
  ReadOptions options;
  (*options.feedback.mutable_type_weights())["view"] = 3;
  options.feedback.set_max_per_user_item_day(0);
  const auto read = ReadDataSet("recbole:" + dir.string(), options);
  ASSERT_TRUE(read.ok()) << read.status();
  ASSERT_TRUE(ApplyFeedback(options.feedback, &data).ok());
  ASSERT_EQ(read->interactions.size(), 3);
  for (size_t i = 0; i < 3; ++i) {
    EXPECT_EQ(read->interactions[i].weight, data.interactions[i].weight) << i;
  }
  EXPECT_EQ(data.interactions[1].weight, 3);
}

TEST(SplitFiles, NameCountsSoThatTheyAreNotTakenForRatings) {
  DataSetBuilder builder;
  builder.value_name = "count";
  for (int i = 1; i <= 5; ++i) {
    builder.AddInteraction(builder.users.Add("ann"),
                           builder.items.Add(std::to_string(i)),
                           static_cast<float>(i), 0);
  }
  const DataSet data = std::move(builder).Finish();
  const auto path = MakeTestDir() / "counts.inter";
  ASSERT_TRUE(WriteInterFile(path, data, data.interactions).ok());
  EXPECT_THAT(ReadFile(path),
              StartsWith("user_id:token\titem_id:token\tcount:float\n"));
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
