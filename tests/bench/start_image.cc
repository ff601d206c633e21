// Writes an image for the start-up bench: a guest that prints a byte and ends, and page data up to a size.
//
//   start_image FILE MIB
#include <cstdio>
#include <cstdlib>
#include <vector>

#include "formats/igvm.h"
#include "formats/machine_tree.h"
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

Result<void> write_image(const char* path, std::uint64_t size) {
  std::vector<std::uint8_t> pages(size, 0x5A);
  std::copy(std::begin(kGuest), std::end(kGuest), pages.begin());
  const std::vector<std::uint8_t> context = igvm::native_context(start());
  igvm::File file;
  file.platforms.push_back({.compatibility_mask = 1,
                            .highest_vtl = 0,
                            .platform_type = IGVM_PLATFORM_NATIVE,
                            .platform_version = IGVM_PLATFORM_VERSION,
                            .shared_gpa_boundary = 0});
  file.directives.emplace_back(
      igvm::PageRun{.gpa = kCode, .pages = size / kPageSize, .compatibility_mask = 1, .data = pages});
  file.directives.emplace_back(igvm::VpContext{.compatibility_mask = 1, .data = context});
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
  const long mib = argc == 3 ? std::strtol(argv[2], nullptr, 10) : 0;
  if (mib < 1 || mib > 2048) {
    std::fprintf(stderr, "usage: start_image FILE MIB   (1 to 2048)\n");
    return 2;
  }
  const auto written = write_image(argv[1], static_cast<std::uint64_t>(mib) * kMiB);
  if (!written) std::fprintf(stderr, "start_image: %s\n", written.error().message().c_str());
  return written ? 0 : 1;
}
