#ifndef TRIBUTARY_PROTO_YAML_FIELD_COMMENTS_H_
#define TRIBUTARY_PROTO_YAML_FIELD_COMMENTS_H_

#include <string>

#include "google/protobuf/descriptor.h"

namespace tributary {

// What the .proto file says of a field, for help texts: the first sentence of
// its comment, and its unit, range and default, as one line. Empty for fields
// of other files than proto/tributary/v1. Thread-safe.
std::string CommentOf(const google::protobuf::FieldDescriptor& field);

}  // namespace tributary

#endif  // TRIBUTARY_PROTO_YAML_FIELD_COMMENTS_H_
