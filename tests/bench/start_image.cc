// Writes an image for the benches: a guest that prints a byte and ends, and page data up to a size, no page
// of it zero. With "isolated" SEV-SNP and TDX launch the same pages.
//
//   start_image FILE MIB [isolated]
#include <cstdio>
#include <cstdlib>
#include <string_view>
#include <vector>

#include "formats/igvm.h"
#include "formats/machine_tree.h"
#include "formats/vmsa.h"
#include "formats/x86.h"

namespace {

using namespace tintype;

constexpr std::uint64_t kCode = 0x100000;

// mov dx, 0x3f8; mov al, '.'; out dx, al; mov dx, 0x501; mov al, 0; out dx, al; hlt   (32-bit)
constexpr std::uint8_t kGuest[] = {0x66, 0xBA, 0xF8, 0x03, 0xB0, '.',  0xEE, 0x66,
                                   0xBA, 0x01, 0x05, 0xB0, 0x00, 0xEE, 0xF4};

VcpuX86 start() {
  VcpuX86 registers;
  registers.rip = kCode;
  registers.cr0 = x86::kCr0Pe | x86::kCr0Et;
  registers.code = x86::kFlatCode32;
  registers.data = x86::kFlatData;
  return registers;
}

IGVM_VHS_SUPPORTED_PLATFORM platform(std::uint32_t mask, std::uint8_t type) {
  return {.compatibility_mask = mask,
          .highest_vtl = 0,
          .platform_type = type,
          .platform_version = IGVM_PLATFORM_VERSION,
          .shared_gpa_boundary = 0};
}

Result<void> write_image(const char* path, std::uint64_t size, bool isolated) {
  constexpr std::uint32_t kNative = 1, kSnp = 2, kTdx = 4;
  std::vector<std::uint8_t> pages(size, 0x5A);
  std::copy(std::begin(kGuest), std::end(kGuest), pages.begin());
  const std::vector<std::uint8_t> context = igvm::native_context(start());
  const VmsaPage vmsa = reset_vmsa(kSevFeatureSnp, kDefaultProcessor.signature);
  igvm::File file;
  file.platforms.push_back(platform(kNative, IGVM_PLATFORM_NATIVE));
  if (isolated) {
    file.platforms.push_back(platform(kSnp, IGVM_PLATFORM_SEV_SNP));
    file.platforms.push_back(platform(kTdx, IGVM_PLATFORM_TDX));
    file.initializations.emplace_back(
        IGVM_VHS_GUEST_POLICY{.policy = 0x30000u, .compatibility_mask = kSnp, .reserved = 0u});
  }
  file.directives.emplace_back(igvm::PageRun{.gpa = kCode,
                                             .pages = size / kPageSize,
                                             .compatibility_mask = isolated ? kNative | kSnp | kTdx : kNative,
                                             .data = pages});
  file.directives.emplace_back(igvm::VpContext{.compatibility_mask = kNative, .data = context});
  if (isolated)
    file.directives.emplace_back(igvm::VpContext{.kind = igvm::VpContext::Kind::snp_vmsa,
                                                 .gpa = 0xFFFFFFFFF000,
                                                 .compatibility_mask = kSnp,
                                                 .data = bytes_of(vmsa)});
  Machine machine;
  machine.memory = size + 64 * kMiB;
  machine.protocol = "bench";
  std::FILE* out = std::fopen(path, "wb");
  if (out == nullptr) return fail("{} cannot be written", path);
  const auto written = igvm::write(file, machine_trailer(machine), [&](Bytes bytes) -> Result<void> {
    if (std::fwrite(bytes.data(), 1, bytes.size(), out) != bytes.size())
      return fail("{} cannot be written", path);
    return {};
  });
  if (std::fclose(out) != 0) return fail("{} cannot be written", path);
  return written;
}

}  // namespace

int main(int argc, char** argv) {
  const long mib = argc >= 3 ? std::strtol(argv[2], nullptr, 10) : 0;
  const bool isolated = argc == 4 && std::string_view(argv[3]) == "isolated";
  if (mib < 1 || mib > 2048 || (argc != 3 && !isolated)) {
    std::fprintf(stderr, "usage: start_image FILE MIB [isolated]   (1 to 2048)\n");
    return 2;
  }
  const auto written = write_image(argv[1], static_cast<std::uint64_t>(mib) * kMiB, isolated);
  if (!written) std::fprintf(stderr, "start_image: %s\n", written.error().message().c_str());
  return written ? 0 : 1;
}
