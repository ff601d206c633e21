// The devices that a guest cannot discover: serial port, power button, pvpanic, virtio slots; on x86 how to
// switch off, which PSCI does on AArch64, and there the processors.
#include "formats/aml.h"
#include "layouts/acpi_table.h"

namespace tintype {
namespace {

using namespace aml;

// Notification values of a power button: pressed (ACPI 6.5, 4.8.3.2.2.1 and table 5.167).
constexpr std::uint64_t kButtonPressed = 0x80;

// _CRS of a device with one interrupt; `where` is its port or memory.
Term resources(const Term& where, std::uint32_t gsi, Trigger trigger = Trigger::edge) {
  return name("_CRS", resource_template({where, interrupt(gsi, trigger)}));
}

// The interrupt is in an extended descriptor (Interrupt), not in an IRQ one, which is for ISA interrupts:
// hardware-reduced Linux has none, and it takes trigger and polarity as given from the extended form only
// (drivers/acpi/resource.c).
Term uart_16550() {
  return device("COM1", {name("_HID", eisa_id("PNP0501")),  // 16550A-compatible
                         name("_UID", integer(0)), resources(port(x86::kSerialPort, 8), x86::kSerialGsi)});
}

// Linux drives it as an SBSA UART, whose line settings are the firmware's (drivers/tty/serial/amba-pl011.c).
// Its line stays high while there is something to read.
Term uart_pl011() {
  const Term registers = memory32_fixed(arm64::kUart, arm64::kDeviceSize);
  return device("COM1", {name("_HID", string("ARMH0011")), name("_UID", integer(0)),
                         resources(registers, arm64::kFirstSpi + arm64::kUartSpi, Trigger::level)});
}

Term power_button() {
  return device("PWRB", {name("_HID", eisa_id("PNP0C0C")), name("_UID", integer(0))});
}

// Generic Event Device (5.6.9): without fixed hardware there is no SCI, so an event has an interrupt of its
// own.
Term event_device(std::uint32_t gsi) {
  const Term interrupts = resource_template({interrupt(gsi, Trigger::edge)});
  const Term is_button = equal(arg(0), integer(gsi));
  const Term handler = if_(is_button, {notify("PWRB", integer(kButtonPressed))});
  return device("GED", {name("_HID", string("ACPI0013")), name("_UID", integer(0)), name("_CRS", interrupts),
                        method("_EVT", 1, {handler})});
}

// QEMU docs/specs/pvpanic. Linux's driver knows the port by this device alone.
Term panic_device() {
  return device("PEVT", {name("_HID", string("QEMU0001")),
                         name("_CRS", resource_template({port(x86::kPvpanicPort, 1)}))});
}

// A slot interrupts by edge, as in Firecracker: a device signals through an eventfd, which KVM turns into a
// pulse, and a level-triggered pin loses a pulse that comes while the guest is still in its handler. QEMU's
// microvm has level-triggered slots because its devices hold the line themselves.
Term virtio_slot(std::uint32_t slot) {
  const auto base = static_cast<std::uint32_t>(x86::kVirtioBase + slot * x86::kVirtioStride);
  const Term registers = memory32_fixed(base, std::uint32_t{x86::kVirtioStride});
  return device(fmt::format("VIO{}", slot), {name("_HID", string("LNRO0005")), name("_UID", integer(slot)),
                                             resources(registers, x86::kVirtioGsi + slot)});
}
static_assert(x86::kVirtioSlots <= 10, "a slot's name has one digit");

// By edge for the same reason. On Arm a device that says nothing of its cache coherency gets no DMA from
// Linux (6.2.17; drivers/acpi/scan.c, acpi_get_dma_attr); a device that is a program on the host is coherent.
Term arm64_virtio_slot(std::uint32_t slot) {
  const auto base = static_cast<std::uint32_t>(arm64::kVirtioBase + slot * arm64::kVirtioStride);
  const Term registers = memory32_fixed(base, std::uint32_t{arm64::kVirtioStride});
  return device(fmt::format("VI{:02}", slot),
                {name("_HID", string("LNRO0005")), name("_UID", integer(slot)), name("_CCA", integer(1)),
                 resources(registers, arm64::kFirstSpi + arm64::kVirtioSpi + slot)});
}
static_assert(arm64::kVirtioSlots <= 100, "a slot's name has two digits");

// The package of the PPTT, and in it the processors by the UIDs of the MADT. Linux from 6.11 on has a
// processor in sysfs only if it has a device too (arch/arm64/kernel/smp.c, arch_register_cpu).
Term processors(std::uint32_t count) {
  Terms package = {name("_HID", string("ACPI0010")), name("_UID", integer(0))};
  for (std::uint32_t index = 0; index < count; ++index)
    package.push_back(device(fmt::format("C{:03X}", index),
                             {name("_HID", string("ACPI0007")), name("_UID", integer(index))}));
  return device("CPUS", package);
}

// Registers that no device of this table has: the RTC's, for which ACPI has no name, the GPIO controller's,
// whose interrupt is the event device's, and the exit code's. PNP0C02 keeps them from being given to another
// device.
Term reserved_registers() {
  Terms ranges;
  for (const std::uint64_t base : {arm64::kRtc, arm64::kGpio, arm64::kExitCode})
    ranges.push_back(memory32_fixed(static_cast<std::uint32_t>(base), arm64::kDeviceSize));
  return device("RES0", {name("_HID", eisa_id("PNP0C02")), name("_UID", integer(0)),
                         name("_CRS", resource_template(ranges))});
}

Terms x86_terms() {
  Terms devices = {uart_16550(), power_button(), event_device(x86::kGedGsi), panic_device()};
  for (std::uint32_t slot = 0; slot < x86::kVirtioSlots; ++slot) devices.push_back(virtio_slot(slot));
  return {scope("_SB", devices),
          // 7.4.2: the sleep type that goes with SLP_EN into the sleep control register.
          name("_S5", package({integer(kSleepTypeOff)}))};
}

Terms arm64_terms(const Machine& machine) {
  Terms devices = {processors(machine.cpus), uart_pl011(), power_button(),
                   event_device(arm64::kFirstSpi + arm64::kGpioSpi), reserved_registers()};
  for (std::uint32_t slot = 0; slot < arm64::kVirtioSlots; ++slot) devices.push_back(arm64_virtio_slot(slot));
  return {scope("_SB", devices)};
}

bool wanted(const AcpiInputs&) {
  return true;
}

// Names at the top of a table are the root's.
void emit(const AcpiInputs& inputs, const Addresses&, ByteSink& sink) {
  sink.put(acpi_header(acpi::text("DSDT"), acpi::kDsdtRevision));
  put(sink, inputs.machine.arch == Arch::x86_64 ? x86_terms() : arm64_terms(inputs.machine));
}

}  // namespace

extern const AcpiTable acpi_dsdt;
const AcpiTable acpi_dsdt = {.name = "dsdt",
                             .signature = acpi::text("DSDT"),
                             .role = AcpiRole::unlisted,
                             .wanted = wanted,
                             .emit = emit};

}  // namespace tintype
