#include "server/evaluation/evaluate.h"

#include <atomic>
#include <mutex>
#include <string>
#include <thread>
#include <utility>

#include "status/status_macros.h"

namespace tributary {

absl::Status ForEachUser(size_t n, uint32_t threads,
                         const std::function<void(double)>& progress,
                         const std::function<absl::Status(size_t)>& body) {
  std::atomic<size_t> next = 0;
  std::mutex mutex;
  absl::Status first_error;
  const auto work = [&](bool tells) {
    for (size_t i = next++; i < n; i = next++) {
      if (tells) progress(static_cast<double>(i) / static_cast<double>(n));
      const absl::Status status = body(i);
      if (status.ok()) continue;
      const std::lock_guard<std::mutex> lock(mutex);
      if (first_error.ok()) first_error = status;
      next = n;
    }
  };
  std::vector<std::thread> others;
  for (uint32_t t = 1; t < threads; ++t) others.emplace_back(work, false);
  work(true);
  for (std::thread& thread : others) thread.join();
  progress(1);
  return first_error;
}

void AddPoints(const std::string& source, std::span<const uint32_t> ks,
               const std::vector<std::vector<double>>& recalls,
               v1::MeasuredRecall* measured) {
  for (size_t j = 0; j < ks.size(); ++j) {
    double sum = 0;
    for (const auto& recall : recalls) sum += recall[j];
    v1::MeasuredRecall::Point* point = measured->add_points();
    point->set_source(source);
    point->set_k(ks[j]);
    point->set_recall(
        recalls.empty() ? 0 : sum / static_cast<double>(recalls.size()));
  }
}

absl::StatusOr<v1::MeasuredRecall> Evaluate(const ListSource& lists,
                                            const std::vector<TestUser>& users,
                                            const EvaluationOptions& options) {
  const auto& retrievers = lists.bundle().retrievers();
  const uint32_t k = options.ks.back();
  // By source (the fused list first), then user.
  std::vector<std::vector<std::vector<double>>> recalls(
      retrievers.size() + 1, std::vector<std::vector<double>>(users.size()));
  const auto evaluate_user = [&](size_t i) -> absl::Status {
    const TestUser& user = users[i];
    ASSIGN_OR_RETURN(const auto fused, lists.Fused(user.key, k));
    recalls[0][i] = RecallAt(user, fused, options.ks);
    for (size_t s = 0; s < retrievers.size(); ++s) {
      ASSIGN_OR_RETURN(const auto alone,
                       lists.Alone(user.key, retrievers[s].spec->name(), k));
      recalls[s + 1][i] = RecallAt(user, alone, options.ks);
    }
    return absl::OkStatus();
  };
  RETURN_IF_ERROR(ForEachUser(users.size(), options.threads, options.progress,
                              evaluate_user));
  v1::MeasuredRecall measured;
  measured.set_users(users.size());
  for (const TestUser& user : users) {
    measured.set_held_out_interactions(measured.held_out_interactions() +
                                       user.n_items);
  }
  AddPoints("fused", options.ks, recalls[0], &measured);
  for (size_t s = 0; s < retrievers.size(); ++s) {
    AddPoints(retrievers[s].spec->name(), options.ks, recalls[s + 1],
              &measured);
  }
  return measured;
}

}  // namespace tributary
