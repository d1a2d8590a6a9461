#include "version/version.h"

namespace tributary {

std::string Version() { return TRIBUTARY_VERSION; }

std::string Revision() { return TRIBUTARY_REVISION; }

std::string VersionText(std::string_view program, uint32_t bundle_format,
                        std::string_view grpc_version) {
  std::string text(program);
  text.append(" ").append(Version());
  if (const std::string revision = Revision(); !revision.empty()) {
    text.append(" (revision ").append(revision).append(")");
  }
  text.append(", bundle format ").append(std::to_string(bundle_format));
  text.append(", gRPC ").append(grpc_version);
  return text;
}

}  // namespace tributary
