#include "formats/kernel_bzimage.h"

#include <algorithm>

#include "formats/kernel_elf.h"
#include "formats/linux_boot.h"
#include "formats/unpack.h"

namespace tintype {

namespace {

// Where the header of protocol 2.12 ends: behind handover_offset.
constexpr std::uint64_t kHeaderEnd2_12 = 0x268;
constexpr std::uint16_t kShortJump = 0xEB;
// boot.rst, "64-bit Boot Protocol": the entry point, from the start of the code.
constexpr std::uint64_t kEntry64 = 0x200;
// arch/x86/include/asm/boot.h, MIN_KERNEL_ALIGN of 64-bit kernels: a page of their own page tables.
constexpr std::uint64_t kMinKernelAlignment = 2 * kMiB;

// The bytes of the header, up to where its jump instruction leads (boot.rst, "jump").
Result<Bytes> header_bytes(Bytes file) {
  const std::uint16_t jump = TRY(read_at<le16>(file, kSetupHeaderJump - 2, "the setup header"));
  const std::uint64_t distance = jump >> 8;
  if ((jump & 0xFF) != kShortJump || distance > 0x7F)
    return fail_at(kSetupHeaderJump - 2, "a short jump over the header is missing: the file is damaged");
  const std::uint64_t end = kSetupHeaderJump + distance;
  if (end < kHeaderEnd2_12)
    return fail_at(kSetupHeaderJump - 1,
                   "it ends at {:#x}, and that of boot protocol 2.12 at {:#x}: the file is "
                   "damaged",
                   end, kHeaderEnd2_12);
  return slice(file, kSetupHeaderOffset, end - kSetupHeaderOffset, "the setup header");
}

// The header as a structure; what the file's protocol does not have yet is zero.
Result<SetupHeader> read_setup_header(Bytes file) {
  const std::uint16_t version = TRY(read_at<le16>(file, 0x206, "the setup header"));
  if (version < kProtocol2_12)
    return fail_at(0x206, "boot protocol {}.{:02} is older than 2.12, the first with a 64-bit entry point",
                   version >> 8, version & 0xFF);
  const Bytes bytes = TRY(header_bytes(file));
  std::array<std::uint8_t, sizeof(SetupHeader)> full{};
  std::copy_n(bytes.begin(), std::min(bytes.size(), full.size()), full.begin());
  const SetupHeader header = TRY(read_at<SetupHeader>(full, 0, "the setup header"));
  if ((header.xloadflags & kXlfKernel64) == 0)
    return fail_at(0x236,
                   "xloadflags {:#x} has no XLF_KERNEL_64: this is a 32-bit kernel, or one without a 64-bit "
                   "entry point; give one built for x86_64",
                   header.xloadflags.value());
  return header;
}

SetupFacts facts_of(const SetupHeader& header, Bytes bytes) {
  SetupFacts facts;
  facts.version = header.version;
  facts.xloadflags = header.xloadflags;
  facts.cmdline_size = header.cmdline_size;
  facts.initrd_addr_max = header.initrd_addr_max;
  facts.pref_address = header.pref_address;
  facts.init_size = header.init_size;
  facts.kernel_alignment = header.kernel_alignment;
  facts.relocatable = header.relocatable_kernel != 0;
  facts.setup_header = bytes;
  return facts;
}

// boot.rst, "kernel_version": a pointer less 0x200 into the setup code. Only a label, so a wrong one is no
// error.
std::string version_of(Bytes file, const SetupHeader& header, std::uint64_t setup_size) {
  constexpr std::uint64_t kLongest = 512;
  const std::uint64_t start = std::uint64_t{header.kernel_version} + kSetupSector;
  const std::uint64_t end = std::min<std::uint64_t>({file.size(), setup_size, start + kLongest});
  if (header.kernel_version == 0 || start >= end) return {};
  const Bytes text = file.subspan(start, end - start);
  const auto stop =
      std::find_if(text.begin(), text.end(), [](std::uint8_t c) { return c < 0x20 || c > 0x7E; });
  return std::string(text.begin(), stop);
}

// The protected-mode code, which begins after the setup sectors (boot.rst, "Loading The Rest of The Kernel").
Result<Bytes> find_code(Bytes file, const SetupHeader& header, std::uint64_t setup_size) {
  const std::uint64_t code_size = std::uint64_t{header.syssize} * 16;
  if (setup_size > file.size() || code_size > file.size() - setup_size)
    return fail("{} bytes of setup and {} bytes of code make {}, and the file has {}: it is cut short",
                setup_size, code_size, setup_size + code_size, file.size());
  return file.subspan(setup_size, code_size);
}

// The compressed kernel in the code (boot.rst, "payload_offset").
Result<Bytes> find_payload(Bytes code, const SetupHeader& header) {
  const std::uint64_t code_size = code.size();
  const std::uint64_t offset = header.payload_offset;
  const std::uint64_t length = header.payload_length;
  if (length == 0) return fail_at(0x24C, "payload_length is 0: there is no kernel in this file");
  if (offset > code_size || length > code_size - offset)
    return fail_at(0x248, "the payload's {} bytes at {:#x} end at {:#x}, past the end of the code at {:#x}",
                   length, offset, offset + length, code_size);
  return code.subspan(offset, length);
}

// Linux appends the unpacked size to the payload; gzip ends with it anyway (scripts/Makefile.lib,
// "size_append").
struct Packed {
  Bytes data;
  std::uint32_t unpacked_size;
};

Result<Packed> split_payload(FileKind kind, Bytes payload) {
  if (payload.size() < sizeof(le32))
    return fail("it has {} bytes, too few for any compression", payload.size());
  const std::size_t body = payload.size() - sizeof(le32);
  const std::uint32_t size = TRY(read_at<le32>(payload, body, "the unpacked size"));
  return Packed{kind == FileKind::gzip ? payload : payload.first(body), size};
}

Result<std::vector<std::uint8_t>> unpack_payload(FileKind kind, Bytes payload, std::uint64_t limit) {
  const Packed packed = TRY(split_payload(kind, payload));
  auto unpacked = TRY(unpack(kind, packed.data, {.limit = limit, .expected = packed.unpacked_size}));
  if (unpacked.size() != packed.unpacked_size)
    return fail("it unpacks to {} bytes, and the file says {}: the file is damaged", unpacked.size(),
                packed.unpacked_size);
  return unpacked;
}

// Whether the code may lie, and unpack itself, where the header would like to (boot.rst, "kernel_alignment",
// "pref_address", "init_size"). pref_address serves relocatable kernels too: they need it aligned, and below
// it they would only move themselves there (arch/x86/boot/compressed/head_64.S).
Result<void> check_placement(const BzImage& image) {
  const SetupFacts& setup = image.setup;
  const std::uint64_t alignment = setup.kernel_alignment;
  if (alignment < kMinKernelAlignment || (alignment & (alignment - 1)) != 0 || alignment > kGiB)
    return fail_at(0x230,
                   "kernel_alignment {:#x} is not a power of two from {:#x} to {:#x}: the file is damaged",
                   alignment, kMinKernelAlignment, kGiB);
  if (setup.pref_address < kMiB || setup.pref_address > UINT32_MAX ||
      (setup.relocatable && !is_aligned(setup.pref_address, alignment)))
    return fail_at(
        0x258, "pref_address {:#x} is not between 1 MiB and 4 GiB at a multiple of kernel_alignment {:#x}",
        setup.pref_address, alignment);
  if (setup.init_size < image.code.size())
    return fail_at(0x260, "init_size {:#x} is less than the {:#x} bytes of code: the file is damaged",
                   setup.init_size, image.code.size());
  if (image.code.size() <= kEntry64)
    return fail("the code has {} bytes, and its 64-bit entry point is at {:#x}: the file is damaged",
                image.code.size(), kEntry64);
  return {};
}

}  // namespace

Result<BzImage> read_bzimage(Bytes file) {
  const SetupHeader header = TRY(read_setup_header(file));
  const std::uint64_t sectors = header.setup_sects == 0 ? kDefaultSetupSectors : header.setup_sects;
  // The boot sector comes on top.
  const std::uint64_t setup_size = (sectors + 1) * kSetupSector;
  BzImage image;
  image.setup = facts_of(header, TRY(header_bytes(file)));
  image.version = version_of(file, header, setup_size);
  image.code = TRY(find_code(file, header, setup_size));
  image.payload = TRY(find_payload(image.code, header));
  image.payload_offset = setup_size + header.payload_offset;
  return image;
}

Result<LoadedKernel> load_compressed_bzimage(Bytes file) {
  BzImage image = TRY(with_context(read_bzimage(file), "setup header"));
  TRY(with_context(check_placement(image), "setup header"));
  LoadedKernel loaded;
  Kernel& kernel = loaded.kernel;
  const std::optional<std::string_view> compression = compression_name(probe(image.payload).kind);
  kernel.format = fmt::format("bzImage ({}, as it is)", compression.value_or("unknown compression"));
  kernel.version = image.version;
  kernel.is_linux = true;
  kernel.unpacks_itself = true;
  kernel.setup = image.setup;
  kernel.entry = image.setup.pref_address + kEntry64;
  kernel.segments.push_back({image.setup.pref_address, image.code, image.setup.init_size});
  return loaded;
}

Result<LoadedKernel> load_bzimage(Bytes file, std::uint64_t unpack_limit) {
  BzImage image = TRY(with_context(read_bzimage(file), "setup header"));
  const FileProbe payload = probe(image.payload);
  const std::optional<std::string_view> compression = compression_name(payload.kind);
  LoadedKernel loaded;
  if (compression) {
    const std::string part = fmt::format("payload ({})", *compression);
    loaded.unpacked = TRY(with_context(
        with_base(unpack_payload(payload.kind, image.payload, unpack_limit), image.payload_offset), part));
    loaded.kernel = TRY(with_context(without_offset(load_elf_kernel(loaded.unpacked)), part));
    loaded.kernel.format = fmt::format("bzImage ({})", *compression);
  } else if (payload.kind == FileKind::elf64) {
    loaded.kernel =
        TRY(with_context(with_base(load_elf_kernel(image.payload), image.payload_offset), "payload"));
    loaded.kernel.format = "bzImage (uncompressed)";
  } else {
    return with_context<LoadedKernel>(
        fail_at(image.payload_offset,
                "it is {}, and neither compressed with gzip, bzip2, lzma, xz, lzo, lz4 or zstd "
                "nor an ELF64 kernel",
                payload.description),
        "payload");
  }
  if (loaded.kernel.arch != Arch::x86_64)
    return with_context<LoadedKernel>(
        fail("it is a kernel for {}, and a bzImage's is for x86_64: the file is damaged",
             arch_name(loaded.kernel.arch)),
        "payload");
  if (!loaded.kernel.is_64bit)
    return with_context<LoadedKernel>(
        fail("it is an ELF32 file, though the setup header has XLF_KERNEL_64: the file is damaged"),
        "payload");
  loaded.kernel.is_linux = true;
  if (!image.version.empty()) loaded.kernel.version = image.version;
  loaded.kernel.setup = image.setup;
  return loaded;
}

}  // namespace tintype
