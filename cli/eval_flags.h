#ifndef TRIBUTARY_CLI_EVAL_FLAGS_H_
#define TRIBUTARY_CLI_EVAL_FLAGS_H_

#include <algorithm>
#include <cstdint>
#include <string>
#include <vector>

#include "cli/json_flag.h"
#include "cli/list_flags.h"
#include "cli/test_set_check.h"
#include "server/process/control_groups.h"

namespace tributary {

// What `tributary eval` is asked for.
struct EvalFlags {
  std::string bundle;
  std::string test;
  std::vector<uint32_t> ks = {20, 50, 100, 200, 500};
  std::string against;
  std::string fail_if_worse_than;
  // See ParseListsFlags.
  std::vector<std::string> lists;
  TestSetFlags test_set;
  JsonFlag json;
  std::string html;
  std::string data;
  std::string category;
  bool all = false;
  // The filter of every request; empty: none.
  std::string where;
  // A file of keys; empty: nothing is excluded.
  std::string exclude_items;
  ListFlags list;
  // See ParseDiversity; empty: not measured.
  std::string diversity;
  std::string server_config;
  uint64_t seed = 1;
  uint64_t users = 0;
  uint32_t threads = std::min(1024U, AvailableCpus());
};

}  // namespace tributary

#endif  // TRIBUTARY_CLI_EVAL_FLAGS_H_
