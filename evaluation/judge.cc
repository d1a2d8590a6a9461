#include "evaluation/judge.h"

#include <algorithm>
#include <memory>
#include <string>
#include <utility>

#include "evaluation/user_lists.h"
#include "status/status_macros.h"

namespace tributary {
namespace {

// Some sources stay even where they add no recall: popularity answers for cold
// users, and means of item vectors reach items that nobody has touched yet. All
// others may be dropped.
bool IsDroppable(const ServingBundle& bundle, const v1::RetrieverSpec& spec) {
  if (spec.kind() == "popularity") return spec.name() != "popularity";
  const EmbeddingSpace* space = bundle.bundle().FindSpace(spec.space());
  return space == nullptr || space->spec->history_encoder() != v1::MEAN;
}

void AddPoints(const std::string& source, std::span<const uint32_t> ks,
               const Recalls& recalls, v1::MeasuredRecall* measured) {
  for (size_t j = 0; j < ks.size(); ++j) {
    v1::MeasuredRecall::Point* point = measured->add_points();
    point->set_source(source);
    point->set_k(ks[j]);
    point->set_recall(MeanOver(recalls, j));
  }
}

// Every source's lists, for known users and for the same users as cold ones.
struct Collected {
  std::vector<TunedSource> sources;
  std::vector<UserLists> users;
  std::vector<UserLists> cold_users;
};

absl::StatusOr<Collected> Collect(const ListSource& lists,
                                  std::span<const TestUser> users,
                                  uint32_t threads,
                                  const std::function<void(double)>& progress) {
  Collected collected;
  std::vector<std::string> names;
  for (const NamedRetriever& retriever : lists.bundle().retrievers()) {
    names.push_back(retriever.spec->name());
    collected.sources.push_back(
        {names.back(), IsDroppable(lists.bundle(), *retriever.spec)});
  }
  const uint32_t k = lists.config().defaults().k();
  ASSIGN_OR_RETURN(collected.users, CollectLists(lists, users, names, k, false,
                                                 threads, progress));
  ASSIGN_OR_RETURN(
      collected.cold_users,
      CollectLists(lists, users, names, k, true, threads, [](double) {}));
  return collected;
}

TunedFusion Tune(const Collected& collected, uint32_t k, uint32_t threads) {
  return TuneFusion({.users = collected.users,
                     .cold_users = collected.cold_users,
                     .sources = collected.sources,
                     .k = k,
                     .threads = threads});
}

}  // namespace

std::vector<TestUser> SampleUsers(std::vector<TestUser> users) {
  if (users.size() <= kMaxJudgedUsers) return users;
  std::vector<TestUser> sample;
  for (size_t i = 0; i < kMaxJudgedUsers; ++i) {
    sample.push_back(std::move(users[i * users.size() / kMaxJudgedUsers]));
  }
  return sample;
}

absl::StatusOr<TunedFusion> TuneBundle(
    const ListSource& lists, std::span<const TestUser> users, uint32_t threads,
    const std::function<void(double)>& progress) {
  ASSIGN_OR_RETURN(const Collected collected,
                   Collect(lists, users, threads, progress));
  return Tune(collected, lists.config().defaults().k(), threads);
}

absl::StatusOr<Verdict> JudgeBundle(
    const std::filesystem::path& trial_bundle, const TestItems& held_out,
    const v1::ServerConfig& config, uint32_t threads,
    const std::function<void(double)>& progress) {
  ASSIGN_OR_RETURN(auto bundle, Bundle::Open(trial_bundle));
  ASSIGN_OR_RETURN(auto serving,
                   ServingBundle::Open(bundle, RetrieverRegistry::BuiltIn()));
  ASSIGN_OR_RETURN(const ListSource lists, ListSource::Make(serving, config));
  const std::vector<TestUser> users =
      SampleUsers(FindTestUsers(held_out, bundle->items()));
  Verdict verdict;
  if (users.empty()) return verdict;
  ASSIGN_OR_RETURN(const Collected collected,
                   Collect(lists, users, threads, progress));
  TunedFusion tuned = Tune(collected, lists.config().defaults().k(), threads);
  verdict.recall.set_users(users.size());
  uint64_t held_out_interactions = 0;
  for (const TestUser& user : users) held_out_interactions += user.n_items;
  verdict.recall.set_held_out_interactions(held_out_interactions);
  AddPoints("fused", tuned.ks, tuned.recalls, &verdict.recall);
  for (size_t s = 0; s < collected.sources.size(); ++s) {
    AddPoints(collected.sources[s].name, tuned.ks,
              RecallsAlone(collected.users, s, tuned.ks), &verdict.recall);
  }
  verdict.fusion = std::move(tuned.model);
  return verdict;
}

}  // namespace tributary
