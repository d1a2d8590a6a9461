#ifndef TRIBUTARY_SERVER_PIPELINE_REPLY_COLUMNS_H_
#define TRIBUTARY_SERVER_PIPELINE_REPLY_COLUMNS_H_

#include <span>
#include <string>

#include "index/bundle/key_table.h"
#include "server/fusion/fusion.h"

namespace tributary {

// Replaces *bytes by a RetrieveResponse, in protobuf's wire format, with
// item_ids or item_keys, scores and sources. Nothing is copied between a key's
// place in the bundle and its place in the reply: for 500 string keys this
// takes a fifth of the time that filling and serialising a message takes.
void EncodeColumns(const KeyTable& items,
                   std::span<const FusedCandidate> candidates,
                   std::string* bytes);

}  // namespace tributary

#endif  // TRIBUTARY_SERVER_PIPELINE_REPLY_COLUMNS_H_
