#include "index/filter/passing_items.h"

namespace tributary {

PassingItems::~PassingItems() {
  const Made* made = made_.load(std::memory_order_acquire);
  while (made != nullptr) delete std::exchange(made, made->next);
}

uint64_t PassingItems::NextSerial() {
  static std::atomic<uint64_t> last{0};
  return ++last;
}

const PassingItems::Made* PassingItems::Find(const void* of,
                                             size_t length) const {
  const Made* made = made_.load(std::memory_order_acquire);
  while (made != nullptr && (made->of != of || made->length != length)) {
    made = made->next;
  }
  return made;
}

template <typename Make>
const PassingItems::Made& PassingItems::FindOrAdd(const void* of, size_t length,
                                                  const Make& make) const {
  if (const Made* made = Find(of, length)) return *made;
  const MutexLock lock(&mutex_);
  if (const Made* made = Find(of, length)) return *made;
  auto* made =
      new Made{of, length, nullptr, {}, made_.load(std::memory_order_relaxed)};
  make(made);
  made_.store(made, std::memory_order_release);
  return *made;
}

uint64_t PassingItems::size_bytes() const {
  uint64_t bytes = sizeof(*this) + rows_.words().size_bytes();
  for (const Made* made = made_.load(std::memory_order_acquire);
       made != nullptr; made = made->next) {
    bytes += sizeof(Made) + made->places.capacity() * sizeof(uint32_t);
    if (made->allowed != nullptr) bytes += made->allowed->size_bytes();
  }
  return bytes;
}

const AllowedVectors& PassingItems::For(const VectorIndex& index) const {
  return *FindOrAdd(&index, 0, [&](Made* made) {
            made->allowed = index.Allow(rows_);
          }).allowed;
}

std::span<const uint32_t> PassingItems::PlacesIn(
    std::span<const Row> list) const {
  return FindOrAdd(list.data(), list.size(),
                   [&](Made* made) {
                     for (size_t i = 0; i < list.size(); ++i) {
                       // A file that was not verified may name items that do
                       // not exist.
                       if (list[i] < rows_.size() && rows_.Has(list[i])) {
                         made->places.push_back(static_cast<uint32_t>(i));
                       }
                     }
                   })
      .places;
}

}  // namespace tributary
