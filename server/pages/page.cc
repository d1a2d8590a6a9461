#include "server/pages/page.h"

#include <algorithm>
#include <limits>

#include "fmt/format.h"
#include "status/field_error.h"
#include "status/status_macros.h"

namespace tributary {
namespace {

constexpr char kBeginAgain[] = "; begin again without a token";

// The message has the path of the field, like those of violations.
absl::Status Aborted(const std::string& why) {
  return absl::AbortedError(fmt::format("page_token: {}{}", why, kBeginAgain));
}

}  // namespace

absl::StatusOr<std::optional<Page>> BeginPage(
    const v1::RetrieveRequest& request, uint64_t bundle_version,
    v1::ServiceLevel level, int64_t now_ms) {
  if (request.page_size() == 0 && request.page_token().empty()) {
    return std::nullopt;
  }
  Page page;
  page.size = request.page_size() == 0 ? std::numeric_limits<uint32_t>::max()
                                       : request.page_size();
  if (request.page_token().empty()) {
    page.begin.bundle_version = bundle_version;
    page.begin.level = level;
    page.begin.first_asked_ms = now_ms;
    page.begin.request_hash = HashForPages(request);
    page.begin.items_hash = SequenceHash().value();
    return page;
  }
  ASSIGN_OR_RETURN(page.begin, ParsePageToken(request.page_token()));
  if (page.begin.request_hash != HashForPages(request)) {
    return FieldError("page_token",
                      "of another request; all fields but page_size and "
                      "page_token must be those of the first page's request");
  }
  if (page.begin.bundle_version != bundle_version) {
    return Aborted(
        fmt::format("of version {}, but version {} answers this call",
                    page.begin.bundle_version, bundle_version));
  }
  return page;
}

absl::StatusOr<std::pair<uint32_t, uint32_t>> PlacePage(
    const Page& page, std::span<const uint32_t> rows, std::string* next_token) {
  next_token->clear();
  const auto length = static_cast<uint32_t>(rows.size());
  const uint32_t begin = page.begin.offset;
  SequenceHash hash;
  for (uint32_t i = 0; i < std::min(begin, length); ++i) hash.Add(rows[i]);
  if (begin > length || hash.value() != page.begin.items_hash) {
    return Aborted(
        "the list is not the one that the pages before were cut from (a source "
        "was late, or an item set or the configuration was changed)");
  }
  const uint32_t end = begin + std::min(page.size, length - begin);
  if (end < length) {
    PageToken next = page.begin;
    for (uint32_t i = begin; i < end; ++i) hash.Add(rows[i]);
    next.offset = end;
    next.items_hash = hash.value();
    *next_token = FormatPageToken(next);
  }
  return std::pair{begin, end};
}

}  // namespace tributary
