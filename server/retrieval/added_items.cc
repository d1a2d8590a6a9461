#include "server/retrieval/added_items.h"

#include <algorithm>
#include <bit>
#include <limits>
#include <utility>

#include "index/search/dot_kernel.h"
#include "status/status_macros.h"

namespace tributary {
namespace {

// Of a search by codes: how many results are asked for first at least, and how
// many times as many if these were too few.
constexpr uint32_t kFewestAsked = 32;
constexpr uint32_t kAskedMore = 3;
// Fewer items are not worth codes, nor is a smaller share of them without.
constexpr uint32_t kFewestCodes = 4096;
constexpr uint32_t kUncodedShare = 16;
// Of a chunk, at most one in so many is scored by itself; otherwise all are.
constexpr uint32_t kRowsPerFew = 8;

uint64_t NextStoreSerial() {
  static std::atomic<uint64_t> last{0};
  return last.fetch_add(1, std::memory_order_relaxed) + 1;
}

void Grow(uint64_t size, RowSet* set) {
  RowSet grown(size);
  std::ranges::copy(set->words(), grown.mutable_words().begin());
  *set = std::move(grown);
}

// Keeps the n best of *hits, and returns the score of the worst of them.
float KeepBest(uint32_t n, std::vector<ScoredRow>* hits) {
  std::nth_element(hits->begin(), hits->begin() + (n - 1), hits->end(), Better);
  hits->resize(n);
  return hits->back().score;
}

}  // namespace

AddedItems::Chunk::Chunk(size_t n_attributes, std::span<const uint32_t> dims)
    : keys(kChunkRows),
      ids(kChunkRows),
      changes(kChunkRows),
      values(kChunkRows),
      codes(kChunkRows),
      stand_ins(new std::atomic<Row>[kChunkRows]) {
  for (uint32_t i = 0; i < kChunkRows; ++i) stand_ins[i] = kNoRow;
  for (std::vector<std::vector<uint32_t>>& of_row : codes) {
    of_row.reserve(n_attributes);
  }
  for (const uint32_t dim : dims) {
    // Not initialised: zeros would take the memory.
    vectors.emplace_back(new float[size_t{kChunkRows} * dim]);
  }
}

uint64_t AddedItems::serial() const { return store_->serial; }

Row AddedItems::Find(std::string_view key) const {
  Row row = kNoRow;
  {
    const MutexLock lock(&store_->mutex);
    const auto found =
        store_->rows.find(absl::string_view(key.data(), key.size()));
    if (found == store_->rows.end()) return kNoRow;
    row = found->second;
    // One that came after this moment.
    while (row != kNoRow && !Has(row)) {
      row = store_->befores[row - first_];
    }
  }
  return row;
}

void AddedItems::SetStandIn(Row row, Row stand_in) const {
  {
    const MutexLock lock(&store_->mutex);
    store_->of_stand_in[stand_in].push_back(row);
  }
  store_->stands_in[stand_in / 64].fetch_or(uint64_t{1} << (stand_in % 64),
                                            std::memory_order_release);
  ChunkOf(row).stand_ins[In(row)].store(stand_in, std::memory_order_relaxed);
}

void AddedItems::AddStandIns(std::span<const uint64_t> allowed,
                             std::vector<ScoredRow>* proposals) const {
  const size_t count = proposals->size();
  for (size_t i = 0; i < count; ++i) {
    const ScoredRow proposal = (*proposals)[i];
    const uint64_t word =
        store_->stands_in[proposal.row / 64].load(std::memory_order_acquire);
    if ((word >> (proposal.row % 64) & 1) == 0) continue;
    const MutexLock lock(&store_->mutex);
    const auto found = store_->of_stand_in.find(proposal.row);
    if (found == store_->of_stand_in.end()) continue;
    size_t added = 0;
    for (auto row = found->second.rbegin();
         row != found->second.rend() && added < kMostOfOneStandIn; ++row) {
      const Row at = *row - first_;
      // Later ones are of moments to come.
      if (at >= size_ || (allowed[at / 64] >> (at % 64) & 1) == 0) continue;
      proposals->push_back({*row, proposal.score});
      ++added;
    }
  }
}

std::span<const float> AddedItems::Vector(size_t space, Row row) const {
  if (!spaces_[space].has.Has(row - first_)) return {};
  const size_t dim = store_->dims[space];
  return {ChunkOf(row).vectors[space].get() + In(row) * dim, dim};
}

absl::Status AddedItems::Search(size_t space, std::span<const float> query,
                                uint32_t n, std::span<const uint64_t> allowed,
                                float floor, bool exact,
                                const SearchTerms& terms,
                                std::vector<ScoredRow>* hits) const {
  hits->clear();
  if (n == 0) return absl::OkStatus();
  size_t begin = 0;
  if (const auto& codes = spaces_[space].codes; codes != nullptr && !exact) {
    // Only results above the floor are of use, and few of all items are added
    // ones: asking for n of these would be waste.
    for (uint32_t asked = FirstAsked(space, n, floor);;
         asked = static_cast<uint32_t>(
             std::min<uint64_t>(n, uint64_t{kAskedMore} * asked))) {
      ASSIGN_OR_RETURN(const bool searched,
                       codes->Search(query, asked, allowed, terms, hits));
      if (searched) begin = codes->through() / kChunkRows;
      if (!searched || asked == n || hits->size() < asked ||
          hits->back().score < floor) {
        break;
      }
    }
    for (ScoredRow& hit : *hits) hit.row += first_;
  }
  RETURN_IF_ERROR(Scan(space, begin, query, n, allowed, floor, terms, hits));
  if (hits->size() > n) KeepBest(n, hits);
  std::sort(hits->begin(), hits->end(), Better);
  return absl::OkStatus();
}

uint32_t AddedItems::FirstAsked(size_t space, uint32_t n, float floor) const {
  if (floor == -std::numeric_limits<float>::infinity()) return n;
  const uint64_t added = spaces_[space].n_live;
  // As many as are expected among the best n, several times.
  const uint64_t expected = n * added / (first_ + added + 1);
  return static_cast<uint32_t>(std::min<uint64_t>(
      n, std::max<uint64_t>(kFewestAsked, kAskedMore * expected)));
}

bool AddedItems::WantsCodes() const {
  for (size_t s = 0; s < spaces_.size(); ++s) {
    if (spaces_[s].n_live < kFewestCodes) continue;
    const uint32_t uncoded = size_ - CodedThrough(s);
    if (uncoded >= std::max(kFewestCodes, size_ / kUncodedShare)) return true;
  }
  return false;
}

std::shared_ptr<const AddedItems> AddedItems::WithCodes(
    const AddedItems& items) {
  std::shared_ptr<AddedItems> coded(new AddedItems(items));
  const uint32_t through = items.size_ / kChunkRows * kChunkRows;
  for (size_t s = 0; s < coded->spaces_.size(); ++s) {
    Space& space = coded->spaces_[s];
    if (space.n_live < kFewestCodes) continue;
    std::vector<float> values;
    std::vector<uint32_t> places;
    for (uint32_t place = 0; place < through; ++place) {
      // Also of what is taken down, which may be restored.
      const std::span<const float> vector =
          items.Vector(s, items.first_ + place);
      if (vector.empty()) continue;
      values.insert(values.end(), vector.begin(), vector.end());
      places.push_back(place);
    }
    auto codes = AddedCodes::Make(std::move(values), items.store_->dims[s],
                                  std::move(places), through);
    // Without codes the items are scored one by one.
    if (codes.ok()) space.codes = *std::move(codes);
  }
  return coded;
}

absl::Status AddedItems::Scan(size_t space, size_t begin,
                              std::span<const float> query, uint32_t n,
                              std::span<const uint64_t> allowed, float floor,
                              const SearchTerms& terms,
                              std::vector<ScoredRow>* hits) const {
  const size_t most = size_t{2} * n + kChunkRows;
  const std::span<const uint64_t> live = spaces_[space].live.words();
  constexpr size_t kWords = kChunkRows / 64;
  std::array<uint32_t, kChunkRows> places;
  std::array<float, kChunkRows> scores;
  for (size_t c = begin; c < chunks_.size(); ++c) {
    if (terms.Over()) {
      return absl::DeadlineExceededError("the search took too long");
    }
    const size_t end = std::min(live.size(), (c + 1) * kWords);
    uint32_t wanted = 0;
    for (size_t w = c * kWords; w < end; ++w) {
      for (uint64_t bits = live[w] & allowed[w]; bits != 0; bits &= bits - 1) {
        places[wanted++] = static_cast<uint32_t>((w - c * kWords) * 64) +
                           static_cast<uint32_t>(std::countr_zero(bits));
      }
    }
    if (wanted == 0) continue;
    const float* const vectors = chunks_[c]->vectors[space].get();
    const bool few = wanted < kChunkRows / kRowsPerFew;
    const std::span<const uint32_t> of_chunk = std::span(places).first(wanted);
    if (few) {
      DotProductsAt(query, vectors, of_chunk, scores.data());
    } else {
      DotProducts(query, vectors, size_t{of_chunk.back()} + 1, scores.data());
    }
    const Row base = first_ + static_cast<Row>(c * kChunkRows);
    for (uint32_t i = 0; i < wanted; ++i) {
      const float score = few ? scores[i] : scores[places[i]];
      // False for NaN.
      if (score > floor) hits->push_back({base + places[i], score});
    }
    if (hits->size() >= most) floor = std::max(floor, KeepBest(n, hits));
  }
  return absl::OkStatus();
}

AddedItems::Builder::Builder(const Bundle& bundle, const AddedItems* before)
    : bundle_(bundle), next_(new AddedItems()) {
  if (before != nullptr) {
    next_->first_ = before->first_;
    next_->size_ = before->size_;
    next_->store_ = before->store_;
    next_->chunks_ = before->chunks_;
    next_->live_ = before->live_;
    next_->n_live_ = before->n_live_;
    next_->popular_ = before->popular_;
    next_->spaces_ = before->spaces_;
    return;
  }
  next_->first_ = static_cast<Row>(bundle.items().size());
  next_->store_ = std::make_shared<Store>();
  Store& store = *next_->store_;
  store.serial = NextStoreSerial();
  for (const EmbeddingSpace& space : bundle.spaces()) {
    store.dims.push_back(space.spec->dim());
  }
  store.stands_in = std::make_unique<std::atomic<uint64_t>[]>(
      RowSet::Words(bundle.items().size()));
  store.new_codes.resize(bundle.attributes().size());
  next_->spaces_.resize(store.dims.size());
}

std::vector<std::vector<uint32_t>> AddedItems::Builder::CodesOf(
    std::span<const ItemValue> values) {
  std::vector<std::vector<uint32_t>> codes(values.size());
  for (size_t a = 0; a < values.size(); ++a) {
    const AttributeColumn& column = bundle_.attributes()[a];
    const ItemValue& value = values[a];
    auto& fresh = next_->store_->new_codes[a];
    // `known`: the code that the bundle has for it. The text names a new value.
    const auto add = [&](std::optional<uint32_t> known, std::string text) {
      if (known.has_value()) {
        codes[a].push_back(*known);
        return;
      }
      const auto code =
          column.values() + 1 + static_cast<uint32_t>(fresh.size());
      codes[a].push_back(
          fresh.try_emplace(std::move(text), code).first->second);
    };
    switch (column.type()) {
      case v1::TAGS:
      case v1::CATEGORY:
        for (const std::string& text : value.texts) {
          add(column.Find(std::string_view(text)), text);
        }
        break;
      case v1::BOOLEAN:
        if (value.exists) codes[a].push_back(value.integer == 1 ? 1 : 0);
        break;
      case v1::NUMBER:
        if (value.exists) {
          add(column.Find(value.number), AttributeValueText(value.number));
        }
        break;
      default:
        if (value.exists) {
          add(column.Find(value.integer), std::to_string(value.integer));
        }
        break;
    }
    if (codes[a].empty() && column.type() != v1::TAGS) {
      codes[a].push_back(column.values());
    }
  }
  return codes;
}

void AddedItems::Builder::Add(NewItem item, uint64_t change) {
  AddedItems& next = *next_;
  Store& store = *next.store_;
  const Row row = next.first_ + next.size_;
  if (next.size_ % kChunkRows == 0) {
    next.chunks_.push_back(
        std::make_shared<Chunk>(bundle_.attributes().size(), store.dims));
    const uint64_t rows = uint64_t{next.size_} + kChunkRows;
    Grow(rows, &next.live_);
    for (Space& space : next.spaces_) {
      Grow(rows, &space.live);
      Grow(rows, &space.has);
    }
  }
  ++next.size_;
  Chunk& chunk = *next.chunks_.back();
  const size_t at = next.In(row);
  item.values.resize(bundle_.attributes().size());
  chunk.codes[at] = CodesOf(item.values);
  chunk.values[at] = std::move(item.values);
  chunk.keys[at] = item.key;
  chunk.changes[at] = change;
  if (bundle_.items().kind() == v1::UINT64) {
    ParseDecimalKey(item.key, &chunk.ids[at]);
  }
  for (size_t s = 0; s < item.vectors.size(); ++s) {
    if (item.vectors[s].empty()) continue;
    std::ranges::copy(item.vectors[s],
                      chunk.vectors[s].get() + at * store.dims[s]);
    next.spaces_[s].has.Add(row - next.first_);
  }
  Row before = kNoRow;
  {
    const MutexLock lock(&store.mutex);
    const auto [found, is_new] =
        store.rows.try_emplace(std::move(item.key), row);
    if (!is_new) before = std::exchange(found->second, row);
    store.befores.push_back(before);
  }
  if (before != kNoRow) {
    SetLive(before, false);
    std::erase_if(next.popular_, [before](const ScoredRow& entry) {
      return entry.row == before;
    });
  }
  SetLive(row, true);
  if (!item.popularity.has_value()) return;
  const ScoredRow entry = {row, *item.popularity};
  next.popular_.insert(std::ranges::upper_bound(next.popular_, entry, Better),
                       entry);
  if (next.popular_.size() > kMostPopular) next.popular_.pop_back();
}

void AddedItems::Builder::SetLive(Row row, bool live) {
  const Row at = row - next_->first_;
  if (next_->live_.Has(at) == live) return;
  const auto set = [&](RowSet* rows, uint64_t* count) {
    if (live) {
      rows->Add(at);
      ++*count;
    } else {
      rows->Remove(at);
      --*count;
    }
  };
  set(&next_->live_, &next_->n_live_);
  for (Space& space : next_->spaces_) {
    if (space.has.Has(at)) set(&space.live, &space.n_live);
  }
}

void AddedItems::Builder::SetLive(std::string_view key, bool live) {
  const Row row = next_->Find(key);
  if (row != kNoRow) SetLive(row, live);
}

std::shared_ptr<const AddedItems> AddedItems::Builder::Finish() {
  return std::move(next_);
}

}  // namespace tributary
