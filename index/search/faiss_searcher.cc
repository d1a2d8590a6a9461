#include "index/search/faiss_searcher.h"

#include <faiss/IndexFlat.h>
#include <faiss/IndexHNSW.h>
#include <faiss/IndexIDMap.h>
#include <faiss/IndexIVF.h>
#include <faiss/IndexIVFFastScan.h>
#include <faiss/IndexIVFPQ.h>
#include <faiss/IndexPQ.h>
#include <faiss/IndexPreTransform.h>
#include <faiss/IndexRefine.h>
#include <faiss/IndexScalarQuantizer.h>
#include <faiss/impl/IDSelector.h>
#include <faiss/impl/io.h>
#include <faiss/index_factory.h>
#include <faiss/index_io.h>
#include <omp.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <exception>
#include <new>
#include <numeric>
#include <utility>

#include "fmt/core.h"
#include "index/bundle/mapped_file.h"
#include "index/search/faiss_file.h"
#include "index/search/row_marks.h"
#include "status/status_macros.h"

namespace tributary {
namespace {

// FAISS parallelises with OpenMP. A server runs one search per thread of its
// own and wants no others. OpenMP's setting is per calling thread.
void UseOneThread() {
  thread_local const bool done = (omp_set_num_threads(1), true);
  static_cast<void>(done);
}

// Tells FAISS which positions a search may return.
class PassingSelector : public faiss::IDSelector {
 public:
  PassingSelector(uint64_t size, std::span<const uint32_t> excluded,
                  const AllowedVectors* allowed)
      : size_(size), allowed_(allowed), marks_(size) {
    for (const uint32_t position : excluded) marks_.Mark(position);
  }

  // False for an id that no vector has.
  bool is_member(idx_t id) const override {
    const Row position = static_cast<Row>(id);
    return static_cast<uint64_t>(id) < size_ && !marks_.IsMarked(position) &&
           (allowed_ == nullptr || allowed_->positions.Has(position));
  }

 private:
  const uint64_t size_;
  const AllowedVectors* const allowed_;
  RowMarks marks_;
};

// Reads from memory.
class BytesReader : public faiss::IOReader {
 public:
  explicit BytesReader(std::span<const std::byte> bytes) : left_(bytes) {}

  size_t operator()(void* to, size_t size, size_t count) override {
    if (size == 0 || count == 0) return count;
    const size_t taken = std::min(count, left_.size() / size);
    std::memcpy(to, left_.data(), taken * size);
    left_ = left_.subspan(taken * size);
    return taken;
  }

