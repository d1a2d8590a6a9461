#ifndef TRIBUTARY_SERVER_ACCESS_ACCESS_CONFIG_H_
#define TRIBUTARY_SERVER_ACCESS_ACCESS_CONFIG_H_

#include <set>
#include <string>

#include "absl/status/statusor.h"
#include "tributary/v1/config.pb.h"

namespace tributary {

// Fills in the defaults, which config.proto lists, and checks the grants, which
// may name these profiles and "none". INVALID_ARGUMENT that names the field,
// such as access.grants[1].roles[0].
absl::StatusOr<v1::Access> CompleteAccess(
    v1::Access given, const std::set<std::string>& profiles);

}  // namespace tributary

#endif  // TRIBUTARY_SERVER_ACCESS_ACCESS_CONFIG_H_
