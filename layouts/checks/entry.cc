// The first instruction, the page tables, the GDT and the stack lie in memory that the image brings.
#include "layouts/check.h"

namespace tintype {

namespace {

void in_region(const GuestImage& image, std::string_view what, std::uint64_t gpa, std::uint64_t size,
               std::vector<std::string>& violations) {
  if (bytes_at(image, gpa, size).empty())
    violations.push_back(
        fmt::format("{} points at {:#x}, where no region of the image has bytes", what, gpa));
}

void run(const GuestImage& image, std::vector<std::string>& violations) {
  const VcpuX86& vcpu = image.boot_vcpu;
  in_region(image, "the entry point (RIP)", vcpu.rip, 1, violations);
  const PlacedRegion* region = region_at(image, vcpu.rip);
  if (region && region->kind != PageKind::normal)
    violations.push_back(
        fmt::format("the entry point {:#x} lies in region '{}', which is {} and not normal memory", vcpu.rip,
                    region->name, page_kind_name(region->kind)));
  if (vcpu.cr3 != 0) in_region(image, "the page table root (CR3)", vcpu.cr3, kPageSize, violations);
  if (vcpu.gdtr.limit != 0)
    in_region(image, "the GDT (GDTR)", vcpu.gdtr.base, std::uint64_t{vcpu.gdtr.limit} + 1, violations);
  if (vcpu.rsp != 0 && !region_at(image, vcpu.rsp - 1))
    violations.push_back(fmt::format("the stack (RSP) ends at {:#x}, which is in no region", vcpu.rsp));
}

}  // namespace

extern const Check check_entry;
const Check check_entry = {.name = "entry", .run = run};

}  // namespace tintype
