// A composed guest: every region with its bytes, the boot processor's registers, the memory map and the
// machine.
#pragma once

#include <span>
#include <vector>

#include "formats/igvm.h"
#include "formats/machine.h"
#include "formats/vcpu.h"
#include "layouts/plan.h"

namespace tintype {

struct Platform;

struct GuestImage {
  Machine machine;
  MemoryMap memory;
  std::vector<PlacedRegion> regions;  // ascending
  VcpuState boot_vcpu;
};

// The image's pages in address order, as the loader gets them: whole pages of borrowed bytes stay borrowed,
// pages that hold the end of one region or several regions are assembled in `arena`, and pages of zeroes
// carry no data.
std::vector<igvm::PageRun> pages_of(const GuestImage& image, Arena& arena);

// The one order of launch operations: what the writer writes and every measurement measures. Required memory
// first, then parameter areas, page data by address, VP contexts. Every page is stored once, for all of
// `launchers`. `arena` owns what the headers borrow.
igvm::File launch_sequence(const GuestImage& image, std::span<const Platform* const> launchers, Arena& arena);

}  // namespace tintype
