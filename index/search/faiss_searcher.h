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

namespace faiss {
struct Index;
}  // namespace faiss

namespace tributary {

// Any FAISS index (1.7.3), searched by one thread with exclusions. Its ids are
// positions. What FAISS throws becomes INTERNAL. Const methods are thread-safe.
class FaissSearcher {
 public:
  // What trades time for recall: how many lists are probed, or how wide the
  // graph is searched.
  enum class Knob { kNone, kNprobe, kEfSearch };

  // Reads the whole file into memory. FAISS could map the lists of an IVF
  // instead, but its mapped lists take a process-wide mutex and start threads
  // in every search. DATA_LOSS, naming the file, for what FAISS cannot read.
  // FAISS trusts sizes in the file: verify hashes before.
  static absl::StatusOr<FaissSearcher> Read(const std::filesystem::path& file);
  // Trains an index of faiss::index_factory's language for inner product and
  // adds the vectors. Same input, same bytes. INVALID_ARGUMENT when FAISS
  // refuses `factory`.
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
  // Turned fully up the search is as good as the kind can be.
  uint32_t max_effort() const;

  // How far the knob is turned, 0 for as the file has it. Not thread-safe.
  void set_effort(uint32_t effort);

  // The share of the vectors that a search looks at, roughly.
  double scanned_share(uint32_t n) const;

  // Replaces *hits with about the n best positions (in ScoredRow::row), best
  // first. `excluded` positions are ascending and cost no result. Kinds of IVF
  // that refuse parameters return what the lists they probe hold, which can be
  // fewer than n; others probe on.
  absl::Status Search(std::span<const float> query, uint32_t n,
                      std::span<const uint32_t> excluded,
                      std::vector<ScoredRow>* hits) const;

 private:
  // Which parameters the index takes with a search.
  enum class Takes { kNothing, kSelector, kIvf, kHnsw };

  explicit FaissSearcher(std::unique_ptr<faiss::Index> index);
  void SearchOnce(std::span<const float> query, uint32_t n, uint32_t effort,
                  std::span<const uint32_t> excluded,
                  std::vector<ScoredRow>* hits) const;

  std::unique_ptr<faiss::Index> index_;
  // Inside index_, below wrappers; it has the knob.
  faiss::Index* core_;
  Takes takes_ = Takes::kNothing;
  Knob knob_ = Knob::kNone;
  uint32_t effort_ = 0;
};

}  // namespace tributary

#endif  // TRIBUTARY_INDEX_SEARCH_FAISS_SEARCHER_H_
