#ifndef TRIBUTARY_SERVER_EXPLAIN_SENTENCE_H_
#define TRIBUTARY_SERVER_EXPLAIN_SENTENCE_H_

#include <string>

#include "server/explain/findings.h"
#include "server/explain/remedy.h"
#include "tributary/v1/config.pb.h"

namespace tributary {

// What became of the item, and what would bring it in, or why nothing would:
// "It is rank 612 of behavior, and lists stop at 300: quota behavior >= 612 or
// k >= 940 would bring it in." `finding` is of the request as it was sent.
std::string SentenceOf(const Finding& finding, const Remedies& remedies,
                       const v1::Limits& limits);

// The sentence for a key that the catalogue does not have.
std::string UnknownItemSentence(std::string_view key,
                                const std::vector<std::string>& nearest);

}  // namespace tributary

#endif  // TRIBUTARY_SERVER_EXPLAIN_SENTENCE_H_
