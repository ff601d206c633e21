// What EFI firmware would have left in memory for an AArch64 Linux, as regions.
//
// All of it is MemoryType::efi_data, and the EFI memory map has that, like ACPI tables, as
// EfiACPIReclaimMemory, which is one of the types that configuration tables may be in (UEFI 2.10, 2.3.6.2).
// Linux gives it to nobody, keeps it over kexec, and leaves it in its linear map (drivers/firmware/efi/
// efi-init.c, reserve_regions), and it does go on reading: SMBIOS tables and the memory map for good, the
// seed and the list of reservations when it starts another kernel. Boot services' memory it would reuse at
// once; runtime services' memory it would unmap, and there are no such services.
//
// Sources: Linux Documentation/arch/arm/uefi.rst, drivers/firmware/efi (efi-init.c, efi.c, fdtparams.c,
// arm-runtime.c), drivers/firmware/dmi_scan.c.
#pragma once

#include <vector>

#include "formats/efi.h"
#include "layouts/arm64_guest.h"

namespace tintype {

// The most descriptors that the EFI memory map has room for: those of one page.
inline constexpr std::size_t kMaxEfiDescriptors = kPageSize / sizeof(efi::MemoryDescriptor);

// `map` as EFI says it, ascending, a descriptor an entry.
std::vector<efi::MemoryDescriptor> efi_memory_map(const MemoryMap& map);

// Adds regions "efi.system_table", "efi.vendor", "efi.config_table", "efi.rt_properties", "efi.memory_map"
// and, if the inputs want them, "efi.rng_seed" and "efi.mem_reserve", in `windows`. The plan has the regions
// of ACPI and SMBIOS too, to which the configuration table points. `inputs` outlives the plan.
void add_efi(const Inputs& inputs, const std::vector<GpaRange>& windows, LayoutPlan& plan);

// The properties of /chosen by which Linux finds all that; lengths do not depend on addresses.
std::vector<DeviceTreeProperty> efi_chosen_properties(const Addresses& addresses);

}  // namespace tintype
