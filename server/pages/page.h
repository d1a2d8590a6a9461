#ifndef TRIBUTARY_SERVER_PAGES_PAGE_H_
#define TRIBUTARY_SERVER_PAGES_PAGE_H_

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "server/pages/page_token.h"
#include "tributary/v1/retrieval.pb.h"

namespace tributary {

// The page of its list that a request asks for.
struct Page {
  // What is fixed for all pages of the list; `offset` and `items_hash` are
  // those of this page.
  PageToken begin;
  // How many items it has at most.
  uint32_t size = 0;
};

// The page of a request, or nothing if it asks for the whole list, in which
// case this costs nothing. `now_ms` is the time, in milliseconds since 1970;
// `level` is the service level of a first page. Errors: INVALID_ARGUMENT for a
// token that is not one, or one of another request; ABORTED when the token's
// version is not `bundle_version`.
absl::StatusOr<std::optional<Page>> BeginPage(
    const v1::RetrieveRequest& request, uint64_t bundle_version,
    v1::ServiceLevel level, int64_t now_ms);

// Where the page lies in a list of these rows: the first index, and that after
// the last. Sets *next_token to what asks for the next page, or to nothing if
// there is none. ABORTED when the rows before the page are not those of the
// pages before it.
absl::StatusOr<std::pair<uint32_t, uint32_t>> PlacePage(
    const Page& page, std::span<const uint32_t> rows, std::string* next_token);

}  // namespace tributary

#endif  // TRIBUTARY_SERVER_PAGES_PAGE_H_
