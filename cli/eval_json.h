#ifndef TRIBUTARY_CLI_EVAL_JSON_H_
#define TRIBUTARY_CLI_EVAL_JSON_H_

#include <string>
#include <string_view>

#include "cli/eval_run.h"
#include "evaluation/figures.h"
#include "evaluation/test_set.h"
#include "google/protobuf/struct.pb.h"

namespace tributary {

// One object: {"users":…, "recall":{"fused":{"20":…},"behavior":{…}}, …}. Each
// of kRankMetrics has that form; "intervals" has the same form with [low,
// high]. "test_set" has the counts of what the bundle knows of the test set,
// and is alone where nothing was measured. "against" has the differences to the
// bundle of --against; "rivals" has, by name, the metrics of every bundle and
// lists that were compared with, and "difference" in the form of "against".
// "diversity" has {"space":…, "list_k":…, "points":[{"lambda":…,
// "diversity":…, "recall":{"20":…}}, …]}, the first point without a lambda.
// Undefined values are omitted, and what there is nothing of.
std::string EvalJson(const EvalResult& result);

// Parts of it that other commands print, too: "test_set", and an object with
// mean, low and high.
void AddTestSet(const TestSetCounts& counts, google::protobuf::Struct& root);
void SetInterval(google::protobuf::Struct& parent, std::string_view name,
                 const Interval& value);

}  // namespace tributary

#endif  // TRIBUTARY_CLI_EVAL_JSON_H_
