// IGVM files as values, and the reader and writer that turn bytes into them and back.
//
// Source: the `igvm_defs` crate (microsoft/igvm), which defines the format, and the `igvm` crate, whose
// verdicts on a file are the reference. Wire structures are in igvm_defs.h.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "formats/gpa.h"
#include "formats/igvm_defs.h"
#include "formats/machine.h"
#include "formats/vcpu.h"
#include "formats/wire.h"

namespace tintype::igvm {

// Consecutive page data headers that differ only in their address: gpa, gpa + 4096, ... with consecutive file
// data, or all without file data. One header each in the file.
struct PageRun {
  std::uint64_t gpa = 0;
  std::uint64_t pages = 1;
  std::uint32_t compatibility_mask = 0;
  std::uint32_t flags = 0;      // IGVM_VHS_PAGE_DATA::flags, reserved bits included
  std::uint16_t data_type = 0;  // IgvmPageDataType
  std::uint16_t reserved = 0;
  Bytes data = {};                // pages * 4096 bytes, or empty: pages of zeroes
  std::uint32_t file_offset = 0;  // where read() found the data (0: none); write() chooses its own
  std::uint64_t step() const;     // guest bytes a header covers: 4096, or 2 MiB with the 2 MiB flag
};

struct ParameterArea {
  std::uint64_t number_of_bytes = 0;
  std::uint32_t parameter_area_index = 0;
  Bytes initial = {};  // number_of_bytes bytes, or empty: zeroes
};

// Any IGVM_VHS_PARAMETER: VP count, SRAT, MADT, MMIO ranges, memory map, command line, SLIT, PPTT, device
// tree, environment information.
struct Parameter {
  std::uint32_t type = 0;  // IGVM_VHT_*
  IGVM_VHS_PARAMETER header{};
};

// Architecture-specific initial registers, in the form the file holds them.
struct VpContext {
  enum class Kind : std::uint8_t { native_x64, vbs_x64, vbs_aarch64, snp_vmsa, cca };
  Kind kind = Kind::native_x64;
  std::uint64_t gpa = 0;
  std::uint32_t compatibility_mask = 0;
  std::uint16_t vp_index = 0;
  std::uint16_t reserved = 0;
  Bytes data = {};  // the bytes in the file: 4096 for native, SNP and CCA, header and registers for VBS
  std::uint32_t file_offset = 0;
  std::uint32_t padding = 0;  // the four bytes after the header, which should be zero
};

// A value that lives on the heap, for the structures of many hundred bytes of which a file has one or two:
// without it every directive would take their room. Copies deeply, and reads as the value itself.
template <Wire T>
class Boxed {
 public:
  Boxed() : value_(std::make_unique<T>()) {}
  Boxed(const T& value)
      : value_(std::make_unique<T>(value)) {}  // NOLINT(google-explicit-constructor): is a T
  Boxed(const Boxed& other) : Boxed(*other) {}
  Boxed(Boxed&& other) noexcept = default;
  Boxed& operator=(Boxed other) noexcept {
    std::swap(value_, other.value_);
    return *this;
  }
  ~Boxed() = default;
  const T& operator*() const { return *value_; }
  const T* operator->() const { return value_.get(); }
  operator const T&() const { return *value_; }  // NOLINT(google-explicit-constructor)
  bool operator==(const Boxed& other) const { return *value_ == *other.value_; }

