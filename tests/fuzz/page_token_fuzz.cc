// The input is a page token. One that is understood must be written again as
// one that means the same.
#include "server/pages/page_token.h"
#include "tests/fuzz/fuzz_target.h"

int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace tributary;  // NOLINT
  const auto token = ParsePageToken(AsText(data, size));
  if (!token.ok()) {
    Require(absl::IsInvalidArgument(token.status()));
    return 0;
  }
  const auto again = ParsePageToken(FormatPageToken(*token));
  Require(again.ok() && *again == *token);
  return 0;
}
