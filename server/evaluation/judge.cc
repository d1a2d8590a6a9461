#include "server/evaluation/judge.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "server/evaluation/evaluate.h"
#include "server/evaluation/list_source.h"
#include "server/pipeline/plan.h"
#include "status/status_macros.h"

namespace tributary {
namespace {

constexpr uint32_t kRecallAt[] = {20, 50, 100, 200, 500};

// Of retrievers that only requests with quotas of their own ask.
constexpr double kWeightWithoutQuota = 0.1;

// The retrievers in order of priority: those with a default quota, which have
// targets, then the others.
struct Priorities {
  std::vector<std::string> names;
  std::vector<uint32_t> targets;
};

absl::StatusOr<Priorities> FindPriorities(const ListSource& lists) {
  Plan plan;
  RETURN_IF_ERROR(MakePlan(lists.config(), lists.bundle(),
                           v1::RetrieveRequest(), SteadyTime::min(),
                           SteadyTime::max(), &plan));
  Priorities priorities;
  const auto& retrievers = lists.bundle().retrievers();
  for (const PlannedSource& source : plan.sources) {
    priorities.names.push_back(
        retrievers[static_cast<size_t>(source.retriever)].spec->name());
    priorities.targets.push_back(source.target);
  }
  for (const NamedRetriever& retriever : retrievers) {
    const std::string& name = retriever.spec->name();
    if (std::find(priorities.names.begin(), priorities.names.end(), name) ==
        priorities.names.end()) {
      priorities.names.push_back(name);
    }
  }
  return priorities;
}

std::vector<TestUser> Sample(std::vector<TestUser> users) {
  if (users.size() <= kMaxJudgedUsers) return users;
  std::vector<TestUser> sample;
  for (size_t i = 0; i < kMaxJudgedUsers; ++i) {
    sample.push_back(std::move(users[i * users.size() / kMaxJudgedUsers]));
  }
  return sample;
}

absl::StatusOr<std::vector<UserLists>> CollectLists(
    const ListSource& source, const std::vector<TestUser>& users,
    const Priorities& priorities, uint32_t depth, uint32_t threads,
    const std::function<void(double)>& progress) {
  std::vector<UserLists> collected(users.size());
  const auto collect = [&](size_t i) -> absl::Status {
    collected[i].user = &users[i];
    for (const std::string& name : priorities.names) {
      ASSIGN_OR_RETURN(const auto rows,
                       source.Alone(users[i].key, name, depth));
      auto& list = collected[i].lists.emplace_back();
      for (const Row row : rows) list.push_back({row, 0});
    }
    return absl::OkStatus();
  };
  RETURN_IF_ERROR(ForEachUser(users.size(), threads, progress, collect));
  return collected;
}

v1::MeasuredRecall MeasureRecall(std::span<const UserLists> users,
                                 const Priorities& priorities,
                                 const Calibration& calibration, uint32_t k,
                                 uint32_t threads) {
  v1::MeasuredRecall measured;
  measured.set_users(users.size());
  for (const UserLists& lists : users) {
    measured.set_held_out_interactions(measured.held_out_interactions() +
                                       lists.user->n_items);
  }
  AddPoints("fused", kRecallAt,
            FusedRecalls(users, calibration, k, kRecallAt, threads), &measured);
  for (size_t s = 0; s < priorities.names.size(); ++s) {
    AddPoints(priorities.names[s], kRecallAt, RecallsAlone(users, s, kRecallAt),
              &measured);
  }
  return measured;
}

}  // namespace

absl::StatusOr<Verdict> JudgeBundle(
    const std::filesystem::path& trial_bundle, const TestItems& held_out,
    const v1::ServerConfig& config, uint32_t threads,
    const std::function<void(double)>& progress) {
  ASSIGN_OR_RETURN(auto bundle, Bundle::Open(trial_bundle));
  ASSIGN_OR_RETURN(auto serving,
                   ServingBundle::Open(bundle, RetrieverRegistry::BuiltIn()));
  ASSIGN_OR_RETURN(const ListSource lists, ListSource::Make(serving, config));
  ASSIGN_OR_RETURN(const Priorities priorities, FindPriorities(lists));
  const std::vector<TestUser> users =
      Sample(FindTestUsers(held_out, bundle->items()));
  Verdict verdict;
  if (users.empty()) return verdict;

  const uint32_t k = lists.config().defaults().k();
  ASSIGN_OR_RETURN(const auto collected,
                   CollectLists(lists, users, priorities, CalibrationDepth(k),
                                threads, progress));
  const Calibration calibration =
      Calibrate(collected, priorities.targets, k, threads);
  for (size_t s = 0; s < priorities.names.size(); ++s) {
    CalibratedSource& source = verdict.sources[priorities.names[s]];
    if (s < calibration.sources.size()) {
      source = calibration.sources[s];
    } else {
      source = MeasureHitRates(collected, s, k);
      source.weight = kWeightWithoutQuota;
    }
  }
  verdict.reserve_by_score = calibration.reserve_by_score;
  verdict.recall =
      MeasureRecall(collected, priorities, calibration, k, threads);
  return verdict;
}

}  // namespace tributary
