#include "index/bundle/link.h"

#include <algorithm>
#include <system_error>

#include "fmt/core.h"

namespace tributary {
namespace {

// Whether `path` is below `dir`; both are canonical.
bool IsBelow(const std::filesystem::path& path,
             const std::filesystem::path& dir) {
  return std::mismatch(dir.begin(), dir.end(), path.begin(), path.end())
             .first == dir.end();
}

}  // namespace

absl::Status CheckLink(const std::filesystem::path& path) {
  std::error_code error;
  const auto target = std::filesystem::canonical(path, error);
  if (error) {
    return absl::DataLossError(
        fmt::format("{}: a symbolic link that cannot be followed: {}",
                    path.string(), error.message()));
  }
  const auto version = std::filesystem::absolute(path.parent_path(), error);
  // The version's directory may be a link itself: to a directory that was
  // mounted elsewhere, with links of its own.
  for (const auto& dir : {std::filesystem::canonical(version, error),
                          version.lexically_normal()}) {
    const auto root = std::filesystem::canonical(dir.parent_path(), error);
    if (!error && IsBelow(target, root)) return absl::OkStatus();
  }
  return absl::DataLossError(fmt::format(
      "{}: a symbolic link to {}, which is outside the directory that holds "
      "the versions: mount or copy the file itself",
      path.string(), target.string()));
}

}  // namespace tributary
