#include "formats/kernel_arm64.h"

#include <algorithm>

#include "formats/kernel_banner.h"
#include "formats/pe.h"

namespace tintype {

namespace {

constexpr std::uint64_t kBigEndian = 1;                                      // flags, bit 0
constexpr std::uint64_t kAnywhere = 8;                                       // bit 3
constexpr std::uint32_t kPageSizes[] = {0, 4 * kKiB, 16 * kKiB, 64 * kKiB};  // by bits 1-2

// Where kernels before 3.17 want to be, and how it reads if they are big-endian.
constexpr std::uint64_t kOldTextOffset = 0x80000;
constexpr std::uint64_t kOldTextOffsetSwapped = 0x0000080000000000;
// booting.rst, 4: text_offset counts from a multiple of this.
constexpr std::uint64_t kBaseAlignment = 2 * kMiB;

// PE Format, "Machine Types"
constexpr std::uint16_t kPeAarch64 = 0xAA64;

Result<void> check_code(const Arm64ImageHeader& header) {
  if (header.code0 == 0 && header.code1 == 0)
    return fail_at(0, "code0 and code1 are 0, so there is nothing to start: the file is damaged");
  return {};
}

Result<void> check_text_offset(std::uint64_t text_offset) {
  if (text_offset < kBaseAlignment && is_aligned(text_offset, kPageSize)) return {};
  return fail_at(8, "text_offset {:#x} is not a multiple of {:#x} below {:#x}: the file is damaged",
                 text_offset, kPageSize, kBaseAlignment);
}

Result<void> check_image_size(std::uint64_t image_size, std::uint64_t size) {
  if (image_size < size)
    return fail_at(0x10,
                   "image_size is {:#x}, less than the {:#x} bytes that the Image has: the file is damaged, "
                   "or something was appended to it",
                   image_size, size);
  if (image_size > kMaxArm64Image)
    return fail_at(0x10,
                   "image_size is {:#x}, and a kernel needs at most {:#x} bytes of memory: the file is "
                   "damaged",
                   image_size, kMaxArm64Image);
  return {};
}

// Before 3.17: image_size is 0, and text_offset, in the kernel's own byte order, can only be 0x80000.
Result<Arm64ImageFacts> old_facts(const Arm64ImageHeader& header, std::uint64_t size) {
  if (header.text_offset == kOldTextOffsetSwapped) return fail_big_endian(8);
  if (size > kMaxArm64Image - kOldImageSpace)
    return fail("the Image has {:#x} bytes, and an old one, whose image_size is 0, at most {:#x}", size,
                kMaxArm64Image - kOldImageSpace);
  return Arm64ImageFacts{
      .text_offset = kOldTextOffset, .image_size = *align_up(size, kPageSize) + kOldImageSpace, .old = true};
}

// Of what EFI would load, an Image that was cut has too little.
Result<void> check_pe(Bytes file, const Arm64ImageHeader& header) {
  constexpr std::uint32_t kMz = 0x5A4D;
  if ((header.code0 & 0xFFFF) != kMz) return {};
  const PeFile pe = TRY(read_pe(file));
  if (pe.machine != kPeAarch64)
    return with_context<void>(
        fail_at(header.res5 + 4U, "its machine is {:#x}, and that of AArch64 is {:#x}: the file is damaged",
                pe.machine, kPeAarch64),
        "PE header");
  return {};
}

// Without zeroes past the memory that it says it needs: a section of a unified kernel image is padded.
Bytes without_padding(Bytes file) {
  const auto header = read_at<Arm64ImageHeader>(file, 0, "");
  if (!header || header->image_size < sizeof(Arm64ImageHeader) || header->image_size >= file.size())
    return file;
  const Bytes rest = file.subspan(header->image_size);
  const bool padding = std::all_of(rest.begin(), rest.end(), [](std::uint8_t byte) { return byte == 0; });
  return padding ? file.first(header->image_size) : file;
}

}  // namespace

tl::unexpected<Error> fail_big_endian(std::uint64_t at) {
  return fail_at(at,
                 "this is a big-endian kernel, and what starts it here is little-endian: build it with "
                 "CONFIG_CPU_LITTLE_ENDIAN=y");
}

bool has_arm64_header(Bytes start) {
  const auto header = read_at<Arm64ImageHeader>(start, 0, "");
  return header && header->magic == kArm64ImageMagic;
}

Result<Arm64ImageFacts> read_arm64_header(Bytes start, std::uint64_t size) {
  const auto header = TRY(read_at<Arm64ImageHeader>(start, 0, "the Image header"));
  if (header.magic != kArm64ImageMagic) return fail_at(0x38, "there is no magic number of an Image, 'ARMd'");
  TRY(check_code(header));
  if ((header.flags & kBigEndian) != 0) return fail_big_endian(0x18);
  if (header.image_size == 0) return old_facts(header, size);
  TRY(check_text_offset(header.text_offset));
  TRY(check_image_size(header.image_size, size));
  return Arm64ImageFacts{.text_offset = header.text_offset,
                         .image_size = header.image_size,
                         .page_size = kPageSizes[header.flags >> 1 & 3],
                         .anywhere = (header.flags & kAnywhere) != 0};
}

Result<Kernel> load_arm64_image(Bytes file) {
  file = without_padding(file);
  Kernel kernel;
  kernel.arm64 = TRY(with_context(read_arm64_header(file, file.size()), "Image header"));
  TRY(check_pe(file, TRY(read_at<Arm64ImageHeader>(file, 0, "the Image header"))));
  kernel.arch = Arch::aarch64;
  kernel.format = "arm64 Image";
  kernel.entry = 0;
  kernel.segments.push_back({.gpa = 0, .data = file, .memory_size = kernel.arm64->image_size});
  if (std::optional<std::string> banner = find_banner(file)) {
    kernel.is_linux = true;
    kernel.version = std::move(*banner);
  }
  return kernel;
}

}  // namespace tintype
