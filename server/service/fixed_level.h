#ifndef TRIBUTARY_SERVER_SERVICE_FIXED_LEVEL_H_
#define TRIBUTARY_SERVER_SERVICE_FIXED_LEVEL_H_

#include <string_view>

#include "tributary/v1/retrieval.pb.h"

namespace tributary {

// The service level that a page token fixes (see CallTerms); the highest number
// for a text that is empty or no token.
v1::ServiceLevel FixedLevel(std::string_view page_token);

// The same of the page token in a RetrieveRequest as JSON, read off the text
// before it is parsed. Misses a field whose name is written with escapes.
v1::ServiceLevel FixedLevelInJson(std::string_view json);

}  // namespace tributary

#endif  // TRIBUTARY_SERVER_SERVICE_FIXED_LEVEL_H_
