#include "formats/linux_boot.h"

#include <algorithm>

#include "support/test_main.h"

using namespace tintype;

namespace {

std::uint32_t at32(const BootParams& params, std::size_t offset) {
  return *read_at<le32>(bytes_of(params), offset, "boot_params");
}
std::uint8_t at8(const BootParams& params, std::size_t offset) {
  return bytes_of(params)[offset];
}

Kernel with_header(Bytes header) {
  Kernel kernel;
  kernel.setup.emplace();
  kernel.setup->setup_header = header;
  return kernel;
}

}  // namespace

TEST_CASE("a bare ELF is started with a header of protocol 2.15") {
  const auto params = try_make_boot_params(Kernel{}, {.cmdline = 0x20000});
  REQUIRE_OK(params);
  // By offset, as zero-page.rst and boot.rst have them, and not by our own structure.
  CHECK(at8(*params, 0x1FE) == 0x55);
  CHECK(at8(*params, 0x1FF) == 0xAA);
  CHECK(at32(*params, 0x202) == 0x53726448);
  CHECK(at8(*params, 0x206) == 0x0F);
  CHECK(at8(*params, 0x207) == 0x02);
  CHECK(at8(*params, 0x210) == 0xFF);
  CHECK(at8(*params, 0x211) == 0x01);
  CHECK(at32(*params, 0x22C) == 0x7FFFFFFF);
  CHECK(at32(*params, 0x238) == 2047);
  CHECK(at32(*params, 0x228) == 0x20000);
  CHECK(at32(*params, 0x218) == 0);
  CHECK(at32(*params, 0x21C) == 0);
}

TEST_CASE("only the setup header is copied, so the sentinel stays 0") {
  std::vector<std::uint8_t> header(0x26C - 0x1F1, 0xA5);
  const auto params = try_make_boot_params(with_header(header), {});
  REQUIRE_OK(params);
  CHECK(at8(*params, 0x1EF) == 0);
  CHECK(at8(*params, 0x1F0) == 0);
  CHECK(at8(*params, 0x1F1) == 0xA5);
  CHECK(at8(*params, 0x26B) == 0xA5);
  CHECK(at8(*params, 0x26C) == 0);
  // What nobody filled in is 0 everywhere else.
  for (std::size_t i = 0; i < 0x1F1; ++i) REQUIRE(at8(*params, i) == 0);
  for (std::size_t i = 0x26C; i < 4096; ++i) REQUIRE(at8(*params, i) == 0);
}

TEST_CASE("the fields that a boot loader writes are written over the kernel's") {
  std::vector<std::uint8_t> header(0x26C - 0x1F1, 0xFF);
  const auto params = try_make_boot_params(with_header(header), {.cmdline = 0x1000});
  REQUIRE_OK(params);
  CHECK(params->hdr.type_of_loader == 0xFF);
  // Loaded high; no heap, no KASLR, not quiet, no kept segments. Reserved bits are the kernel's.
  CHECK(params->hdr.loadflags == 0x1D);
  CHECK(params->hdr.heap_end_ptr == 0U);
  CHECK(params->hdr.setup_data == 0U);
  CHECK(params->hdr.ramdisk_image == 0U);
  CHECK(params->hdr.ramdisk_size == 0U);
  CHECK(params->hdr.cmd_line_ptr == 0x1000U);
  CHECK(params->hdr.pref_address == ~std::uint64_t{0});
}

TEST_CASE("addresses and sizes above 4 GiB are split into their halves") {
  const auto params = try_make_boot_params(Kernel{}, {.cmdline = 0x1'2345'6789,
                                                      .initrd = {0x2'8000'0000, 0x4'8000'1234},
                                                      .rsdp = 0x3'0000'0010,
                                                      .e820 = {}});
  REQUIRE_OK(params);
  CHECK(at32(*params, 0x228) == 0x23456789);
  CHECK(at32(*params, 0x0C8) == 1);
  CHECK(at32(*params, 0x218) == 0x80000000);
  CHECK(at32(*params, 0x0C0) == 2);
  CHECK(at32(*params, 0x21C) == 0x1234);
  CHECK(at32(*params, 0x0C4) == 2);
  CHECK(at32(*params, 0x070) == 0x10);
  CHECK(at32(*params, 0x074) == 3);
}

TEST_CASE("an empty initrd has neither address nor size") {
  const auto params = try_make_boot_params(Kernel{}, {.initrd = {0x8000000, 0x8000000}});
  REQUIRE_OK(params);
  CHECK(at32(*params, 0x218) == 0);
  CHECK(at32(*params, 0x21C) == 0);
}

TEST_CASE("the e820 table holds 128 entries of 20 bytes and no more") {
  BootParamsInputs inputs;
  for (std::uint64_t i = 0; i < 128; ++i)
    inputs.e820.push_back(
        {.addr = i * kGiB, .size = 4096 + i, .type = static_cast<std::uint32_t>(1 + i % 5)});
  const auto full = try_make_boot_params(Kernel{}, inputs);
  REQUIRE_OK(full);
  CHECK(at8(*full, 0x1E8) == 128);
  CHECK(at32(*full, 0x2D0 + 20 * 127 + 4) == 127 * kGiB / (std::uint64_t{1} << 32));
  CHECK(at32(*full, 0x2D0 + 20 * 127 + 8) == 4096 + 127);
  CHECK(at32(*full, 0x2D0 + 20 * 127 + 16) == 1 + 127 % 5);
  CHECK(at8(*full, 0xCD0) == 0);
  inputs.e820.push_back({.addr = std::uint64_t{0}, .size = std::uint64_t{0}, .type = 1U});
  const auto over = try_make_boot_params(Kernel{}, inputs);
  REQUIRE_FALSE(over.has_value());
  CHECK(over.error().message() == "the memory map has 129 entries, and boot_params has room for 128");
}

TEST_CASE("a setup header longer than its place is refused") {
  const std::vector<std::uint8_t> most(0x290 - 0x1F1, 1);
  CHECK(try_make_boot_params(with_header(most), {}).has_value());
  const std::vector<std::uint8_t> over(0x290 - 0x1F1 + 1, 1);
  const auto params = try_make_boot_params(with_header(over), {});
  REQUIRE_FALSE(params.has_value());
  CHECK(params.error().message() == "the setup header has 160 bytes, and boot_params has room for 159");
}
