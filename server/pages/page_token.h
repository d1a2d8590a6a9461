// Pages: how a list is cut into pages that never repeat or skip an item, though
// the server keeps nothing between them. This folder knows the messages; it
// knows no bundle and no pipeline.
#ifndef TRIBUTARY_SERVER_PAGES_PAGE_TOKEN_H_
#define TRIBUTARY_SERVER_PAGES_PAGE_TOKEN_H_

#include <cstdint>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "tributary/v1/retrieval.pb.h"

namespace tributary {

// What the next page needs to know of the pages before it. Every page is cut
// from the whole list of k, which is made anew each time; what could make it
// another list is fixed by the first page and is in here: the version, the
// profile, the service level, and the time to which ages are
// counted. What cannot be fixed (a source was late; a set of excluded items was
// replaced) is noticed by the hash of the items before the page.
struct PageToken {
  uint64_t bundle_version = 0;
  // The label by which the version was found, and the profile that applied;
  // empty for none.
  std::string bundle_label;
  std::string profile;
  v1::ServiceLevel level = v1::FULL_SERVICE;
  // When the first page was asked for, in milliseconds since 1970.
  int64_t first_asked_ms = 0;
  // Of the request, but for page_size and page_token.
  uint64_t request_hash = 0;
  // How many items of the list come before the page, and their hash.
  uint32_t offset = 0;
  uint64_t items_hash = 0;

  friend bool operator==(const PageToken&, const PageToken&) = default;
};

// The token as text of letters, digits, '-' and '_'. Its form may change with
// any release; nobody but this file reads it.
std::string FormatPageToken(const PageToken& token);

// The reverse. INVALID_ARGUMENT with the path page_token when the text is not
// what FormatPageToken of this release has written.
absl::StatusOr<PageToken> ParsePageToken(std::string_view text);

// The hash of what a request says, but for page_size and page_token. Equal on
// all machines.
uint64_t HashForPages(const v1::RetrieveRequest& request);

// A hash of a sequence that grows item by item; FNV-1a (Fowler, Noll, Vo) over
// 32-bit words.
class SequenceHash {
 public:
  void Add(uint32_t word) { hash_ = (hash_ ^ word) * 0x100000001b3; }
  uint64_t value() const { return hash_; }

 private:
  uint64_t hash_ = 0xcbf29ce484222325;
};

}  // namespace tributary

#endif  // TRIBUTARY_SERVER_PAGES_PAGE_TOKEN_H_
