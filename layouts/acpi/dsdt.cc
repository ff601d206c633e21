// The devices that a guest cannot discover: serial port, power button, pvpanic, virtio slots; and how to
// switch off.
#include "formats/aml.h"
#include "layouts/acpi_table.h"

namespace tintype {
namespace {

using namespace aml;

// Notification values of a power button: pressed (ACPI 6.5, 4.8.3.2.2.1 and table 5.167).
constexpr std::uint64_t kButtonPressed = 0x80;

// _CRS of a device with one interrupt, edge-triggered; `where` is its port or memory.
Term resources(const Term& where, std::uint32_t gsi) {
  return name("_CRS", resource_template({where, interrupt(gsi, Trigger::edge)}));
}

// The interrupt is in an extended descriptor (Interrupt), not in an IRQ one, which is for ISA interrupts:
// hardware-reduced Linux has none, and it takes trigger and polarity as given from the extended form only
// (drivers/acpi/resource.c).
Term serial_port() {
  return device("COM1", {name("_HID", eisa_id("PNP0501")),  // 16550A-compatible
                         name("_UID", integer(0)), resources(port(x86::kSerialPort, 8), x86::kSerialGsi)});
}

Term power_button() {
  return device("PWRB", {name("_HID", eisa_id("PNP0C0C")), name("_UID", integer(0))});
}

// Generic Event Device (5.6.9): without fixed hardware there is no SCI, so an event has an interrupt of its
// own.
Term event_device() {
  const Term interrupts = resource_template({interrupt(x86::kGedGsi, Trigger::edge)});
  const Term is_button = equal(arg(0), integer(x86::kGedGsi));
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

bool wanted(const AcpiInputs& inputs) {
  return inputs.machine.arch == Arch::x86_64;
}

void emit(const AcpiInputs&, const Addresses&, ByteSink& sink) {
  Terms devices = {serial_port(), power_button(), event_device(), panic_device()};
  for (std::uint32_t slot = 0; slot < x86::kVirtioSlots; ++slot) devices.push_back(virtio_slot(slot));
  sink.put(acpi_header(acpi::text("DSDT"), acpi::kDsdtRevision));
  // Names at the top of a table are the root's.
  put(sink, {scope("_SB", devices),
             // 7.4.2: the sleep type that goes with SLP_EN into the sleep control register.
             name("_S5", package({integer(kSleepTypeOff)}))});
}

}  // namespace

extern const AcpiTable acpi_dsdt;
const AcpiTable acpi_dsdt = {.name = "dsdt",
                             .signature = acpi::text("DSDT"),
                             .role = AcpiRole::unlisted,
                             .wanted = wanted,
                             .emit = emit};

}  // namespace tintype
