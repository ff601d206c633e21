#include "support/tiny_kernels.h"

#include <algorithm>
#include <cstdlib>

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

File elf(const ElfSpec& spec) {
  const std::uint64_t table_end = 64 + 56 * spec.segments.size();
  File file;
  const std::uint8_t ident[16] = {0x7F, 'E', 'L', 'F', spec.elf_class, spec.data, 1};
  append(file, ident);
  append_value(file, le16(spec.type));
  append_value(file, le16(spec.machine));
  append_value(file, le32(1));
  append_value(file, le64(spec.entry));
  append_value(file, le64(64));  // e_phoff
  append_value(file, le64(0));   // e_shoff
  append_value(file, le32(0));   // e_flags
  append_value(file, le16(64));  // e_ehsize
  append_value(file, le16(56));  // e_phentsize
  append_value(file, le16(static_cast<std::uint16_t>(spec.segments.size())));
  append_value(file, le16(0));
  append_value(file, le16(0));
  append_value(file, le16(0));
  std::uint64_t offset = table_end;
  for (const ElfSegment& segment : spec.segments) {
    append_value(file, le32(segment.type));
    append_value(file, le32(7));
    append_value(file, le64(offset));
    append_value(file, le64(segment.vaddr));
    append_value(file, le64(segment.gpa));
    append_value(file, le64(segment.data.size()));
    append_value(file, le64(segment.memory_size));
    append_value(file, le64(1));
    offset += segment.data.size();
  }
  for (const ElfSegment& segment : spec.segments) append(file, segment.data);
  return file;
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

}  // namespace tintype::tiny
