// PE files of a few hundred bytes, made in code: unified kernel images as tests want them, valid or broken.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "formats/wire.h"

namespace tintype::tiny {

using File = std::vector<std::uint8_t>;

// One section. What its header says follows from `data`, unless it is given here.
struct PeSectionSpec {
  std::string name;  // at most 8 characters
  File data;
  std::optional<std::uint32_t> virtual_size = std::nullopt;
  std::optional<std::uint32_t> raw_size = std::nullopt;
  std::optional<std::uint32_t> raw_offset = std::nullopt;
};

struct PeSpec {
  std::uint16_t dos_magic = 0x5A4D;
  std::uint32_t header_offset = 0x80;
  std::uint32_t signature = 0x4550;
  std::uint16_t machine = 0x8664;
  std::optional<std::uint16_t> section_count = std::nullopt;
  std::uint16_t optional_size = 240;
  std::uint16_t magic = 0x20B;
  std::uint32_t file_alignment = 0x20;
  std::vector<PeSectionSpec> sections = {};
};

// A section that holds text.
PeSectionSpec text_section(std::string name, std::string_view text);
// The PE file of `spec`: DOS header, PE header, section table, then each section's bytes and their padding.
// Nothing is checked: a `spec` may contradict itself.
File pe(const PeSpec& spec);
// The offset in pe(spec) of section `index`'s header.
std::uint64_t section_header_offset(const PeSpec& spec, std::size_t index);

// A unified kernel image with a stub's .text, one of every section that read_uki() reads, and two profiles,
// the second with a command line of its own.
PeSpec uki_spec();

}  // namespace tintype::tiny
