#include "index/data/synthetic_data.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <set>
#include <vector>

#include "gtest/gtest.h"
#include "index/assemble/build_config.h"
#include "index/data/hold_out.h"
#include "index/train/als/als_trainer.h"

namespace tributary {
namespace {

bool Same(const Interaction& a, const Interaction& b) {
  return a.user == b.user && a.item == b.item && a.weight == b.weight &&
         a.time_s == b.time_s;
}

TEST(SyntheticData, IsTheSameForTheSameSeed) {
  const DataSet a = MakeSyntheticData(5).data;
  const DataSet b = MakeSyntheticData(5).data;
  const DataSet c = MakeSyntheticData(6).data;
  EXPECT_TRUE(std::equal(a.interactions.begin(), a.interactions.end(),
                         b.interactions.begin(), b.interactions.end(), Same));
  EXPECT_FALSE(std::equal(a.interactions.begin(), a.interactions.end(),
                          c.interactions.begin(), c.interactions.end(), Same));
  for (size_t i = 0; i < a.item_features.size(); ++i) {
    EXPECT_EQ(a.item_features[i].text, b.item_features[i].text);
    EXPECT_EQ(a.item_features[i].numbers, b.item_features[i].numbers);
  }
}

TEST(SyntheticData, ATenthOfTheItemsIsNew) {
  const SyntheticData synthetic = MakeSyntheticData(1);
  std::set<Row> touched;
  for (const Interaction& x : synthetic.data.interactions) {
    touched.insert(x.item);
    ASSERT_FALSE(synthetic.truth.IsNew(x.item));
  }
  Row fresh = 0;
  for (Row i = 0; i < 5000; ++i) fresh += synthetic.truth.IsNew(i);
  EXPECT_NEAR(fresh, 500, 100);
}

// Recall at k over held-out interactions when items are ordered by `score`.
double RecallAt(size_t k, const DataSet& kept,
                const std::vector<Interaction>& held_out,
                const std::function<double(Row, Row)>& score) {
  std::vector<std::vector<Row>> seen(kept.users.size());
  std::vector<std::set<Row>> test(kept.users.size());
  for (const Interaction& x : kept.interactions) seen[x.user].push_back(x.item);
  for (const Interaction& x : held_out) test[x.user].insert(x.item);
  double sum = 0;
  double users = 0;
  for (Row user = 0; user < kept.users.size(); user += 4) {
    if (test[user].empty()) continue;
    std::vector<std::pair<double, Row>> scored;
    for (Row item = 0; item < kept.items.size(); ++item) {
      scored.push_back({-score(user, item), item});
    }
    for (const Row item : seen[user]) scored[item].first = HUGE_VAL;
    std::partial_sort(scored.begin(), scored.begin() + static_cast<int>(k),
                      scored.end());
    double hits = 0;
    for (size_t i = 0; i < k; ++i)
      hits += test[user].contains(scored[i].second);
    sum += hits / static_cast<double>(test[user].size());
    ++users;
  }
  return sum / users;
}

TEST(SyntheticData, LearningComesBetweenPopularityAndTheCeiling) {
  const SyntheticData synthetic = MakeSyntheticData(1);
  std::vector<Interaction> held_out;
  const DataSet kept = HoldOut(synthetic.data, 0.2, "test", &held_out);
  std::vector<double> popularity(kept.items.size());
  for (const Interaction& x : kept.interactions) ++popularity[x.item];
  const auto settings = CompleteBuildConfig({})->als();
  const auto space =
      AlsTrainer(settings, 1, 2, [](std::string_view, double) {}).Train(kept);
  ASSERT_TRUE(space.ok()) << space.status();
  std::vector<size_t> position(kept.items.size(), SIZE_MAX);
  for (size_t i = 0; i < space->items.rows.size(); ++i) {
    position[space->items.rows[i]] = i;
  }
  ASSERT_EQ(space->users.rows.size(), kept.users.size());
  const auto learned = [&](Row user, Row item) -> double {
    if (position[item] == SIZE_MAX) return -HUGE_VAL;
    double dot = 0;
    for (uint32_t i = 0; i < space->dim; ++i) {
      dot += space->users.values[user * space->dim + i] *
             space->items.values[position[item] * space->dim + i];
    }
    return dot;
  };
  const double ceiling = RecallAt(100, kept, held_out, [&](Row u, Row i) {
    return synthetic.truth.IsNew(i) ? -HUGE_VAL : synthetic.truth.Logit(u, i);
  });
  const double behavior = RecallAt(100, kept, held_out, learned);
  const double popular =
      RecallAt(100, kept, held_out, [&](Row, Row i) { return popularity[i]; });
  EXPECT_GT(ceiling, 1.5 * behavior);
  EXPECT_GT(behavior, 1.5 * popular);
  EXPECT_GT(popular, 3 * 100.0 / 5000);
}

}  // namespace
}  // namespace tributary
