#include "index/verify/verify_version.h"

#include "index/search/vector_index.h"
#include "index/tower/user_tower.h"
#include "index/verify/verify_bundle.h"
#include "status/status_macros.h"

namespace tributary {

absl::Status VerifyOpened(const Bundle& bundle) {
  RETURN_IF_ERROR(VerifyBundle(bundle));
  RETURN_IF_ERROR(CheckTowers(bundle));
  return CheckIndexes(bundle);
}

absl::Status VerifyVersion(const std::filesystem::path& bundle_dir) {
  ASSIGN_OR_RETURN(const auto bundle, Bundle::Open(bundle_dir));
  return VerifyOpened(*bundle);
}

bool BlamesVersion(const absl::Status& status) {
  switch (status.code()) {
    case absl::StatusCode::kDataLoss:
    case absl::StatusCode::kInvalidArgument:
    case absl::StatusCode::kFailedPrecondition:
    case absl::StatusCode::kUnimplemented:
    case absl::StatusCode::kInternal:
      return true;
    default:
      return false;
  }
}

}  // namespace tributary
