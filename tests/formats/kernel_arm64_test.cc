#include "formats/kernel_arm64.h"

#include "support/kernel_invariants.h"
#include "support/test_main.h"
#include "support/tiny_kernels.h"
#include "support/tiny_pe.h"

using namespace tintype;
using tiny::Arm64ImageSpec;
using tiny::File;

namespace {

std::string error_of(const File& file) {
  const auto loaded = load_kernel(file);
  return loaded ? "no error" : loaded.error().message();
}
std::string error_with(const Arm64ImageSpec& spec) {
  return error_of(tiny::arm64_image(spec));
}

Arm64ImageFacts facts_of(const Arm64ImageSpec& spec) {
  const File file = tiny::arm64_image(spec);
  const auto loaded = load_kernel(file);
  REQUIRE_OK(loaded);
  CHECK(broken_invariant(*loaded, file) == "");
  return loaded->kernel.arm64.value_or(Arm64ImageFacts{});
}

// An Image that is an EFI program too: code0 is "MZ", res5 leads to a PE header with one section, the rest of
// the file.
File efi_image(std::uint16_t machine = 0xAA64, std::uint32_t missing = 0) {
  const File image = tiny::arm64_image({.code0 = 0x91005A4D, .code1 = 0x14000010, .res5 = 0x40});
  tiny::PeSpec spec;
  spec.machine = machine;
  spec.header_offset = 0x40;
  spec.sections = {
      {.name = ".text", .data = File(64, 0xC3), .virtual_size = 64 + missing, .raw_size = 64 + missing}};
  File file = tiny::pe(spec);
  std::copy_n(image.begin(), 64, file.begin());
  return file;
}

}  // namespace

TEST_CASE("an Image is one segment, entered at its start") {
  const File file = tiny::arm64_image();
  const auto loaded = load_kernel(file);
  REQUIRE_OK(loaded);
  const Kernel& kernel = loaded->kernel;
  CHECK(broken_invariant(*loaded, file) == "");
  CHECK(kernel.arch == Arch::aarch64);
  CHECK(kernel.format == "arm64 Image");
  CHECK(kernel.is_linux);
  CHECK(kernel.is_64bit);
  CHECK(kernel.version == "6.99.0-tiny (tests) #1 SMP");
  CHECK(kernel.entry == 0);
  CHECK_FALSE(kernel.pvh_entry.has_value());
  REQUIRE(kernel.segments.size() == 1);
  CHECK(kernel.segments[0].gpa == 0);
  CHECK(kernel.segments[0].data.data() == file.data());
  CHECK(kernel.segments[0].data.size() == file.size());
  CHECK(kernel.segments[0].memory_size == 0x20000);
  REQUIRE(kernel.arm64.has_value());
  CHECK(kernel.arm64->text_offset == 0);
  CHECK(kernel.arm64->image_size == 0x20000);
  CHECK(kernel.arm64->page_size == 4096);
  CHECK(kernel.arm64->anywhere);
}

TEST_CASE("an Image without Linux's banner is a kernel, and not Linux") {
  const File file = tiny::arm64_image({.banner = "hello, world\n"});
  const auto loaded = load_kernel(file);
  REQUIRE_OK(loaded);
  CHECK_FALSE(loaded->kernel.is_linux);
  CHECK(loaded->kernel.version.empty());
}

TEST_CASE("the flags of an Image") {
  CHECK(facts_of({.flags = 0}).page_size == 0);
  CHECK(facts_of({.flags = 2}).page_size == 4 * kKiB);
  CHECK(facts_of({.flags = 4}).page_size == 16 * kKiB);
  CHECK(facts_of({.flags = 6}).page_size == 64 * kKiB);
  CHECK_FALSE(facts_of({.flags = 6}).anywhere);
  CHECK(facts_of({.flags = 8}).anywhere);
  // What is reserved may come to mean something to someone else.
  CHECK(facts_of({.flags = 0xFFFFFFFFFFFFFFFA}).page_size == 4 * kKiB);
}

TEST_CASE("a big-endian kernel is refused, however old") {
  CHECK(error_with({.flags = 0xB}) ==
        "Image header: this is a big-endian kernel, and what starts it here is little-endian: build it with "
        "CONFIG_CPU_LITTLE_ENDIAN=y (at file offset 0x18)");
  CHECK(error_with({.text_offset = 0x0000080000000000, .image_size = 0, .flags = 0}) ==
        "Image header: this is a big-endian kernel, and what starts it here is little-endian: build it with "
        "CONFIG_CPU_LITTLE_ENDIAN=y (at file offset 0x8)");
}

