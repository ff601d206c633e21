// What a kernel file is, and the plain facts a layout needs of it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "formats/machine.h"
#include "formats/wire.h"

namespace tintype {

// What the first bytes of a file say it is.
enum class FileKind : std::uint8_t {
  elf64,
  elf32,
  bzimage,
  arm64_image,
  pe,   // another EFI program; kernels among them are those of kernel_zboot.h
  uki,  // a unified kernel image: an EFI program with a kernel in its .linux section
  gzip,
  bzip2,
  lzma,
  xz,
  lzo,
  lz4,
  zstd,
  cpio,  // an initrd
  script,
  text,
  igvm,
  fdt,
  squashfs,
  ext4,
  qcow2,
  iso9660,  // disk images; ext4 is any of ext2, ext3, ext4
  deb,
  ar,
  empty,
  unknown,
};

struct FileProbe {
  FileKind kind = FileKind::unknown;
  std::optional<std::uint16_t> elf_machine;  // e_machine, for ELF
  std::string description;  // "an ELF64 kernel for AArch64", "a shell script", "a gzip-compressed file"
  std::optional<Arch> arch = std::nullopt;  // of a program that is for one of ours
};

// Never fails: what cannot be told is `unknown`.
FileProbe probe(Bytes file);

// A loadable piece of a kernel: `data` at physical address `gpa`, zero-filled up to `memory_size`.
struct KernelSegment {
  std::uint64_t gpa = 0;
  Bytes data;
  std::uint64_t memory_size = 0;  // >= data.size()
};

// "gzip", "zstd", ...: what a kernel may be compressed with. Nothing for other kinds.
std::optional<std::string_view> compression_name(FileKind kind);

// The parts of a bzImage's setup header that layouts use (Linux Documentation/arch/x86/boot.rst, 1.15).
struct SetupFacts {
  std::uint16_t version = 0;  // 0x020F is 2.15
  std::uint16_t xloadflags = 0;
  std::uint32_t cmdline_size = 0;     // longest command line in bytes, without its NUL
  std::uint32_t initrd_addr_max = 0;  // highest address an initrd's last byte may have
  std::uint64_t pref_address = 0;
  std::uint32_t init_size = 0;
  std::uint32_t kernel_alignment = 0;
  bool relocatable = false;
  Bytes setup_header;  // the bytes from 0x1F1 to the end of the header, as boot_params wants them
};

// What the header of an arm64 Image says (Linux Documentation/arch/arm64/booting.rst, 4).
struct Arm64ImageFacts {
  std::uint64_t text_offset = 0;  // of the Image from a multiple of 2 MiB; 0x80000 for kernels before 3.17
  std::uint64_t image_size = 0;   // bytes of memory from the Image's start on that it needs
  std::uint32_t page_size = 0;    // 4, 16 or 64 KiB in bytes; 0 if it does not say
  bool anywhere = false;          // memory below it is of use too
  bool old = false;               // of a kernel before 3.17, whose header says none of these
};

struct Kernel {
  Arch arch = Arch::x86_64;
  std::string format;   // "ELF64", "bzImage (lz4)", "arm64 Image (zboot, gzip)"
  std::string version;  // "6.1.0-37-cloud-amd64 ...", may be empty
  // Physical address of the first instruction; none if the kernel can be entered by PVH only.
  std::optional<std::uint64_t> entry;
  std::optional<std::uint64_t> pvh_entry;  // of XEN_ELFNOTE_PHYS32_ENTRY, below 4 GiB
  bool is_64bit = true;                    // ELF64, or a bzImage with a 64-bit entry point
  bool is_linux = false;
  bool unpacks_itself = false;          // a bzImage as it is: one segment, its own decompressor
  std::uint64_t virtual_base = 0;       // where the first segment is linked; 0 if it unpacks itself
  std::vector<KernelSegment> segments;  // ascending, disjoint
  std::optional<SetupFacts> setup;      // of a bzImage
  // Of an arm64 Image, or of an ELF that has an Image in it. `entry` and `segments` then count from the
  // Image's start, 0, and the layout chooses where that is.
  std::optional<Arm64ImageFacts> arm64;
  Bytes after_elf;  // what follows the ELF file: Linux's relocation table
};

// What a compose owns for a kernel that had to be unpacked: the decompressed file. It moves and does not
// copy, since the copy's `kernel` would borrow from the original.
struct LoadedKernel {
  Kernel kernel;
  std::vector<std::uint8_t> unpacked;  // `kernel` borrows from this, or from the file if it is empty

  LoadedKernel() = default;
  LoadedKernel(LoadedKernel&&) = default;
  LoadedKernel& operator=(LoadedKernel&&) = default;
};

// The most a compressed payload may unpack to. A kernel is some 60 MiB; a bomb is not a kernel.
inline constexpr std::uint64_t kMaxUnpackedKernel = 1 * kGiB;

struct LoadOptions {
  bool keep_compressed = false;                     // a bzImage's own decompressor shall run
  std::uint64_t unpack_limit = kMaxUnpackedKernel;  // bytes
};

// Reads a kernel.
//   x86      ELF64, ELF32 with a PVH entry, or a bzImage of boot protocol 2.12 or newer with a 64-bit entry,
//            whose payload is unwrapped unless it is to be kept
//   AArch64  an Image, an EFI zboot kernel that holds one, or ELF64
// An ELF file or an Image may be compressed as a whole. Errors say which part of the file is wrong, or what
// the file is instead and what would work.
Result<LoadedKernel> load_kernel(Bytes file, const LoadOptions& options = {});

}  // namespace tintype
