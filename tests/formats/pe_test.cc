#include "formats/pe.h"

#include <sys/resource.h>

#include "support/test_main.h"
#include "support/tiny_pe.h"

using namespace tintype;
using tiny::File;
using tiny::PeSpec;

namespace {

std::string error_of(const File& file) {
  const auto pe = read_pe(file);
  return pe ? "no error" : pe.error().message();
}

// Three sections; the second only has memory.
PeSpec three() {
  PeSpec spec;
  spec.sections = {tiny::text_section(".text", "code"),
                   {.name = ".bss", .data = {}, .virtual_size = 0x2000},
                   tiny::text_section(".cmdline", "twenty bytes of text")};
  return spec;
}

std::string text_of(Bytes bytes) {
  return {bytes.begin(), bytes.end()};
}

// What holds for every PeFile.
bool sound(const PeFile& pe, const File& file) {
  if (pe.sections.empty() || pe.sections.size() > kMaxPeSections) return false;
  for (const PeSection& section : pe.sections) {
    if (section.name.size() > 8 || section.data.size() > section.memory_size) return false;
    for (const char c : section.name)
      if (c < 0x20 || c > 0x7E) return false;
    if (section.data.empty()) continue;
    if (section.data.data() != file.data() + section.offset) return false;
    if (section.offset + section.data.size() > file.size()) return false;
  }
  return true;
}

}  // namespace

TEST_CASE("sections of a PE file, in order, borrowed from it") {
  const File file = tiny::pe(three());
  const auto pe = read_pe(file);
  REQUIRE_OK(pe);
  CHECK(pe->machine == 0x8664);
  REQUIRE(pe->sections.size() == 3);
  CHECK(pe->sections[0].name == ".text");
  CHECK(text_of(pe->sections[0].data) == "code");
  CHECK(pe->sections[0].memory_size == 4);
  // In the file at the next multiple of the alignment after 0x80 + 24 + 240 + 3 * 40.
  CHECK(pe->sections[0].offset == 0x200);
  CHECK(pe->sections[0].data.data() == file.data() + 0x200);
  CHECK(pe->sections[1].name == ".bss");
  CHECK(pe->sections[1].data.empty());
  CHECK(pe->sections[1].offset == 0);
  CHECK(pe->sections[1].memory_size == 0x2000);
  // All eight characters are used, so there is no NUL.
  CHECK(pe->sections[2].name == ".cmdline");
  CHECK(text_of(pe->sections[2].data) == "twenty bytes of text");
  CHECK(pe->sections[2].offset == 0x220);
}

TEST_CASE("a section has the smaller of its two sizes") {
  PeSpec spec = three();
  spec.sections[2].virtual_size = 6;
  CHECK(text_of(read_pe(tiny::pe(spec))->sections[2].data) == "twenty");
  spec.sections[2].virtual_size = 0xFFFFFFFF;
  spec.sections[2].raw_size = 12;
  const File file = tiny::pe(spec);
  const auto pe = read_pe(file);
  REQUIRE_OK(pe);
  CHECK(text_of(pe->sections[2].data) == "twenty bytes");
  CHECK(pe->sections[2].memory_size == 0xFFFFFFFF);
  spec.sections[2].virtual_size = 0;
  CHECK(read_pe(tiny::pe(spec))->sections[2].data.empty());
}

TEST_CASE("any machine is read, and a PE header may be anywhere after the DOS header") {
  PeSpec spec = three();
  spec.machine = 0xAA64;
  spec.header_offset = 0x40;
  // Linux states fewer data directories than there may be.
  spec.optional_size = 160;
  const File file = tiny::pe(spec);
  const auto pe = read_pe(file);
  REQUIRE_OK(pe);
  CHECK(pe->machine == 0xAA64);
  CHECK(pe->sections[2].name == ".cmdline");
  spec.header_offset = 0x1234;
  CHECK(read_pe(tiny::pe(spec))->sections[2].name == ".cmdline");
}

