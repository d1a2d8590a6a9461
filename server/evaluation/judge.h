#ifndef TRIBUTARY_SERVER_EVALUATION_JUDGE_H_
#define TRIBUTARY_SERVER_EVALUATION_JUDGE_H_

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <string>

#include "absl/status/statusor.h"
#include "server/evaluation/calibrate.h"
#include "server/evaluation/test_users.h"
#include "tributary/v1/config.pb.h"
#include "tributary/v1/manifest.pb.h"

namespace tributary {

// Users that are judged at most: enough for errors of about a percent.
inline constexpr size_t kMaxJudgedUsers = 2000;

// What a trial bundle is worth on interactions that it was made without.
struct Verdict {
  v1::MeasuredRecall recall;
  // By retriever.
  std::map<std::string, CalibratedSource> sources;
  bool reserve_by_score = false;
};

// Opens the bundle, measures every retriever, calibrates fusion for the
// default quotas of `config`, and measures what that makes of the fused list.
// Users beyond kMaxJudgedUsers are left out evenly. Errors: what opening and
// retrieving report.
absl::StatusOr<Verdict> JudgeBundle(
    const std::filesystem::path& trial_bundle, const TestItems& held_out,
    const v1::ServerConfig& config, uint32_t threads,
    const std::function<void(double)>& progress);

}  // namespace tributary

#endif  // TRIBUTARY_SERVER_EVALUATION_JUDGE_H_
