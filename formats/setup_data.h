// The chain of additional data that boot_params points at (Linux Documentation/arch/x86/boot.rst,
// "setup_data").
#pragma once

#include "formats/wire.h"

namespace tintype {

// arch/x86/include/uapi/asm/setup_data.h
enum class SetupDataType : std::uint32_t {
  dtb = 2,       // SETUP_DTB: a flattened device tree
  rng_seed = 9,  // SETUP_RNG_SEED: bytes for the kernel's random number generator
};

// boot.rst, struct setup_data: the header of an element; its data follows.
struct SetupData {
  le64 next;  // 00: physical address of the next one, or 0
  le32 type;  // 08
  le32 len;   // 0C: of the data, in bytes
};
static_assert(sizeof(SetupData) == 16 && Wire<SetupData>);

// Writes an element of fewer than 4 GiB whose successor is at `next`, or is the last with 0.
inline void emit_setup_data(std::uint64_t next, SetupDataType type, Bytes data, ByteSink& sink) {
  sink.put(SetupData{.next = next,
                     .type = static_cast<std::uint32_t>(type),
                     .len = static_cast<std::uint32_t>(data.size())});
  sink.borrow(data);
}

}  // namespace tintype
