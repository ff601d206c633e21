#include "formats/linux_boot.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>

namespace tintype {

namespace {

constexpr std::uint32_t low_half(std::uint64_t value) {
  return static_cast<std::uint32_t>(value);
}
constexpr std::uint32_t high_half(std::uint64_t value) {
  return static_cast<std::uint32_t>(value >> 32);
}

// The header's place runs on through _pad7: a later protocol's header may be longer than ours.
constexpr std::size_t kSetupHeaderRoom = offsetof(BootParams, edd_mbr_sig_buffer) - offsetof(BootParams, hdr);

// Copying the header and nothing before it is what keeps the sentinel 0 and the rest of the page valid
// (zero-page.rst; sanitize_boot_params() in arch/x86/include/asm/bootparam_utils.h clears half of the page
// otherwise).
BootParams with_setup_header(const Kernel& kernel) {
  std::array<std::uint8_t, sizeof(BootParams)> page{};
  const SetupHeader synthesised = default_setup_header();
  const Bytes header = kernel.setup ? kernel.setup->setup_header : bytes_of(synthesised);
  std::copy(header.begin(), header.end(), page.begin() + offsetof(BootParams, hdr));
  BootParams params;
  std::memcpy(&params, page.data(), sizeof(params));
  return params;
}

}  // namespace

SetupHeader default_setup_header() {
  SetupHeader header{};
  header.boot_flag = kBootFlag;
  header.header = kSetupMagic;
  header.version = kProtocol2_15;
  header.type_of_loader = kLoaderUndefined;
  header.loadflags = kLoadedHigh;
  header.initrd_addr_max = 0x7FFFFFFF;
  header.cmdline_size = 2047;
  header.xloadflags = kXlfKernel64;
  return header;
}

Result<void> check_boot_params(const Kernel& kernel, const BootParamsInputs& inputs) {
  if (inputs.e820.size() > kMaxE820Entries)
    return fail("the memory map has {} entries, and boot_params has room for {}", inputs.e820.size(),
                kMaxE820Entries);
  if (kernel.setup && kernel.setup->setup_header.size() > kSetupHeaderRoom)
    return fail("the setup header has {} bytes, and boot_params has room for {}",
                kernel.setup->setup_header.size(), kSetupHeaderRoom);
  return {};
}

Result<BootParams> try_make_boot_params(const Kernel& kernel, const BootParamsInputs& inputs) {
  TRY(check_boot_params(kernel, inputs));
  BootParams params = with_setup_header(kernel);
  SetupHeader& header = params.hdr;
  header.type_of_loader = kLoaderUndefined;
  // The heap is the real-mode code's, which does not run. KASLR_FLAG is what lets Linux randomise its memory
  // regions (arch/x86/mm/kaslr.c), which it is to do if it was moved itself.
  header.loadflags = static_cast<std::uint8_t>(
      ((header.loadflags | kLoadedHigh) & ~(kKaslrFlag | kQuietFlag | kKeepSegments | kCanUseHeap)) |
      (inputs.kaslr ? kKaslrFlag : 0));
  header.heap_end_ptr = 0;
  header.ext_loader_ver = 0;
  header.ext_loader_type = 0;
  header.setup_data = inputs.setup_data;
  header.cmd_line_ptr = low_half(inputs.cmdline);
  params.ext_cmd_line_ptr = high_half(inputs.cmdline);
  const std::uint64_t initrd = inputs.initrd.empty() ? 0 : inputs.initrd.start;
  header.ramdisk_image = low_half(initrd);
  params.ext_ramdisk_image = high_half(initrd);
  header.ramdisk_size = low_half(inputs.initrd.size());
  params.ext_ramdisk_size = high_half(inputs.initrd.size());
  params.acpi_rsdp_addr = inputs.rsdp;
  params.e820_entries = static_cast<std::uint8_t>(inputs.e820.size());
  std::copy(inputs.e820.begin(), inputs.e820.end(), params.e820_table.begin());
  return params;
}

BootParams make_boot_params(const Kernel& kernel, const BootParamsInputs& inputs) {
  const Result<BootParams> params = try_make_boot_params(kernel, inputs);
  if (!params) std::abort();
  return *params;
}

}  // namespace tintype
