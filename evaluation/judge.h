#ifndef TRIBUTARY_EVALUATION_JUDGE_H_
#define TRIBUTARY_EVALUATION_JUDGE_H_

#include <cstdint>
#include <filesystem>
#include <span>
#include <vector>

#include "absl/status/statusor.h"
#include "evaluation/held_out_users.h"
#include "evaluation/list_source.h"
#include "evaluation/tune_fusion.h"
#include "index/bundle/judgement.h"
#include "index/parallel/progress.h"
#include "server/retrieval/retriever.h"
#include "tributary/v1/config.pb.h"

namespace tributary {

// Users that are judged at most: enough for errors of about a percent.
inline constexpr size_t kMaxJudgedUsers = 2000;

// At most kMaxJudgedUsers of the users, evenly.
std::vector<TestUser> SampleUsers(std::vector<TestUser> users);

// How the bundle's sources are best merged for lists of the configured k, by
// what these users did later. Every retriever takes part, whatever quotas the
// configuration has. REQUIRES: users.
absl::StatusOr<TunedFusion> TuneBundle(const ListSource& lists,
                                       std::span<const TestUser> users,
                                       uint32_t threads,
                                       const Progress& progress);

// Opens the bundle, measures every retriever and learns fusion. Empty where no
// user has held-out items. Errors: what opening and retrieving report.
absl::StatusOr<Judgement> JudgeBundle(
    const std::filesystem::path& validation_bundle, const TestItems& held_out,
    const v1::ServerConfig& config, const RetrieverRegistry& registry,
    uint32_t threads, const Progress& progress);

}  // namespace tributary

#endif  // TRIBUTARY_EVALUATION_JUDGE_H_
