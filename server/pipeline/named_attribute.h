// The attribute of a bundle that a field of a request names.
#ifndef TRIBUTARY_SERVER_PIPELINE_NAMED_ATTRIBUTE_H_
#define TRIBUTARY_SERVER_PIPELINE_NAMED_ATTRIBUTE_H_

#include <string_view>

#include "index/bundle/attribute_view.h"
#include "server/pipeline/violations.h"

namespace tributary {

// The attribute `name`, or null after a violation of the field at `path` that
// says so, with the nearest name.
const AttributeColumn* FindNamedAttribute(const AttributeView& attributes,
                                          std::string_view name,
                                          std::string_view path,
                                          Violations* violations);

}  // namespace tributary

#endif  // TRIBUTARY_SERVER_PIPELINE_NAMED_ATTRIBUTE_H_
