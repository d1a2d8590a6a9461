#ifndef TRIBUTARY_SERVER_ACCESS_GRANTS_H_
#define TRIBUTARY_SERVER_ACCESS_GRANTS_H_

#include <span>
#include <string>
#include <string_view>

#include "google/protobuf/repeated_ptr_field.h"
#include "server/access/rights.h"
#include "tributary/v1/config.pb.h"

namespace tributary {

// Whether a principal, such as "cert:ranker.example", is one that `pattern` of
// Grant.who stands for.
bool IsWho(std::string_view pattern, std::string_view principal);

// What the grants, which are complete, give to somebody with all these
// principals together.
SharedRights RightsOf(const google::protobuf::RepeatedPtrField<v1::Grant>& all,
                      std::span<const std::string_view> principals);

}  // namespace tributary

#endif  // TRIBUTARY_SERVER_ACCESS_GRANTS_H_
