#include "index/parallel/parallel_for.h"

#include <algorithm>
#include <atomic>
#include <deque>
#include <memory>
#include <thread>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "sync/mutex.h"

namespace tributary {
namespace {

using Run = std::function<void(uint64_t, uint64_t)>;

// One loop. The thread that asked for it and those that help take pieces until
// none is left. It is over when all pieces were taken and those who took some
// are done: a helper that never came, because other programs have its core, is
// not waited for.
class Loop {
 public:
  Loop(uint64_t n, uint64_t piece, const Run& run)
      : n_(n), piece_(piece), pieces_((n + piece - 1) / piece), run_(run) {}

  void TakePieces() {
    for (uint64_t i; (i = next_.fetch_add(1)) < pieces_;) {
      run_(i * piece_, std::min(n_, (i + 1) * piece_));
    }
  }

  // Takes pieces, unless the loop is over.
  void Help() ABSL_LOCKS_EXCLUDED(mutex_) {
    {
      const MutexLock lock(&mutex_);
      if (is_over_) return;
      ++helping_;
    }
    TakePieces();
    const MutexLock lock(&mutex_);
    if (--helping_ == 0) nobody_helps_.NotifyOne();
  }

  // After this returns, nobody uses `run` any more.
  void Finish() ABSL_LOCKS_EXCLUDED(mutex_) {
    const MutexLock lock(&mutex_);
    is_over_ = true;
    while (helping_ > 0) nobody_helps_.Wait(&mutex_);
  }

 private:
  const uint64_t n_;
  const uint64_t piece_;
  const uint64_t pieces_;
  // Valid until Finish() returns.
  const Run& run_;
  std::atomic<uint64_t> next_{0};
  Mutex mutex_;
  CondVar nobody_helps_;
  bool is_over_ ABSL_GUARDED_BY(mutex_) = false;
  uint32_t helping_ ABSL_GUARDED_BY(mutex_) = 0;
};

// Threads that wait for loops to help with; they live as long as the process. A
// training step has several short loops, for which starting threads would take
// too long.
class Helpers {
 public:
  // Asks `n` threads to help, as soon as they get to it.
  void Ask(uint64_t n, const std::shared_ptr<Loop>& loop)
      ABSL_LOCKS_EXCLUDED(mutex_) {
    const MutexLock lock(&mutex_);
    for (uint64_t i = 0; i < n; ++i) asked_.push_back(loop);
    while (idle_ < asked_.size()) {
      ++idle_;
      std::thread([this] { Work(); }).detach();
    }
    some_asked_.NotifyAll();
  }

  // Takes back what nobody got to.
  void Forget(const std::shared_ptr<Loop>& loop) ABSL_LOCKS_EXCLUDED(mutex_) {
    const MutexLock lock(&mutex_);
    std::erase(asked_, loop);
  }

 private:
  std::shared_ptr<Loop> AwaitLoop() ABSL_LOCKS_EXCLUDED(mutex_) {
    const MutexLock lock(&mutex_);
    while (asked_.empty()) some_asked_.Wait(&mutex_);
    std::shared_ptr<Loop> loop = std::move(asked_.front());
    asked_.pop_front();
    --idle_;
    return loop;
  }

  void Work() ABSL_LOCKS_EXCLUDED(mutex_) {
    for (;;) {
      AwaitLoop()->Help();
      const MutexLock lock(&mutex_);
      ++idle_;
    }
  }

  Mutex mutex_;
  CondVar some_asked_;
  // Loops that go on: an entry for each thread that one still wants.
  std::deque<std::shared_ptr<Loop>> asked_ ABSL_GUARDED_BY(mutex_);
  // Threads that have no loop at the moment.
  uint64_t idle_ ABSL_GUARDED_BY(mutex_) = 0;
};

// Never destroyed: its threads may outlive main().
Helpers& TheHelpers() {
  static Helpers* const helpers = new Helpers;
  return *helpers;
}

}  // namespace

void ParallelFor(uint64_t n, uint64_t piece, uint32_t threads, const Run& run) {
  const uint64_t pieces = (n + piece - 1) / piece;
  const uint64_t wanted = std::min<uint64_t>(threads, pieces);
  if (wanted <= 1) {
    for (uint64_t i = 0; i < pieces; ++i) {
      run(i * piece, std::min(n, (i + 1) * piece));
    }
    return;
  }
  const auto loop = std::make_shared<Loop>(n, piece, run);
  TheHelpers().Ask(wanted - 1, loop);
  loop->TakePieces();
  TheHelpers().Forget(loop);
  loop->Finish();
}

}  // namespace tributary
