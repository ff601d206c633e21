#include "composer/diff_fields.h"

#include <algorithm>
#include <cstddef>

#include "formats/acpi.h"
#include "formats/acpi_arm.h"
#include "formats/digest.h"
#include "formats/linux_boot.h"

namespace tintype {

namespace {

// A field of a structure: offset and size in bytes.
struct Field {
  std::string_view name;
  std::size_t offset, size;
};

// The specification's name of a member, with the place that the compiler knows.
#define TINTYPE_FIELD(structure, member) \
  { #member, offsetof(structure, member), sizeof(structure::member) }

constexpr Field kHeader[] = {
    TINTYPE_FIELD(acpi::Header, Signature),       TINTYPE_FIELD(acpi::Header, Length),
    TINTYPE_FIELD(acpi::Header, Revision),        TINTYPE_FIELD(acpi::Header, Checksum),
    TINTYPE_FIELD(acpi::Header, OEMID),           TINTYPE_FIELD(acpi::Header, OEMTableID),
    TINTYPE_FIELD(acpi::Header, OEMRevision),     TINTYPE_FIELD(acpi::Header, CreatorID),
    TINTYPE_FIELD(acpi::Header, CreatorRevision),
};
constexpr Field kRsdp[] = {
    TINTYPE_FIELD(acpi::Rsdp, Signature),   TINTYPE_FIELD(acpi::Rsdp, Checksum),
    TINTYPE_FIELD(acpi::Rsdp, OEMID),       TINTYPE_FIELD(acpi::Rsdp, Revision),
    TINTYPE_FIELD(acpi::Rsdp, RsdtAddress), TINTYPE_FIELD(acpi::Rsdp, Length),
    TINTYPE_FIELD(acpi::Rsdp, XsdtAddress), TINTYPE_FIELD(acpi::Rsdp, ExtendedChecksum),
    TINTYPE_FIELD(acpi::Rsdp, Reserved),
};
constexpr Field kFadt[] = {
    TINTYPE_FIELD(acpi::Fadt, FIRMWARE_CTRL),
    TINTYPE_FIELD(acpi::Fadt, DSDT),
    TINTYPE_FIELD(acpi::Fadt, Reserved),
    TINTYPE_FIELD(acpi::Fadt, Preferred_PM_Profile),
    TINTYPE_FIELD(acpi::Fadt, SCI_INT),
    TINTYPE_FIELD(acpi::Fadt, SMI_CMD),
    TINTYPE_FIELD(acpi::Fadt, ACPI_ENABLE),
    TINTYPE_FIELD(acpi::Fadt, ACPI_DISABLE),
    TINTYPE_FIELD(acpi::Fadt, S4BIOS_REQ),
    TINTYPE_FIELD(acpi::Fadt, PSTATE_CNT),
    TINTYPE_FIELD(acpi::Fadt, PM1a_EVT_BLK),
    TINTYPE_FIELD(acpi::Fadt, PM1b_EVT_BLK),
    TINTYPE_FIELD(acpi::Fadt, PM1a_CNT_BLK),
    TINTYPE_FIELD(acpi::Fadt, PM1b_CNT_BLK),
    TINTYPE_FIELD(acpi::Fadt, PM2_CNT_BLK),
    TINTYPE_FIELD(acpi::Fadt, PM_TMR_BLK),
    TINTYPE_FIELD(acpi::Fadt, GPE0_BLK),
    TINTYPE_FIELD(acpi::Fadt, GPE1_BLK),
    TINTYPE_FIELD(acpi::Fadt, PM1_EVT_LEN),
    TINTYPE_FIELD(acpi::Fadt, PM1_CNT_LEN),
    TINTYPE_FIELD(acpi::Fadt, PM2_CNT_LEN),
    TINTYPE_FIELD(acpi::Fadt, PM_TMR_LEN),
    TINTYPE_FIELD(acpi::Fadt, GPE0_BLK_LEN),
    TINTYPE_FIELD(acpi::Fadt, GPE1_BLK_LEN),
    TINTYPE_FIELD(acpi::Fadt, GPE1_BASE),
    TINTYPE_FIELD(acpi::Fadt, CST_CNT),
    TINTYPE_FIELD(acpi::Fadt, P_LVL2_LAT),
    TINTYPE_FIELD(acpi::Fadt, P_LVL3_LAT),
    TINTYPE_FIELD(acpi::Fadt, FLUSH_SIZE),
    TINTYPE_FIELD(acpi::Fadt, FLUSH_STRIDE),
    TINTYPE_FIELD(acpi::Fadt, DUTY_OFFSET),
    TINTYPE_FIELD(acpi::Fadt, DUTY_WIDTH),
    TINTYPE_FIELD(acpi::Fadt, DAY_ALRM),
    TINTYPE_FIELD(acpi::Fadt, MON_ALRM),
    TINTYPE_FIELD(acpi::Fadt, CENTURY),
    TINTYPE_FIELD(acpi::Fadt, IAPC_BOOT_ARCH),
    TINTYPE_FIELD(acpi::Fadt, Reserved2),
    TINTYPE_FIELD(acpi::Fadt, Flags),
    TINTYPE_FIELD(acpi::Fadt, RESET_REG),
    TINTYPE_FIELD(acpi::Fadt, RESET_VALUE),
    TINTYPE_FIELD(acpi::Fadt, ARM_BOOT_ARCH),
    TINTYPE_FIELD(acpi::Fadt, FADT_Minor_Version),
    TINTYPE_FIELD(acpi::Fadt, X_FIRMWARE_CTRL),
    TINTYPE_FIELD(acpi::Fadt, X_DSDT),
    TINTYPE_FIELD(acpi::Fadt, X_PM1a_EVT_BLK),
    TINTYPE_FIELD(acpi::Fadt, X_PM1b_EVT_BLK),
    TINTYPE_FIELD(acpi::Fadt, X_PM1a_CNT_BLK),
    TINTYPE_FIELD(acpi::Fadt, X_PM1b_CNT_BLK),
    TINTYPE_FIELD(acpi::Fadt, X_PM2_CNT_BLK),
    TINTYPE_FIELD(acpi::Fadt, X_PM_TMR_BLK),
    TINTYPE_FIELD(acpi::Fadt, X_GPE0_BLK),
    TINTYPE_FIELD(acpi::Fadt, X_GPE1_BLK),
    TINTYPE_FIELD(acpi::Fadt, SLEEP_CONTROL_REG),
    TINTYPE_FIELD(acpi::Fadt, SLEEP_STATUS_REG),
    TINTYPE_FIELD(acpi::Fadt, Hypervisor_Vendor_Identity),
};
constexpr Field kMadt[] = {
    TINTYPE_FIELD(acpi::Madt, Local_Interrupt_Controller_Address),
    TINTYPE_FIELD(acpi::Madt, Flags),
};
constexpr Field kSrat[] = {
    TINTYPE_FIELD(acpi::Srat, Reserved),
    TINTYPE_FIELD(acpi::Srat, Reserved2),
};
constexpr Field kSlit[] = {
    TINTYPE_FIELD(acpi::Slit, Number_of_System_Localities),
};
constexpr Field kSpcr[] = {
    TINTYPE_FIELD(acpi::Spcr, Interface_Type),
    TINTYPE_FIELD(acpi::Spcr, Reserved),
    TINTYPE_FIELD(acpi::Spcr, Base_Address),
    TINTYPE_FIELD(acpi::Spcr, Interrupt_Type),
    TINTYPE_FIELD(acpi::Spcr, IRQ),
    TINTYPE_FIELD(acpi::Spcr, Global_System_Interrupt),
    TINTYPE_FIELD(acpi::Spcr, Configured_Baud_Rate),
    TINTYPE_FIELD(acpi::Spcr, Parity),
    TINTYPE_FIELD(acpi::Spcr, Stop_Bits),
    TINTYPE_FIELD(acpi::Spcr, Flow_Control),
    TINTYPE_FIELD(acpi::Spcr, Terminal_Type),
    TINTYPE_FIELD(acpi::Spcr, Language),
    TINTYPE_FIELD(acpi::Spcr, PCI_Device_ID),
    TINTYPE_FIELD(acpi::Spcr, PCI_Vendor_ID),
    TINTYPE_FIELD(acpi::Spcr, PCI_Bus_Number),
    TINTYPE_FIELD(acpi::Spcr, PCI_Device_Number),
    TINTYPE_FIELD(acpi::Spcr, PCI_Function_Number),
    TINTYPE_FIELD(acpi::Spcr, PCI_Flags),
    TINTYPE_FIELD(acpi::Spcr, PCI_Segment),
    TINTYPE_FIELD(acpi::Spcr, Reserved2),
};
constexpr Field kWaet[] = {
    TINTYPE_FIELD(acpi::Waet, Emulated_Device_Flags),
};
constexpr Field kGtdt[] = {
    TINTYPE_FIELD(acpi::Gtdt, CntControlBase),
    TINTYPE_FIELD(acpi::Gtdt, Reserved),
    TINTYPE_FIELD(acpi::Gtdt, Secure_EL1_Timer_GSIV),
    TINTYPE_FIELD(acpi::Gtdt, Secure_EL1_Timer_Flags),
    TINTYPE_FIELD(acpi::Gtdt, Non_Secure_EL1_Timer_GSIV),
    TINTYPE_FIELD(acpi::Gtdt, Non_Secure_EL1_Timer_Flags),
    TINTYPE_FIELD(acpi::Gtdt, Virtual_EL1_Timer_GSIV),
    TINTYPE_FIELD(acpi::Gtdt, Virtual_EL1_Timer_Flags),
    TINTYPE_FIELD(acpi::Gtdt, EL2_Timer_GSIV),
    TINTYPE_FIELD(acpi::Gtdt, EL2_Timer_Flags),
    TINTYPE_FIELD(acpi::Gtdt, CntReadBase),
    TINTYPE_FIELD(acpi::Gtdt, Platform_Timer_Count),
    TINTYPE_FIELD(acpi::Gtdt, Platform_Timer_Offset),
    TINTYPE_FIELD(acpi::Gtdt, Virtual_EL2_Timer_GSIV),
    TINTYPE_FIELD(acpi::Gtdt, Virtual_EL2_Timer_Flags),
};
constexpr Field kIort[] = {
    TINTYPE_FIELD(acpi::Iort, Number_of_IORT_nodes),
    TINTYPE_FIELD(acpi::Iort, Offset_to_Array_of_nodes),
    TINTYPE_FIELD(acpi::Iort, Reserved),
};
constexpr Field kDbg2[] = {
    TINTYPE_FIELD(acpi::Dbg2, OffsetDbgDeviceInfo),
    TINTYPE_FIELD(acpi::Dbg2, NumberDbgDeviceInfo),
};
constexpr Field kBootParams[] = {
    TINTYPE_FIELD(BootParams, screen_info),
    TINTYPE_FIELD(BootParams, apm_bios_info),
    TINTYPE_FIELD(BootParams, _pad2),
    TINTYPE_FIELD(BootParams, tboot_addr),
    TINTYPE_FIELD(BootParams, ist_info),
    TINTYPE_FIELD(BootParams, acpi_rsdp_addr),
    TINTYPE_FIELD(BootParams, _pad3),
    TINTYPE_FIELD(BootParams, hd0_info),
    TINTYPE_FIELD(BootParams, hd1_info),
    TINTYPE_FIELD(BootParams, sys_desc_table),
    TINTYPE_FIELD(BootParams, olpc_ofw_header),
    TINTYPE_FIELD(BootParams, ext_ramdisk_image),
    TINTYPE_FIELD(BootParams, ext_ramdisk_size),
    TINTYPE_FIELD(BootParams, ext_cmd_line_ptr),
    TINTYPE_FIELD(BootParams, _pad4),
    TINTYPE_FIELD(BootParams, cc_blob_address),
    TINTYPE_FIELD(BootParams, edid_info),
    TINTYPE_FIELD(BootParams, efi_info),
    TINTYPE_FIELD(BootParams, alt_mem_k),
    TINTYPE_FIELD(BootParams, scratch),
    TINTYPE_FIELD(BootParams, e820_entries),
    TINTYPE_FIELD(BootParams, eddbuf_entries),
    TINTYPE_FIELD(BootParams, edd_mbr_sig_buf_entries),
    TINTYPE_FIELD(BootParams, kbd_status),
    TINTYPE_FIELD(BootParams, secure_boot),
    TINTYPE_FIELD(BootParams, _pad5),
    TINTYPE_FIELD(BootParams, sentinel),
    TINTYPE_FIELD(BootParams, _pad6),
    TINTYPE_FIELD(BootParams, _pad7),
    TINTYPE_FIELD(BootParams, edd_mbr_sig_buffer),
    TINTYPE_FIELD(BootParams, _pad8),
    TINTYPE_FIELD(BootParams, eddbuf),
    TINTYPE_FIELD(BootParams, _pad9),
};
constexpr Field kSetupHeader[] = {
    TINTYPE_FIELD(SetupHeader, setup_sects),
    TINTYPE_FIELD(SetupHeader, root_flags),
    TINTYPE_FIELD(SetupHeader, syssize),
    TINTYPE_FIELD(SetupHeader, ram_size),
    TINTYPE_FIELD(SetupHeader, vid_mode),
    TINTYPE_FIELD(SetupHeader, root_dev),
    TINTYPE_FIELD(SetupHeader, boot_flag),
    TINTYPE_FIELD(SetupHeader, jump),
    TINTYPE_FIELD(SetupHeader, header),
    TINTYPE_FIELD(SetupHeader, version),
    TINTYPE_FIELD(SetupHeader, realmode_swtch),
    TINTYPE_FIELD(SetupHeader, start_sys_seg),
    TINTYPE_FIELD(SetupHeader, kernel_version),
    TINTYPE_FIELD(SetupHeader, type_of_loader),
    TINTYPE_FIELD(SetupHeader, loadflags),
    TINTYPE_FIELD(SetupHeader, setup_move_size),
    TINTYPE_FIELD(SetupHeader, code32_start),
    TINTYPE_FIELD(SetupHeader, ramdisk_image),
    TINTYPE_FIELD(SetupHeader, ramdisk_size),
    TINTYPE_FIELD(SetupHeader, bootsect_kludge),
    TINTYPE_FIELD(SetupHeader, heap_end_ptr),
    TINTYPE_FIELD(SetupHeader, ext_loader_ver),
    TINTYPE_FIELD(SetupHeader, ext_loader_type),
    TINTYPE_FIELD(SetupHeader, cmd_line_ptr),
    TINTYPE_FIELD(SetupHeader, initrd_addr_max),
    TINTYPE_FIELD(SetupHeader, kernel_alignment),
    TINTYPE_FIELD(SetupHeader, relocatable_kernel),
    TINTYPE_FIELD(SetupHeader, min_alignment),
    TINTYPE_FIELD(SetupHeader, xloadflags),
    TINTYPE_FIELD(SetupHeader, cmdline_size),
    TINTYPE_FIELD(SetupHeader, hardware_subarch),
    TINTYPE_FIELD(SetupHeader, hardware_subarch_data),
    TINTYPE_FIELD(SetupHeader, payload_offset),
    TINTYPE_FIELD(SetupHeader, payload_length),
    TINTYPE_FIELD(SetupHeader, setup_data),
    TINTYPE_FIELD(SetupHeader, pref_address),
    TINTYPE_FIELD(SetupHeader, init_size),
    TINTYPE_FIELD(SetupHeader, handover_offset),
    TINTYPE_FIELD(SetupHeader, kernel_info_offset),
};

#undef TINTYPE_FIELD

// Structures of type and length, a byte each, that fill a table from `start` on.
struct Table {
  std::string_view signature;
  std::span<const Field> fields;
  std::size_t structures = 0;  // 0: there are none
};
constexpr Table kTables[] = {
    {"FACP", kFadt, 0},
    {"APIC", kMadt, sizeof(acpi::Madt)},  // ACPI 6.5, 5.2.12
    {"SRAT", kSrat, sizeof(acpi::Srat)},  // 5.2.16
    {"PPTT", {}, sizeof(acpi::Header)},   // 5.2.30
    {"SLIT", kSlit, 0},
    {"SPCR", kSpcr, 0},
    {"WAET", kWaet, 0},
    {"GTDT", kGtdt, 0},
    {"IORT", kIort, 0},
    {"DBG2", kDbg2, 0},
};

struct Place {
  std::string name;
  std::size_t offset, size;
};

std::optional<Place> find(std::span<const Field> fields, std::size_t offset, std::size_t base = 0) {
  for (const Field& field : fields)
    if (offset >= base + field.offset && offset < base + field.offset + field.size)
      return Place{std::string(field.name), base + field.offset, field.size};
  return std::nullopt;
}

// The structures of a table. It goes on from the last one that was asked for, so offsets have to ascend: a
// table may be half a million structures that all differ.
class Structures {
 public:
  explicit Structures(Bytes table) : table_(table) {}

  // That which holds `offset`, by its number and type. The first of them is at `start`.
  std::optional<Place> find(std::size_t start, std::size_t offset) {
    if (number_ == 0) {
      at_ = start;
      number_ = 1;
    }
    for (; at_ + 2 <= table_.size(); ++number_) {
      const std::size_t length = table_[at_ + 1];
      if (length < 2) return std::nullopt;
      if (offset >= at_ && offset < at_ + length)
        return Place{fmt::format("structure {} (type {}), byte {}", number_, table_[at_], offset - at_),
                     offset, 1};
      at_ += length;
    }
    return std::nullopt;
  }

 private:
  Bytes table_;
  std::size_t at_ = 0;
  std::size_t number_ = 0;  // of the structure at at_, from 1; 0: none was asked for
};

// ACPI 6.5, 5.2.6: what a table that differs has at `offset`, which ascends from call to call.
Place acpi_place(Bytes table, Structures& structures, std::size_t offset) {
  if (const auto place = find(kHeader, offset)) return *place;
  const std::string_view signature(reinterpret_cast<const char*>(table.data()), sizeof(acpi::TableSignature));
  if (signature == "XSDT") {
    const std::size_t entry = (offset - sizeof(acpi::Header)) / sizeof(acpi::XsdtEntry);
    return {fmt::format("entry {}", entry), sizeof(acpi::Header) + entry * sizeof(acpi::XsdtEntry),
            sizeof(acpi::XsdtEntry)};
  }
  for (const Table& known : kTables) {
    if (known.signature != signature) continue;
    if (const auto place = find(known.fields, offset)) return *place;
    if (known.structures == 0 || offset < known.structures) break;
    if (const auto place = structures.find(known.structures, offset)) return *place;
  }
  return {signature == "DSDT" || signature == "SSDT" ? "AML" : "byte", offset, 1};
}

// Linux Documentation/arch/x86/zero-page.rst
Place boot_params_place(std::size_t offset) {
  if (const auto place = find(kBootParams, offset)) return *place;
  if (const auto place = find(kSetupHeader, offset, offsetof(BootParams, hdr)))
    return {"hdr." + place->name, place->offset, place->size};
  const std::size_t table = offsetof(BootParams, e820_table);
  if (offset < table || offset >= table + sizeof(BootParams::e820_table)) return {"byte", offset, 1};
  const std::size_t entry = (offset - table) / sizeof(E820Entry);
  return {fmt::format("e820_table[{}]", entry), table + entry * sizeof(E820Entry), sizeof(E820Entry)};
}

bool is_text(Bytes bytes) {
  return std::all_of(bytes.begin(), bytes.end(),
                     [](std::uint8_t byte) { return byte >= 0x20 && byte < 0x7F; });
}

std::string value_text(Bytes structure, const Place& place) {
  if (place.offset >= structure.size()) return "nothing";
  const Bytes bytes = structure.subspan(place.offset, std::min(place.size, structure.size() - place.offset));
  if (bytes.size() >= 4 && is_text(bytes))
    return fmt::format("\"{}\"", std::string(bytes.begin(), bytes.end()));
  std::uint64_t number = 0;
  if (bytes.size() > sizeof(number)) return to_hex(bytes);
  for (std::size_t i = bytes.size(); i-- > 0;) number = number << 8 | bytes[i];
  return fmt::format("{:#x}", number);
}

// A part of a field that is too long to print, with `offset` in it.
Place shortened(const Place& place, std::size_t offset) {
  constexpr std::size_t kLongest = 32;
  if (place.size <= kLongest) return place;
  const std::size_t skipped = (offset - place.offset) / kLongest * kLongest;
  return {fmt::format("{}, byte {}", place.name, skipped), place.offset + skipped,
          std::min(kLongest, place.size - skipped)};
}

template <typename PlaceAt>
std::vector<FieldChange> changes_of(Bytes a, Bytes b, PlaceAt place_at) {
  std::vector<FieldChange> changes;
  const std::size_t size = std::max(a.size(), b.size());
  for (std::size_t at = 0; at < size;) {
    if (at < a.size() && at < b.size() && a[at] == b[at]) {
      ++at;
      continue;
    }
    const Place place = shortened(place_at(at), at);
    changes.push_back({place.name, place.offset, value_text(a, place), value_text(b, place)});
    at = std::max(at + 1, place.offset + place.size);
  }
  return changes;
}

}  // namespace

std::optional<StructureChange> compare_structures(std::string_view region, Bytes a, Bytes b) {
  if (region == "boot_params" && a.size() == sizeof(BootParams) && b.size() == sizeof(BootParams))
    return StructureChange{"boot_params", changes_of(a, b, boot_params_place)};
  if (region == "acpi.rsdp" && a.size() == sizeof(acpi::Rsdp) && b.size() == sizeof(acpi::Rsdp))
    return StructureChange{"ACPI RSDP", changes_of(a, b, [](std::size_t at) {
                             return find(kRsdp, at).value_or(Place{"byte", at, 1});
                           })};
  if (!region.starts_with("acpi.") || a.size() < sizeof(acpi::Header) || b.size() < sizeof(acpi::Header))
    return std::nullopt;
  acpi::TableSignature signature;
  std::copy_n(a.begin(), signature.size(), signature.begin());
  const Bytes longer = a.size() >= b.size() ? a : b;
  Structures structures(longer);
  return StructureChange{
      "ACPI table " + acpi::signature_text(signature),
      changes_of(a, b, [&](std::size_t at) { return acpi_place(longer, structures, at); })};
}

}  // namespace tintype
