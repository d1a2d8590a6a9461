// The sidecar that brings published versions to a server: follows a store's
// CURRENT, fetches and verifies what it names, holds it against what serves,
// has the server stage and activate it, and removes what is no longer needed.
// What it does next is loader_policy's to say; this file looks and acts.
#ifndef TRIBUTARY_SERVER_LOADER_LOADER_H_
#define TRIBUTARY_SERVER_LOADER_LOADER_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "index/bundle/file_lock.h"
#include "index/publish/fetch_version.h"
#include "index/publish/signature.h"
#include "index/publish/store.h"
#include "server/loader/bundles_client.h"
#include "server/loader/loader_memory.h"
#include "server/loader/loader_policy.h"
#include "server/loader/refusals.h"
#include "server/loader/version_trial.h"
#include "tributary/v1/bundles.pb.h"
#include "tributary/v1/config.pb.h"
#include "tributary/v1/gate.pb.h"

namespace tributary {

// One loader for one bundle directory; not thread-safe.
class Loader {
 public:
  // Makes the bundle directory if need be, and locks it against other loaders.
  // Neither store nor server need be there yet. Errors: INVALID_ARGUMENT names
  // the config's field; FAILED_PRECONDITION when another loader is at work in
  // the directory.
  static absl::StatusOr<std::unique_ptr<Loader>> Create(
      v1::LoaderConfig config);

  // Looks at store, host and server, and takes one action, which it returns.
  // A version found bad is remembered as refused, also by the next loader in
  // this directory, until its manifest changes or what else the verdict depends
  // on; that is no error here. The server is told how it went.
  // Errors: those of the store, of the action, or CANCELLED because of `stop`,
  // which ends a download and calls to the server.
  absl::StatusOr<LoaderAction> Step(std::stop_token stop = {});

  // Steps until `stop` is requested: at once while there is something to do,
  // else every poll_interval_ms; after errors at intervals that double up to
  // half a minute, by chance up to half as long. Says in the log what it does,
  // errors once.
  void Run(const std::stop_token& stop);

 private:
  // A version that passed the gate, or was forced through.
  struct Tried {
    uint64_t version = 0;
    // What it was held against.
    uint64_t serving = 0;
    bool forced = false;
  };

  Loader(v1::LoaderConfig config, FileLock lock, std::unique_ptr<Store> store,
         PublicKeys keys);

  absl::StatusOr<LoaderAction> TakeStep(const std::stop_token& stop);
  absl::StatusOr<LoaderView> Look(std::stop_token stop);
  void SeeCurrent(uint64_t current);
  void SeeServer(const absl::StatusOr<ServerView>& server);
  // What an earlier loader found of current_.
  void RecallRefusal();
  bool IsStillRefused(const std::optional<ServerView>& server,
                      const std::stop_token& stop);
  // Since it was refused; empty for nothing.
  std::string WhatChanged(const std::optional<ServerView>& server,
                          const std::stop_token& stop);
  void SeeHeldBack(const LoaderView& view);
  void MarkFollowed(uint64_t version);

  absl::Status Act(const LoaderAction& action, std::stop_token stop);
  // Refuses a version on this host that none of the keys signed.
  absl::StatusOr<bool> IsSigned(uint64_t version, const std::stop_token& stop);
  absl::Status Fetch(uint64_t version, const std::stop_token& stop);
  absl::Status Try(uint64_t version, const std::stop_token& stop);
  absl::Status Stage(uint64_t version, std::stop_token stop);
  absl::Status Activate(uint64_t version, std::stop_token stop);
  // `depends_on` is what the verdict depends on besides the manifest; empty:
  // it is this loader's alone. `gate` is its report, if that is the reason.
  void Refuse(uint64_t version, const std::string& fingerprint,
              const std::string& reason, const std::string& depends_on,
              const v1::GateReport* gate = nullptr);
  void Report(const absl::Status& last_step, const std::stop_token& stop);

  const v1::LoaderConfig config_;
  const FileLock lock_;
  const VersionTrial trial_;
  const Refusals refusals_;
  const std::unique_ptr<Store> store_;
  const PublicKeys keys_;
  LoaderMemory memory_;
  BundlesClient server_;
  FetchCounts fetch_counts_;

  // The last CURRENT seen that was not 0.
  uint64_t current_ = 0;
  // That CURRENT is not followed, and why; or empty.
  std::string held_back_;
  // current_'s, when it was found bad; kept in a file, too. Forgotten when
  // CURRENT moves.
  std::optional<v1::RefusalReport> refused_;
  bool refusal_saved_ = false;
  // What the server serves, or would after a restart; 0 for nothing.
  uint64_t serving_ = 0;
  Tried tried_;
  // Fetched, and verified before it was there to see.
  uint64_t verified_ = 0;
  // Calls to stage current_ during which the server was lost.
  int lost_stages_ = 0;
  LoaderAction failed_;
  bool server_reachable_ = true;
  // What the server is told, but for what is counted elsewhere.
  v1::LoaderStatus status_;
};

}  // namespace tributary

#endif  // TRIBUTARY_SERVER_LOADER_LOADER_H_
