// Interrupts that KVM's IOAPIC cannot send: those for APIC IDs above 254.
//
// A guest that is offered KVM_FEATURE_MSI_EXT_DEST_ID uses seven more bits of destination in the IOAPIC's
// redirection table too, and KVM's IOAPIC looks at the eight classic ones alone. What such an entry stands
// for is sent as a message instead.
//
// Source: Linux Documentation/virt/kvm/x86/cpuid.rst and api.rst, 4.71; Intel 82093AA data sheet, 3.2.4.
#pragma once

#include <cstdint>
#include <optional>

namespace tintype {

// A message-signalled interrupt as KVM_SIGNAL_MSI takes it, with 32-bit destinations (KVM_CAP_X2APIC_API).
struct InterruptMessage {
  std::uint32_t address_low = 0, address_high = 0, data = 0;
  bool operator==(const InterruptMessage&) const = default;
};

// What an edge on the pin of redirection entry `entry` has to send; nothing if KVM can: the destination fits
// eight bits. Nothing either for a masked entry, which sends nothing, and for a level-triggered one, which
// this machine has no use for.
std::optional<InterruptMessage> wide_message(std::uint64_t entry);

}  // namespace tintype
