// The ELF notes that say how a kernel may be entered.
#pragma once

#include <optional>
#include <vector>

#include "formats/kernel.h"
#include "formats/kernel_elf_headers.h"

namespace tintype {

// The 32-bit physical entry point of XEN_ELFNOTE_PHYS32_ENTRY (Xen docs/misc/pvh, "PVH guest ABI"), if the
// file has that note. Errors: a note that runs past its segment, a description that is neither 4 nor 8 bytes,
// two notes that disagree, an address above 4 GiB or in no segment's bytes.
Result<std::optional<std::uint64_t>> find_pvh_entry(const ElfHeaders& headers,
                                                    const std::vector<KernelSegment>& segments);

}  // namespace tintype
