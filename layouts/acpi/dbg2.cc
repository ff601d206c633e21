// The serial port as a debug port: Microsoft, Debug Port Table 2, which Arm's base boot requirements (Arm
// DEN0044) ask for beside the SPCR. Linux does not read it, and an x86 machine has no need of it.
#include <cstddef>

#include "formats/acpi_arm.h"
#include "layouts/acpi_table.h"

namespace tintype {
namespace {

// Where the DSDT has the port, with its NUL.
constexpr auto kPath = acpi::text("\\_SB.COM1\0");

bool wanted(const AcpiInputs& inputs) {
  return inputs.machine.arch == Arch::aarch64;
}

void emit(const AcpiInputs&, const Addresses&, ByteSink& sink) {
  using acpi::Dbg2Device;
  sink.put(acpi::Dbg2{.header = acpi_header(acpi::text("DBG2"), acpi::kDbg2Revision),
                      .OffsetDbgDeviceInfo = std::uint32_t{sizeof(acpi::Dbg2)},
                      .NumberDbgDeviceInfo = 1u});
  sink.put(Dbg2Device{.Revision = 0,
                      .Length = std::uint16_t{sizeof(Dbg2Device) + kPath.size()},
                      .NumberofGenericAddressRegisters = 1,
                      .NamespaceStringLength = std::uint16_t{kPath.size()},
                      .NamespaceStringOffset = std::uint16_t{sizeof(Dbg2Device)},
                      .OemDataLength = std::uint16_t{0},
                      .OemDataOffset = std::uint16_t{0},
                      .Port_Type = acpi::kDbg2Serial,
                      .Port_Subtype = acpi::kDbg2Pl011,
                      .Reserved = std::uint16_t{0},
                      .BaseAddressRegisterOffset = std::uint16_t{offsetof(Dbg2Device, BaseAddressRegister)},
                      .AddressSizeOffset = std::uint16_t{offsetof(Dbg2Device, AddressSize)},
                      .BaseAddressRegister = acpi::memory_register(arm64::kUart),
                      .AddressSize = std::uint32_t{arm64::kDeviceSize}});
  sink.write(kPath);
}

}  // namespace

extern const AcpiTable acpi_dbg2;
const AcpiTable acpi_dbg2 = {.name = "dbg2",
                             .signature = acpi::text("DBG2"),
                             .role = AcpiRole::listed,
                             .wanted = wanted,
                             .emit = emit};

}  // namespace tintype
