// The bzImage half of load_kernel().
#pragma once

#include "formats/kernel.h"

namespace tintype {

// Where a bzImage's payload is, and what its setup header says.
struct BzImage {
  SetupFacts setup;
  std::string version;               // of the kernel, as the setup code has it; may be empty
  Bytes payload;                     // with what follows the compressed data
  std::uint64_t payload_offset = 0;  // in the file
  Bytes code;                        // the protected-mode code, payload included
};

// Reads the setup header (Linux Documentation/arch/x86/boot.rst) of a file that probe() calls a bzImage.
// Errors: boot protocol older than 2.12, no 64-bit entry, a header or payload outside the file.
Result<BzImage> read_bzimage(Bytes file);

// Reads the setup header and unwraps the kernel in the payload.
Result<LoadedKernel> load_bzimage(Bytes file, std::uint64_t unpack_limit);

// Reads the setup header and leaves the rest to the kernel's own decompressor: one segment at pref_address
// that reserves init_size, entered 0x200 after its start (boot.rst, "64-bit Boot Protocol"). Errors: an
// alignment, address or size that boot.rst does not allow.
Result<LoadedKernel> load_compressed_bzimage(Bytes file);

}  // namespace tintype
