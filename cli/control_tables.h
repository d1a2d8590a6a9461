#ifndef TRIBUTARY_CLI_CONTROL_TABLES_H_
#define TRIBUTARY_CLI_CONTROL_TABLES_H_

#include <string>

#include "google/protobuf/repeated_ptr_field.h"
#include "tributary/v1/bundles.pb.h"

namespace tributary {

// What the control plane answers, for people. Each ends its lines.
std::string StatusText(const v1::ServerStatus& status);
std::string BundleTable(
    const google::protobuf::RepeatedPtrField<v1::BundleStatus>& bundles);
std::string DiffText(const v1::DiffResponse& diff);

}  // namespace tributary

#endif  // TRIBUTARY_CLI_CONTROL_TABLES_H_
