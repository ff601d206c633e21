#include "formats/kernel_zboot.h"

#include <algorithm>

#include "formats/kernel_arm64.h"
#include "formats/pe.h"
#include "formats/unpack.h"

namespace tintype {

namespace {

constexpr std::array<std::uint8_t, 4> kImageType = {'z', 'i', 'm', 'g'};
constexpr std::uint64_t kPayloadField = 8;
constexpr std::uint64_t kTypeField = 0x18;

// Makefile.zboot, comp-type: the names of make rules, some of which say how the tool was called.
constexpr struct {
  std::string_view type;
  FileKind kind;
} kTypes[] = {
    {"gzip", FileKind::gzip}, {"lz4", FileKind::lz4},   {"lzma", FileKind::lzma},   {"lzo", FileKind::lzo},
    {"xz", FileKind::xz},     {"xzkern", FileKind::xz}, {"zstd22", FileKind::zstd}, {"zstd", FileKind::zstd},
};

Result<FileKind> read_type(const ZbootHeader& header) {
  const auto& text = header.compression_type;
  const auto end = std::find(text.begin(), text.end(), '\0');
  std::string type(text.begin(), end);
  for (const auto& known : kTypes)
    if (end != text.end() && type == known.type) return known.kind;
  std::replace_if(
      type.begin(), type.end(), [](char c) { return c < 0x20 || c > 0x7E; }, '?');
  return fail_at(kTypeField,
                 "the compression is named '{}', and Linux names gzip, lz4, lzma, lzo, xzkern and zstd: "
                 "the file is damaged, or newer than what is known here",
                 type);
}

struct Payload {
  FileKind kind;
  Bytes bytes;
  std::uint64_t offset;
};

Result<Payload> read_payload(Bytes file) {
  const auto header = TRY(read_at<ZbootHeader>(file, 0, "the zboot header"));
  const FileKind kind = TRY(read_type(header));
  const std::uint64_t offset = header.payload_offset;
  const std::uint64_t size = header.payload_size;
  if (offset > file.size() || size > file.size() - offset)
    return fail_at(
        kPayloadField,
        "the payload's {:#x} bytes at {:#x} end at {:#x}, past the end of the file at {:#x}: it is "
        "cut short",
        size, offset, offset + size, file.size());
  return Payload{kind, file.subspan(offset, size), offset};
}

// What EFI would load is what the file has, or it was cut.
Result<void> check_program(Bytes file) {
  const FileProbe found = probe(file);
  if (found.arch != Arch::aarch64)
    return fail("this is {}, and one for AArch64 is the only one that is read here: {}", found.description,
                found.arch == Arch::x86_64 ? "give a bzImage" : "give a kernel for AArch64 or x86_64");
  TRY(read_pe(file));
  return {};
}

// The Image that was packed.
Result<Kernel> read_image(Bytes unpacked) {
  const FileProbe found = probe(unpacked);
  if (found.kind != FileKind::arm64_image)
    return fail("it holds {}, and that of a zboot kernel for AArch64 holds an Image: the file is damaged",
                found.description);
  return load_arm64_image(unpacked);
}

}  // namespace

bool is_zboot(Bytes file) {
  const auto header = read_at<ZbootHeader>(file, 0, "");
  return header && header->image_type == kImageType;
}

Result<LoadedKernel> load_zboot(Bytes file, std::uint64_t unpack_limit) {
  TRY(check_program(file));
  const Payload payload = TRY(with_context(read_payload(file), "zboot header"));
  const std::string_view compression = *compression_name(payload.kind);
  const std::string part = fmt::format("payload ({})", compression);
  LoadedKernel loaded;
  loaded.unpacked = TRY(with_context(
      with_base(unpack_maybe_sized(payload.kind, payload.bytes, unpack_limit), payload.offset), part));
  loaded.kernel = TRY(with_context(without_offset(read_image(loaded.unpacked)), part));
  loaded.kernel.format = fmt::format("arm64 Image (zboot, {})", compression);
  return loaded;
}

}  // namespace tintype
