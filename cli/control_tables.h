#ifndef TRIBUTARY_CLI_CONTROL_TABLES_H_
#define TRIBUTARY_CLI_CONTROL_TABLES_H_

#include <string>

#include "google/protobuf/repeated_ptr_field.h"
#include "tributary/v1/bundles.pb.h"

namespace tributary {

// Responses of the control plane as text. Each ends with a newline.
std::string StatusText(const v1::ServerStatus& status);
std::string BundleTable(
    const google::protobuf::RepeatedPtrField<v1::BundleStatus>& bundles);
std::string DiffText(const v1::DiffResponse& diff);

}  // namespace tributary

#endif  // TRIBUTARY_CLI_CONTROL_TABLES_H_
