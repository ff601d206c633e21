// cpio archives as Linux unpacks them from an initrd: "newc" and "crc" (newc with checksums), one after the
// other, the last perhaps compressed. Linux Documentation/driver-api/early-userspace/buffer-format.rst, with
// init/initramfs.c for what is done with it, and lib/earlycpio.c for microcode.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "formats/kernel.h"
#include "formats/wire.h"

namespace tintype {

// A number of eight hexadecimal digits, of either case, padded with '0'.
using CpioNumber = std::array<char, 8>;

// buffer-format.rst, "cpio_header"
struct CpioHeader {
  std::array<char, 6> c_magic;  // 0: "070701", or "070702" with c_chksum
  CpioNumber c_ino;             // 6
  CpioNumber c_mode;            // 14
  CpioNumber c_uid;             // 22
  CpioNumber c_gid;             // 30
  CpioNumber c_nlink;           // 38
  CpioNumber c_mtime;           // 46
  CpioNumber c_filesize;        // 54
  CpioNumber c_maj;             // 62
  CpioNumber c_min;             // 70
  CpioNumber c_rmaj;            // 78
  CpioNumber c_rmin;            // 86
  CpioNumber c_namesize;        // 94: with the name's NUL
  CpioNumber c_chksum;          // 102: of "070702", the sum of the data's bytes
};
static_assert(sizeof(CpioHeader) == 110 && Wire<CpioHeader>);

// Headers and data start at multiples of this, counted from the start of the initrd.
inline constexpr std::uint64_t kCpioAlignment = 4;
// Linux PATH_MAX: the longest name, with its NUL, and the longest target of a symbolic link. Linux leaves out
// an entry with a longer one, without a word.
inline constexpr std::uint64_t kCpioMaxName = 4096;
// The name of the entry that ends an archive.
inline constexpr std::string_view kCpioTrailer = "TRAILER!!!";
// Where Linux finds processor microcode before anything is unpacked (arch/x86/kernel/cpu/microcode): names
// that start with this, in an archive that is not compressed and has nothing compressed before it.
inline constexpr std::string_view kMicrocodeFolder = "kernel/x86/microcode/";

struct CpioEntry {
  std::string name;  // up to its first NUL, as Linux takes it
  std::uint32_t mode = 0;
  std::uint32_t uid = 0;
  std::uint32_t gid = 0;
  std::uint32_t nlink = 0;
  std::uint32_t mtime = 0;  // seconds since 1970
  std::uint32_t ino = 0;
  std::uint32_t dev_major = 0;  // of the file system that it was on; hard links agree in it and `ino`
  std::uint32_t dev_minor = 0;
  std::uint32_t rdev_major = 0;  // of a device node
  std::uint32_t rdev_minor = 0;
  Bytes data;                // of a regular file; of a symbolic link its target
  std::uint64_t offset = 0;  // of its header, in the bytes that were given
};

// A piece of an initrd: one archive from its first header up to and including its trailer, or compressed
// data, which goes to the end of the file.
struct InitrdSegment {
  enum class Kind : std::uint8_t { cpio, compressed };

  Kind kind = Kind::cpio;
  std::uint64_t start = 0;  // in the file; of an archive, a multiple of 4
  std::uint64_t size = 0;
  FileKind compression = FileKind::unknown;  // gzip ... zstd, of a compressed piece
  bool microcode = false;                    // an archive with an entry in kMicrocodeFolder
  std::uint64_t entries = 0;                 // of an archive, without the trailer
};

// The pieces of an initrd, in order; at least one. Zero bytes around them belong to none. Every header of an
// archive is read; compressed data is not unpacked, and what follows it is taken for part of it.
//
// Errors, with file offsets: an empty file, no initrd at all, or a cpio format that Linux does not read; a
// field that is no number, a name that is empty, too long or not terminated, a file or name that goes past
// the end, a checksum that does not hold, data where Linux expects none; an archive without a trailer (Linux
// takes one, but a file that was cut short looks just so); an archive, or compressed data after one, that
// does not start at a multiple of 4; other bytes after an archive; LZ4 data in the frame format.
Result<std::vector<InitrdSegment>> read_initramfs(Bytes file);

// Calls `visit` for each entry of the archive at the start of `archive`, up to its trailer and without it;
// stops at the first error that it returns. Offsets are counted from the start of `archive`. Errors: those of
// `visit`, and of read_initramfs() for an archive. Bytes after the trailer are not looked at.
Result<void> for_each_entry(Bytes archive, const std::function<Result<void>(const CpioEntry&)>& visit);

}  // namespace tintype
