#ifndef TRIBUTARY_INDEX_SEARCH_FAISS_SEARCHER_H_
#define TRIBUTARY_INDEX_SEARCH_FAISS_SEARCHER_H_

#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "index/bundle/row.h"
#include "index/search/allowed_vectors.h"

namespace faiss {
struct Index;
}  // namespace faiss

namespace tributary {

// An FAISS index (1.7.3) of a type that CheckFaissFile accepts, searched on the
// calling thread, with exclusions. Its ids are positions. Exceptions of FAISS
// become INTERNAL unless stated otherwise. Const methods are thread-safe.
class FaissSearcher {
 public:
  // The parameter that trades time for recall: how many lists an IVF probes, or
  // how many candidates an HNSW graph search keeps.
  enum class Knob { kNone, kNprobe, kEfSearch };

  // Reads the whole file into memory. FAISS could map the lists of an IVF
  // instead, but its mapped lists take a process-wide mutex and start threads
  // in every search. Errors, which name the file: CheckFaissFile's, before
  // FAISS sees it; DATA_LOSS when FAISS cannot read it; RESOURCE_EXHAUSTED when
  // memory does not suffice, which is no fault of the file; those of
  // MappedFile::Open.
  static absl::StatusOr<FaissSearcher> Read(const std::filesystem::path& file);
  // Trains an inner product index that faiss::index_factory makes of `factory`
  // and adds the vectors, [*, dim]. The same input gives the same bytes.
  // INVALID_ARGUMENT when FAISS refuses `factory`.
  static absl::StatusOr<FaissSearcher> Train(const std::string& factory,
                                             std::span<const float> values,
                                             uint32_t dim);

  FaissSearcher(FaissSearcher&&) noexcept;
  FaissSearcher& operator=(FaissSearcher&&) noexcept;
  ~FaissSearcher();

  absl::Status Write(const std::filesystem::path& file) const;

  uint32_t dim() const;
  uint64_t size() const;
  bool is_inner_product() const;
  Knob knob() const { return knob_; }
  // The highest useful value of the knob, at which search is as good as the
  // index allows; 0 without a knob.
  uint32_t max_effort() const;

  // Sets the knob to `effort`, clamped to 1 to max_effort(); 0 keeps the value
  // in the file. Not thread-safe.
  void set_effort(uint32_t effort);

  // Roughly the share, 0 to 1, of the vectors that a search for n scores.
  double scanned_share(uint32_t n) const;

  // Replaces *hits with about the n best positions (in ScoredRow::row), best
  // first. `excluded` positions are ascending; they do not shorten the result.
  // An IVF of a kind that takes no search parameters returns what its probed
  // lists hold, which can be fewer than n; others probe more lists. No score is
  // NaN. If `allowed` is given, only those of its positions that are not
  // excluded are returned, and effort grows as fewer are allowed; REQUIRES:
  // takes_filter(). `effort_share`, above 0 to 1, multiplies the knob's value.
  absl::Status Search(std::span<const float> query, uint32_t n,
                      std::span<const uint32_t> excluded,
                      const AllowedVectors* allowed,
                      std::vector<ScoredRow>* hits,
                      float effort_share = 1) const;
  // Whether FAISS can be told which vectors this index may return.
  bool takes_filter() const { return takes_ != Takes::kNothing; }

 private:
  // Which SearchParameters the index accepts.
  enum class Takes { kNothing, kSelector, kIvf, kHnsw };

  explicit FaissSearcher(std::unique_ptr<faiss::Index> index);
  void SearchOnce(std::span<const float> query, uint32_t n, uint32_t effort,
                  std::span<const uint32_t> excluded,
                  const AllowedVectors* allowed,
                  std::vector<ScoredRow>* hits) const;

  std::unique_ptr<faiss::Index> index_;
  // The index inside index_ and its wrappers, which has the knob.
  faiss::Index* core_;
  Takes takes_ = Takes::kNothing;
  Knob knob_ = Knob::kNone;
  uint32_t effort_ = 0;
};

}  // namespace tributary

#endif  // TRIBUTARY_INDEX_SEARCH_FAISS_SEARCHER_H_
