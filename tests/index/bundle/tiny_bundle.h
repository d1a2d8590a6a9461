// A small but real bundle on disk, written with BundleWriter, for tests.
#ifndef TRIBUTARY_TESTS_INDEX_BUNDLE_TINY_BUNDLE_H_
#define TRIBUTARY_TESTS_INDEX_BUNDLE_TINY_BUNDLE_H_

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "index/bundle/bundle.h"
#include "index/bundle/bundle_writer.h"

namespace tributary {

// Creates a fresh, empty directory for this process, which is removed when the
// process ends.
std::filesystem::path MakeTestDir();

// Writes root/<version>: items "a" to "f" (string keys), users 10, 20 and 30
// (integer keys), a space "taste" of dimension 2 (flat; a to e have vectors,
// users 10 and 20), popularity "all" (f to a) and a list for segment 1, to
// which user 20 belongs, seen lists (user 10: a, b), a golden query, a table of
// neighbours "joint" of width 3 (a: b 1, c .5; b: a 1, c .5, d .25; c: a .5,
// b .5, e -1; e: f 2; d and f have none), lists by category (1,
// "items-kind=film": a .5, b .25, c .25; 2, "items-kind=book": d .75, c .25),
// the retrievers "taste" and "popularity", and these attributes:
//
//       in_stock  brand  tags            year  price  created_at (UTC)
//   a   true      acme   new, toys       1999  9.99   2024-01-01
//   b   false     bolt   sale            2020  49.9   2025-06-15 12:00
//   c   true      acme   new, sale, toys 1984  0.5    -
//   d   -         -      toys            1999  100    2026-01-01
//   e   true      core   -               -     9.99   2024-01-01
//   f   false     bolt   new             2020  -      2025-06-15 12:00
//
// Returns the version's directory.
std::filesystem::path WriteTinyBundle(const std::filesystem::path& root,
                                      uint64_t version);

// Copies the bundle to version 1 in a fresh directory, with `manifest` and with
// the files that `add` writes in addition.
std::shared_ptr<const Bundle> RewriteBundle(
    const Bundle& bundle, const v1::Manifest& manifest,
    const std::function<absl::Status(BundleWriter*)>& add);

std::string ReadFile(const std::filesystem::path& path);
void OverwriteFile(const std::filesystem::path& path,
                   std::string_view contents);

}  // namespace tributary

#endif  // TRIBUTARY_TESTS_INDEX_BUNDLE_TINY_BUNDLE_H_
