#include "formats/kernel.h"

#include "formats/kernel_arm64.h"
#include "formats/kernel_bzimage.h"
#include "formats/kernel_elf.h"

namespace tintype {

namespace {

// What to do with a file that is no x86_64 kernel.
std::string_view remedy(FileKind kind) {
  switch (kind) {
    case FileKind::gzip:
      return ": unpack it first with `gzip -d`";
    case FileKind::bzip2:
      return ": unpack it first with `bzip2 -d`";
    case FileKind::lzma:
    case FileKind::xz:
      return ": unpack it first with `xz -d`";
    case FileKind::lzo:
      return ": unpack it first with `lzop -d`";
    case FileKind::lz4:
      return ": unpack it first with `lz4 -d`";
    case FileKind::zstd:
      return ": unpack it first with `zstd -d`";
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
      return ": give an ELF64 vmlinux or a bzImage, which Linux installs as vmlinuz";
  }
}

}  // namespace

Result<LoadedKernel> load_kernel(Bytes file, const LoadOptions& options) {
  const FileProbe found = probe(file);
  if (found.kind == FileKind::bzimage)
    return options.keep_compressed ? load_compressed_bzimage(file) : load_bzimage(file, options.unpack_limit);
  const bool image = found.kind == FileKind::arm64_image;
  if (!image && found.kind != FileKind::elf64 && found.kind != FileKind::elf32)
    return fail("this is {}, not a kernel for x86_64{}", found.description, remedy(found.kind));
  if (options.keep_compressed)
    return fail("this is {}, which is not compressed: leave --keep-compressed out", found.description);
  LoadedKernel loaded;
  loaded.kernel = TRY(image ? load_arm64_image(file) : load_elf_kernel(file));
  if (!loaded.kernel.is_64bit && !loaded.kernel.pvh_entry)
    return fail(
        "this is a 32-bit kernel without a PVH entry point (the ELF note XEN_ELFNOTE_PHYS32_ENTRY), the only "
        "way "
        "in that 32-bit kernels have here: build it with CONFIG_PVH=y, or for x86_64");
  return loaded;
}

}  // namespace tintype
