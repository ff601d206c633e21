// The save area of an SEV-ES or SEV-SNP vCPU: its registers as a page of memory.
//
// Source: AMD64 Architecture Programmer's Manual volume 2 (24593, 3.42), table B-4; names are those of Linux
// arch/x86/include/asm/svm.h, struct sev_es_save_area.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "formats/wire.h"

namespace tintype {

// AMD64 APM volume 2, table B-4: a segment register, its attributes as in the VMCB
struct VmcbSegment {
  le16 selector;  // 0
  le16 attrib;    // 2
  le32 limit;     // 4
  le64 base;      // 8
};
static_assert(sizeof(VmcbSegment) == 16 && Wire<VmcbSegment>);

// AMD64 APM volume 2, table B-4: as far as its x87 control word; what follows is state that starts as zeroes
struct VmsaPage {
  VmcbSegment es, cs, ss, ds, fs, gs, gdtr, ldtr, idtr, tr;  // 0x000
  std::array<std::uint8_t, 42> reserved_a0;                  // 0x0A0, shadow stacks and U_CET
  std::uint8_t vmpl;                                         // 0x0CA
  std::uint8_t cpl;                                          // 0x0CB
  std::array<std::uint8_t, 4> reserved_cc;                   // 0x0CC
  le64 efer;                                                 // 0x0D0
  std::array<std::uint8_t, 104> reserved_d8;                 // 0x0D8
  le64 xss;                                                  // 0x140
  le64 cr4;                                                  // 0x148
  le64 cr3;                                                  // 0x150
  le64 cr0;                                                  // 0x158
  le64 dr7;                                                  // 0x160
  le64 dr6;                                                  // 0x168
  le64 rflags;                                               // 0x170
  le64 rip;                                                  // 0x178
  std::array<std::uint8_t, 232> reserved_180;                // 0x180, DR0 to CR2 and RSP, RAX
  le64 g_pat;                                                // 0x268
  std::array<std::uint8_t, 160> reserved_270;                // 0x270, DBGCTL to RCX
  le64 rdx;                                                  // 0x310
  std::array<std::uint8_t, 152> reserved_318;                // 0x318, RBX to GUEST_NRIP
  le64 sev_features;                                         // 0x3B0
  std::array<std::uint8_t, 48> reserved_3b8;                 // 0x3B8, VINTR_CTRL to EVENTINJ
  le64 xcr0;                                                 // 0x3E8
  std::array<std::uint8_t, 24> reserved_3f0;                 // 0x3F0
  le32 mxcsr;                                                // 0x408
  le16 x87_ftw;                                              // 0x40C
  le16 x87_fsw;                                              // 0x40E
  le16 x87_fcw;                                              // 0x410
  std::array<std::uint8_t, 3054> reserved_412;               // 0x412
};
static_assert(sizeof(VmsaPage) == 4096 && Wire<VmsaPage>);

// EFER.SVME, CR0.ET and CR4.MCE: KVM has them set in every save area (Linux arch/x86/kvm/svm/svm.c,
// svm_set_efer and svm_set_cr4, and kvm_set_cr0).
inline constexpr std::uint64_t kEferSvme = 0x1000;
inline constexpr std::uint64_t kCr0Et = 0x10;
inline constexpr std::uint64_t kCr4Mce = 0x40;
// SEV_FEATURES bit 0: SNPActive.
inline constexpr std::uint64_t kSevFeatureSnp = 1;

// The registers of an x86 processor after a reset, as QEMU gives them to KVM and KVM (Linux 6.10 and later,
// arch/x86/kvm/svm/sev.c, sev_es_sync_vmsa) puts them into a save area: real mode at F000:FFF0 with the base
// of CS at 0xFFFF0000, EFER.SVME, CR4.MCE, PAT 0x0007040600070406, XCR0 1, x87 control word 0x37F, MXCSR
// 0x1F80, and RDX with `processor`, the family, model and stepping of CPUID leaf 1 EAX.
VmsaPage reset_vmsa(std::uint64_t sev_features, std::uint32_t processor);

// QEMU's EPYC models by name, and their CPUID leaf 1 EAX (QEMU target/i386/cpu.c, builtin_x86_defs). Versions
// of a model (EPYC-v4) share it.
struct ProcessorName {
  std::string_view name;
  std::uint32_t signature;
};
inline constexpr ProcessorName kProcessors[] = {
    {"EPYC", 0x00800F12},       {"EPYC-Rome", 0x00830F10},  {"EPYC-Milan", 0x00A00F11},
    {"EPYC-Genoa", 0x00A10F10}, {"EPYC-Turin", 0x00B00F00},
};

// What QEMU's and AMD's documents start SEV-SNP guests with: -cpu EPYC-v4.
inline constexpr ProcessorName kDefaultProcessor = kProcessors[0];

// The CPUID leaf 1 EAX that `text` says: a name of the above, with or without a version, or a number as 0x
// and up to eight hexadecimal digits. Errors: neither.
Result<std::uint32_t> parse_processor(std::string_view text);

}  // namespace tintype
