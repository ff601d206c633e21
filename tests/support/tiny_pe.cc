#include "support/tiny_pe.h"

#include <algorithm>

namespace tintype::tiny {

namespace {

// Writes `value` at `at`, making room for it.
template <Wire T>
void put(File& file, std::uint64_t at, const T& value) {
  const Bytes bytes = bytes_of(value);
  if (file.size() < at + bytes.size()) file.resize(at + bytes.size());
  std::copy(bytes.begin(), bytes.end(), file.begin() + static_cast<std::ptrdiff_t>(at));
}

std::uint64_t aligned(std::uint64_t value, std::uint64_t alignment) {
  return (value + alignment - 1) / alignment * alignment;
}

// Microsoft, PE Format, "COFF File Header" and "Optional Header", the fields that say anything.
void put_headers(File& file, const PeSpec& spec) {
  const std::uint64_t at = spec.header_offset;
  put(file, 0, le16(spec.dos_magic));
  put(file, 0x3C, le32(spec.header_offset));
  put(file, at, le32(spec.signature));
  put(file, at + 4, le16(spec.machine));
  put(file, at + 6, le16(spec.section_count.value_or(static_cast<std::uint16_t>(spec.sections.size()))));
  put(file, at + 20, le16(spec.optional_size));
  put(file, at + 22, le16(0x22E));  // an executable for large addresses without symbols
  put(file, at + 24, le16(spec.magic));
  put(file, at + 24 + 32, le32(0x1000));  // SectionAlignment
  put(file, at + 24 + 36, le32(spec.file_alignment));
  put(file, at + 24 + 68, le16(10));   // Subsystem: an EFI application
  put(file, at + 24 + 108, le32(16));  // NumberOfRvaAndSizes
}

}  // namespace

PeSectionSpec text_section(std::string name, std::string_view text) {
  return {.name = std::move(name), .data = File(text.begin(), text.end())};
}

std::uint64_t section_header_offset(const PeSpec& spec, std::size_t index) {
  return std::uint64_t{spec.header_offset} + 24 + spec.optional_size + 40 * index;
}

File pe(const PeSpec& spec) {
  File file;
  put_headers(file, spec);
  const std::uint64_t table_end = section_header_offset(spec, spec.sections.size());
  file.resize(std::max<std::uint64_t>(file.size(), aligned(table_end, spec.file_alignment)));
  std::uint32_t address = 0x1000;
  for (std::size_t i = 0; i < spec.sections.size(); ++i) {
    const PeSectionSpec& section = spec.sections[i];
    const std::uint64_t at = section_header_offset(spec, i);
    const std::uint64_t raw_size = aligned(section.data.size(), spec.file_alignment);
    const auto virtual_size = section.virtual_size.value_or(static_cast<std::uint32_t>(section.data.size()));
    for (std::size_t c = 0; c < section.name.size(); ++c)
      file[at + c] = static_cast<std::uint8_t>(section.name[c]);
    put(file, at + 8, le32(virtual_size));
    put(file, at + 12, le32(address));
    put(file, at + 16, le32(section.raw_size.value_or(static_cast<std::uint32_t>(raw_size))));
    put(file, at + 20, le32(section.raw_offset.value_or(static_cast<std::uint32_t>(file.size()))));
    put(file, at + 36, le32(0x40000040));  // initialised data that can be read
    address += static_cast<std::uint32_t>(aligned(section.data.size(), 0x1000)) + 0x1000;
    file.insert(file.end(), section.data.begin(), section.data.end());
    file.resize(aligned(file.size(), spec.file_alignment));
  }
  return file;
}

PeSpec uki_spec() {
  PeSpec spec;
  spec.sections = {
      {.name = ".text", .data = File(40, 0xC3), .virtual_size = 100},
      text_section(".osrel", "# a comment\nNAME=Tiny\nPRETTY_NAME=\"Tiny OS \\\"7\\\"\"\nID=tiny\n"),
      text_section(".uname", "6.99.0-tiny\n"),
      text_section(".cmdline", "console=ttyS0 quiet\n"),
      text_section(".ucode", "microcode"),
      text_section(".initrd", "initial RAM disk"),
      text_section(".dtb", "device tree"),
      {.name = ".linux", .data = File(33, 0x4C), .virtual_size = 0x100000},
      text_section(".sbat", "sbat,1,SBAT Version,sbat,1,https://example.org\n"),
      text_section(".profile", "ID=main\nTITLE=\"Regular boot\"\n"),
      text_section(".profile", "ID=debug\nTITLE='With a shell'\n"),
      text_section(".cmdline", "console=ttyS0 debug"),
  };
  return spec;
}

}  // namespace tintype::tiny
