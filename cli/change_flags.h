// The flags of `tributary change` that say what changes, and the changes that
// they say.
#ifndef TRIBUTARY_CLI_CHANGE_FLAGS_H_
#define TRIBUTARY_CLI_CHANGE_FLAGS_H_

#include <string>
#include <vector>

#include "CLI/CLI.hpp"
#include "absl/status/statusor.h"
#include "tributary/v1/changes.pb.h"

namespace tributary {

struct ChangeFlags {
  std::vector<std::string> remove;
  std::vector<std::string> restore;
  std::string reason;
  // What the flags after it are about.
  std::vector<std::string> items;
  std::vector<std::string> set;
  std::vector<std::string> add;
  std::string expire;
  std::string user;
  std::string type;
  std::string value;
  std::vector<std::string> from;

  // Adds the flags to the command; this object outlives it.
  void AddTo(CLI::App& command);

  // Whether one --from is all that is given.
  bool HasOnlyOneFrom() const {
    return from.size() == 1 && remove.empty() && restore.empty() &&
           items.empty();
  }
  // The changes in the order: removals, restorations, what is said of --item,
  // and files. INVALID_ARGUMENT, naming the flag, for flags that say nothing
  // together; ReadChangesFile's.
  absl::StatusOr<std::vector<v1::Change>> Changes() const;

 private:
  absl::Status AddItemChanges(std::vector<v1::Change>* changes) const;
};

// What changes there are, for people: "2 set, 1 removed".
std::string CountKinds(const std::vector<v1::Change>& changes);

}  // namespace tributary

#endif  // TRIBUTARY_CLI_CHANGE_FLAGS_H_
