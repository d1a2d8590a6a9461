// Clients that mean harm. Each attack is a function that a thread runs.
#ifndef TRIBUTARY_TESTS_TORTURE_ATTACKS_H_
#define TRIBUTARY_TESTS_TORTURE_ATTACKS_H_

#include <functional>
#include <string>
#include <vector>

#include "sync/mutex.h"
#include "tests/torture/bystanders.h"

namespace tributary {

// Lets the test say how long an attack lasts. Thread-safe.
class Grip {
 public:
  // The attack has done what it can do. Waits until the test lets it go.
  void Hold();
  // Whether the test wants the attack to end.
  bool released() const;

  // For the test: waits until the attack holds or has ended, at most so long.
  void WaitUntilHeld(int timeout_ms);
  void Release();
  // The attack has ended.
  void End();

 private:
  mutable Mutex mutex_;
  CondVar changed_;
  bool held_ ABSL_GUARDED_BY(mutex_) = false;
  bool released_ ABSL_GUARDED_BY(mutex_) = false;
};

struct Attack {
  std::string name;
  std::function<void(const Victim&, Grip*)> run;
  // Its limit of open files; 0 for the one of this process.
  int open_files = 0;
  // Whether the attack takes all connections that a listener may have, so that
  // new clients of it have to wait.
  bool takes_connections = false;
};

// All of them; with fewer connections, calls and bytes outside of
// `make torture`.
std::vector<Attack> AllAttacks();

}  // namespace tributary

#endif  // TRIBUTARY_TESTS_TORTURE_ATTACKS_H_
