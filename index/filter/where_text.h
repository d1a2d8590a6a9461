// A predicate as the text that ParseWhere reads.
#ifndef TRIBUTARY_INDEX_FILTER_WHERE_TEXT_H_
#define TRIBUTARY_INDEX_FILTER_WHERE_TEXT_H_

#include <string>

#include "tributary/v1/retrieval.pb.h"

namespace tributary {

// The predicate in the grammar of where.h. What ParseWhere makes of the text
// passes the same items. An `any` within an `all` has parentheses, although the
// grammar does without. REQUIRES: ItemFilter::Compile takes the predicate.
std::string WhereText(const v1::Predicate& predicate);

// Whether it is what ParseWhere makes of "attribute != value".
bool IsNotEqual(const v1::Predicate& predicate);

}  // namespace tributary

#endif  // TRIBUTARY_INDEX_FILTER_WHERE_TEXT_H_
