// EFI zboot kernels: a compressed Image, in an EFI program that unpacks it.
// Source: Linux drivers/firmware/efi/libstub/zboot-header.S and Makefile.zboot.
#pragma once

#include <array>

#include "formats/kernel.h"

namespace tintype {

// zboot-header.S: what is in the place of a DOS header
struct ZbootHeader {
  le32 mz;                                 // 00
  std::array<std::uint8_t, 4> image_type;  // 04
  le32 payload_offset;                     // 08: in the file
  le32 payload_size;                       // 0C: without the unpacked size, which follows unless it is gzip
  std::array<std::uint8_t, 8> reserved;    // 10
  std::array<char, 32> compression_type;   // 18: up to a NUL
  le32 linux_pe_magic;                     // 38
  le32 pe_header_offset;                   // 3C
};
static_assert(sizeof(ZbootHeader) == 64 && Wire<ZbootHeader>);

// Whether an EFI program is one.
bool is_zboot(Bytes file);

// Reads a file that is_zboot(). Errors: for another architecture than AArch64, a file that is cut short, a
// compression that is unknown or none, a payload that is no arm64 Image.
Result<LoadedKernel> load_zboot(Bytes file, std::uint64_t unpack_limit);

}  // namespace tintype
