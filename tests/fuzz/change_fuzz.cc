// The input is a change: its bytes, or, if it begins with a brace, its JSON.
// One that CheckChange takes must be the same change, and be taken, when it is
// read again. The input is also what a HEAD may be, which is written again as
// one that means the same.
#include <string>

#include "google/protobuf/util/json_util.h"
#include "index/changes/change_head.h"
#include "index/changes/check_change.h"
#include "tests/fuzz/fuzz_target.h"

int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace tributary;  // NOLINT
  const std::string text(AsText(data, size));
  if (const auto head = ParseChangeHead(text, "HEAD"); head.ok()) {
    const auto again = ParseChangeHead(head->Text(), "HEAD");
    Require(again.ok() && again->Text() == head->Text());
  }
  v1::Change change;
  const bool parsed =
      text.starts_with('{')
          ? google::protobuf::util::JsonStringToMessage(text, &change).ok()
          : change.ParseFromString(text);
  if (!parsed) return 0;
  const absl::Status verdict = CheckChange(change, "change");
  Require(verdict.ok() || (absl::IsInvalidArgument(verdict) &&
                           verdict.message().substr(0, 7) == "change."));
  if (!verdict.ok()) return 0;
  v1::Change again;
  Require(again.ParseFromString(change.SerializeAsString()));
  Require(CheckChange(again, "change").ok());
  return 0;
}
