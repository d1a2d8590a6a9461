#include "server/gate/reach.h"

#include <algorithm>
#include <cstdint>
#include <vector>

#include "server/retrieval/retriever.h"

namespace tributary {
namespace {

class Reached {
 public:
  explicit Reached(uint64_t items) : marks_(items), left_(items) {}

  void Mark(Row item) {
    if (marks_[item]) return;
    marks_[item] = true;
    --left_;
  }
  void MarkAll() {
    std::fill(marks_.begin(), marks_.end(), true);
    left_ = 0;
  }
  // Not reached.
  uint64_t left() const { return left_; }

 private:
  std::vector<bool> marks_;
  uint64_t left_;
};

void MarkVectors(const EmbeddingSpace& space, uint64_t items,
                 Reached* reached) {
  if (space.items.size() == items) return reached->MarkAll();
  for (uint64_t i = 0; i < space.items.size(); ++i) {
    reached->Mark(space.items.row(i));
  }
}

bool Reads(const v1::RetrieverSpec& spec, const v1::PopularityList& list) {
  if (spec.kind() == "category_popularity") return list.category() != 0;
  if (spec.by_segment() && list.segment() != 0) return true;
  for (const std::string& name : spec.lists()) {
    if (name == list.name()) return true;
  }
  return false;
}

void MarkLists(const Bundle& bundle, const v1::RetrieverSpec& spec,
               Reached* reached) {
  for (const PopularityList& list : bundle.popularity()) {
    if (!Reads(spec, list.spec())) continue;
    for (const Row item : list.rows()) reached->Mark(item);
  }
}

void MarkNeighbors(const Bundle& bundle, const NeighborTable& table,
                   Reached* reached) {
  for (Row item = 0; item < bundle.items().size(); ++item) {
    if (reached->left() == 0) return;
    for (const Row neighbor : table.Neighbors(item)) reached->Mark(neighbor);
  }
}

}  // namespace

double UnreachableShare(const Bundle& bundle) {
  const uint64_t items = bundle.items().size();
  if (items == 0) return 0;
  Reached reached(items);
  const RetrieverRegistry registry = RetrieverRegistry::BuiltIn();
  const auto& specs = bundle.manifest().retrievers();
  for (const v1::RetrieverSpec& spec : specs) {
    if (!registry.Knows(spec.kind())) return 0;
    const EmbeddingSpace* space = bundle.FindSpace(spec.space());
    if (spec.kind() == "vector" && space != nullptr) {
      MarkVectors(*space, items, &reached);
    } else if (spec.kind() != "neighbors") {
      MarkLists(bundle, spec, &reached);
    }
  }
  // Last, because they are long.
  for (const v1::RetrieverSpec& spec : specs) {
    const NeighborTable* table = bundle.FindNeighbors(spec.table());
    if (spec.kind() == "neighbors" && table != nullptr) {
      MarkNeighbors(bundle, *table, &reached);
    }
  }
  return static_cast<double>(reached.left()) / static_cast<double>(items);
}

}  // namespace tributary
