#include "index/assemble/predict_vectors.h"

#include <algorithm>
#include <utility>

#include "gtest/gtest.h"
#include "index/assemble/build.h"
#include "index/assemble/extend.h"
#include "index/data/synthetic_data.h"
#include "index/search/vector_index.h"
#include "index/tower/user_tower.h"
#include "tests/index/bundle/tiny_bundle.h"

namespace tributary {
namespace {

bool IsNew(Row item) { return item % 10 == 3; }

// Every tenth item, out of the data.
NewItems TakeNewItems(DataSet* data) {
  NewItems items;
  items.keys.kind = data->items.kind;
  KeyList kept{.kind = data->items.kind, .ids = {}, .strings = {}};
  std::vector<Row> rows;
  for (Row row = 0; row < data->items.size(); ++row) {
    rows.push_back(static_cast<Row>(kept.size()));
    KeyList& to = IsNew(row) ? items.keys : kept;
    if (kept.kind == v1::UINT64) {
      to.ids.push_back(data->items.ids[row]);
    } else {
      to.strings.push_back(data->items.strings[row]);
    }
  }
  for (FeatureColumn& column : data->item_features) {
    FeatureColumn& taken = items.columns.emplace_back(
        FeatureColumn{column.name, column.kind, {}, {}});
    const FeatureColumn all = std::exchange(column, taken);
    for (Row row = 0; row < data->items.size(); ++row) {
      FeatureColumn& to = IsNew(row) ? taken : column;
      if (!all.text.empty()) to.text.push_back(all.text[row]);
      if (!all.numbers.empty()) to.numbers.push_back(all.numbers[row]);
    }
  }
  std::erase_if(data->interactions,
                [](const auto& x) { return IsNew(x.item); });
  for (Interaction& x : data->interactions) x.item = rows[x.item];
  data->items = std::move(kept);
  // They are of all items.
  data->attributes.clear();
  return items;
}

// The share of new items in the lists of the best `n` of users.
double ShareOfNew(const Bundle& bundle, const NewItems& items, uint32_t n) {
  const EmbeddingSpace& space = *bundle.FindSpace("behavior");
  const auto index = MakeFlatIndex(space.items);
  const auto tower = UserTower::Open(bundle, space);
  EXPECT_TRUE(tower.ok()) << tower.status();
  std::vector<float> query;
  std::vector<ScoredRow> list;
  double found = 0;
  double listed = 0;
  for (Row user = 0; user < bundle.users().size(); user += 7) {
    const auto history = bundle.Seen(user);
    if (!(*tower)->Encode(user, history, &query)) continue;
    std::vector<Row> seen(history.begin(), history.end());
    std::sort(seen.begin(), seen.end());
    EXPECT_TRUE(
        index->Search(query, n, RowFilter(seen), SteadyTime::max(), &list)
            .ok());
    for (const ScoredRow& hit : list) {
      const std::string key = bundle.items().text(hit.row);
      for (Row place = 0; place < items.keys.size(); ++place) {
        found += items.keys.text(place) == key ? 1 : 0;
      }
      ++listed;
    }
  }
  return found / listed;
}

TEST(PredictVectors, NewItemsNeitherFloodListsNorVanish) {
  DataSet data = MakeSyntheticData(1).data;
  const NewItems items = TakeNewItems(&data);
  const auto root = MakeTestDir();
  BuildRequest build;
  build.root = root;
  // All of them, so that nothing is chosen.
  v1::HistoryTower& tower = *build.config.mutable_behavior()->mutable_history();
  tower.set_epochs(20);
  tower.set_dropout(0.65);
  tower.set_weight_decay(2);
  tower.set_decay(0);
  tower.set_cut_share(0);
  tower.set_dropped_targets(false);
  const auto built = BuildBundle(data, build);
  ASSERT_TRUE(built.ok()) << built.status();
  ExtendRequest extend;
  extend.root = root;
  extend.version = 2;
  const auto from = *Bundle::Open(*built);
  const auto extension = ExtendBundle(*from, items, extend);
  ASSERT_TRUE(extension.ok()) << extension.status();
  const auto bundle = *Bundle::Open(extension->dir);
  // A tenth of the items, listed about half as often as the others.
  const double share = ShareOfNew(*bundle, items, 50);
  EXPECT_GT(share, 0.025);
  EXPECT_LT(share, 0.1);
}

}  // namespace
}  // namespace tributary
