#ifndef TRIBUTARY_EVALUATION_JUDGE_H_
#define TRIBUTARY_EVALUATION_JUDGE_H_

#include <cstdint>
#include <filesystem>
#include <functional>
#include <span>
#include <vector>

#include "absl/status/statusor.h"
#include "evaluation/held_out_users.h"
#include "evaluation/list_source.h"
#include "evaluation/tune_fusion.h"
#include "server/retrieval/retriever.h"
#include "tributary/v1/config.pb.h"
#include "tributary/v1/fusion.pb.h"
#include "tributary/v1/manifest.pb.h"

namespace tributary {

// Users that are judged at most: enough for errors of about a percent.
inline constexpr size_t kMaxJudgedUsers = 2000;

// At most kMaxJudgedUsers of the users, evenly.
std::vector<TestUser> SampleUsers(std::vector<TestUser> users);

// How the bundle's sources are best merged for lists of the configured k, by
// what these users did later. Every retriever takes part, whatever quotas the
// configuration has. REQUIRES: users.
absl::StatusOr<TunedFusion> TuneBundle(
    const ListSource& lists, std::span<const TestUser> users, uint32_t threads,
    const std::function<void(double)>& progress);

// What a trial bundle is worth on interactions that it was made without.
struct Verdict {
  // Of every retriever alone and of the fused list, as the model makes it for
  // users it was not learned from.
  v1::MeasuredRecall recall;
  v1::FusionModel fusion;
};

// Opens the bundle, measures every retriever and learns fusion. Empty where no
// user has held-out items. Errors: what opening and retrieving report.
absl::StatusOr<Verdict> JudgeBundle(
    const std::filesystem::path& trial_bundle, const TestItems& held_out,
    const v1::ServerConfig& config, const RetrieverRegistry& registry,
    uint32_t threads, const std::function<void(double)>& progress);

}  // namespace tributary

#endif  // TRIBUTARY_EVALUATION_JUDGE_H_
