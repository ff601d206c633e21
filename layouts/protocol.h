// One boot protocol a file in protocols/: a const descriptor that the build collects into a registry.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "formats/kernel.h"
#include "formats/machine.h"
#include "formats/vcpu.h"
#include "layouts/plan.h"

namespace tintype {

// Everything a compose starts from. Bytes are borrowed from mapped files.
struct Inputs {
  Machine machine;
  const Kernel* kernel = nullptr;
  std::optional<Bytes> initrd;
  std::string cmdline;
};

struct BootProtocol {
  std::string_view name;     // "linux-x86_64", as --protocol takes it
  std::string_view summary;  // one line for --help
  Arch arch;
  // Whether `kernel` can be entered this way; the error says why not and what would work.
  Result<void> (*accepts)(const Kernel& kernel);
  // Adds the regions the guest needs. `inputs` outlives the plan.
  Result<void> (*plan)(const Inputs& inputs, LayoutPlan& plan);
  // The boot processor's registers once everything has its address.
  VcpuX86 (*entry)(const Inputs& inputs, const Addresses& addresses);
};

// All protocols, in the order of their file names.
std::span<const BootProtocol* const> boot_protocols();

}  // namespace tintype
