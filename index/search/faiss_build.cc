#include "index/search/faiss_build.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "fmt/core.h"
#include "index/bundle/mapped_file.h"
#include "index/search/faiss_file.h"
#include "index/search/faiss_searcher.h"
#include "index/search/flat_scan.h"
#include "index/search/recall.h"
#include "status/status_macros.h"

namespace tributary {
namespace {

// FAISS warns when it trains on fewer vectors per list.
constexpr uint64_t kVectorsPerList = 39;

std::string DefaultFactory(uint64_t vectors) {
  const auto lists = static_cast<uint64_t>(
      std::lround(4 * std::sqrt(static_cast<double>(vectors))));
  return fmt::format(
      "IVF{},Flat",
      std::clamp<uint64_t>(lists, 1,
                           std::max<uint64_t>(1, vectors / kVectorsPerList)));
}

// The queries with their exact answers.
class RecallMeter {
 public:
  static absl::StatusOr<RecallMeter> Create(const FaissBuildInput& input) {
    RecallMeter meter(input);
    const StoredVectors vectors{input.values, input.dim};
    for (size_t i = 0; i < meter.answers_.size(); ++i) {
      RETURN_IF_ERROR(FlatScan(vectors, meter.Query(i), input.target_n, {},
                               SteadyTime::max(), &meter.answers_[i]));
    }
    return meter;
  }

  absl::StatusOr<double> Measure(const FaissSearcher& searcher) const {
    double sum = 0;
    std::vector<ScoredRow> hits;
    for (size_t i = 0; i < answers_.size(); ++i) {
      RETURN_IF_ERROR(
          searcher.Search(Query(i), input_.target_n, {}, nullptr, &hits));
      sum += Recall(answers_[i], hits);
    }
    return sum / static_cast<double>(answers_.size());
  }

 private:
  explicit RecallMeter(const FaissBuildInput& input)
      : input_(input), answers_(input.queries.size() / input.dim) {}
  std::span<const float> Query(size_t i) const {
    return input_.queries.subspan(i * input_.dim, input_.dim);
  }

  const FaissBuildInput& input_;
  std::vector<std::vector<ScoredRow>> answers_;
};

// Finds the lowest effort that meets the target: doubles the effort until it
// does, then bisects. Leaves it set in *searcher. Returns the recall there, or
// at the highest allowed effort if that does not meet the target.
absl::StatusOr<double> Tune(const RecallMeter& meter,
                            const FaissBuildInput& input,
                            FaissSearcher* searcher, uint32_t* effort) {
  const double target = input.target_recall;
  const uint32_t max_effort = std::max(
      1U,
      static_cast<uint32_t>(searcher->max_effort() * input.max_effort_share));
  double recall = 0;
  const auto measure = [&](uint32_t at) -> absl::StatusOr<double> {
    searcher->set_effort(at);
    return meter.Measure(*searcher);
  };
  uint32_t below = 0;
  uint32_t high = 1;
  while (true) {
    high = std::min(high, max_effort);
    ASSIGN_OR_RETURN(recall, measure(high));
    if (recall >= target || high == max_effort) break;
    below = high;
    high *= 2;
  }
  while (recall >= target && high - below > 1) {
    const uint32_t middle = below + (high - below) / 2;
    ASSIGN_OR_RETURN(const double at_middle, measure(middle));
    if (at_middle >= target) {
      high = middle;
      recall = at_middle;
    } else {
      below = middle;
    }
  }
  searcher->set_effort(high);
  *effort = high;
  return recall;
}

absl::Status CheckInput(const FaissBuildInput& input) {
  if (input.values.empty() || input.queries.empty() || input.target_n == 0) {
    return absl::InvalidArgumentError(
        fmt::format("an index needs vectors, queries and target_n to be built; "
                    "there are {} values, {} query values, target_n {}",
                    input.values.size(), input.queries.size(), input.target_n));
  }
  return absl::OkStatus();
}

// FAISS makes more types than servers read.
absl::Status CheckAccepted(const std::string& factory,
                           const std::filesystem::path& file) {
  ASSIGN_OR_RETURN(const MappedFile mapped, MappedFile::Open(file));
  const absl::Status status =
      CheckFaissFile(mapped.bytes(), file.filename().string());
  if (status.ok()) return status;
  return absl::InvalidArgumentError(fmt::format("factory \"{}\": {}", factory,
                                                std::string(status.message())));
}

}  // namespace

absl::StatusOr<v1::IndexSpec> BuildFaissIndex(
    const FaissBuildInput& input, const std::filesystem::path& file) {
  RETURN_IF_ERROR(CheckInput(input));
  const uint64_t vectors = input.values.size() / input.dim;
  v1::IndexSpec spec;
  spec.set_kind("faiss");
  spec.set_factory(input.factory.empty() ? DefaultFactory(vectors)
                                         : input.factory);
  ASSIGN_OR_RETURN(
      FaissSearcher searcher,
      FaissSearcher::Train(spec.factory(), input.values, input.dim));
  ASSIGN_OR_RETURN(const RecallMeter meter, RecallMeter::Create(input));
  double recall = 0;
  if (searcher.knob() == FaissSearcher::Knob::kNone) {
    ASSIGN_OR_RETURN(recall, meter.Measure(searcher));
  } else {
    uint32_t effort = 0;
    ASSIGN_OR_RETURN(recall, Tune(meter, input, &searcher, &effort));
    if (recall < input.target_recall) {
      return absl::FailedPreconditionError(fmt::format(
          "factory \"{}\" reaches recall {:.4f} of the best {} at most, below "
          "the target {}",
          spec.factory(), recall, input.target_n, input.target_recall));
    }
    if (searcher.knob() == FaissSearcher::Knob::kNprobe) {
      spec.set_nprobe(effort);
    } else {
      spec.set_ef_search(effort);
    }
  }
  RETURN_IF_ERROR(searcher.Write(file));
  RETURN_IF_ERROR(CheckAccepted(spec.factory(), file));
  spec.set_measured_recall(recall);
  spec.set_measured_n(
      static_cast<uint32_t>(std::min<uint64_t>(input.target_n, vectors)));
  return spec;
}

}  // namespace tributary
