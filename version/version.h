// The version of this build. Every function is thread-safe.
#ifndef TRIBUTARY_VERSION_VERSION_H_
#define TRIBUTARY_VERSION_VERSION_H_

#include <cstdint>
#include <string>
#include <string_view>

namespace tributary {

// Semantic (semver.org), for example "0.1.0": project() in CMakeLists.txt
// declares it.
std::string Version();

// The output of `git describe` when CMake last configured this build, for
// example "c108b7e" or, with uncommitted changes, "c108b7e-dirty". Empty when
// the source tree is not a git checkout.
std::string Revision();

// The line that `program --version` prints, for example
// "tributary-server 0.1.0 (revision c108b7e), bundle format 1, gRPC 1.51.1".
// The caller passes the version of gRPC so that this folder does not link it.
std::string VersionText(std::string_view program, uint32_t bundle_format,
                        std::string_view grpc_version);

}  // namespace tributary

#endif  // TRIBUTARY_VERSION_VERSION_H_
