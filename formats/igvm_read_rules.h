// The reference's rules about what an IGVM file may hold, for the reader and the writer alike.
//
// Source: the `igvm` crate (microsoft/igvm, igvm/src/lib.rs): the validate() of each header, and
// validate_platform_headers, validate_initialization_headers, validate_directive_headers. Where the reference
// panics or wraps around, these rules refuse.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "formats/igvm.h"

namespace tintype::igvm {

// The CRC-32 (ISO-HDLC, as in zlib) of `bytes`, continuing from `crc`; 0 to begin.
std::uint32_t crc32(std::uint32_t crc, Bytes bytes);

// A page data header as it lies in the file.
struct PageRecord {
  IGVM_VHS_VARIABLE_HEADER header;
  IGVM_VHS_PAGE_DATA page;
};
static_assert(sizeof(PageRecord) == 32 && Wire<PageRecord>);

// A register that a VBS context may set: what the reference knows of the Hypervisor Top Level Functional
// Specification.
struct VbsRegister {
  enum class Form : std::uint8_t { value, segment, table };
  std::string_view name;
  std::uint32_t id = 0;
  Form form = Form::value;
};
std::span<const VbsRegister> vbs_registers(Arch arch);
// The register with `id`, or nullptr.
const VbsRegister* find_vbs_register(Arch arch, std::uint32_t id);

// Bytes of a VBS context that sets `register_count` registers.
constexpr std::uint64_t vbs_context_size(std::uint32_t register_count) {
  return sizeof(VbsVpContextHeader) + std::uint64_t{register_count} * sizeof(VbsVpContextRegister);
}

// The header types that hold an IGVM_VHS_PARAMETER.
bool is_parameter(std::uint32_t type);

// The parts of the rules for page data that concern one header; the reader calls it once for each of maybe a
// million.
Result<void> check_page(std::uint64_t gpa, std::uint16_t data_type, std::uint16_t reserved);

// The type of the header that `directive` is in a file.
std::uint32_t type_of(const Directive& directive);

// `bytes`, a VP context whose registers end at `used`, must be one page with zeroes after the registers.
Result<void> one_page_of_context(Bytes bytes, std::size_t used);

// Takes the headers of one file in order and refuses what the reference would not accept. A header whose mask
// is zero is looked at alone and then forgotten, as the reference does.
class Rules {
 public:
  explicit Rules(Arch arch) : arch_(arch) {}

  Result<void> add(const IGVM_VHS_SUPPORTED_PLATFORM& platform);
  Result<void> add(const Initialization& header);
  Result<void> add(const Directive& header);
  // After the last header: what must have come has come.
  Result<void> finish() const;

  // The kind of VP context that `compatibility_mask` asks for, or why it may have none.
  Result<VpContext::Kind> context_kind(std::uint32_t compatibility_mask) const;

 private:
  struct VpIdentifier {
    std::uint32_t compatibility_mask = 0;
    std::uint16_t vp_index = 0;
    std::uint8_t vtl = 0;
  };

  Result<void> init(const IGVM_VHS_GUEST_POLICY& header);
  Result<void> init(const IGVM_VHS_CCA_POLICY& header);
  Result<void> init(const IGVM_VHS_RELOCATABLE_REGION& header);
  Result<void> init(const IGVM_VHS_PAGE_TABLE_RELOCATION& header);
  Result<void> add_region(std::uint32_t mask, std::uint64_t gpa, std::uint64_t size);

  Result<void> directive(const PageRun& run);
  Result<void> directive(const ParameterArea& area);
  Result<void> directive(const Parameter& parameter);
  Result<void> directive(const IGVM_VHS_PARAMETER_INSERT& insert);
  Result<void> directive(const VpContext& context);
  Result<void> directive(const IGVM_VHS_REQUIRED_MEMORY& memory);
  Result<void> directive(const IGVM_VHS_SNP_ID_BLOCK& block);
  Result<void> directive(const IGVM_VHS_VBS_MEASUREMENT& measurement);
  Result<void> directive(const IGVM_VHS_ERROR_RANGE& range);
  Result<void> vbs_context(const VpContext& context);

  Arch arch_;
  std::map<std::uint8_t, std::uint32_t> platform_types_;    // to their masks
  std::map<std::uint32_t, std::uint8_t> platform_of_mask_;  // the last platform with that mask
  std::array<std::map<std::uint64_t, std::uint64_t>, 32>
      regions_;  // relocatable: start to end, for each mask bit
  std::uint32_t page_table_masks_ = 0;
  struct PageTables {
    std::uint32_t compatibility_mask = 0;
    GpaRange range;
  };
  std::vector<PageTables> page_tables_;  // at most 32: one a mask bit
  std::vector<VpIdentifier> wanted_vps_;
  std::array<std::uint32_t, 3> vbs_masks_{};  // masks with a VBS context, by VTL
  std::map<std::uint32_t, bool> areas_;       // index to whether it was inserted
};

}  // namespace tintype::igvm
