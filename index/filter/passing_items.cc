#include "index/filter/passing_items.h"

namespace tributary {

PassingItems::~PassingItems() {
  const Made* made = made_.load(std::memory_order_acquire);
  while (made != nullptr) delete std::exchange(made, made->next);
}

const PassingItems::Made* PassingItems::Find(const VectorIndex& index) const {
  const Made* made = made_.load(std::memory_order_acquire);
  while (made != nullptr && made->index != &index) made = made->next;
  return made;
}

const AllowedVectors& PassingItems::For(const VectorIndex& index) const {
  if (const Made* made = Find(index)) return *made->allowed;
  const MutexLock lock(&mutex_);
  if (const Made* made = Find(index)) return *made->allowed;
  auto* made = new Made{&index, index.Allow(rows_),
                        made_.load(std::memory_order_relaxed)};
  bytes_.fetch_add(made->allowed->size_bytes(), std::memory_order_relaxed);
  made_.store(made, std::memory_order_release);
  return *made->allowed;
}

}  // namespace tributary
