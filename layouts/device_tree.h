// The device tree of an AArch64 guest: ours, which describes the machine of formats/machine.h, or the user's;
// overlays on top; and what a guest is told in /chosen and /memory.
//
// Sources: Devicetree Specification 0.4; Linux Documentation/devicetree/bindings, by the names at each node.
#pragma once

#include <cstdint>
#include <vector>

#include "formats/fdt.h"
#include "layouts/protocol.h"

namespace tintype {

// Our tree for `machine`, an AArch64 one. Every node with a use for it has a phandle; with `symbols` there is
// also /__symbols__ with the labels that overlays may refer to: chosen, memory, cpus, cpu0.., psci, timer,
// gic, its, apb_pclk, uart0, rtc, gpio0, gpio_keys, power_key, exit_code, virtio0...
std::vector<std::uint8_t> machine_device_tree(const Machine& machine, bool symbols);

// The tree before /chosen and /memory are written: ours or inputs.dtb, with inputs.overlays merged in their
// order. Errors: a tree or overlay that is damaged, labels and targets that are missing, what
// check_device_tree() says, more than kMaxDeviceTree bytes.
Result<std::vector<std::uint8_t>> guest_device_tree(const Inputs& inputs);

// Whether `tree` is one of a machine like `machine`, as far as it says so: as many processors, whose "reg" is
// the affinity of a vCPU (arm64_mpidr()); a GIC of its version; an ITS only if there is one; PSCI by HVC.
// Without such a node or property there is nothing wrong, but for /cpus. Errors name the option that helps.
Result<void> check_device_tree(Bytes tree, const Machine& machine);

// Whether Linux uses a node, by its "status" (drivers/of/fdt.c, of_fdt_device_is_available).
bool is_available(const FdtReader& tree, FdtReader::Node node);
// The direct sub-nodes with this name, without unit address, or device_type.
std::vector<FdtReader::Node> children_of_type(const FdtReader& tree, FdtReader::Node parent,
                                              std::string_view type);

// What `tree` keeps out of use in kArm64Ram, sorted and disjoint: its memory reservation block (Devicetree
// Specification 0.4, 5.3) and the children of /reserved-memory that have a reg (3.5), with no-map or without,
// but for those whose status Linux skips. What has a size only Linux places. Errors: ranges that cannot be
// read, more than 128.
Result<std::vector<GpaRange>> reserved_memory(Bytes tree, const Inputs& inputs);

// `tree` with the guest's own in it.
//
// /chosen: chosen_properties() take the place of properties of the same names; but with inputs.keeps_bootargs
// the tree's bootargs stay, and the command line goes after them. linux,initrd-* without an initrd,
// linux,uefi-*, linux,usable-memory-range and linux,elfcorehdr go, since they point at what is not there. The
// rest stays.
//
// /memory: a single memory node gets the machine's RAM, and the name memory@ with the address of that, also
// in /__symbols__ and /aliases; if there is none it is added. Several keep reg and name if together they say
// just that RAM, and are refused otherwise. In each, what keeps Linux from reading reg is mended: device_type
// is written, a status that is not okay and linux,usable-memory go.
//
// Its length does not depend on `addresses`. Errors: memory that cannot be said, a command line that is too
// long, no room.
Result<std::vector<std::uint8_t>> filled_in(Bytes tree, const Inputs& inputs, const Addresses& addresses);

}  // namespace tintype
