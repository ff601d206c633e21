// One vCPU from its first instruction to the end of the run.
#pragma once

#include "runner/bus.h"
#include "runner/ending.h"
#include "runner/guest_memory.h"
#include "runner/image.h"
#include "runner/vcpu.h"

namespace tintype {

// What all vCPUs share; each member outlives their threads.
struct Shared {
  Bus& bus;
  Ending& ending;
  const GuestMemory& memory;
  const MappedFile& file;
};

// Returns when the run is over, by this vCPU's doing or another's.
void run_vcpu(Vcpu& vcpu, const Shared& shared);

}  // namespace tintype
