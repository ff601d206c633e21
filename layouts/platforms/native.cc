// The native platform: no isolation, one boot processor context; the others wait for INIT-SIPI.
#include "layouts/platform.h"

namespace tintype {

namespace {

IGVM_VHS_SUPPORTED_PLATFORM header(std::uint32_t compatibility_mask) {
  return {.compatibility_mask = compatibility_mask,
          .highest_vtl = 0,
          .platform_type = IGVM_PLATFORM_NATIVE,
          .platform_version = std::uint16_t{1},
          .shared_gpa_boundary = std::uint64_t{0}};
}

std::vector<igvm::VpContext> vp_contexts(const GuestImage& image, Arena& arena) {
  arena.push_back(igvm::native_context(std::get<VcpuX86>(image.boot_vcpu)));
  return {{.kind = igvm::VpContext::Kind::native_x64, .vp_index = 0, .data = arena.back()}};
}

}  // namespace

extern const Platform platform_native;
const Platform platform_native = {
    .name = "native", .arch = Arch::x86_64, .header = header, .vp_contexts = vp_contexts};

}  // namespace tintype
