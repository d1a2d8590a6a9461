#ifndef TRIBUTARY_SERVER_LOADER_CHANGE_FOLLOWER_H_
#define TRIBUTARY_SERVER_LOADER_CHANGE_FOLLOWER_H_

#include <chrono>
#include <filesystem>
#include <memory>
#include <stop_token>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "index/changes/change_log.h"
#include "index/publish/store.h"
#include "index/sign/signature.h"
#include "server/loader/change_watch.h"
#include "tributary/v1/config.pb.h"

namespace tributary {

// Copies the store's log of live changes to the server's bundle directory,
// where the server follows it. Not thread-safe; works beside the Loader, which
// may take minutes for a step.
class ChangeFollower {
 public:
  // `config` is complete. Errors: INVALID_ARGUMENT names the config's field.
  static absl::StatusOr<std::unique_ptr<ChangeFollower>> Create(
      const v1::LoaderConfig& config);

  // Copies the changes that came since. A copy that is damaged is made anew; a
  // store without changes is no error. Errors: those of the store; DATA_LOSS
  // when the store's log is damaged, or not the one that was copied before;
  // FAILED_PRECONDITION when the loader has public keys, and none of them
  // signed the log. After an error the copy is what it was.
  absl::Status Step(const std::stop_token& stop);

  // Steps until `stop` is requested: for a directory when HEAD is replaced, and
  // where the kernel does not tell of that every 20 ms; for other stores every
  // changes_poll_interval_ms. Logs the same error once.
  void Run(const std::stop_token& stop);

 private:
  ChangeFollower(const v1::LoaderConfig& config, std::unique_ptr<Store> store,
                 PublicKeys keys);

  // Notes that the copy is as the store's log is now.
  void NoteChecked();
  // Opens the copy, and reads all of it. REQUIRES: the store has changes.
  absl::Status OpenCopy();

  // Constant after construction.
  const std::filesystem::path folder_;
  const std::chrono::milliseconds interval_;
  const std::unique_ptr<Store> store_;
  const PublicKeys keys_;

  // Null until the store has changes.
  std::unique_ptr<ChangeLog> copy_;
  std::chrono::steady_clock::time_point noted_;
  // Null for stores that are not directories.
  std::unique_ptr<ChangeWatch> watch_;
};

}  // namespace tributary

#endif  // TRIBUTARY_SERVER_LOADER_CHANGE_FOLLOWER_H_
