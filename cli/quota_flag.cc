#include "cli/quota_flag.h"

#include <cstdint>
#include <string_view>

#include "fmt/core.h"
#include "index/bundle/key_table.h"

namespace tributary {

void AddQuotaFlag(CLI::App& command, std::vector<std::string>* quotas) {
  command
      .add_option(
          "--quota", *quotas,
          "Target of each source to ask, as in behavior=300,content=150. "
          "Default: the server's quotas")
      ->delimiter(',');
}

absl::Status SetQuotas(const std::vector<std::string>& quotas,
                       v1::RetrieveRequest* request) {
  for (const std::string& text : quotas) {
    const size_t equals = text.find('=');
    uint64_t target = 0;
    if (equals == std::string::npos || equals == 0 ||
        !ParseDecimalKey(std::string_view(text).substr(equals + 1), &target) ||
        target > UINT32_MAX) {
      return absl::InvalidArgumentError(
          fmt::format("--quota: \"{}\", expected RETRIEVER=NUMBER", text));
    }
    (*request->mutable_quotas())[text.substr(0, equals)].set_target(
        static_cast<uint32_t>(target));
  }
  return absl::OkStatus();
}

}  // namespace tributary
