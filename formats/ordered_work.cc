#include "formats/ordered_work.h"

#include <algorithm>
#include <condition_variable>
#include <mutex>
#include <thread>
#include <vector>

namespace tintype {

namespace {

// Hands out blocks, and lets them be taken one after the other.
class Turnstile {
 public:
  explicit Turnstile(std::uint64_t blocks) : blocks_(blocks) {}

  // The next block, or `blocks` when there is none.
  std::uint64_t next() {
    const std::lock_guard lock(mutex_);
    return next_ == blocks_ ? blocks_ : next_++;
  }
  void wait_for(std::uint64_t block) {
    std::unique_lock lock(mutex_);
    turned_.wait(lock, [&] { return turn_ == block; });
  }
  void turn() {
    {
      const std::lock_guard lock(mutex_);
      ++turn_;
    }
    turned_.notify_all();
  }

 private:
  std::mutex mutex_;
  std::condition_variable turned_;
  std::uint64_t blocks_, next_ = 0, turn_ = 0;
};

}  // namespace

void in_order(std::uint64_t blocks, unsigned threads,
              const std::function<void(std::uint64_t, unsigned)>& prepare,
              const std::function<void(std::uint64_t, unsigned)>& take) {
  Turnstile turnstile(blocks);
  const auto work = [&](unsigned slot) {
    for (std::uint64_t block = turnstile.next(); block != blocks; block = turnstile.next()) {
      prepare(block, slot);
      turnstile.wait_for(block);
      take(block, slot);
      turnstile.turn();
    }
  };
  std::vector<std::jthread> helpers;
  for (unsigned slot = 1; slot < std::min<std::uint64_t>(threads, blocks); ++slot)
    helpers.emplace_back(work, slot);
  work(0);
}

unsigned usable_threads() {
  return std::max(std::thread::hardware_concurrency(), 1u);
}

}  // namespace tintype
