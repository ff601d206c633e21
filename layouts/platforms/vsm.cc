// An AArch64 guest without isolation. The format has NATIVE for x64 only; what its reference takes for such a
// guest is VSM_ISOLATION with a list of registers and no VTL but 0.
#include "layouts/platform.h"

namespace tintype {

namespace {

IGVM_VHS_SUPPORTED_PLATFORM header(std::uint32_t compatibility_mask) {
  return {.compatibility_mask = compatibility_mask,
          .highest_vtl = 0,
          .platform_type = IGVM_PLATFORM_VSM_ISOLATION,
          .platform_version = std::uint16_t{1},
          .shared_gpa_boundary = std::uint64_t{0}};
}

std::vector<igvm::VpContext> vp_contexts(const GuestImage& image, Arena& arena) {
  arena.push_back(igvm::vbs_context(std::get<VcpuArm64>(image.boot_vcpu)));
  return {{.kind = igvm::VpContext::Kind::vbs_aarch64, .vp_index = 0, .data = arena.back()}};
}

}  // namespace

extern const Platform platform_vsm;
const Platform platform_vsm = {
    .name = "vsm", .arch = Arch::aarch64, .header = header, .vp_contexts = vp_contexts};

}  // namespace tintype
