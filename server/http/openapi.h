// docs/openapi.json, which scripts/generate_docs.py makes of the protos,
// compiled into the program.
#ifndef TRIBUTARY_SERVER_HTTP_OPENAPI_H_
#define TRIBUTARY_SERVER_HTTP_OPENAPI_H_

#include <string_view>

namespace tributary {

struct OpenApiFile {
  std::string_view text;
  // A hash of the text, in quotes, for the header ETag.
  std::string_view etag;
};

const OpenApiFile& OpenApi();

}  // namespace tributary

#endif  // TRIBUTARY_SERVER_HTTP_OPENAPI_H_
