#include "layouts/efi.h"

#include <cassert>

#include "layouts/smbios.h"

namespace tintype {

namespace {

constexpr std::string_view kVendor = "Tintype";
constexpr std::uint32_t kFirmwareRevision = 1;
// Of pointers and 64-bit integers.
constexpr std::uint64_t kAlignment = 8;
// Linux maps a list of reservations by one page of its own, so none may cross a page (efi.c,
// efi_config_parse_tables).
constexpr std::uint64_t kMemReserveAlignment = sizeof(efi::LinuxMemReserve);

std::uint32_t efi_type(MemoryType type) {
  switch (type) {
    case MemoryType::ram:
      return efi::kConventionalMemory;
    case MemoryType::reserved:
      return efi::kReservedMemory;
    case MemoryType::acpi_data:
    case MemoryType::efi_data:
      return efi::kAcpiReclaimMemory;
  }
  return efi::kReservedMemory;
}

void add_region(std::string name, std::uint64_t alignment, const std::vector<GpaRange>& windows, Emit emit,
                LayoutPlan& plan) {
  plan.add({.name = std::move(name),
            .memory = MemoryType::efi_data,
            .windows = windows,
            .alignment = alignment,
            .emit = std::move(emit)});
}

// A configuration table and the region it is in.
struct ListedTable {
  efi::Guid guid;
  std::string_view region;
};

std::vector<ListedTable> listed_tables(const Inputs& inputs) {
  std::vector<ListedTable> tables = {{efi::kAcpi20Table, "acpi.rsdp"},
                                     {efi::kSmbios3Table, "smbios.entry"},
                                     {efi::kRtPropertiesTable, "efi.rt_properties"}};
  if (!inputs.rng_seed.empty()) tables.push_back({efi::kLinuxRandomSeedTable, "efi.rng_seed"});
  // The tables of the ITS and the redistributors stay in use over kexec, so Linux records where they are, and
  // warns about each that it cannot record (drivers/irqchip/irq-gic-v3-its.c, gic_reserve_range).
  if (inputs.machine.its) tables.push_back({efi::kLinuxMemReserveTable, "efi.mem_reserve"});
  return tables;
}

// As after ExitBootServices() (UEFI 2.10, 7.4.6): no consoles and no boot services. Nor are there runtime
// services: Linux calls none that EFI_RT_PROPERTIES_TABLE does not have, and before 5.7, which does not know
// that table, it enables them only where an EFI_MEMORY_RUNTIME descriptor covers the system table.
void emit_system_table(std::size_t tables, const Addresses& addresses, ByteSink& sink) {
  const efi::SystemTable table = {.Hdr = {.Signature = efi::kSystemTableSignature,
                                          .Revision = efi::kRevision2_10,
                                          .HeaderSize = std::uint32_t{sizeof(efi::SystemTable)},
                                          .CRC32 = 0u,
                                          .Reserved = 0u},
                                  .FirmwareVendor = addresses.of("efi.vendor"),
                                  .FirmwareRevision = kFirmwareRevision,
                                  .Padding = 0u,
                                  .ConsoleInHandle = std::uint64_t{0},
                                  .ConIn = std::uint64_t{0},
                                  .ConsoleOutHandle = std::uint64_t{0},
                                  .ConOut = std::uint64_t{0},
                                  .StandardErrorHandle = std::uint64_t{0},
                                  .StdErr = std::uint64_t{0},
                                  .RuntimeServices = std::uint64_t{0},
                                  .BootServices = std::uint64_t{0},
                                  .NumberOfTableEntries = std::uint64_t{tables},
                                  .ConfigurationTable = addresses.of("efi.config_table")};
  sink.put(efi::sealed(table));
}

// As long as the map can be, because how many descriptors it has depends on where regions are.
void emit_memory_map(const Addresses& addresses, ByteSink& sink) {
  const std::vector<efi::MemoryDescriptor> map = efi_memory_map(addresses.memory());
  for (const efi::MemoryDescriptor& descriptor : map) sink.put(descriptor);
  sink.zeros((kMaxEfiDescriptors - map.size()) * sizeof(efi::MemoryDescriptor));
}

void add_listed(const Inputs& inputs, const std::vector<GpaRange>& windows, LayoutPlan& plan) {
  add_region(
      "efi.rt_properties", kAlignment, windows,
      [](const Addresses&, ByteSink& sink) {
        sink.put(efi::RtPropertiesTable{.Version = efi::kRtPropertiesVersion,
                                        .Length = std::uint16_t{sizeof(efi::RtPropertiesTable)},
                                        .RuntimeServicesSupported = 0u});
      },
      plan);
  if (!inputs.rng_seed.empty())
    add_region(
        "efi.rng_seed", kAlignment, windows,
        [&inputs](const Addresses&, ByteSink& sink) {
          sink.put(efi::LinuxRandomSeed{.size = static_cast<std::uint32_t>(inputs.rng_seed.size())});
          sink.write(inputs.rng_seed);
        },
        plan);
  // Linux has no use for entries in the head of the list: it adds pages of its own to it (efi.c,
  // efi_mem_reserve_persistent).
  if (inputs.machine.its)
    add_region(
        "efi.mem_reserve", kMemReserveAlignment, windows,
        [](const Addresses&, ByteSink& sink) {
          sink.put(efi::LinuxMemReserve{.size = 0u, .count = 0u, .next = std::uint64_t{0}});
        },
        plan);
}

DeviceTreeProperty cell(std::string name, std::uint32_t value) {
  const be32 stored = value;
  const Bytes bytes = bytes_of(stored);
  return {std::move(name), {bytes.begin(), bytes.end()}};
}

DeviceTreeProperty cells(std::string name, std::uint64_t value) {
  const be64 stored = value;
  const Bytes bytes = bytes_of(stored);
  return {std::move(name), {bytes.begin(), bytes.end()}};
}

}  // namespace

std::vector<efi::MemoryDescriptor> efi_memory_map(const MemoryMap& map) {
  std::vector<efi::MemoryDescriptor> descriptors;
  for (const MemoryMapEntry& entry : map.entries())
    descriptors.push_back(efi::descriptor(efi_type(entry.type), entry.range));
  // Regions of one type are added one after the other, so that a stretch of free memory is divided once or
  // twice, however many regions there are.
  assert(descriptors.size() <= kMaxEfiDescriptors);
  return descriptors;
}

void add_efi(const Inputs& inputs, const std::vector<GpaRange>& windows, LayoutPlan& plan) {
  const std::vector<ListedTable> tables = listed_tables(inputs);
  add_region(
      "efi.system_table", kAlignment, windows,
      [count = tables.size()](const Addresses& addresses, ByteSink& sink) {
        emit_system_table(count, addresses, sink);
      },
      plan);
  add_region(
      "efi.vendor", kAlignment, windows,
      [](const Addresses&, ByteSink& sink) { sink.write(efi::utf16_of(kVendor)); }, plan);
  add_region(
      "efi.config_table", kAlignment, windows,
      [tables](const Addresses& addresses, ByteSink& sink) {
        for (const ListedTable& table : tables)
          sink.put(
              efi::ConfigurationTable{.VendorGuid = table.guid, .VendorTable = addresses.of(table.region)});
      },
      plan);
  add_region("efi.memory_map", kAlignment, windows, emit_memory_map, plan);
  add_listed(inputs, windows, plan);
}

// uefi.rst; and linux,uefi-secure-boot, a distribution's own, without which its kernels take no notice of
// EFI.
std::vector<DeviceTreeProperty> efi_chosen_properties(const Addresses& addresses) {
  const std::size_t size = efi_memory_map(addresses.memory()).size() * sizeof(efi::MemoryDescriptor);
  return {cells("linux,uefi-system-table", addresses.of("efi.system_table")),
          cells("linux,uefi-mmap-start", addresses.of("efi.memory_map")),
          cell("linux,uefi-mmap-size", static_cast<std::uint32_t>(size)),
          cell("linux,uefi-mmap-desc-size", std::uint32_t{sizeof(efi::MemoryDescriptor)}),
          cell("linux,uefi-mmap-desc-ver", efi::kMemoryDescriptorVersion),
          cell("linux,uefi-secure-boot", efi::kSecureBootDisabled)};
}

}  // namespace tintype
