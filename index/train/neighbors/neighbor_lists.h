#ifndef TRIBUTARY_INDEX_TRAIN_NEIGHBORS_NEIGHBOR_LISTS_H_
#define TRIBUTARY_INDEX_TRAIN_NEIGHBORS_NEIGHBOR_LISTS_H_

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "index/bundle/row.h"
#include "index/data/data_set.h"
#include "index/data/histories.h"
#include "index/train/neighbors/ease.h"
#include "tributary/v1/config.pb.h"

namespace tributary {

// How items are compared by the users they share: as in the Python package
// implicit (nearest_neighbours.py).
inline constexpr std::string_view kWeightingNames[] = {"cosine", "tfidf",
                                                       "bm25"};
enum class ItemWeighting {
  // The cosine of the items' columns of users.
  kCosine,
  // The same with user u weighted log(n_items) - log(1 + items of u).
  kTfidf,
  // Inner products of BM25 weights, K1 1.2, B .75, with the same user weights.
  kBm25,
};

// How a table of neighbours is made.
struct NeighborMethod {
  enum class Kind {
    // Items that the same users interacted with.
    kItemItem,
    // The weights of a linear model that predicts each item from others (EASE):
    // see ease.h.
    kEase,
    // Items that are close to one another in histories.
    kCovisit,
  };
  Kind kind = Kind::kItemItem;
  // kItemItem.
  ItemWeighting weighting = ItemWeighting::kTfidf;
  // kEase: of the regression.
  double ridge = 100;
  // kCovisit: the weight of a pair in the row of its later item, for the
  // earlier one. In the row of the earlier item, for the later one, it is 1.
  double backward = 0.5;
  // The retriever's decay: see v1::RetrieverSpec.
  double decay = 0;
};

// The name of such a table, and of its retriever: item_item, ease, covisit.
std::string_view NeighborName(NeighborMethod::Kind kind);

// The name of the method's one setting and its value, as NeighborTable.chosen
// has them: {"ridge", "300"}.
std::pair<std::string, std::string> DescribeMethod(
    const NeighborMethod& method);

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

// The newest items of a history that are compared with one another. Bounds the
// work per user.
inline constexpr size_t kMaxComparedItems = 1000;

// The input of every list. Equal data give equal lists for any `threads`.
struct NeighborInput {
  NeighborInput(const DataSet& data, const v1::BuildConfig& config);

  Histories histories;
  ItemOccurrences occurrences;
  v1::Neighbors settings;
  v1::Covisit covisit;
  uint32_t threads;
};

// The newest items of a history whose lists a retriever joins.
inline constexpr uint32_t kNeighborHistory = 200;

// Makes the lists by this method: of each item the settings.width neighbours
// whose scores are largest by magnitude. Items without interactions have no
// neighbours and are nobody's.
NeighborLists MakeNeighborLists(const NeighborInput& input,
                                const NeighborMethod& method);
// The same for kEase, from counts that exist already.
NeighborLists MakeEaseLists(const NeighborInput& input, const Ease& ease,
                            double ridge);

}  // namespace tributary

#endif  // TRIBUTARY_INDEX_TRAIN_NEIGHBORS_NEIGHBOR_LISTS_H_
