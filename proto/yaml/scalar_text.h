#ifndef TRIBUTARY_PROTO_YAML_SCALAR_TEXT_H_
#define TRIBUTARY_PROTO_YAML_SCALAR_TEXT_H_

#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "google/protobuf/descriptor.h"
#include "google/protobuf/message.h"

namespace tributary {

// Sets the scalar `field` of *message from its text, or adds to it if the field
// is repeated. Numbers are decimal (doubles may have an exponent) and finite,
// booleans are true or false, enum values are written by name. Errors:
// INVALID_ARGUMENT says what was expected and what was found, not where.
absl::Status SetScalar(std::string_view text,
                       const google::protobuf::FieldDescriptor& field,
                       google::protobuf::Message* message);

// What the field takes, for error messages: "an integer from 0 to 4294967295",
// "true or false", "one of A, B".
std::string DescribeScalar(const google::protobuf::FieldDescriptor& field);

}  // namespace tributary

#endif  // TRIBUTARY_PROTO_YAML_SCALAR_TEXT_H_
