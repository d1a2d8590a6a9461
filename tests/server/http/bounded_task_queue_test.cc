#include "server/http/bounded_task_queue.h"

#include <atomic>
#include <future>
#include <semaphore>

#include "gtest/gtest.h"

namespace tributary {
namespace {

TEST(BoundedTaskQueue, EnqueueWaitsWhileTheQueueIsFull) {
  BoundedTaskQueue queue(1, 1);
  std::counting_semaphore<> entered{0};
  std::counting_semaphore<> open{0};
  std::atomic<int> done = 0;
  const auto task = [&] {
    entered.release();
    open.acquire();
    ++done;
  };
  queue.enqueue(task);
  entered.acquire();
  queue.enqueue(task);
  auto third = std::async(std::launch::async, [&] { queue.enqueue(task); });
  EXPECT_EQ(third.wait_for(std::chrono::milliseconds(20)),
            std::future_status::timeout);
  open.release();
  third.get();
  open.release(2);
  queue.shutdown();
  EXPECT_EQ(done, 3);
}

}  // namespace
}  // namespace tributary
