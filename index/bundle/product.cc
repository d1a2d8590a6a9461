#include "index/bundle/product.h"

#include <algorithm>

#include "absl/strings/ascii.h"
#include "fmt/format.h"
#include "text/quoted.h"

namespace tributary {
namespace {

constexpr size_t kMaxProductBytes = 128;

}  // namespace

absl::Status CheckProductName(std::string_view product) {
  const bool is_name =
      product.size() <= kMaxProductBytes &&
      std::ranges::all_of(product, [](unsigned char c) {
        return absl::ascii_isalnum(c) || c == '_' || c == '-' || c == '.';
      });
  if (is_name) return absl::OkStatus();
  return absl::InvalidArgumentError(
      fmt::format("product: {} is not a name of at most 128 letters, digits, "
                  "'_', '-' and '.'",
                  Quoted(product)));
}

absl::Status CheckProduct(const v1::Manifest& manifest,
                          std::string_view wanted) {
  if (wanted.empty() || manifest.product() == wanted) return absl::OkStatus();
  return absl::FailedPreconditionError(
      manifest.product().empty()
          ? fmt::format("manifest.json: product: the bundle names none, and "
                        "only those of {} are taken; build it with --product",
                        Quoted(wanted))
          : fmt::format("manifest.json: product: {}, and only bundles of {} "
                        "are taken",
                        Quoted(manifest.product()), Quoted(wanted)));
}

}  // namespace tributary