 private:
  std::unique_ptr<T> value_;
};

using Initialization = std::variant<IGVM_VHS_GUEST_POLICY, IGVM_VHS_CCA_POLICY, IGVM_VHS_RELOCATABLE_REGION,
                                    IGVM_VHS_PAGE_TABLE_RELOCATION>;

using Directive = std::variant<PageRun, ParameterArea, Parameter, IGVM_VHS_PARAMETER_INSERT, VpContext,
                               IGVM_VHS_REQUIRED_MEMORY, Boxed<IGVM_VHS_SNP_ID_BLOCK>,
                               Boxed<IGVM_VHS_VBS_MEASUREMENT>, IGVM_VHS_ERROR_RANGE>;

// A whole file. Bytes are borrowed from whoever holds the file or the image.
struct File {
  std::uint32_t format_version = 1;  // 1, or 2 which names architecture and page size
  Arch arch = Arch::x86_64;
  std::vector<IGVM_VHS_SUPPORTED_PLATFORM> platforms;
  std::vector<Initialization> initializations;
  std::vector<Directive> directives;
};

// "NATIVE", "SEV_SNP", ..., or "unknown".
std::string_view platform_name(std::uint8_t platform_type);
// "PAGE_DATA", "VP_CONTEXT", ...: the name of an IGVM_VHT_* without its prefix, or "unknown".
std::string_view header_name(std::uint32_t type);
// "VP_COUNT", "MEMORY_MAP", ...: what a Parameter of `type` holds, or "unknown".
std::string parameter_name(std::uint32_t type);

// "normal", "unmeasured", "shared", "secrets", "cpuid", "cpuid_xf": what the pages of a run are.
std::string_view page_kind_name(const PageRun& run);

// What the headers occupy; informational, filled in by read().
struct FileLayout {
  std::uint32_t variable_header_offset = 0;
  std::uint32_t variable_header_size = 0;
  std::uint32_t total_file_size = 0;
  std::uint32_t checksum = 0;
};

// Parses `bytes`, which must outlive the File. Gives the reference's verdict on every file, except that a
// file_offset inside the headers (where the reference panics or wraps) is refused. Memory use is proportional
// to the number of runs, never to what a header claims. Errors carry the file offset of the header they are
// about.
Result<File> read(Bytes bytes, FileLayout* layout = nullptr);

// The size that the file says it has, from its first bytes alone; a fixed header will do. Errors: it is no
// IGVM file, or the size is less than that of the header.
Result<std::uint64_t> stated_size(Bytes start);

// What write() writes to. Bytes arrive in file order; an error stops the write and is returned by it.
using Output = std::function<Result<void>(Bytes)>;

// Serialises `file`. Header order is the order in `file`. The file data section starts at a multiple of 4096;
// page data comes first in directive order, 4 KiB-aligned; then VP contexts, parameter-area contents and
// `trailer` (which no header references, written last and ending the file, at a multiple of 8). A file
// without any of these ends in one zero byte, since the format wants some file data. Equal files give equal
// bytes. Errors: more than 4 GiB (with the sizes), or a value the reference would not accept; nothing is
// written then.
Result<void> write(const File& file, Bytes trailer, const Output& output);

// The same into memory, for tests and small files.
Result<std::vector<std::uint8_t>> write(const File& file, Bytes trailer = {});

// Equality of meaning: same headers in the same order with the same contents, wherever the file data lies and
// however pages are grouped into runs. On a difference says where, for the self-check's message.
Result<void> same(const File& a, const File& b);

// What the reference accepts but no loader should be given: a parameter outside its area, two pages at one
// address on one platform, a mask that names no platform, a parameter area that is never inserted ... One
// sentence each; empty for a sound file. Running a file with any is refused. With `mask`, that of a platform,
// only what concerns a launch on that: what its headers say, but not which other platforms they are for, nor
// areas that it does not insert. Measuring a launch with any of those is refused.
inline constexpr std::uint32_t kEveryMask = 0xFFFFFFFF;
std::vector<std::string> oddities(const File& file, std::uint32_t mask = kEveryMask);

// Native x64 VP context (IgvmNativeVpContextX64, 4096 bytes with a zero tail) to registers and back.
Result<VcpuX86> native_registers(const VpContext& context);
std::vector<std::uint8_t> native_context(const VcpuX86& registers);

// VBS register list of an AArch64 guest to registers and back. What a list lacks has the value that a
// VcpuArm64 starts with. Errors: another kind of context, a register that VcpuArm64 does not have, one twice,
// or one of a VTL other than 0.
Result<VcpuArm64> vbs_registers(const VpContext& context);
std::vector<std::uint8_t> vbs_context(const VcpuArm64& registers);

// Names and values of a context's registers, for reports, in the order of the file: {"rip", "0x1000000"},
// {"cs", "{sel=0x10,attr=0xa09b,limit=0xffffffff,base=0x0}"}, {"gdtr", "{base=0x0,limit=0x1f}"}. For an SNP
// VMSA the fields that say how the vCPU starts. Empty when the data is too short for its kind.
std::vector<std::pair<std::string, std::string>> describe_context(const VpContext& context);

}  // namespace tintype::igvm
