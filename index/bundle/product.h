#ifndef TRIBUTARY_INDEX_BUNDLE_PRODUCT_H_
#define TRIBUTARY_INDEX_BUNDLE_PRODUCT_H_

#include <string_view>

#include "absl/status/status.h"
#include "tributary/v1/manifest.pb.h"

namespace tributary {

// Whether `product` is a product's name, or empty: at most 128 letters, digits,
// '_', '-' and '.'. INVALID_ARGUMENT that begins with "product".
absl::Status CheckProductName(std::string_view product);

// The one place where a version's product is compared with the one that is
// wanted: OK when that is empty, or the manifest has it. Otherwise
// FAILED_PRECONDITION.
absl::Status CheckProduct(const v1::Manifest& manifest,
                          std::string_view wanted);

}  // namespace tributary

#endif  // TRIBUTARY_INDEX_BUNDLE_PRODUCT_H_