TEST_CASE("a kernel before 3.17 lies at 0x80000 and has room for its BSS") {
  for (const std::uint64_t text_offset : {0x80000U, 0U, 0x123U}) {
    const Arm64ImageFacts facts = facts_of({.text_offset = text_offset, .image_size = 0, .flags = 0});
    CHECK(facts.text_offset == 0x80000);
    CHECK(facts.image_size == 4 * kKiB + 16 * kMiB);
    CHECK(facts.page_size == 0);
    CHECK_FALSE(facts.anywhere);
  }
}

TEST_CASE("text_offset is a multiple of a page below 2 MiB") {
  CHECK(facts_of({.text_offset = 0x80000}).text_offset == 0x80000);
  CHECK(facts_of({.text_offset = 0x1FF000}).text_offset == 0x1FF000);
  CHECK(error_with({.text_offset = 0x200000}) ==
        "Image header: text_offset 0x200000 is not a multiple of 0x1000 below 0x200000: the file is damaged "
        "(at file offset 0x8)");
  CHECK(error_with({.text_offset = 0x80010}) ==
        "Image header: text_offset 0x80010 is not a multiple of 0x1000 below 0x200000: the file is damaged "
        "(at file offset 0x8)");
  CHECK(error_with({.text_offset = ~std::uint64_t{0}}) != "no error");
}

TEST_CASE("image_size is at least the file's, and not absurd") {
  const std::uint64_t size = tiny::arm64_image().size();
  CHECK(facts_of({.image_size = size}).image_size == size);
  CHECK(error_with({.image_size = size - 1}) ==
        fmt::format("Image header: image_size is {:#x}, less than the {:#x} bytes that the Image has: the "
                    "file is damaged, or something was appended to it (at file offset 0x10)",
                    size - 1, size));
  CHECK(facts_of({.image_size = kGiB}).image_size == kGiB);
  CHECK(error_with({.image_size = kGiB + 1}) ==
        "Image header: image_size is 0x40000001, and a kernel needs at most 0x40000000 bytes of memory: the "
        "file is damaged (at file offset 0x10)");
  CHECK(error_with({.image_size = ~std::uint64_t{0}}) != "no error");
}

TEST_CASE("zeroes past image_size are padding and left out") {
  const std::uint64_t size = tiny::arm64_image().size();
  File file = tiny::arm64_image({.image_size = size});
  file.resize(size + 0x1FF);
  const auto loaded = load_kernel(file);
  REQUIRE_OK(loaded);
  CHECK(loaded->kernel.segments[0].data.size() == size);
  file.back() = 1;
  CHECK(error_of(file).find("something was appended to it") != std::string::npos);
}

TEST_CASE("an Image without code is refused") {
  CHECK(error_with({.code0 = 0}) ==
        "Image header: code0 and code1 are 0, so there is nothing to start: the file is damaged (at file "
        "offset 0x0)");
  CHECK(error_with({.code0 = 0, .code1 = 0x14000010}) == "no error");
}

TEST_CASE("the PE header of an Image with an EFI stub") {
  CHECK(error_of(efi_image()) == "no error");
  CHECK(
      error_of(efi_image(0x8664)) ==
      "PE header: its machine is 0x8664, and that of AArch64 is 0xaa64: the file is damaged (at file offset "
      "0x44)");
  CHECK(error_of(efi_image(0xAA64, 0x1000)) ==
        "PE section .text ends at 0x11c0 in the file, and the file ends at 0x1c0: it is cut short (at file "
        "offset 0x148)");
  File file = efi_image();
  file[0x40] = 'X';
  CHECK(error_of(file).starts_with("PE header: there is no 'PE' signature at 0x40"));
}

TEST_CASE("every prefix and every flipped bit of an Image is an error or a valid kernel") {
  for (const File& file : {tiny::arm64_image(), efi_image()}) {
    for (std::size_t size = 0; size < file.size(); ++size) {
      const File prefix(file.begin(), file.begin() + static_cast<std::ptrdiff_t>(size));
      const auto loaded = load_kernel(prefix);
      REQUIRE(loaded.has_value() == (size >= 64 && file[0] != 'M'));
      if (loaded) REQUIRE(broken_invariant(*loaded, prefix) == "");
    }
    for (std::size_t bit = 0; bit < file.size() * 8; ++bit) {
      File flipped = file;
      flipped[bit / 8] = static_cast<std::uint8_t>(flipped[bit / 8] ^ (1U << (bit % 8)));
      const auto loaded = load_kernel(flipped);
      if (loaded) REQUIRE(broken_invariant(*loaded, flipped) == "");
    }
  }
}
