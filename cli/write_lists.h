#ifndef TRIBUTARY_CLI_WRITE_LISTS_H_
#define TRIBUTARY_CLI_WRITE_LISTS_H_

#include <cstdint>
#include <string>

#include "absl/status/statusor.h"
#include "client/retrieval_client.h"
#include "tributary/v1/retrieval.pb.h"

namespace tributary {

// Where lists are asked for, and how.
struct ListsJob {
  std::string address;
  ClientOptions client;
  // What is asked for each user, but for the user.
  v1::RetrieveRequest request;
  // A file with a user's key on each line; "-" for standard input. Empty lines
  // are skipped.
  std::string users;
  // A CSV file with the columns user, item, rank and score; "-" for standard
  // output.
  std::string out;
  // How many users a call asks for, and how many calls are made at a time; at
  // least 1 each.
  uint32_t users_per_call = 1000;
  uint32_t calls = 4;
};

// What was written.
struct ListsWritten {
  uint64_t users = 0;
  uint64_t candidates = 0;
  // Users whom the bundle does not know, and users whose answer lacks a source
  // that failed or was late.
  uint64_t cold_starts = 0;
  uint64_t degraded = 0;
  // Users without a list, because their request failed, and the first error.
  uint64_t failed = 0;
  std::string first_error;
  uint64_t bundle_version = 0;
};

// Asks a server for the lists of all users, by streams, and writes them in the
// order of the users. All lists are of one version: the one that answers first,
// unless the request names one. A file is there only once it is whole.
// Memory: what the calls in progress take. Errors: those of the calls, after
// ten attempts where the server was overloaded or away; those of the files,
// with their paths.
absl::StatusOr<ListsWritten> WriteLists(const ListsJob& job);

}  // namespace tributary

#endif  // TRIBUTARY_CLI_WRITE_LISTS_H_
