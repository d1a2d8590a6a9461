// The sidecar that brings published versions to a server. It follows a store's
// CURRENT, fetches and verifies the version that it names, has the gate compare
// it with the active version, has the server stage and activate it, and deletes
// versions that are no longer needed. loader_policy decides what is done next;
// this file observes and acts.
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
#include "index/publish/store.h"
#include "index/sign/signature.h"
#include "server/loader/bundles_client.h"
#include "server/loader/loader_memory.h"
#include "server/loader/loader_policy.h"
#include "server/loader/refusals.h"
#include "server/loader/rollout_trace.h"
#include "server/loader/version_trial.h"
#include "server/metrics/tracing_metrics.h"
#include "server/tracing/span_exporter.h"
#include "tributary/v1/bundles.pb.h"
#include "tributary/v1/config.pb.h"
#include "tributary/v1/gate.pb.h"

namespace tributary {

// In what a refusal depends on, before the start of the server that refused.
inline constexpr char kServerPrefix[] = ", server of ";

// One loader for one bundle directory; not thread-safe.
class Loader {
 public:
  // Creates the bundle directory if it does not exist, and locks it against
  // other loaders. Store and server need not exist yet. Errors:
  // INVALID_ARGUMENT names the config's field; FAILED_PRECONDITION when another
  // loader has locked the directory.
  static absl::StatusOr<std::unique_ptr<Loader>> Create(
      v1::LoaderConfig config);

  // Looks at store, host and server, takes one action, and returns it. A bad
  // version is refused, which is no error here: this loader and later ones in
  // the same directory remember it until its manifest, or something else that
  // the verdict depends on, changes. Reports the outcome to the server.
  // Errors: those of the store and of the action; CANCELLED after `stop` was
  // requested, which ends downloads and calls to the server.
  absl::StatusOr<LoaderAction> Step(std::stop_token stop = {});

  // Steps until `stop` is requested: immediately after a step that did
  // something, otherwise every poll_interval_ms. After an error the interval
  // doubles with every further error, up to half a minute, and is shortened at
  // random by up to a half. Logs what it does; logs the same error once.
  void Run(const std::stop_token& stop);

 private:
  // A version that passed the gate, or was forced.
  struct GateCheckedVersion {
    uint64_t version = 0;
    // The version that it was compared with.
    uint64_t serving = 0;
    bool forced = false;
  };

  Loader(v1::LoaderConfig config, FileLock lock, std::unique_ptr<Store> store,
         PublicKeys keys, std::unique_ptr<BundlesClient> server,
         std::unique_ptr<SpanExporter> exporter);

  absl::StatusOr<LoaderAction> TakeStep(const std::stop_token& stop);
  absl::StatusOr<LoaderView> Look(std::stop_token stop);
  // The version to follow: that of CURRENT or, with max_current_age_seconds, of
  // CURRENT.signed.
  absl::StatusOr<uint64_t> ReadCurrentVersion(
      const std::stop_token& stop) const;
  void SeeCurrent(uint64_t current);
  void SeeServer(const absl::StatusOr<ServerView>& server);
  // Takes over the verdict of an earlier loader on current_.
  void RecallRefusal();
  bool IsStillRefused(const std::optional<ServerView>& server,
                      const std::stop_token& stop);
  // What changed since current_ was refused; empty when nothing did.
  std::string WhatChanged(const std::optional<ServerView>& server,
                          const std::stop_token& stop);
  void SeeHeldBack(const LoaderView& view);
  void MarkFollowed(uint64_t version);

  absl::Status Act(const LoaderAction& action, std::stop_token stop);
  // Whether one of the keys signed the version, and it is of the product, as
  // far as they are set.
  absl::Status CheckOrigin(const SignedManifest& manifest) const;
  // Refuses a version on this host, and returns false, when CheckOrigin fails.
  absl::StatusOr<bool> IsOurs(uint64_t version, const std::stop_token& stop);
  absl::Status Fetch(uint64_t version, const std::stop_token& stop);
  absl::Status CheckGate(uint64_t version, const std::stop_token& stop);
  absl::Status Stage(uint64_t version, std::stop_token stop);
  absl::Status Activate(uint64_t version, std::stop_token stop);
  // `depends_on` is what the verdict depends on besides the manifest; if it is
  // empty, only this loader remembers the refusal. `gate` is the gate's report,
  // if the gate is the reason.
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
  const std::unique_ptr<BundlesClient> server_;
  TracingMetrics tracing_metrics_;
  // Null without tracing.otlp_endpoint.
  const std::unique_ptr<SpanExporter> exporter_;
  RolloutTrace trace_;
  FetchCounts fetch_counts_;

  // The last CURRENT seen that was not 0.
  uint64_t current_ = 0;
  // Why CURRENT is held back; empty when it is not.
  std::string held_back_;
  // The refusal of current_, if it was refused. Also in a file. Reset when
  // CURRENT moves.
  std::optional<v1::RefusalReport> refused_;
  bool refusal_saved_ = false;
  // The active version, or the one that would be active after a restart of the
  // server; 0 for none.
  uint64_t serving_ = 0;
  // When the server that answered last was started; empty before one did.
  std::string server_started_;
  GateCheckedVersion gate_checked_;
  // The version that this loader fetched, which verifies it; 0 for none.
  uint64_t verified_ = 0;
  // The number of calls to stage current_ during which the server was lost.
  int lost_stages_ = 0;
  LoaderAction failed_;
  bool server_reachable_ = true;
  // The next report to the server, except what Report fills in.
  v1::LoaderStatus status_;
};

}  // namespace tributary

#endif  // TRIBUTARY_SERVER_LOADER_LOADER_H_
