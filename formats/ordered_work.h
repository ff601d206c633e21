// Blocks of work that several threads prepare at once and that are taken in order.
#pragma once

#include <cstdint>
#include <functional>

namespace tintype {

// Runs prepare(block, slot) for each block in [0, blocks), several at a time, and then take(block, slot), one
// at a time and in the order of the blocks; `slot` is below `threads` and belongs to one block from its
// prepare to the end of its take, so what blocks need memory for is theirs by slot. Neither may throw. With
// one thread, or one block, nothing is started and everything happens here.
void in_order(std::uint64_t blocks, unsigned threads,
              const std::function<void(std::uint64_t block, unsigned slot)>& prepare,
              const std::function<void(std::uint64_t block, unsigned slot)>& take);

// As many threads as this process may run at once, at least 1.
unsigned usable_threads();

}  // namespace tintype
