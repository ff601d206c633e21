#include "runner/parameters.h"

#include <algorithm>
#include <map>

#include "formats/acpi.h"
#include "runner/kvm.h"

namespace tintype {

namespace {

std::uint64_t page_number(std::uint64_t address) {
  return address / kPageSize;
}

// Memory as it is, and on x86_64 the pages that KVM keeps for itself; ascending. An empty entry ends the map.
void write_memory_map(const GuestPlan& plan, ByteSink& sink) {
  std::vector<std::pair<GpaRange, std::uint16_t>> entries;
  for (const GpaRange& range : plan.memory) entries.emplace_back(range, IGVM_MEMORY_MAP_ENTRY_MEMORY);
  if (plan.arch == Arch::x86_64)
    entries.emplace_back(GpaRange{kKvmReservedStart, kKvmReservedEnd},
                         IGVM_MEMORY_MAP_ENTRY_PLATFORM_RESERVED);
  std::sort(entries.begin(), entries.end());
  entries.emplace_back(GpaRange{}, IGVM_MEMORY_MAP_ENTRY_MEMORY);
  for (const auto& [range, type] : entries)
    sink.put(IGVM_VHS_MEMORY_MAP_ENTRY{.starting_gpa_page_number = page_number(range.start),
                                       .number_of_pages = page_number(range.size()),
                                       .entry_type = type,
                                       .flags = 0,
                                       .reserved = 0});
}

// Where the machine's devices are and no RAM ever is.
void write_mmio_ranges(const GuestPlan& plan, ByteSink& sink) {
  const GpaRange range = plan.arch == Arch::x86_64 ? GpaRange{x86::kHoleStart, x86::kHoleEnd}
                                                   : GpaRange{arm64::kGicd, arm64::kRamStart};
  sink.put(
      IGVM_VHS_MMIO_RANGES{.mmio_ranges = {{{page_number(range.start), page_number(range.size())}, {0, 0}}}});
}

// ACPI 6.5, 5.2.12: every vCPU, by its x2APIC structure where the ID needs one, and the IOAPIC.
void write_madt(const GuestPlan& plan, ByteSink& sink) {
  using namespace acpi;
  Buffer table;
  table.put(Madt{.header = {.Signature = text("APIC"),
                            .Length = 0,
                            .Revision = kMadtRevision,
                            .Checksum = 0,
                            .OEMID = text("TINTYP"),
                            .OEMTableID = text("RUNNER  "),
                            .OEMRevision = 1,
                            .CreatorID = text("TTYP"),
                            .CreatorRevision = 1},
                 .Local_Interrupt_Controller_Address = static_cast<std::uint32_t>(x86::kLapicBase),
                 .Flags = kMadtPcatCompat});
  for (std::uint32_t id = 0; id < plan.cpus; ++id) {
    if (id < 255) {
      const auto byte = static_cast<std::uint8_t>(id);
      table.put(MadtLocalApic{kMadtLocalApic, sizeof(MadtLocalApic), byte, byte, kMadtEnabled});
    } else {
      table.put(MadtLocalX2Apic{kMadtLocalX2Apic, sizeof(MadtLocalX2Apic), 0, id, kMadtEnabled, id});
    }
  }
  table.put(MadtIoApic{kMadtIoApic, sizeof(MadtIoApic), x86::kIoapicId, 0,
                       static_cast<std::uint32_t>(x86::kIoapicBase), 0});
  seal(table.bytes());
  sink.write(table.bytes());
}

// The value of a parameter of `type` on this machine.
Result<std::vector<std::uint8_t>> parameter_value(std::uint32_t type, const GuestPlan& plan) {
  Buffer value;
  switch (type) {
    case IGVM_VHT_VP_COUNT_PARAMETER:
      value.put(le32(plan.cpus));
      break;
    // Nothing here is private to the guest, and a guest must not try to make it so.
    case IGVM_VHT_ENVIRONMENT_INFO_PARAMETER:
      value.put(le32(IGVM_ENVIRONMENT_INFO_MEMORY_IS_SHARED));
      break;
    case IGVM_VHT_MEMORY_MAP:
      write_memory_map(plan, value);
      break;
    case IGVM_VHT_MMIO_RANGES:
      write_mmio_ranges(plan, value);
      break;
    case IGVM_VHT_MADT:
      if (plan.arch != Arch::x86_64)
        return fail("it asks for an ACPI MADT, which this runner makes for x86_64 only");
      write_madt(plan, value);
      break;
    case IGVM_VHT_COMMAND_LINE:
      value.put(std::uint8_t{0});
      break;
    case IGVM_VHT_SRAT:
      return fail("it asks for an ACPI SRAT, which this runner does not make");
    case IGVM_VHT_SLIT:
      return fail("it asks for an ACPI SLIT, which this runner does not make");
    case IGVM_VHT_PPTT:
      return fail("it asks for an ACPI PPTT, which this runner does not make");
    case IGVM_VHT_DEVICE_TREE:
      return fail("it asks for a device tree, which this runner does not make");
    default:
      return fail("it asks for a parameter of type {:#x}, which this runner does not know", type);
  }
  return std::move(value.bytes());
}

struct Area {
  const igvm::ParameterArea* area = nullptr;
  std::uint64_t gpa = 0;
};

// The inserted areas by their index.
std::map<std::uint32_t, Area> inserted_areas(const igvm::File& file, std::uint32_t mask) {
  std::map<std::uint32_t, const igvm::ParameterArea*> declared;
  std::map<std::uint32_t, Area> inserted;
  for (const igvm::Directive& directive : file.directives) {
    if (const auto* area = std::get_if<igvm::ParameterArea>(&directive)) {
      declared[area->parameter_area_index] = area;
    } else if (const auto* insert = std::get_if<IGVM_VHS_PARAMETER_INSERT>(&directive)) {
      const auto found = declared.find(insert->parameter_area_index);
      if ((insert->compatibility_mask & mask) != 0 && found != declared.end())
        inserted[insert->parameter_area_index] = {found->second, insert->gpa};
    }
  }
  return inserted;
}

// Where a value goes.
struct Taken {
  GpaRange range;
  std::uint32_t type = 0;
};

// Of two values in one place the later would win, so that the guest would see in which order the file has
// them. Sorted, values overlap if and only if two neighbours do: none is empty.
Result<void> check_disjoint(std::vector<Taken> taken) {
  std::sort(taken.begin(), taken.end(), [](const Taken& a, const Taken& b) { return a.range < b.range; });
  for (std::size_t i = 1; i < taken.size(); ++i) {
    const Taken &first = taken[i - 1], &second = taken[i];
    if (first.range.overlaps(second.range))
      return fail(
          "has parameter {} at {:#x}-{:#x}, on top of parameter {} at {:#x}-{:#x}: move it behind that",
          igvm::parameter_name(second.type), second.range.start, second.range.last(),
          igvm::parameter_name(first.type), first.range.start, first.range.last());
  }
  return {};
}

// A header of 16 bytes can ask for a memory map of thousands. `total` counts the bytes of all values so far.
Result<void> add_value(const igvm::Parameter& parameter, const Area& area, std::uint64_t& total,
                       std::vector<Taken>& taken, GuestPlan& plan) {
  std::vector<std::uint8_t> value = TRY(parameter_value(parameter.type, plan));
  total += value.size();
  if (total > kMaxParameterBytes)
    return fail("asks for more than {} MiB of parameters, which no guest needs", kMaxParameterBytes / kMiB);
  const std::uint64_t offset = parameter.header.byte_offset;
  const std::uint64_t size = area.area->number_of_bytes;
  if (offset > size || value.size() > size - offset)
    return fail("parameter {:#x} needs {} bytes at offset {:#x} of area {}, which has {} bytes",
                parameter.type, value.size(), offset, area.area->parameter_area_index, size);
  taken.push_back({{area.gpa + offset, area.gpa + offset + value.size()}, parameter.type});
  plan.writes.push_back({area.gpa + offset, std::move(value)});
  return {};
}

}  // namespace

Result<void> add_parameters(const igvm::File& file, Bytes bytes, std::uint32_t mask, GuestPlan& plan) {
  const std::map<std::uint32_t, Area> areas = inserted_areas(file, mask);
  for (const auto& [index, area] : areas) {
    if (area.area->initial.empty()) continue;
    plan.pieces.push_back({.gpa = area.gpa,
                           .offset = static_cast<std::uint64_t>(area.area->initial.data() - bytes.data()),
                           .size = area.area->initial.size()});
  }
  std::uint64_t total = 0;
  std::vector<Taken> taken;
  for (const igvm::Directive& directive : file.directives) {
    const auto* parameter = std::get_if<igvm::Parameter>(&directive);
    if (parameter == nullptr) continue;
    const auto found = areas.find(parameter->header.parameter_area_index);
    if (found != areas.end()) TRY(add_value(*parameter, found->second, total, taken, plan));
  }
  return check_disjoint(std::move(taken));
}

}  // namespace tintype
