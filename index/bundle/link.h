#ifndef TRIBUTARY_INDEX_BUNDLE_LINK_H_
#define TRIBUTARY_INDEX_BUNDLE_LINK_H_

#include <filesystem>

#include "absl/status/status.h"

namespace tributary {

// Whether a symbolic link at `path`, a file of a version, may be followed. A
// mounted volume's files are often links within it (<root>/1/manifest.json to
// <root>/..data/1/manifest.json): OK when the file that the link leads to, by
// any number of links, is below the directory that holds the version's
// directory. DATA_LOSS, which says that it is a symbolic link and where it
// leads, otherwise: the bytes of a version must not be those of any file of the
// host that a link names.
absl::Status CheckLink(const std::filesystem::path& path);

}  // namespace tributary

#endif  // TRIBUTARY_INDEX_BUNDLE_LINK_H_
