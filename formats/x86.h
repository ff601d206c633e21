// What an x86 processor reads from memory and registers before the guest sets up its own: GDT, identity page
// tables, control register bits, flat segments.
#pragma once

#include <array>
#include <cstdint>

#include "formats/gpa.h"
#include "formats/scalar.h"
#include "formats/vcpu.h"
#include "formats/wire.h"

namespace tintype::x86 {

// Intel SDM volume 3, 2.5: control registers
inline constexpr std::uint64_t kCr0Pe = 1u << 0;   // protection enable
inline constexpr std::uint64_t kCr0Mp = 1u << 1;   // monitor coprocessor
inline constexpr std::uint64_t kCr0Et = 1u << 4;   // always one
inline constexpr std::uint64_t kCr0Ne = 1u << 5;   // numeric error
inline constexpr std::uint64_t kCr0Wp = 1u << 16;  // write protect
inline constexpr std::uint64_t kCr0Am = 1u << 18;  // alignment mask
inline constexpr std::uint64_t kCr0Pg = 1u << 31;  // paging
inline constexpr std::uint64_t kCr4Pae = 1u << 5;  // physical address extension
inline constexpr std::uint64_t kCr4Pge = 1u << 7;  // global pages

// Intel SDM volume 3, 2.2.1: IA32_EFER
inline constexpr std::uint64_t kEferSce = 1u << 0;   // SYSCALL
inline constexpr std::uint64_t kEferLme = 1u << 8;   // long mode enable
inline constexpr std::uint64_t kEferLma = 1u << 10;  // long mode active
inline constexpr std::uint64_t kEferNxe = 1u << 11;  // execute disable

// Intel SDM volume 3, 2.3: RFLAGS bit 1 is always one; interrupts are off while bit 9 is zero.
inline constexpr std::uint64_t kRflagsReserved = 1u << 1;

// Selectors that the Linux boot protocol asks for (Documentation/arch/x86/boot.rst: __BOOT_CS, __BOOT_DS).
inline constexpr std::uint16_t kCodeSelector = 0x10;
inline constexpr std::uint16_t kDataSelector = 0x18;

// Access rights in the VMX layout (Intel SDM volume 3, 24.4.1): bits 0-3 type, 4 S, 5-6 DPL, 7 P, 12 AVL, 13
// L, 14 D/B, 15 G. All are ring 0, present and already accessed, so loading them writes nothing to memory.
inline constexpr std::uint16_t kCode64Attributes = 0xA09B;
inline constexpr std::uint16_t kCode32Attributes = 0xC09B;
inline constexpr std::uint16_t kDataAttributes = 0xC093;

// Flat segments: base 0, limit 4 GiB - 1.
inline constexpr X86Segment kFlatCode64{kCodeSelector, kCode64Attributes, 0, 0xFFFFFFFF};
inline constexpr X86Segment kFlatCode32{kCodeSelector, kCode32Attributes, 0, 0xFFFFFFFF};
inline constexpr X86Segment kFlatData{kDataSelector, kDataAttributes, 0, 0xFFFFFFFF};

// Intel SDM volume 3, 3.4.5: the descriptor of a segment, its limit in pages if G is set.
constexpr std::uint64_t descriptor(const X86Segment& segment) {
  const std::uint64_t attributes = segment.attributes;
  const std::uint64_t limit = (attributes & 0x8000) != 0 ? segment.limit >> 12 : segment.limit;
  const std::uint64_t base = segment.base;
  return (limit & 0xFFFF) | (base & 0xFFFFFF) << 16 | (attributes & 0xFF) << 40 | (limit >> 16 & 0xF) << 48 |
         (attributes >> 12 & 0xF) << 52 | (base >> 24 & 0xFF) << 56;
}

// The global descriptor table: entries for selectors 0 (null), 8 (unused), 0x10 and 0x18.
struct Gdt {
  le64 null;    // 0x00
  le64 unused;  // 0x08
  le64 code;    // 0x10
  le64 data;    // 0x18
};
static_assert(sizeof(Gdt) == 32 && Wire<Gdt>);

inline constexpr std::uint16_t kGdtLimit = sizeof(Gdt) - 1;

// Writes the table with `code` (kFlatCode64, kFlatCode32) and flat data.
void emit_gdt(const X86Segment& code, ByteSink& sink);

// Page tables that map virtual [0, 4 GiB) to the same physical addresses, writable and executable, with 2 MiB
// pages: one PML4, one page directory pointer table, four page directories.
inline constexpr std::uint64_t kIdentityMapEnd = 4 * kGiB;
inline constexpr std::uint64_t kIdentityTablesSize = 6 * kPageSize;

// Writes kIdentityTablesSize bytes, which work when they lie at `base`, the value for CR3; a multiple of 4
// KiB.
void emit_identity_page_tables(std::uint64_t base, ByteSink& sink);

// Where a BIOS has its first instruction (real mode, F000:FFF0), and what there is instead: code that resets
// the machine through kResetPort. Linux on a hardware-reduced machine goes there to restart, after EFI and
// before ACPI (arch/x86/kernel/reboot.c: reboot_init(), BOOT_EFI, BOOT_BIOS).
inline constexpr std::uint64_t kResetVector = 0xFFFF0;
inline constexpr std::uint64_t kResetVectorSize = 16;

void emit_reset_vector(ByteSink& sink);

// Page table entry bits (Intel SDM volume 3, 4.5.4).
inline constexpr std::uint64_t kPtePresent = 1u << 0;
inline constexpr std::uint64_t kPteWritable = 1u << 1;
inline constexpr std::uint64_t kPteAccessed = 1u << 5;
inline constexpr std::uint64_t kPteDirty = 1u << 6;
inline constexpr std::uint64_t kPteLargePage = 1u << 7;

}  // namespace tintype::x86
