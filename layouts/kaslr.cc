#include "layouts/kaslr.h"

#include <algorithm>

#include "formats/digest.h"
#include "formats/gpa.h"
#include "layouts/x86_guest.h"

namespace tintype {

namespace {

// CONFIG_PHYSICAL_ALIGN of a kernel that does not say: the least that x86_64 can have.
constexpr std::uint64_t kDefaultAlignment = 2 * kMiB;

// A number below `count` from the seed, the same on every machine. 64 bits of a digest over a count of at
// most a few hundred thousand leave no slot measurably likelier than another.
std::uint64_t pick(std::string_view purpose, Bytes seed, std::uint64_t count) {
  Sha256Stream stream;
  stream.update(bytes_of(purpose));
  stream.update(seed);
  const Sha256 digest = stream.finish();
  le64 number;
  std::memcpy(&number, digest.data(), sizeof(number));
  return number % count;
}

}  // namespace

Result<KernelPlace> choose_kernel_place(const Kernel& kernel, Bytes seed, std::uint64_t initrd_size,
                                        std::uint64_t ram_end) {
  if (kernel.unpacks_itself)
    return fail(
        "--kaslr-seed moves a kernel at compose time, and with --keep-compressed it chooses its place at "
        "boot: "
        "leave one of them out");
  if (!kernel.is_linux) return fail("--kaslr-seed moves Linux kernels, and this is none: leave it out");
  TRY(with_context(read_relocations(kernel.after_elf), "relocations"));
  const std::uint64_t link = kernel.segments.front().gpa;
  const std::uint64_t alignment =
      std::max<std::uint64_t>(kernel.setup ? kernel.setup->kernel_alignment : 0, kDefaultAlignment);
  if ((alignment & (alignment - 1)) != 0 || alignment > kGiB || kernel.virtual_base != kKernelMap + link ||
      !is_aligned(link, alignment))
    return fail(
        "the kernel is linked at physical {:#x} and virtual {:#x} with an alignment of {:#x}, which are not "
        "those of an x86_64 Linux: leave --kaslr-seed out",
        link, kernel.virtual_base, alignment);
  // What the kernel needs from its first byte on; its decompressor may state more than the segments do.
  const std::uint64_t init_size = kernel.setup ? kernel.setup->init_size : 0;
  const std::uint64_t size =
      *align_up(std::max({end_of(kernel) - link, init_size, std::uint64_t{1}}), alignment);
  const std::uint64_t with_initrd = size + *align_up(initrd_size, kInitrdAlignment);
  if (link > kKernelImageSize || size > kKernelImageSize - link)
    return fail("the kernel's {:#x} bytes at {:#x} do not fit its mapping of {:#x}", size, link,
                kKernelImageSize);
  if (link > ram_end || with_initrd > ram_end - link)
    return fail(
        "the kernel and its initrd need {:#x} bytes from {:#x} on, and RAM for them ends at {:#x}: give "
        "--memory "
        "at least {}M",
        with_initrd, link, ram_end, (link + with_initrd + kMiB - 1) / kMiB);
  const std::uint64_t physical_slots = (ram_end - link - with_initrd) / alignment + 1;
  const std::uint64_t virtual_slots = (kKernelImageSize - link - size) / alignment + 1;
  return KernelPlace{KernelPlace::By::seed,
                     link + alignment * pick("tintype kaslr physical", seed, physical_slots),
                     kKernelMap + link + alignment * pick("tintype kaslr virtual", seed, virtual_slots)};
}

}  // namespace tintype
