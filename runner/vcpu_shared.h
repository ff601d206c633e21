// The page that a vCPU shares with KVM, for vcpu*.cc alone.
#pragma once

#include <linux/kvm.h>

#include "runner/vcpu.h"

namespace tintype {

struct Vcpu::Shared : kvm_run {};

// An exit that neither kind of host explains.
inline VcpuExit unknown_exit(const kvm_run& run) {
  return {.kind = VcpuExit::Kind::failure,
          .what = fmt::format("KVM stopped it for a reason that this runner does not know ({})",
                              run.exit_reason)};
}

}  // namespace tintype
