// What the loader does next, as a pure function of what it sees. After
// TensorFlow Serving's aspired-version policy, for one model of which one
// version serves: the new version is resident before the old one goes.
#ifndef TRIBUTARY_SERVER_LOADER_LOADER_POLICY_H_
#define TRIBUTARY_SERVER_LOADER_LOADER_POLICY_H_

#include <cstdint>
#include <optional>
#include <set>
#include <string_view>

namespace tributary {

// The server's versions; 0 for none.
struct ServerView {
  uint64_t active = 0;
  uint64_t previous = 0;
  // In memory: staged, active and previous.
  std::set<uint64_t> resident;
  // Those with a label, resident or not yet, and all that it keeps for
  // Rollback: they stay in its memory and on the host.
  std::set<uint64_t> wanted = {};
  // The version of the last refusal it knows of.
  uint64_t last_refused = 0;
};

struct LoaderAction {
  enum class Kind {
    kNothing,
    kFetch,     // Copy it from the store to the host.
    kTry,       // Hold it against the active one: the gate.
    kStage,     // Have the server map and try it.
    kActivate,  // Have it serve.
    kReport,    // Tell the server that it was refused.
    kDelete,    // Remove it from the host.
  };
  Kind kind = Kind::kNothing;
  uint64_t version = 0;

  friend bool operator==(const LoaderAction&, const LoaderAction&) = default;
};

struct LoaderView {
  // The store's CURRENT; 0 when it has none or cannot be read.
  uint64_t current = 0;
  // That CURRENT has already been active since it was written. If it is not
  // active now, an operator rolled back.
  bool followed = false;
  // The highest version that was ever active on this host, as far as it is
  // known; 0 for none.
  uint64_t highest = 0;
  // A CURRENT below it is followed all the same.
  bool allow_older = false;
  // It was refused, and its manifest is still the one that was refused.
  bool refused = false;
  // It passed the gate, against what is active now.
  bool tried = false;
  // Complete versions on the host.
  std::set<uint64_t> on_host;
  // Absent when the server cannot be reached.
  std::optional<ServerView> server;
  // Versions older than the active one that stay on the host.
  uint32_t keep = 1;
  // What was tried last, if that failed: something else goes first.
  LoaderAction failed = {};
};

// The rules, the first that applies:
//  1. Without a CURRENT, nothing: a store that lost it is no reason to act.
//  2. A CURRENT that is neither followed nor refused is fetched, tried, staged
//     and activated. A server without an active version gets it even if
//     followed. An older one that is still in the server's memory has served,
//     and is not tried again. One that is held back is left alone: somebody who
//     can write the store must not bring back an old version, with its faults,
//     by moving CURRENT.
//  3. A refused CURRENT is reported, and deleted from the host unless it is in
//     the server's memory, so that a repaired one can be fetched.
//  4. Of the versions older than the active one, those beyond the `keep`
//     highest are deleted, except CURRENT, the previous one, and those that the
//     server wants or has in its memory, which is its own to clear.
// An action that failed last time waits for one turn of the next that applies.
LoaderAction Decide(const LoaderView& view);

// Whether CURRENT is older than a version that was active here, and neither
// allow_older nor its having been active since it was written says to follow
// it.
bool IsHeldBack(const LoaderView& view);

// "fetch" and so on.
std::string_view ActionName(LoaderAction::Kind kind);

}  // namespace tributary

#endif  // TRIBUTARY_SERVER_LOADER_LOADER_POLICY_H_
