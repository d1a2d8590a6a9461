// The loader's next action, as a pure function of what the loader sees. Follows
// TensorFlow Serving's aspired-version policy for one model with one active
// version: the new version is resident before the old one is unloaded.
#ifndef TRIBUTARY_SERVER_LOADER_LOADER_POLICY_H_
#define TRIBUTARY_SERVER_LOADER_LOADER_POLICY_H_

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <string_view>

namespace tributary {

// The server's versions. 0 stands for none.
struct ServerView {
  uint64_t active = 0;
  uint64_t previous = 0;
  // In memory: staged, active and previous.
  std::set<uint64_t> resident;
  // The versions with a label, resident or not, and those that the server keeps
  // for Rollback. They stay on the host.
  std::set<uint64_t> wanted = {};
  // The version of the last refusal that the server knows of.
  uint64_t last_refused = 0;
  // When it was started, as text.
  std::string started = {};
};

struct LoaderAction {
  enum class Kind {
    kNothing,
    kFetch,     // Copy it from the store to the host.
    kGate,      // Have the gate compare it with the active version.
    kStage,     // Have the server map and check it.
    kActivate,  // Have the server make it the active version.
    kReport,    // Tell the server that it was refused.
    kDelete,    // Remove it from the host.
  };
  Kind kind = Kind::kNothing;
  uint64_t version = 0;

  friend bool operator==(const LoaderAction&, const LoaderAction&) = default;
};

struct LoaderView {
  // The store's CURRENT; 0 when the store has none.
  uint64_t current = 0;
  // The version has been active since CURRENT was written. If it is not active
  // now, an operator rolled back.
  bool followed = false;
  // The highest version that is known to have been active on this host; 0 for
  // none.
  uint64_t highest = 0;
  // Follow a CURRENT below `highest`, too.
  bool allow_older = false;
  // The version was refused, and nothing that the verdict depends on changed.
  bool refused = false;
  // The version passed the gate, compared with the version that is active now.
  bool gate_checked = false;
  // Complete versions on the host.
  std::set<uint64_t> on_host;
  // Absent when the server is unreachable.
  std::optional<ServerView> server;
  // The number of versions older than the active one that stay on the host.
  uint32_t keep = 1;
  // The last action, if it failed: another one is taken first.
  LoaderAction failed = {};
};

// The first rule that applies:
//  1. Without a CURRENT, nothing is done: a store may have lost it.
//  2. A CURRENT that is neither followed nor refused is fetched, compared by
//  the
//     gate, staged and activated. A server without an active version gets a
//     followed CURRENT, too. An older version that is still resident was active
//     before, and skips the gate. A CURRENT that is held back is not acted
//     upon: whoever can write to the store must not bring back an old version,
//     with its faults, by moving CURRENT.
//  3. A refused CURRENT is reported to the server, and deleted from the host
//     unless it is resident, so that a repaired version can be fetched.
//  4. Versions older than the active one are deleted, except the `keep` highest
//     of them, CURRENT, the previous version, and those that are wanted or
//     resident.
// After an action failed, the next action that applies is taken once before it
// is tried again.
LoaderAction Decide(const LoaderView& view);

// Whether CURRENT names a version that is older than the highest one that was
// active on this host, is neither active nor followed, and allow_older is
// false.
bool IsHeldBack(const LoaderView& view);

// The name of the action in messages: "fetch" and so on.
std::string_view ActionName(LoaderAction::Kind kind);

}  // namespace tributary

#endif  // TRIBUTARY_SERVER_LOADER_LOADER_POLICY_H_
