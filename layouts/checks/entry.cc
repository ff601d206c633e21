// The first instruction and what it relies on, such as page tables, GDT and stack, lie in memory that the
// image brings.
#include "layouts/check.h"

namespace tintype {

namespace {

void in_region(const GuestImage& image, std::string_view what, std::uint64_t gpa, std::uint64_t size,
               std::vector<std::string>& violations) {
  if (bytes_at(image, gpa, size).empty())
    violations.push_back(
        fmt::format("{} points at {:#x}, where no region of the image has bytes", what, gpa));
}

void check_first(const GuestImage& image, std::string_view what, std::uint64_t gpa, std::uint64_t size,
                 std::vector<std::string>& violations) {
  in_region(image, fmt::format("the entry point ({})", what), gpa, size, violations);
  const PlacedRegion* region = region_at(image, gpa);
  if (region && region->kind != PageKind::normal)
    violations.push_back(
        fmt::format("the entry point {:#x} lies in region '{}', which is {} and not normal memory", gpa,
                    region->name, page_kind_name(region->kind)));
}

void check_vcpu(const GuestImage& image, const VcpuX86& vcpu, std::vector<std::string>& violations) {
  check_first(image, "RIP", vcpu.rip, 1, violations);
  if (vcpu.cr3 != 0) in_region(image, "the page table root (CR3)", vcpu.cr3, kPageSize, violations);
  if (vcpu.gdtr.limit != 0)
    in_region(image, "the GDT (GDTR)", vcpu.gdtr.base, std::uint64_t{vcpu.gdtr.limit} + 1, violations);
  if (vcpu.rsp != 0 && !region_at(image, vcpu.rsp - 1))
    violations.push_back(fmt::format("the stack (RSP) ends at {:#x}, which is in no region", vcpu.rsp));
}

// Linux Documentation/arch/arm64/booting.rst, 4: X0 holds the device tree's address. Its header starts with a
// magic number and its size.
void check_vcpu(const GuestImage& image, const VcpuArm64& vcpu, std::vector<std::string>& violations) {
  constexpr std::uint64_t kInstruction = 4, kTreeHeader = 8;
  if (!is_aligned(vcpu.pc, kInstruction))
    violations.push_back(fmt::format("the entry point {:#x} is no multiple of {}", vcpu.pc, kInstruction));
  check_first(image, "PC", vcpu.pc, kInstruction, violations);
  if (!is_aligned(vcpu.x0, 8))
    violations.push_back(fmt::format("the device tree (X0) is at {:#x}, no multiple of 8", vcpu.x0));
  in_region(image, "the device tree (X0)", vcpu.x0, kTreeHeader, violations);
}

void run(const GuestImage& image, std::vector<std::string>& violations) {
  std::visit([&](const auto& vcpu) { check_vcpu(image, vcpu, violations); }, image.boot_vcpu);
}

}  // namespace

extern const Check check_entry;
const Check check_entry = {.name = "entry", .run = run};

}  // namespace tintype
