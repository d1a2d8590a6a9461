#ifndef TRIBUTARY_SERVER_EVALUATION_EVALUATE_H_
#define TRIBUTARY_SERVER_EVALUATION_EVALUATE_H_

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "absl/status/statusor.h"
#include "server/evaluation/list_source.h"
#include "server/evaluation/test_users.h"
#include "tributary/v1/manifest.pb.h"

namespace tributary {

// Calls body(i) for each i below `n` on `threads` threads, and progress(share
// done) now and then on the calling one. Returns the first error.
absl::Status ForEachUser(size_t n, uint32_t threads,
                         const std::function<void(double)>& progress,
                         const std::function<absl::Status(size_t)>& body);

struct EvaluationOptions {
  // Ascending.
  std::vector<uint32_t> ks = {20, 50, 100, 200, 500};
  uint32_t threads = 1;
  std::function<void(double)> progress = [](double) {};
};

// Recall at each k of the fused list and of every retriever alone: for each
// user one list of the largest k, seen items left out; recall@k = hits among
// its first k / the user's test items, averaged over users (macro average).
absl::StatusOr<v1::MeasuredRecall> Evaluate(const ListSource& lists,
                                            const std::vector<TestUser>& users,
                                            const EvaluationOptions& options);

// The average of the users' recalls, as points of `source`.
// REQUIRES: recalls[i] has one entry per k.
void AddPoints(const std::string& source, std::span<const uint32_t> ks,
               const std::vector<std::vector<double>>& recalls,
               v1::MeasuredRecall* measured);

}  // namespace tributary

#endif  // TRIBUTARY_SERVER_EVALUATION_EVALUATE_H_
