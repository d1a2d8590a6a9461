#include "index/assemble/finish_bundle.h"

#include <string>
#include <utility>

#include "absl/status/status.h"
#include "fmt/format.h"
#include "index/verify/verify_version.h"

namespace tributary {

absl::StatusOr<std::filesystem::path> FinishBundle(v1::Manifest manifest,
                                                   BundleWriter* writer) {
  return writer->Finish(
      std::move(manifest),
      [](const std::filesystem::path& dir) -> absl::Status {
        const absl::Status verified = VerifyVersion(dir);
        if (verified.ok()) return verified;
        const std::string why(verified.message());
        if (!BlamesVersion(verified)) {
          return absl::Status(verified.code(),
                              "the new version could not be verified: " + why);
        }
        return absl::InternalError(fmt::format(
            "the new version was not kept, because servers would refuse it: "
            "{}; this is a fault of Tributary or of the disk, not of the data",
            why));
      });
}

}  // namespace tributary
