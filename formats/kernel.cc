#include "formats/kernel.h"

#include "formats/kernel_arm64.h"
#include "formats/kernel_bzimage.h"
#include "formats/kernel_elf.h"
#include "formats/kernel_zboot.h"
#include "formats/unpack.h"

namespace tintype {

namespace {

// What to do with a file that is no kernel.
std::string_view remedy(FileKind kind) {
  switch (kind) {
    case FileKind::cpio:
      return ": give an initrd with --initrd";
    case FileKind::igvm:
      return ": start it with run-snapshot";
    case FileKind::uki:
      return ": take the kernel out with `objcopy -O binary --only-section=.linux`";
    case FileKind::pe:
      return ": give a vmlinuz, or a unified kernel image, which has its kernel in a section .linux";
    case FileKind::deb:
      return ": unpack it with `dpkg-deb -x` and give its boot/vmlinuz-*";
    default:
      return ": give an ELF64 vmlinux, a bzImage or an arm64 Image, one of which Linux installs as vmlinuz";
  }
}

// The command that unpacks a file.
std::string_view unpacker(FileKind kind) {
  switch (kind) {
    case FileKind::bzip2:
      return "bzip2 -d";
    case FileKind::lzma:
    case FileKind::xz:
      return "xz -d";
    case FileKind::lzo:
      return "lzop -d";
    case FileKind::lz4:
      return "lz4 -d";
    case FileKind::zstd:
      return "zstd -d";
    default:
      return "gzip -d";
  }
}

// What is loaded from the file's own bytes.
bool is_plain(FileKind kind) {
  return kind == FileKind::elf64 || kind == FileKind::elf32 || kind == FileKind::arm64_image;
}

// `kind` is one of those.
Result<Kernel> load_plain(FileKind kind, Bytes file) {
  if (kind == FileKind::arm64_image) return load_arm64_image(file);
  Kernel kernel = TRY(load_elf_kernel(file));
  if (!kernel.is_64bit && !kernel.pvh_entry)
    return fail(
        "this is a 32-bit kernel without a PVH entry point (the ELF note XEN_ELFNOTE_PHYS32_ENTRY), the only "
        "way in that 32-bit kernels have here: build it with CONFIG_PVH=y, or for x86_64");
  return kernel;
}

// An Image, or an ELF file, that was compressed as a whole. What has a payload of its own is left out: nobody
// compresses it twice, and a kernel owns one unpacked file only.
Result<LoadedKernel> load_packed(const FileProbe& found, Bytes file, std::uint64_t unpack_limit) {
  const std::string part(*compression_name(found.kind));
  LoadedKernel loaded;
  loaded.unpacked = TRY(with_context(unpack_maybe_sized(found.kind, file, unpack_limit), part));
  const FileProbe inside = probe(loaded.unpacked);
  const bool itself = inside.kind == FileKind::bzimage ||
                      (inside.kind == FileKind::pe && is_zboot(loaded.unpacked)) ||
                      inside.kind == FileKind::uki;
  if (itself)
    return fail("this is {}, and holds {}: unpack it first with `{}`", found.description, inside.description,
                unpacker(found.kind));
  if (!is_plain(inside.kind))
    return fail("this is {}, and holds {}, not a kernel for x86_64 or AArch64{}", found.description,
                inside.description, remedy(inside.kind));
  loaded.kernel = TRY(with_context(without_offset(load_plain(inside.kind, loaded.unpacked)), part));
  loaded.kernel.format += fmt::format(" ({})", part);
  return loaded;
}

}  // namespace

Result<LoadedKernel> load_kernel(Bytes file, const LoadOptions& options) {
  const FileProbe found = probe(file);
  if (found.kind == FileKind::bzimage)
    return options.keep_compressed ? load_compressed_bzimage(file) : load_bzimage(file, options.unpack_limit);
  const bool packed = compression_name(found.kind).has_value();
  const bool zboot = found.kind == FileKind::pe && is_zboot(file);
  if (!packed && !zboot && !is_plain(found.kind))
    return fail("this is {}, not a kernel for x86_64 or AArch64{}", found.description, remedy(found.kind));
  if (options.keep_compressed)
    return fail("this is {}, {}: leave --keep-compressed out", found.description,
                is_plain(found.kind) ? "which is not compressed" : "and only a bzImage unpacks itself here");
  if (packed) return load_packed(found, file, options.unpack_limit);
  if (zboot) return load_zboot(file, options.unpack_limit);
  LoadedKernel loaded;
  loaded.kernel = TRY(load_plain(found.kind, file));
  return loaded;
}

}  // namespace tintype
