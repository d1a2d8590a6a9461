#ifndef TRIBUTARY_INDEX_TRAIN_NEIGHBORS_NEIGHBOR_LISTS_H_
#define TRIBUTARY_INDEX_TRAIN_NEIGHBORS_NEIGHBOR_LISTS_H_

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "index/bundle/row.h"
#include "index/data/data_set.h"
#include "index/data/histories.h"
#include "index/train/neighbors/ease.h"
#include "tributary/v1/config.pb.h"

namespace tributary {

// How much items of histories count when items are compared: as in the Python
// package implicit (nearest_neighbours.py).
inline constexpr std::string_view kWeightingNames[] = {"cosine", "tfidf",
                                                       "bm25"};
enum class ItemWeighting {
  // The cosine of the items' columns of users.
  kCosine,
  // That, users weighted log(n_items) - log(1 + items of the user).
  kTfidf,
  // Inner products of BM25 weights, K1 1.2, B .75, with users so weighted.
  kBm25,
};

// How a table of neighbours is made.
struct NeighborMethod {
  enum class Kind {
    // Items that the same users had.
    kItemItem,
    // The weights of a linear model of each item from the others (EASE: Steck
    // 2019), which is ridge regression, restricted to the items that occur with
    // it most: exact for those, and small enough to solve item by item.
    kEase,
    // Items had close to one another in a history.
    kCovisit,
  };
  Kind kind = Kind::kItemItem;
  // kItemItem.
  ItemWeighting weighting = ItemWeighting::kTfidf;
  // kEase: of the regression.
  double ridge = 100;
  // kCovisit: what a pair counts for the earlier item, where it counts 1 for
  // the later one.
  double backward = 0.5;
  // What the retriever's is to be: see v1::RetrieverSpec.
  double decay = 0;
};

// The name of such a table, and of its retriever: item_item, ease, covisit.
std::string_view NeighborName(NeighborMethod::Kind kind);

// A table as it is stored: see v1::NeighborTable.
struct NeighborLists {
  std::string name;
  uint32_t width = 0;
  // [n_items, width].
  std::vector<Row> rows;
  std::vector<float> scores;
  double decay = 0;
  // As in v1::NeighborTable.
  std::map<std::string, std::string> chosen;
};

// Items of a history that are compared with one another, the newest: what
// bounds the work per user.
inline constexpr size_t kMaxComparedItems = 1000;

// What lists are made from. Equal data give equal lists, whatever `threads` is.
struct NeighborInput {
  NeighborInput(const DataSet& data, const v1::BuildConfig& config);

  Histories histories;
  ItemPlaces places;
  v1::Neighbors settings;
  v1::Covisit covisit;
  uint32_t threads;
};

// Items of a history that a retriever joins the lists of, the newest.
inline constexpr uint32_t kNeighborHistory = 200;

// The lists by this method; an item has the settings.width neighbours of the
// largest scores by magnitude. Items without interactions have none, and are
// nobody's neighbours.
NeighborLists MakeNeighborLists(const NeighborInput& input,
                                const NeighborMethod& method);
// The same for kEase, from what was counted already.
NeighborLists MakeEaseLists(const NeighborInput& input, const Ease& ease,
                            double ridge);

}  // namespace tributary

#endif  // TRIBUTARY_INDEX_TRAIN_NEIGHBORS_NEIGHBOR_LISTS_H_