TEST_CASE("names are made printable and end at their first NUL") {
  PeSpec spec = three();
  spec.sections[0].name = "\x1B[31m\xFFz";
  spec.sections[1].name = std::string(".a\0b", 4);
  spec.sections[2].name = "";
  const auto pe = read_pe(tiny::pe(spec));
  REQUIRE_OK(pe);
  CHECK(pe->sections[0].name == "?[31m?z");
  CHECK(pe->sections[1].name == ".a");
  CHECK(pe->sections[2].name.empty());
}

TEST_CASE("what is no 64-bit image is refused by name") {
  CHECK(
      error_of({}) ==
      "PE header: the DOS header needs 64 bytes at offset 0x0, but only 0 bytes exist (at file offset 0x0)");
  PeSpec spec = three();
  spec.dos_magic = 0x4D5A;
  CHECK(error_of(tiny::pe(spec)) ==
        "PE header: the file does not begin with 'MZ', as every PE file does: it is something else (at file "
        "offset 0x0)");
  spec = three();
  spec.signature = 0x454E;
  CHECK(error_of(tiny::pe(spec)) ==
        "PE header: there is no 'PE' signature at 0x80: this is a DOS program, and not a PE file (at file "
        "offset 0x80)");
  spec = three();
  spec.magic = 0x10B;
  CHECK(error_of(tiny::pe(spec)) ==
        "PE header: the image is a 32-bit one (PE32), and a 64-bit one (PE32+) is needed (at file offset "
        "0x98)");
  spec.magic = 0x107;
  CHECK(error_of(tiny::pe(spec)) ==
        "PE header: the optional header's magic number is 0x107, and PE32+ has 0x20b (at file offset 0x98)");
  spec = three();
  spec.optional_size = 0;
  CHECK(error_of(tiny::pe(spec)) ==
        "PE header: there is no optional header, so this is an object file: link it as an EFI program (at "
        "file offset 0x94)");
  spec.optional_size = 111;
  const File short_header = tiny::pe(spec);
  CHECK(error_of(short_header) ==
        "PE header: the optional header has 111 bytes, and that of PE32+ at least 112: the file is damaged "
        "(at file offset 0x94)");
  // Too short for the magic number, and cut before it.
  File cut = short_header;
  cut[0x94] = 1;
  cut.resize(0x99);
  CHECK(
      error_of(cut) ==
      "PE header: the optional header's magic number needs 2 bytes at offset 0x98, but only 153 bytes exist "
      "(at file offset 0x98)");
}

TEST_CASE("headers that are outside the file are refused") {
  // The PE header's offset, as far as 32 bits go.
  const auto with_header_at = [](std::uint32_t offset) {
    File file = tiny::pe(three());
    const le32 value = offset;
    const Bytes bytes = bytes_of(value);
    std::copy(bytes.begin(), bytes.end(), file.begin() + 0x3C);
    return file;
  };
  CHECK(error_of(with_header_at(0x3F)) ==
        "PE header: the PE header is said to be at 0x3f, inside the DOS header's 0x40 bytes: the file is "
        "damaged (at file offset 0x3c)");
  CHECK(error_of(with_header_at(0xFFFFFFFF)) ==
        "PE header: the PE header needs 24 bytes at offset 0xffffffff, but only 576 bytes exist (at file "
        "offset 0xffffffff)");
  PeSpec spec = three();
  spec.section_count = 0;
  CHECK(error_of(tiny::pe(spec)) ==
        "PE header: there are no sections, so the image holds nothing: it is damaged (at file offset 0x86)");
  spec.section_count = 97;
  CHECK(error_of(tiny::pe(spec)) ==
        "PE header: there are 97 sections, and an image has at most 96: it is damaged (at file offset 0x86)");
  spec.section_count = 96;
  CHECK(error_of(tiny::pe(spec)) ==
        "PE header: the section table needs 3840 bytes at offset 0x188, but only 576 bytes exist (at file "
        "offset 0x188)");
  File file = tiny::pe(three());
  file[0x94] = file[0x95] = 0xFF;
  CHECK(error_of(file) ==
        "PE header: the optional header needs 65535 bytes at offset 0x98, but only 576 bytes exist (at file "
        "offset 0x98)");
}

