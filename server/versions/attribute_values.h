#ifndef TRIBUTARY_SERVER_VERSIONS_ATTRIBUTE_VALUES_H_
#define TRIBUTARY_SERVER_VERSIONS_ATTRIBUTE_VALUES_H_

#include <cstdint>

#include "absl/status/statusor.h"
#include "google/protobuf/struct.pb.h"
#include "index/bundle/change_column.h"
#include "tributary/v1/manifest.pb.h"

namespace tributary {

// The types of attributes that `value` is a value of: bit 1 << type for each.
uint32_t TypesOfValue(const google::protobuf::Value& value);

// The value that a live change gives to an attribute of the type. Null, an
// empty text and an empty list are no value. As filters do, a category takes
// whole numbers and booleans for the texts that they are written as; integers,
// numbers and booleans may be texts; one text is one tag. INVALID_ARGUMENT,
// which says what was expected, unless TypesOfValue has the type.
absl::StatusOr<ColumnValue> ReadColumnValue(
    v1::AttributeType type, const google::protobuf::Value& value);

}  // namespace tributary

#endif  // TRIBUTARY_SERVER_VERSIONS_ATTRIBUTE_VALUES_H_
