#include "layouts/smbios.h"

#include <algorithm>
#include <cassert>

#include "formats/smbios.h"

namespace tintype {

namespace {

using smbios::header_of;
using smbios::StringSet;

// Linux turns workarounds for old firmware on, up to that of 2021, by this year (dmi_get_bios_year): it is
// later, and the same for everyone.
constexpr std::string_view kBiosDate = "01/01/2025";
constexpr std::string_view kBiosVersion = "1";
constexpr std::string_view kManufacturer = "Tintype";
constexpr std::string_view kProduct = "Snapshot";

constexpr std::uint64_t kTablesAlignment = 16;
constexpr std::uint64_t kLowStart = 0x2000;  // real mode's vectors and the GDT are below

// One of each structure has its type in the upper byte of its handle; others of the type count up from there.
template <Wire T>
constexpr std::uint16_t handle_of(std::size_t index = 0) {
  assert(index < 0x100);
  return static_cast<std::uint16_t>(T::kType << 8 | index);
}

// The number of a string that may not be there.
smbios::String add(StringSet& strings, const std::optional<std::string>& text) {
  return text ? strings.add(*text) : smbios::String{0};
}

void emit_bios(const SmbiosInputs& inputs, ByteSink& sink) {
  StringSet strings;
  const smbios::BiosInformation bios = {
      .header = header_of<smbios::BiosInformation>(handle_of<smbios::BiosInformation>()),
      .Vendor = add(strings, inputs.bios_vendor),
      .BIOSVersion = add(strings, inputs.bios_version),
      .BIOSStartingAddressSegment = std::uint16_t{0},
      .BIOSReleaseDate = add(strings, inputs.bios_date),
      .BIOSROMSize = 0,
      .BIOSCharacteristics = smbios::kBiosCharacteristicsNotSupported,
      .BIOSCharacteristicsExtensionBytes = {0, smbios::kBiosVirtualMachine},
      .SystemBIOSMajorRelease = smbios::kNoRelease,
      .SystemBIOSMinorRelease = smbios::kNoRelease,
      .EmbeddedControllerFirmwareMajorRelease = smbios::kNoRelease,
      .EmbeddedControllerFirmwareMinorRelease = smbios::kNoRelease,
      .ExtendedBIOSROMSize = std::uint16_t{0}};
  smbios::emit_structure(bios, strings, sink);
}

void emit_system(const SmbiosInputs& inputs, ByteSink& sink) {
  StringSet strings;
  const smbios::SystemInformation system = {
      .header = header_of<smbios::SystemInformation>(handle_of<smbios::SystemInformation>()),
      .Manufacturer = add(strings, inputs.manufacturer),
      .ProductName = add(strings, inputs.product),
      .Version = add(strings, inputs.version),
      .SerialNumber = add(strings, inputs.serial),
      .UUID = smbios::uuid_of(inputs.uuid.value_or(std::array<std::uint8_t, 16>{})),
      .WakeUpType = smbios::kWakeUpPowerSwitch,
      .SKUNumber = add(strings, inputs.sku),
      .Family = add(strings, inputs.family)};
  smbios::emit_structure(system, strings, sink);
}

void emit_baseboard(const SmbiosInputs& inputs, ByteSink& sink) {
  StringSet strings;
  const smbios::BaseboardInformation board = {
      .header = header_of<smbios::BaseboardInformation>(handle_of<smbios::BaseboardInformation>()),
      .Manufacturer = add(strings, inputs.board_manufacturer),
      .Product = add(strings, inputs.board_product),
      .Version = add(strings, inputs.board_version),
      .SerialNumber = add(strings, inputs.board_serial),
      .AssetTag = add(strings, inputs.board_asset),
      .FeatureFlags = smbios::kBoardHosting,
      .LocationInChassis = 0,
      .ChassisHandle = handle_of<smbios::SystemEnclosure>(),
      .BoardType = smbios::kBoardMotherboard,
      .NumberOfContainedObjectHandles = 0};
  smbios::emit_structure(board, strings, sink);
}

void emit_enclosure(const SmbiosInputs& inputs, ByteSink& sink) {
  StringSet strings;
  const smbios::SystemEnclosure chassis = {
      .header = header_of<smbios::SystemEnclosure>(handle_of<smbios::SystemEnclosure>()),
      .Manufacturer = add(strings, inputs.chassis_manufacturer),
      .Type = smbios::kEnclosureOther,
      .Version = add(strings, inputs.chassis_version),
      .SerialNumber = add(strings, inputs.chassis_serial),
      .AssetTagNumber = add(strings, inputs.chassis_asset),
      .BootUpState = smbios::kStateSafe,
      .PowerSupplyState = smbios::kStateSafe,
      .ThermalState = smbios::kStateSafe,
      .SecurityStatus = smbios::kSecurityUnknown,
      .OEMDefined = 0u,
      .Height = 0,
      .NumberOfPowerCords = 0,
      .ContainedElementCount = 0,
      .ContainedElementRecordLength = 0,
      .SKUNumber = add(strings, inputs.chassis_sku)};
  smbios::emit_structure(chassis, strings, sink);
}

// One package with a core for each vCPU and one thread a core, as CPUID has it, or the PPTT. What processor
// it is nobody knows before the guest runs, so the identification stays zero and speeds are unknown; that it
// can what Armv8 can is known.
void emit_processor(const Machine& machine, const SmbiosInputs& inputs, ByteSink& sink) {
  assert(machine.cpus < 0xFFFF);
  const auto cores = static_cast<std::uint16_t>(machine.cpus);
  const auto few = static_cast<std::uint8_t>(std::min<std::uint16_t>(cores, 0xFF));
  const std::uint16_t many = cores > 1 ? smbios::kProcessorMultiCore : 0;
  const bool arm = machine.arch == Arch::aarch64;
  StringSet strings;
  const smbios::ProcessorInformation processor = {
      .header = header_of<smbios::ProcessorInformation>(handle_of<smbios::ProcessorInformation>()),
      .SocketDesignation = strings.add("CPU 0"),
      .ProcessorType = smbios::kProcessorCentral,
      .ProcessorFamily = arm ? smbios::kProcessorFamilyIsIn2 : smbios::kProcessorFamilyOther,
      .ProcessorManufacturer = add(strings, inputs.cpu_manufacturer),
      .ProcessorID = std::uint64_t{0},
      .ProcessorVersion = add(strings, inputs.cpu_version),
      .Voltage = 0,
      .ExternalClock = std::uint16_t{0},
      .MaxSpeed = std::uint16_t{0},
      .CurrentSpeed = std::uint16_t{0},
      .Status = smbios::kProcessorPopulated | smbios::kProcessorEnabled,
      .ProcessorUpgrade = smbios::kProcessorUpgradeOther,
      .L1CacheHandle = smbios::kNoHandle,
      .L2CacheHandle = smbios::kNoHandle,
      .L3CacheHandle = smbios::kNoHandle,
      .SerialNumber = 0,
      .AssetTag = 0,
      .PartNumber = 0,
      .CoreCount = few,
      .CoreEnabled = few,
      .ThreadCount = few,
      .ProcessorCharacteristics = static_cast<std::uint16_t>(smbios::kProcessor64Bit | many),
      .ProcessorFamily2 = arm ? smbios::kProcessorFamilyArmV8 : std::uint16_t{smbios::kProcessorFamilyOther},
      .CoreCount2 = cores,
      .CoreEnabled2 = cores,
      .ThreadCount2 = cores};
  smbios::emit_structure(processor, strings, sink);
}

// As many structures as it takes: each numbers its strings with one byte.
void emit_oem_strings(const SmbiosInputs& inputs, ByteSink& sink) {
  const std::vector<std::string>& all = inputs.oem_strings;
  for (std::size_t first = 0; first < all.size(); first += StringSet::kMaxCount) {
    const std::size_t last = std::min(first + StringSet::kMaxCount, all.size());
    StringSet strings;
    for (std::size_t i = first; i < last; ++i) strings.add(all[i]);
    const std::uint16_t handle = handle_of<smbios::OemStrings>(first / StringSet::kMaxCount);
    smbios::emit_structure(
        smbios::OemStrings{.header = header_of<smbios::OemStrings>(handle), .Count = strings.count()},
        strings, sink);
  }
}

void emit_memory_array(const Machine& machine, ByteSink& sink) {
  const std::uint64_t kib = machine.memory / kKiB;
  const bool extended = kib >= smbios::kCapacityIsExtended;
  const smbios::PhysicalMemoryArray array = {
      .header = header_of<smbios::PhysicalMemoryArray>(handle_of<smbios::PhysicalMemoryArray>()),
      .Location = smbios::kMemoryLocationOther,
      .Use = smbios::kMemoryUseSystem,
      .MemoryErrorCorrection = smbios::kMemoryErrorCorrectionUnknown,
      .MaximumCapacity = extended ? smbios::kCapacityIsExtended : static_cast<std::uint32_t>(kib),
      .MemoryErrorInformationHandle = smbios::kNoErrorHandle,
      .NumberOfMemoryDevices = std::uint16_t{1},
      .ExtendedMaximumCapacity = extended ? machine.memory : 0};
  smbios::emit_structure(array, {}, sink);
}

// All RAM as one device: there are no slots to tell apart, and a reader that adds devices up gets the sum.
// Where Size cannot say it to the byte it is rounded up, as a device holds at least what it answers to;
// VolatileSize is exact.
void emit_memory_device(const Machine& machine, ByteSink& sink) {
  const std::uint64_t mib = machine.memory / kMiB + (machine.memory % kMiB != 0);
  assert(mib < 0x80000000);
  const bool extended = mib >= smbios::kSizeIsExtended;
  StringSet strings;
  const smbios::MemoryDevice device = {
      .header = header_of<smbios::MemoryDevice>(handle_of<smbios::MemoryDevice>()),
      .PhysicalMemoryArrayHandle = handle_of<smbios::PhysicalMemoryArray>(),
      .MemoryErrorInformationHandle = smbios::kNoErrorHandle,
      .TotalWidth = smbios::kWidthUnknown,
      .DataWidth = smbios::kWidthUnknown,
      .Size = extended ? smbios::kSizeIsExtended : static_cast<std::uint16_t>(mib),
      .FormFactor = smbios::kFormFactorOther,
      .DeviceSet = 0,
      .DeviceLocator = strings.add("RAM 0"),
      .BankLocator = 0,
      .MemoryType = smbios::kMemoryTypeRam,
      .TypeDetail = smbios::kTypeDetailOther,
      .Speed = std::uint16_t{0},
      .Manufacturer = 0,
      .SerialNumber = 0,
      .AssetTag = 0,
      .PartNumber = 0,
      .Attributes = 0,
      .ExtendedSize = extended ? static_cast<std::uint32_t>(mib) : 0u,
      .ConfiguredMemorySpeed = std::uint16_t{0},
      .MinimumVoltage = std::uint16_t{0},
      .MaximumVoltage = std::uint16_t{0},
      .ConfiguredVoltage = std::uint16_t{0},
      .MemoryTechnology = smbios::kTechnologyUnknown,
      .MemoryOperatingModeCapability = smbios::kModeVolatile,
      .FirmwareVersion = 0,
      .ModuleManufacturerID = std::uint16_t{0},
      .ModuleProductID = std::uint16_t{0},
      .MemorySubsystemControllerManufacturerID = std::uint16_t{0},
      .MemorySubsystemControllerProductID = std::uint16_t{0},
      .NonVolatileSize = std::uint64_t{0},
      .VolatileSize = machine.memory,
      .CacheSize = std::uint64_t{0},
      .LogicalSize = std::uint64_t{0},
      .ExtendedSpeed = 0u,
      .ExtendedConfiguredMemorySpeed = 0u};
  smbios::emit_structure(device, strings, sink);
}

void emit_mapped_address(GpaRange range, std::size_t index, ByteSink& sink) {
  const bool extended = range.last() / kKiB >= smbios::kAddressIsExtended;
  const auto in_kib = [&](std::uint64_t gpa) {
    return extended ? smbios::kAddressIsExtended : static_cast<std::uint32_t>(gpa / kKiB);
  };
  const smbios::MemoryArrayMappedAddress mapped = {
      .header =
          header_of<smbios::MemoryArrayMappedAddress>(handle_of<smbios::MemoryArrayMappedAddress>(index)),
      .StartingAddress = in_kib(range.start),
      .EndingAddress = in_kib(range.last()),
      .MemoryArrayHandle = handle_of<smbios::PhysicalMemoryArray>(),
      .PartitionWidth = 1,
      .ExtendedStartingAddress = extended ? range.start : 0,
      .ExtendedEndingAddress = extended ? range.last() : 0};
  smbios::emit_structure(mapped, {}, sink);
}

Region entry_region(MemoryType memory) {
  return {.name = "smbios.entry", .memory = memory, .emit = [](const Addresses& addresses, ByteSink& sink) {
            const GpaRange tables = addresses.range("smbios.tables");
            sink.put(smbios::entry_point(tables.start, static_cast<std::uint32_t>(tables.size())));
          }};
}

Region tables_region(const Machine& machine, const SmbiosInputs& inputs, MemoryType memory,
                     std::vector<GpaRange> windows) {
  return {.name = "smbios.tables",
          .memory = memory,
          .windows = std::move(windows),
          .alignment = kTablesAlignment,
          .emit = [machine, inputs](const Addresses&,
                                    ByteSink& sink) { emit_smbios_tables(machine, inputs, sink); },
          .remedy = "give fewer or shorter --smbios oem-string values"};
}

}  // namespace

SmbiosInputs with_defaults(SmbiosInputs inputs) {
  const auto set = [](std::optional<std::string>& value, std::string_view otherwise) {
    if (!value) value = std::string(otherwise);
  };
  set(inputs.bios_vendor, kManufacturer);
  set(inputs.bios_version, kBiosVersion);
  set(inputs.bios_date, kBiosDate);
  set(inputs.manufacturer, kManufacturer);
  set(inputs.product, kProduct);
  set(inputs.board_manufacturer, *inputs.manufacturer);
  set(inputs.board_product, *inputs.product);
  set(inputs.chassis_manufacturer, *inputs.manufacturer);
  set(inputs.cpu_manufacturer, *inputs.manufacturer);
  return inputs;
}

void emit_smbios_tables(const Machine& machine, const SmbiosInputs& given, ByteSink& sink) {
  const SmbiosInputs inputs = with_defaults(given);
  emit_bios(inputs, sink);
  emit_system(inputs, sink);
  emit_baseboard(inputs, sink);
  emit_enclosure(inputs, sink);
  emit_processor(machine, inputs, sink);
  emit_oem_strings(inputs, sink);
  emit_memory_array(machine, sink);
  emit_memory_device(machine, sink);
  const std::vector<GpaRange> ram = ram_ranges(machine.arch, machine.memory);
  for (std::size_t i = 0; i < ram.size(); ++i) emit_mapped_address(ram[i], i, sink);
  smbios::emit_structure(smbios::SystemBootInformation{.header = header_of<smbios::SystemBootInformation>(
                                                           handle_of<smbios::SystemBootInformation>()),
                                                       .Reserved = {},
                                                       .BootStatus = {smbios::kBootNoErrors}},
                         {}, sink);
  smbios::emit_structure(
      smbios::EndOfTable{.header = header_of<smbios::EndOfTable>(handle_of<smbios::EndOfTable>())}, {}, sink);
}

void add_smbios(const Machine& machine, const SmbiosInputs& inputs, LayoutPlan& plan) {
  static_assert(is_aligned(x86::kSmbiosStart, smbios::kEntryPointAlignment));
  Region entry = entry_region(MemoryType::reserved);
  entry.fixed = x86::kSmbiosStart;
  plan.add(std::move(entry));
  // Reserved also in RAM: Linux maps the tables again whenever they are read, and must not have given their
  // pages away (dmi_scan.c, dmi_walk).
  plan.add(tables_region(machine, inputs, MemoryType::reserved,
                         {{x86::kSmbiosStart, x86::kHighRamStart}, {kLowStart, x86::kLowRamEnd}}));
}

void add_smbios(const Machine& machine, const SmbiosInputs& inputs, const std::vector<GpaRange>& windows,
                LayoutPlan& plan) {
  Region entry = entry_region(MemoryType::efi_data);
  entry.windows = windows;
  entry.alignment = smbios::kEntryPointAlignment;
  plan.add(std::move(entry));
  plan.add(tables_region(machine, inputs, MemoryType::efi_data, windows));
}

std::uint64_t smbios_entry(const Addresses& addresses) {
  return addresses.of("smbios.entry");
}

}  // namespace tintype
