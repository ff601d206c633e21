#include "support/tiny_kernels.h"

#include <algorithm>
#include <cstdlib>

#include "formats/kernel_arm64.h"
#include "formats/kernel_zboot.h"
#include "support/tiny_pe.h"

namespace tintype::tiny {

namespace {

// cli; hlt; jmp -3
constexpr std::uint8_t kHaltForEver[] = {0xFA, 0xF4, 0xEB, 0xFD};

void append(File& file, Bytes bytes) {
  file.insert(file.end(), bytes.begin(), bytes.end());
}
template <Wire T>
void append_value(File& file, const T& value) {
  append(file, bytes_of(value));
}

}  // namespace

ElfSpec elf_spec(std::string banner) {
  ElfSpec spec;
  spec.entry = kMiB;
  File code(std::begin(kHaltForEver), std::end(kHaltForEver));
  append(code, bytes_of(std::string_view(banner)));
  const std::uint64_t code_size = code.size();
  spec.segments.push_back({.gpa = kMiB, .vaddr = kMiB, .data = std::move(code), .memory_size = code_size});
  spec.segments.push_back(
      {.gpa = 2 * kMiB, .vaddr = 2 * kMiB, .data = {1, 2, 3, 4, 5, 6, 7, 8}, .memory_size = 8192});
  return spec;
}

namespace {

// A field that is as wide as the class says.
void append_wide(File& file, bool is64, std::uint64_t value) {
  if (is64)
    append_value(file, le64(value));
  else
    append_value(file, le32(static_cast<std::uint32_t>(value)));
}

void append_header(File& file, const ElfSpec& spec, bool is64) {
  const std::uint8_t ident[16] = {0x7F, 'E', 'L', 'F', spec.elf_class, spec.data, 1};
  const std::uint16_t header_size = is64 ? 64 : 52;
  append(file, ident);
  append_value(file, le16(spec.type));
  append_value(file, le16(spec.machine));
  append_value(file, le32(1));
  append_wide(file, is64, spec.entry);
  append_wide(file, is64, header_size);  // e_phoff
  append_wide(file, is64, 0);            // e_shoff
  append_value(file, le32(0));           // e_flags
  append_value(file, le16(header_size));
  append_value(file, le16(is64 ? 56 : 32));
  append_value(file, le16(static_cast<std::uint16_t>(spec.segments.size())));
  append_value(file, le16(0));
  append_value(file, le16(0));
  append_value(file, le16(0));
}

void append_segment(File& file, const ElfSegment& segment, std::uint64_t offset, bool is64) {
  append_value(file, le32(segment.type));
  if (is64) append_value(file, le32(7));
  append_wide(file, is64, offset);
  append_wide(file, is64, segment.vaddr);
  append_wide(file, is64, segment.gpa);
  append_wide(file, is64, segment.data.size());
  append_wide(file, is64, segment.memory_size);
  if (!is64) append_value(file, le32(7));
  append_wide(file, is64, segment.alignment);
}

}  // namespace

File elf(const ElfSpec& spec) {
  const bool is64 = spec.elf_class != 1;
  File file;
  append_header(file, spec, is64);
  std::uint64_t offset = file.size() + (is64 ? 56 : 32) * spec.segments.size();
  for (const ElfSegment& segment : spec.segments) {
    append_segment(file, segment, offset, is64);
    offset += segment.data.size();
  }
  for (const ElfSegment& segment : spec.segments) append(file, segment.data);
  append(file, spec.after);
  return file;
}

ElfSegment note_segment(std::string_view name, std::uint32_t type, Bytes description,
                        std::uint64_t alignment) {
  ElfSegment segment{.type = 4, .alignment = alignment};
  File& data = segment.data;
  append_value(data, le32(static_cast<std::uint32_t>(name.size())));
  append_value(data, le32(static_cast<std::uint32_t>(description.size())));
  append_value(data, le32(type));
  append(data, bytes_of(name));
  data.resize(*align_up(data.size(), alignment == 8 ? 8 : 4));
  append(data, description);
  data.resize(*align_up(data.size(), alignment == 8 ? 8 : 4));
  return segment;
}

ElfSegment pvh_note(std::uint32_t entry) {
  return note_segment(std::string_view("Xen\0", 4), 18, bytes_of(le32(entry)));
}

ElfSpec relocatable_spec(int lists) {
  constexpr std::uint64_t kMap = 0xFFFFFFFF80000000;
  constexpr auto kLow = static_cast<std::uint32_t>(kMap + kRelocatableBase);
  ElfSpec spec = elf_spec();
  spec.entry = kRelocatableBase;
  ElfSegment& code = spec.segments[0];
  code.data.resize(64);
  append_value(code.data, le32(kLow + 5));                     // at 64
  append_value(code.data, le32(0u - kLow));                    // at 68
  append_value(code.data, le64(kMap + kRelocatableBase + 7));  // at 72
  code.gpa = kRelocatableBase;
  code.vaddr = kMap + kRelocatableBase;
  code.memory_size = code.data.size();
  spec.segments[1].gpa = kRelocatableBase + 2 * kMiB;
  spec.segments[1].vaddr = 0;  // as Linux links its per-CPU variables
  const auto list = [&](std::uint32_t place) {
    append_value(spec.after, le32(0));
    append_value(spec.after, le32(kLow + place));
  };
  list(72);
  if (lists == 3) list(68);
  list(64);
  return spec;
}

BzImageSpec bzimage_spec(FileKind compression) {
  BzImageSpec spec;
  spec.header = default_setup_header();
  spec.header.jump = 0x6AEB;  // over the header, to 0x26C
  spec.header.type_of_loader = 0;
  spec.header.kernel_alignment = static_cast<std::uint32_t>(2 * kMiB);
  spec.header.relocatable_kernel = 1;
  spec.header.min_alignment = 21;
  spec.header.pref_address = kMiB;
  spec.header.init_size = static_cast<std::uint32_t>(2 * kMiB);
  spec.header.initrd_addr_max = 0x7FFFFFFF;
  spec.header.cmdline_size = 2047;
  spec.compression = compression;
  spec.kernel = elf();
  return spec;
}

File bzimage(const BzImageSpec& spec) {
  File payload = spec.payload;
  if (payload.empty()) {
    payload = spec.compression == FileKind::elf64 ? spec.kernel : compress(spec.compression, spec.kernel);
    // gzip has it already; an ELF file needs none.
    if (spec.compression != FileKind::gzip && spec.compression != FileKind::elf64)
      append_value(payload, le32(static_cast<std::uint32_t>(spec.kernel.size())));
  }
  constexpr std::uint64_t kSetupSize = 0x400;
  constexpr std::uint64_t kVersionOffset = 0x300;
  const std::uint64_t code_size = *align_up(kPayloadOffset - kSetupSize + payload.size(), 16);
  SetupHeader header = spec.header;
  header.setup_sects = 1;
  header.syssize = static_cast<std::uint32_t>(code_size / 16);
  header.kernel_version = static_cast<std::uint16_t>(kVersionOffset - kSetupSector);
  header.payload_offset = static_cast<std::uint32_t>(kPayloadOffset - kSetupSize);
  header.payload_length = static_cast<std::uint32_t>(payload.size());
  File file(kSetupSize + code_size);
  // A kernel with an EFI stub is an MZ file too.
  file[0] = 'M';
  file[1] = 'Z';
  // The sentinel, which no boot_params may receive.
  file[0x1EF] = 0xFF;
  const Bytes bytes = bytes_of(header);
  std::copy(bytes.begin(), bytes.end(), file.begin() + kSetupHeaderOffset);
  std::copy(spec.version.begin(), spec.version.end(), file.begin() + kVersionOffset);
  std::copy(payload.begin(), payload.end(), file.begin() + kPayloadOffset);
  return file;
}

File arm64_image(const Arm64ImageSpec& spec) {
  File file;
  append_value(file, Arm64ImageHeader{.code0 = spec.code0,
                                      .code1 = spec.code1,
                                      .text_offset = spec.text_offset,
                                      .image_size = spec.image_size,
                                      .flags = spec.flags,
                                      .res2 = std::uint64_t{0},
                                      .res3 = std::uint64_t{0},
                                      .res4 = std::uint64_t{0},
                                      .magic = kArm64ImageMagic,
                                      .res5 = spec.res5});
  append_value(file, le32(0xD503207F));  // wfi
  append_value(file, le32(0x17FFFFFF));  // b .-4
  append(file, bytes_of(std::string_view(spec.banner)));
  return file;
}

ElfSpec arm64_elf_spec(const Arm64ImageSpec& image) {
  ElfSpec spec;
  spec.machine = 183;
  spec.entry = kArm64Base;
  Arm64ImageSpec whole = image;
  if (whole.image_size == Arm64ImageSpec{}.image_size) whole.image_size = kArm64ElfMemory;
  File code = arm64_image(whole);
  const std::uint64_t code_size = code.size();
  const auto add = [&](std::uint64_t offset, File data, std::uint64_t memory_size) {
    spec.segments.push_back({.gpa = kArm64Base + offset,
                             .vaddr = kArm64Base + offset,
                             .data = std::move(data),
                             .memory_size = memory_size});
  };
  add(0, std::move(code), code_size);
  add(0x10000, {1, 2, 3, 4, 5, 6, 7, 8}, 8);
  add(0x20000, {}, 0x10000);
  return spec;
}

File arm64_elf() {
  return elf(arm64_elf_spec());
}

ZbootSpec zboot_spec(FileKind compression) {
  ZbootSpec spec;
  spec.compression = compression;
  if (compression == FileKind::lz4) spec.type = "lz4";
  if (compression == FileKind::lzma) spec.type = "lzma";
  if (compression == FileKind::lzo) spec.type = "lzo";
  if (compression == FileKind::xz) spec.type = "xzkern";
  if (compression == FileKind::zstd) spec.type = "zstd22";
  return spec;
}

File zboot(const ZbootSpec& spec) {
  PeSpec program;
  program.machine = spec.machine;
  program.header_offset = 0x40;
  File payload = compress(spec.compression, spec.image);
  std::uint64_t size = payload.size();
  if (spec.compression != FileKind::gzip) {
    append_value(payload, le32(static_cast<std::uint32_t>(spec.image.size())));
    if (spec.sized) size = payload.size();
  }
  program.sections = {{.name = ".text", .data = std::move(payload)}};
  File file = pe(program);
  ZbootHeader header{.mz = 0x5A4DU,
                     .image_type = {'z', 'i', 'm', 'g'},
                     .payload_offset = static_cast<std::uint32_t>(kZbootPayload),
                     .payload_size = static_cast<std::uint32_t>(size),
                     .reserved = {},
                     .compression_type = {},
                     .linux_pe_magic = 0x818223CDU,
                     .pe_header_offset = program.header_offset};
  std::copy(spec.type.begin(), spec.type.end(), header.compression_type.begin());
  const Bytes bytes = bytes_of(header);
  std::copy(bytes.begin(), bytes.end(), file.begin());
  return file;
}

}  // namespace tintype::tiny
