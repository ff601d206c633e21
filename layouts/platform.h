// One platform a file in platforms/: who launches a snapshot, and what that takes in the file.
#pragma once

#include <span>
#include <string_view>
#include <vector>

#include "layouts/image.h"

namespace tintype {

struct Platform {
  std::string_view name;  // "native"
  Arch arch;
  // The platform header, with the one bit that stands for it.
  IGVM_VHS_SUPPORTED_PLATFORM (*header)(std::uint32_t compatibility_mask);
  // The initial vCPU states the platform takes from the file; the caller fills in the mask.
  std::vector<igvm::VpContext> (*vp_contexts)(const GuestImage& image, Arena& arena);
};

// All platforms, in the order of their file names.
std::span<const Platform* const> platforms();

// Those that launch guests of `arch`.
std::vector<const Platform*> platforms_of(Arch arch);

}  // namespace tintype
