// The AArch64 half of load_kernel(): the Image, on its own or inside other files.
// Source: Linux Documentation/arch/arm64/booting.rst, 4 "Call the kernel image".
#pragma once

#include <array>

#include "formats/kernel.h"

namespace tintype {

// booting.rst, 4: the first bytes of an Image
struct Arm64ImageHeader {
  le32 code0;                         // 00
  le32 code1;                         // 04
  le64 text_offset;                   // 08
  le64 image_size;                    // 10 (3.17)
  le64 flags;                         // 18 (3.17)
  le64 res2;                          // 20
  le64 res3;                          // 28
  le64 res4;                          // 30
  std::array<std::uint8_t, 4> magic;  // 38
  le32 res5;                          // 3C: of the PE header in the file
};
static_assert(sizeof(Arm64ImageHeader) == 64 && Wire<Arm64ImageHeader>);

inline constexpr std::array<std::uint8_t, 4> kArm64ImageMagic = {'A', 'R', 'M', 0x64};

// The most memory that an Image may ask for: as much as any kernel may unpack to.
inline constexpr std::uint64_t kMaxArm64Image = kMaxUnpackedKernel;

// A kernel before 3.17 does not say how much memory it needs, and booting.rst would leave it as much as there
// is. This much after its last byte is for its BSS, which in those kernels has some hundred KiB; what the
// layout puts behind that, the kernel is told of and keeps.
inline constexpr std::uint64_t kOldImageSpace = 16 * kMiB;

// The error on a big-endian kernel, in whatever file it is: `at` is where that shows.
tl::unexpected<Error> fail_big_endian(std::uint64_t at);

// Whether `start` begins with the header of an Image.
bool has_arm64_header(Bytes start);

// Checks the header of an Image and reads it; `size` is how many bytes the Image has without its BSS. Errors:
// big-endian, no code, a text_offset that is no multiple of 4 KiB below 2 MiB, an image_size below `size` or
// above kMaxArm64Image. Offsets in errors count from the Image's start.
Result<Arm64ImageFacts> read_arm64_header(Bytes start, std::uint64_t size);

// Reads an Image: one segment, `file`, entered at its start. It is Linux if it has Linux's banner. Errors: as
// above, and of a PE header that is damaged, for another machine, or names more than the file has.
Result<Kernel> load_arm64_image(Bytes file);

}  // namespace tintype