 private:
  std::span<const std::byte> left_;
};

// The parameters of one search. An index insists on one of these types.
struct Parameters {
  faiss::SearchParameters plain;
  faiss::SearchParametersIVF ivf;
  faiss::SearchParametersHNSW hnsw;
};

// Polysemous codes take most of the time of training a product quantiser, for a
// kind of search that is not used here.
void SkipPolysemousTraining(faiss::Index* core) {
  if (auto* pq = dynamic_cast<faiss::IndexPQ*>(core)) {
    pq->do_polysemous_training = false;
  } else if (auto* ivf_pq = dynamic_cast<faiss::IndexIVFPQ*>(core)) {
    ivf_pq->do_polysemous_training = false;
  }
}

// Adds the vectors, whose ids are their positions.
void AddAll(int64_t n, const float* values, faiss::Index* index) {
  if (dynamic_cast<faiss::IndexIDMap*>(index) == nullptr) {
    index->add(n, values);
    return;
  }
  // It wants to be told.
  std::vector<faiss::Index::idx_t> ids(n);
  std::iota(ids.begin(), ids.end(), 0);
  index->add_with_ids(n, values, ids.data());
}

// FAISS's messages begin with a source location; the reason follows the last
// "Error: ".
std::string Reason(const std::exception& error) {
  const std::string text = error.what();
  const size_t at = text.rfind("Error: ");
  return at == std::string::npos ? text : text.substr(at);
}

// The index inside transforms and refinement, which have no knob of their own.
faiss::Index* CoreOf(faiss::Index* index) {
  if (auto* wrapper = dynamic_cast<faiss::IndexPreTransform*>(index)) {
    return CoreOf(wrapper->index);
  }
  if (auto* wrapper = dynamic_cast<faiss::IndexRefine*>(index)) {
    return CoreOf(wrapper->base_index);
  }
  return index;
}

}  // namespace

FaissSearcher::FaissSearcher(std::unique_ptr<faiss::Index> index)
    : index_(std::move(index)), core_(CoreOf(index_.get())) {
  if (dynamic_cast<faiss::IndexIVF*>(core_) != nullptr) {
    knob_ = Knob::kNprobe;
    takes_ = Takes::kIvf;
  } else if (dynamic_cast<faiss::IndexHNSW*>(core_) != nullptr) {
    knob_ = Knob::kEfSearch;
    takes_ = Takes::kHnsw;
  } else if (dynamic_cast<faiss::IndexFlat*>(core_) != nullptr ||
             dynamic_cast<faiss::IndexScalarQuantizer*>(core_) != nullptr) {
    takes_ = Takes::kSelector;
  }
  // In FAISS 1.7.3 the fast-scan kinds throw when they get parameters. So does
  // refinement, whatever it wraps, and so do all kinds not named above (PQ,
  // additive quantisers, NSG, LSH). A transform passes them on.
  const faiss::Index* below = index_.get();
  while (const auto* transform =
             dynamic_cast<const faiss::IndexPreTransform*>(below)) {
    below = transform->index;
  }
  if (below != core_ ||
      dynamic_cast<faiss::IndexIVFFastScan*>(core_) != nullptr) {
    takes_ = Takes::kNothing;
  }
  set_effort(0);
}

FaissSearcher::FaissSearcher(FaissSearcher&&) noexcept = default;
FaissSearcher& FaissSearcher::operator=(FaissSearcher&&) noexcept = default;
FaissSearcher::~FaissSearcher() = default;

absl::StatusOr<FaissSearcher> FaissSearcher::Read(
    const std::filesystem::path& file) {
  UseOneThread();
  const std::string name = file.filename().string();
  ASSIGN_OR_RETURN(const MappedFile mapped, MappedFile::Open(file));
  RETURN_IF_ERROR(CheckFaissFile(mapped.bytes(), name));
  try {
    BytesReader reader(mapped.bytes());
    reader.name = name;
    // The tables would be for L2, which is not searched by.
    return FaissSearcher(std::unique_ptr<faiss::Index>(
        faiss::read_index(&reader, faiss::IO_FLAG_SKIP_PRECOMPUTE_TABLE)));
  } catch (const std::bad_alloc&) {
    // The sizes are those of the file: it is not the file's fault.
    return absl::ResourceExhaustedError(fmt::format(
        "{}: there is not enough memory to read its {} bytes; give this "
        "process more",
        name, mapped.bytes().size()));
  } catch (const std::exception& error) {
    return absl::DataLossError(
        fmt::format("{}: FAISS cannot read it: {}", name, Reason(error)));
  }
}

absl::StatusOr<FaissSearcher> FaissSearcher::Train(
    const std::string& factory, std::span<const float> values, uint32_t dim) {
  UseOneThread();
  try {
    FaissSearcher searcher(std::unique_ptr<faiss::Index>(faiss::index_factory(
        static_cast<int>(dim), factory.c_str(), faiss::METRIC_INNER_PRODUCT)));
    SkipPolysemousTraining(searcher.core_);
    const auto n = static_cast<int64_t>(values.size() / dim);
    searcher.index_->train(n, values.data());
    AddAll(n, values.data(), searcher.index_.get());
    return searcher;
  } catch (const std::exception& error) {
    return absl::InvalidArgumentError(
        fmt::format("factory \"{}\" for {} vectors of dim {}: {}", factory,
                    values.size() / dim, dim, Reason(error)));
  }
}

absl::Status FaissSearcher::Write(const std::filesystem::path& file) const {
  try {
    faiss::write_index(index_.get(), file.c_str());
    return absl::OkStatus();
  } catch (const std::exception& error) {
    return absl::InternalError(fmt::format("{}: FAISS cannot write it: {}",
                                           file.filename().string(),
                                           Reason(error)));
  }
}

uint32_t FaissSearcher::dim() const { return static_cast<uint32_t>(index_->d); }

uint64_t FaissSearcher::size() const {
  return static_cast<uint64_t>(index_->ntotal);
}

bool FaissSearcher::is_inner_product() const {
  return index_->metric_type == faiss::METRIC_INNER_PRODUCT;
}

uint32_t FaissSearcher::max_effort() const {
  if (knob_ == Knob::kEfSearch) return static_cast<uint32_t>(size());
  const auto* ivf = dynamic_cast<const faiss::IndexIVF*>(core_);
  return ivf == nullptr ? 0 : static_cast<uint32_t>(ivf->nlist);
}

void FaissSearcher::set_effort(uint32_t effort) {
  auto* ivf = dynamic_cast<faiss::IndexIVF*>(core_);
  auto* hnsw = dynamic_cast<faiss::IndexHNSW*>(core_);
  if (effort == 0 && ivf != nullptr) effort = ivf->nprobe;
  if (effort == 0 && hnsw != nullptr) effort = hnsw->hnsw.efSearch;
  effort_ = std::clamp(effort, 1u, std::max(1u, max_effort()));
  // For kinds that take no search parameters. Nobody searches yet.
  if (ivf != nullptr) ivf->nprobe = effort_;
  if (hnsw != nullptr) hnsw->hnsw.efSearch = static_cast<int>(effort_);
}

double FaissSearcher::scanned_share(uint32_t n) const {
  const double size = std::max<double>(1, static_cast<double>(this->size()));
  // A graph search computes some ten distances for each candidate it keeps.
  if (knob_ == Knob::kEfSearch) {
    return std::min(1.0, 10.0 * std::max(n, effort_) / size);
  }
  const uint32_t lists = max_effort();
  return lists == 0 ? 1.0 : std::min(1.0, 1.0 * effort_ / lists);
}

absl::Status FaissSearcher::Search(std::span<const float> query, uint32_t n,
                                   std::span<const uint32_t> excluded,
                                   const AllowedVectors* allowed,
                                   std::vector<ScoredRow>* hits,
                                   float effort_share) const {
  UseOneThread();
  const uint64_t available =
      allowed == nullptr ? size() - excluded.size() : allowed->count;
  n = static_cast<uint32_t>(std::min<uint64_t>(n, available));
  hits->clear();
  if (n == 0) return absl::OkStatus();
  try {
    double wanted = effort_ * effort_share;
    // Of what is found with some effort, this share passes.
    if (allowed != nullptr) {
      wanted *= static_cast<double>(size()) / static_cast<double>(available);
    }
    uint32_t effort = static_cast<uint32_t>(
        std::clamp<double>(wanted, 1, std::max(1U, max_effort())));
    SearchOnce(query, n, effort, excluded, allowed, hits);
    // The probed lists held fewer than n: probe more.
    while (hits->size() < n && takes_ == Takes::kIvf && effort < max_effort()) {
      effort = std::min(2 * effort, max_effort());
      SearchOnce(query, n, effort, excluded, allowed, hits);
    }
  } catch (const std::exception& error) {
    return absl::InternalError(fmt::format("FAISS: {}", Reason(error)));
  }
  for (const ScoredRow& hit : *hits) {
    if (hit.row < size()) continue;
    return absl::InternalError(
        fmt::format("FAISS returned id {} of {}", hit.row, size()));
  }
  return absl::OkStatus();
}

void FaissSearcher::SearchOnce(std::span<const float> query, uint32_t n,
                               uint32_t effort,
                               std::span<const uint32_t> excluded,
                               const AllowedVectors* allowed,
                               std::vector<ScoredRow>* hits) const {
  thread_local std::vector<float> scores;
  thread_local std::vector<faiss::Index::idx_t> ids;
  // Kinds that take no selector are asked for more, as excluded ones are
  // dropped from the result.
  const size_t asked =
      takes_ == Takes::kNothing ? size_t{n} + excluded.size() : n;
  scores.resize(asked);
  ids.resize(asked);

  const bool selects = !excluded.empty() || allowed != nullptr;
  PassingSelector selector(size(), excluded, allowed);
  Parameters parameters;
  const faiss::SearchParameters* chosen = nullptr;
  if (takes_ == Takes::kSelector) {
    parameters.plain.sel = selects ? &selector : nullptr;
    chosen = &parameters.plain;
  } else if (takes_ == Takes::kIvf) {
    parameters.ivf.sel = selects ? &selector : nullptr;
    parameters.ivf.nprobe = effort;
    chosen = &parameters.ivf;
  } else if (takes_ == Takes::kHnsw) {
    parameters.hnsw.sel = selects ? &selector : nullptr;
    // HNSW visits excluded nodes too, and they count towards efSearch.
    parameters.hnsw.efSearch =
        static_cast<int>(std::max(n, effort) + excluded.size());
    chosen = &parameters.hnsw;
  }
  index_->search(1, query.data(), static_cast<int64_t>(asked), scores.data(),
                 ids.data(), chosen);

  hits->clear();
  for (size_t i = 0; i < asked; ++i) {
    // FAISS pads a short result with -1.
    if (ids[i] < 0) continue;
    const bool known = static_cast<uint64_t>(ids[i]) < size();
    if (known && !selector.is_member(ids[i])) continue;
    // Sums that overflowed may be NaN, which has no place in an order.
    if (std::isnan(scores[i])) continue;
    // Search turns an unknown id into an error.
    hits->push_back({known ? static_cast<Row>(ids[i]) : kNoRow, scores[i]});
  }
  // FAISS does not order ties.
  std::sort(hits->begin(), hits->end(), Better);
  if (hits->size() > n) hits->resize(n);
}

}  // namespace tributary
