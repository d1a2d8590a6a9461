# Writes OUT, the C++ source of OpenApi() (openapi.h), from FILE.
#   cmake -D FILE=openapi.json -D OUT=openapi_text.cc -P embed_openapi.cmake
file(READ ${FILE} hex HEX)
string(REGEX REPLACE "([0-9a-f][0-9a-f])" "0x\\1," bytes "${hex}")
file(SHA256 ${FILE} hash)
string(SUBSTRING ${hash} 0 32 hash)
file(WRITE ${OUT} "// Made by embed_openapi.cmake.
#include \"server/http/openapi.h\"

namespace tributary {
namespace {

constexpr unsigned char kOpenApiBytes[] = {${bytes}};

}  // namespace

const OpenApiFile& OpenApi() {
  static const OpenApiFile kFile = {
      {reinterpret_cast<const char*>(kOpenApiBytes), sizeof(kOpenApiBytes)},
      \"\\\"${hash}\\\"\"};
  return kFile;
}

}  // namespace tributary
")
