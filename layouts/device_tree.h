// The device tree of an AArch64 guest: ours, which describes the machine of formats/machine.h, or the user's;
// overlays on top; and what a guest is told in /chosen and /memory.
//
// Sources: Devicetree Specification 0.4; Linux Documentation/devicetree/bindings, by the names at each node.
#pragma once

#include <cstdint>
#include <vector>

#include "layouts/protocol.h"

namespace tintype {

// Our tree for `machine`, an AArch64 one. Every node with a use for it has a phandle; with `symbols` there is
// also /__symbols__ with the labels that overlays may refer to: chosen, memory, cpus, cpu0.., psci, timer,
// gic, its, apb_pclk, uart0, rtc, gpio0, gpio_keys, power_key, exit_code, virtio0...
std::vector<std::uint8_t> machine_device_tree(const Machine& machine, bool symbols);

// The tree before /chosen and /memory are written: ours or inputs.dtb, with inputs.overlays merged in their
// order. Errors: a tree or overlay that is damaged, labels and targets that are missing, other vCPUs in /cpus
// than the machine has, more than kMaxDeviceTree bytes.
Result<std::vector<std::uint8_t>> guest_device_tree(const Inputs& inputs);

// `tree` with the guest's own in it.
//
// /chosen: chosen_properties() take the place of properties of the same names; with an empty command line the
// tree keeps its bootargs. linux,initrd-* without an initrd and linux,uefi-* go, since they point at what is
// not there. The rest stays.
//
// /memory: a single memory node gets the machine's RAM, and the unit address of that; if there is none it is
// added. Several stay as they are if together they say just that RAM, and are refused otherwise.
//
// Its length does not depend on `addresses`. Errors: memory that cannot be said, no room.
Result<std::vector<std::uint8_t>> filled_in(Bytes tree, const Inputs& inputs, const Addresses& addresses);

}  // namespace tintype
