// Which files of a directory are data, and which table each one belongs to.
#ifndef TRIBUTARY_INDEX_DATA_INPUT_FILES_H_
#define TRIBUTARY_INDEX_DATA_INPUT_FILES_H_

#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"

namespace tributary {

// Whether the path exists. An error, naming the path, when that cannot be told,
// for instance because a directory may not be searched: what is there but
// cannot be read is not absent.
absl::StatusOr<bool> FileExists(const std::filesystem::path& path);

// The entries of a directory that may be data, in natural order (part-2 before
// part-10): no hidden files, no backups of editors (x~, x.bak, #x#, x.swp,
// x.orig, x.tmp), no markers of other programs (_SUCCESS). NOT_FOUND or
// PERMISSION_DENIED, naming the directory.
absl::StatusOr<std::vector<std::filesystem::path>> ListDataFiles(
    const std::filesystem::path& dir);

// The file's name without .gz or .zst.
std::string PlainName(const std::filesystem::path& path);

// Whether the file is one of RecBole's (.inter, .item, .user), compressed or
// not.
bool IsRecBole(const std::filesystem::path& path);

// The path, or the path with .gz or .zst, whichever exists; the path itself
// when none does. INVALID_ARGUMENT, naming two of them, when several exist.
absl::StatusOr<std::filesystem::path> FindCompressed(
    const std::filesystem::path& path);

// Finds the table among `files`: those whose name begins with one of `stems`,
// in any case, followed by nothing, a number or a separator (ratings.csv,
// ratings-2.csv.gz, ratings.part3.tsv), or the contents of a directory of such
// a name. The first stem that has any file wins. Returns the files in natural
// order, to be read as one table; none when no stem has any.
absl::StatusOr<std::vector<std::filesystem::path>> FindTable(
    std::span<const std::filesystem::path> files,
    std::span<const std::string_view> stems);

}  // namespace tributary

#endif  // TRIBUTARY_INDEX_DATA_INPUT_FILES_H_
