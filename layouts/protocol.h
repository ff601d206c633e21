// One boot protocol a file in protocols/: a const descriptor that the build collects into a registry.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "formats/kernel.h"
#include "formats/machine.h"
#include "formats/vcpu.h"
#include "layouts/acpi_table.h"
#include "layouts/plan.h"
#include "layouts/smbios.h"

namespace tintype {

// A file that a guest is handed besides its kernel, with a command line of its own.
struct Module {
  Bytes bytes;
  std::string cmdline;
};

// Everything a compose starts from. Bytes are borrowed from mapped files.
struct Inputs {
  Machine machine;
  const Kernel* kernel = nullptr;
  // Archives that together are one initrd, in this order; each starts at a multiple of 4 (Linux
  // Documentation/driver-api/early-userspace/buffer-format.rst). Empty if there is no initrd.
  std::vector<Bytes> initrd;
  std::string cmdline;
  bool keeps_bootargs = false;     // a tree's own command line goes before `cmdline`, since nobody gave one
  std::string initrd_cmdline;      // of the initrd as a PVH module
  std::vector<Module> modules;     // of PVH, after the initrd
  std::optional<AcpiInputs> acpi;  // none: no tables and no RSDP
  SmbiosInputs smbios;
  std::vector<std::uint8_t> rng_seed;    // empty: none
  std::vector<std::uint8_t> kaslr_seed;  // 8 bytes for an AArch64 kernel, which moves itself; empty: none
  std::optional<Bytes> dtb;  // a flattened device tree for the kernel; on AArch64 it takes the place of ours
  std::vector<Bytes> overlays;  // device-tree overlays for that, in the order of application
  // For messages: what `dtb` is, and by what an AArch64 guest gets a tree.
  std::string dtb_name = "--fdt";
  std::string tree_reason = "--device-tree";
  bool moved = false;  // the kernel is not where it was linked: memory is to be randomised too

  // Of the initrd with its padding, in bytes.
  std::uint64_t initrd_size() const;
};

struct BootProtocol {
  std::string_view name;     // "linux-x86_64", as --protocol takes it
  std::string_view summary;  // one line for --help
  Arch arch;
  // Whether `kernel` can be entered this way; the error says why not and what would work.
  Result<void> (*accepts)(const Kernel& kernel);
  // Whether it is how `kernel` is entered when nobody says otherwise.
  bool (*suits)(const Kernel& kernel);
  // Adds the regions the guest needs. `inputs` outlives the plan.
  Result<void> (*plan)(const Inputs& inputs, LayoutPlan& plan);
  // The boot processor's registers once everything has its address.
  VcpuState (*entry)(const Inputs& inputs, const Addresses& addresses);
};

// All protocols, in the order of their file names.
std::span<const BootProtocol* const> boot_protocols();

}  // namespace tintype
