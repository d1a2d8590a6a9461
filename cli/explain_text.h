#ifndef TRIBUTARY_CLI_EXPLAIN_TEXT_H_
#define TRIBUTARY_CLI_EXPLAIN_TEXT_H_

#include <string>

#include "tributary/v1/explain.pb.h"

namespace tributary {

// What a server explains, as text for people: for each item its verdict, the
// sentence, and a line for each stage that it came to. Ends with a newline.
std::string ExplainText(const v1::ExplainResponse& response);

}  // namespace tributary

#endif  // TRIBUTARY_CLI_EXPLAIN_TEXT_H_
