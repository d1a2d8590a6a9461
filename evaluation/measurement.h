#ifndef TRIBUTARY_EVALUATION_MEASUREMENT_H_
#define TRIBUTARY_EVALUATION_MEASUREMENT_H_

#include <cstddef>
#include <deque>
#include <span>
#include <vector>

#include "absl/status/status.h"
#include "evaluation/evaluate.h"
#include "evaluation/figures.h"
#include "evaluation/list_quality.h"
#include "evaluation/list_source.h"
#include "evaluation/source_overlap.h"

namespace tributary {

// The work of Evaluate: measures users one by one, then summarises. Its
// arguments outlive it.
class Measurement {
 public:
  Measurement(const ListSource& lists, const std::vector<TestUser>& users,
              const EvaluationOptions& options);

  // Thread-safe for different users.
  absl::Status MeasureUser(size_t user);

  // REQUIRES: every user was measured. Call once.
  Evaluation Summarise();

 private:
  using List = std::span<const Row>;

  // Columns of figures_: metrics of each list, then recall without each source.
  size_t MetricColumn(size_t list, size_t k) const {
    return (list * ks_.size() + k) * kRankMetrics.size();
  }
  size_t WithoutColumn(size_t source, size_t k) const {
    return MetricColumn(n_lists_, 0) + source * ks_.size() + k;
  }
  size_t CurvePoint(size_t source, uint32_t step) const {
    return (source * (kQuotaSteps + 1) + step) * 2;
  }
  // Whether the user is one of the kQuotaCurveUsers that quota curves are
  // averaged over; *index is then the row of quotas_.
  bool IsCurveUser(size_t user, size_t* index) const;

  absl::StatusOr<std::vector<std::vector<Row>>> ListsOf(size_t user,
                                                        const Answers& answers,
                                                        std::vector<Row> fused);
  void MeasureList(size_t user, size_t list, List rows);
  void MeasureItemSegments(size_t user, size_t list, List rows);
  void MeasureWithout(size_t user, Answers* answers);
  void MeasureQuotas(size_t user, Answers* answers);

  ListFigures SummariseList(size_t list, std::span<const Interval> intervals);
  void SummariseSegments(Evaluation* evaluation);
  void SummariseLead(Evaluation* evaluation);
  SourceFigures SummariseSource(size_t source);
  void SummariseQuotas(size_t source, SourceFigures* figures);

  const ListSource& source_;
  const std::vector<TestUser>& users_;
  const EvaluationOptions& options_;
  const std::vector<uint32_t>& ks_;
  const size_t n_sources_;
  const size_t n_lists_;
  const uint32_t list_k_;
  const EmbeddingSpace* const diversity_space_;
  const ItemSegments item_segments_;

  // See MetricColumn and WithoutColumn.
  Figures figures_;
  // Columns: recall by list and item segment; NaN for users without such items.
  Figures by_item_segment_;
  // Columns, for each list: novelty and diversity (NaN where undefined), then
  // hit and ndcg for each of kSampledNegatives.
  Figures qualities_;
  // Rows: curve users. Columns: those of CurvePoint, then each source's default
  // share; NaN where the source is not planned.
  Figures quotas_;
  std::vector<std::atomic<uint64_t>> planned_users_;
  std::deque<Exposure> exposures_;
  SourceOverlap overlap_;
  std::vector<float> latencies_us_;
};

}  // namespace tributary

#endif  // TRIBUTARY_EVALUATION_MEASUREMENT_H_
