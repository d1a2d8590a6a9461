#ifndef TRIBUTARY_TESTS_INDEX_PUBLISH_PADDED_BUNDLE_H_
#define TRIBUTARY_TESTS_INDEX_PUBLISH_PADDED_BUNDLE_H_

#include <cstdint>
#include <filesystem>

namespace tributary {

inline constexpr char kPadding[] = "padding.bin";

// As WriteTinyBundle, with one more file, kPadding, of this size. Its bytes
// depend on the version.
std::filesystem::path WritePaddedBundle(const std::filesystem::path& root,
                                        uint64_t version, uint64_t bytes);

}  // namespace tributary

#endif  // TRIBUTARY_TESTS_INDEX_PUBLISH_PADDED_BUNDLE_H_
