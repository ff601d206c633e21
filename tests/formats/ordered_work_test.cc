#include "formats/ordered_work.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <thread>
#include <vector>

#include "support/test_main.h"

namespace tintype {

TEST_CASE("blocks are prepared once and taken in order, whatever the threads") {
  for (const std::uint64_t blocks : {0u, 1u, 2u, 3u, 100u}) {
    for (const unsigned threads : {1u, 2u, 7u, 200u}) {
      CAPTURE(blocks);
      CAPTURE(threads);
      std::vector<std::atomic<int>> prepared(blocks);
      std::vector<std::uint64_t> of_slot(threads), taken;
      std::atomic<bool> slots_right = true;
      in_order(
          blocks, threads,
          [&](std::uint64_t block, unsigned slot) {
            ++prepared[block];
            if (slot >= threads)
              slots_right = false;
            else
              of_slot[slot] = block;
          },
          [&](std::uint64_t block, unsigned slot) {
            // What a slot was given is its own until here.
            if (of_slot[slot] != block) slots_right = false;
            taken.push_back(block);
          });
      CHECK(slots_right);
      REQUIRE(taken.size() == blocks);
      for (std::uint64_t block = 0; block < blocks; ++block) {
        CHECK(prepared[block] == 1);
        CHECK(taken[block] == block);
      }
    }
  }
}

TEST_CASE("one thread prepares and takes in turn, here") {
  const std::thread::id here = std::this_thread::get_id();
  std::vector<int> story;
  in_order(
      2, 1,
      [&](std::uint64_t block, unsigned) {
        story.push_back(static_cast<int>(block));
        CHECK(std::this_thread::get_id() == here);
      },
      [&](std::uint64_t block, unsigned) {
        story.push_back(10 + static_cast<int>(block));
        CHECK(std::this_thread::get_id() == here);
      });
  CHECK(story == std::vector<int>{0, 10, 1, 11});
}

TEST_CASE("two threads prepare at once") {
  // Each block's preparation ends when another one's has begun: with one at a time nothing would ever end.
  std::atomic<int> begun = 0;
  std::atomic<bool> late = false;
  in_order(
      2, 2,
      [&](std::uint64_t, unsigned) {
        ++begun;
        const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(60);
        while (begun < 2 && !late) {
          if (std::chrono::steady_clock::now() > end) late = true;
          std::this_thread::yield();
        }
      },
      [](std::uint64_t, unsigned) {});
  CHECK_FALSE(late);
}

TEST_CASE("there is a thread to use") {
  CHECK(usable_threads() >= 1);
}

}  // namespace tintype