TEST_CASE("a section that ends past the file is refused by its name") {
  PeSpec spec = three();
  spec.sections[2].raw_offset = 0x22D;  // one too far: the file ends at 0x240
  CHECK(error_of(tiny::pe(spec)) ==
        "PE section .cmdline ends at 0x241 in the file, and the file ends at 0x240: it is cut short (at file "
        "offset 0x1d8)");
  spec.sections[2].raw_offset = 0x22C;
  CHECK(error_of(tiny::pe(spec)) == "no error");
  // The sum of two 32-bit values.
  spec.sections[2].raw_offset = 0xFFFFFFFF;
  spec.sections[2].raw_size = spec.sections[2].virtual_size = 0xFFFFFFFF;
  CHECK(
      error_of(tiny::pe(spec)) ==
      "PE section .cmdline ends at 0x1fffffffe in the file, and the file ends at 0x240: it is cut short (at "
      "file offset 0x1d8)");
  // In 32 bits this sum would be 0x10.
  spec.sections[2].raw_offset = 0xFFFFFFF0;
  spec.sections[2].raw_size = spec.sections[2].virtual_size = 0x20;
  CHECK(
      error_of(tiny::pe(spec)) ==
      "PE section .cmdline ends at 0x100000010 in the file, and the file ends at 0x240: it is cut short (at "
      "file offset 0x1d8)");
  // Only memory: where it would be in the file means nothing.
  spec.sections[2].raw_size = 0;
  CHECK(error_of(tiny::pe(spec)) == "no error");
}

TEST_CASE("the most sections there may be, each claiming 4 GiB of memory, cost nothing") {
  PeSpec spec;
  for (std::uint64_t i = 0; i < kMaxPeSections; ++i)
    spec.sections.push_back(
        {.name = fmt::format(".s{}", i), .data = {}, .virtual_size = 0xFFFFFFFF, .raw_offset = 0xFFFFFFFF});
  const File file = tiny::pe(spec);
  const auto resident = [] {
    rusage usage{};
    REQUIRE(getrusage(RUSAGE_SELF, &usage) == 0);
    return usage.ru_maxrss;  // KiB
  };
  const auto before = resident();
  const auto pe = read_pe(file);
  REQUIRE_OK(pe);
  CHECK(pe->sections.size() == kMaxPeSections);
  CHECK(pe->sections[95].name == ".s95");
  CHECK(pe->sections[95].memory_size == 0xFFFFFFFF);
  CHECK(resident() - before < 16 * 1024);
}

TEST_CASE("every prefix and every flipped bit is an error or a valid PE file") {
  const File file = tiny::pe(three());
  // What follows the last section's bytes is padding.
  const std::size_t last = 0x220 + 20;
  for (std::size_t size = 0; size < file.size(); ++size) {
    CAPTURE(size);
    const File prefix(file.begin(), file.begin() + static_cast<std::ptrdiff_t>(size));
    const auto pe = read_pe(prefix);
    REQUIRE(pe.has_value() == (size >= last));
    if (pe) REQUIRE(sound(*pe, prefix));
  }
  std::size_t errors = 0;
  for (std::size_t bit = 0; bit < file.size() * 8; ++bit) {
    CAPTURE(bit);
    File flipped = file;
    flipped[bit / 8] = static_cast<std::uint8_t>(flipped[bit / 8] ^ (1U << (bit % 8)));
    const auto pe = read_pe(flipped);
    if (pe)
      REQUIRE(sound(*pe, flipped));
    else
      ++errors;
  }
  // The magic numbers, the header's offset and the sizes have more bits that matter than this.
  CHECK(errors > 150);
}
