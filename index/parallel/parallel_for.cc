#include "index/parallel/parallel_for.h"

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <deque>
#include <memory>
#include <mutex>
#include <thread>

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
  void Help() {
    {
      const std::lock_guard lock(mutex_);
      if (is_over_) return;
      ++helping_;
    }
    TakePieces();
    const std::lock_guard lock(mutex_);
    if (--helping_ == 0) nobody_helps_.notify_one();
  }

  // After this returns, nobody uses `run` any more.
  void Finish() {
    std::unique_lock lock(mutex_);
    is_over_ = true;
    nobody_helps_.wait(lock, [&] { return helping_ == 0; });
  }

 private:
  const uint64_t n_;
  const uint64_t piece_;
  const uint64_t pieces_;
  // Valid until Finish() returns.
  const Run& run_;
  std::atomic<uint64_t> next_{0};
  std::mutex mutex_;
  std::condition_variable nobody_helps_;
  // Guarded by mutex_.
  bool is_over_ = false;
  uint32_t helping_ = 0;
};

// Threads that wait for loops to help with; they live as long as the process. A
// training step has several short loops, for which starting threads would take
// too long.
class Helpers {
 public:
  // Asks `n` threads to help, as soon as they get to it.
  void Ask(uint64_t n, const std::shared_ptr<Loop>& loop) {
    const std::lock_guard lock(mutex_);
    for (uint64_t i = 0; i < n; ++i) asked_.push_back(loop);
    while (idle_ < asked_.size()) {
      ++idle_;
      std::thread([this] { Work(); }).detach();
    }
    some_asked_.notify_all();
  }

  // Takes back what nobody got to.
  void Forget(const std::shared_ptr<Loop>& loop) {
    const std::lock_guard lock(mutex_);
    std::erase(asked_, loop);
  }

 private:
  void Work() {
    std::unique_lock lock(mutex_);
    for (;;) {
      some_asked_.wait(lock, [&] { return !asked_.empty(); });
      const std::shared_ptr<Loop> loop = std::move(asked_.front());
      asked_.pop_front();
      --idle_;
      lock.unlock();
      loop->Help();
      lock.lock();
      ++idle_;
    }
  }

  std::mutex mutex_;
  std::condition_variable some_asked_;
  // Guarded by mutex_. Loops that go on: an entry for each thread that one
  // still wants.
  std::deque<std::shared_ptr<Loop>> asked_;
  // Threads that have no loop at the moment.
  uint64_t idle_ = 0;
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
