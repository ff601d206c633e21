#include "formats/igvm_read_rules.h"

#include <algorithm>
#include <bit>

namespace tintype::igvm {

namespace {

constexpr std::uint8_t kHighestVtl = 2;

Result<void> page_aligned(std::string_view what, std::uint64_t value) {
  if (!is_aligned(value, kPageSize)) return fail("the {} {:#x} must be a multiple of 4096", what, value);
  return {};
}

Result<void> known_vtl(std::uint8_t vtl) {
  if (vtl > kHighestVtl) return fail("VTL {} does not exist: the VTLs are 0, 1 and 2", vtl);
  return {};
}

std::string_view arch_of_platform(std::uint8_t platform_type) {
  switch (platform_type) {
    case IGVM_PLATFORM_VSM_ISOLATION:
      return "";  // any
    case IGVM_PLATFORM_CCA:
      return arch_name(Arch::aarch64);
    default:
      return arch_name(Arch::x86_64);
  }
}

std::string_view kind_name(VpContext::Kind kind) {
  switch (kind) {
    case VpContext::Kind::native_x64:
      return "native x64 VP context";
    case VpContext::Kind::vbs_x64:
      return "VBS x64 register list";
    case VpContext::Kind::vbs_aarch64:
      return "VBS AArch64 register list";
    case VpContext::Kind::snp_vmsa:
      return "VMSA";
    case VpContext::Kind::cca:
      return "CCA VP context";
  }
  return "VP context";
}

}  // namespace

Result<void> one_page_of_context(Bytes bytes, std::size_t used) {
  if (bytes.size() != kPageSize)
    return fail("a VP context of this platform takes 4096 bytes of file data, not {}", bytes.size());
  const Bytes tail = bytes.subspan(used);
  const auto odd = std::find_if(tail.begin(), tail.end(), [](std::uint8_t byte) { return byte != 0; });
  if (odd != tail.end())
    return fail("the {} bytes after the registers of a VP context must be zero, but byte {:#x} is {:#x}",
                tail.size(), used + static_cast<std::size_t>(odd - tail.begin()), *odd);
  return {};
}

Result<void> check_page(std::uint64_t gpa, std::uint16_t data_type, std::uint16_t reserved) {
  TRY(page_aligned("address", gpa));
  if (data_type > IGVM_PAGE_DATA_TYPE_CPUID_XF)
    return fail("page data type {} does not exist: 0 (normal) to {} (CPUID_XF) do", data_type,
                std::uint16_t{IGVM_PAGE_DATA_TYPE_CPUID_XF});
  if (reserved != 0) return fail("the reserved field is {:#x} and must be zero", reserved);
  return {};
}

Result<void> Rules::add(const IGVM_VHS_SUPPORTED_PLATFORM& platform) {
  const std::uint32_t mask = platform.compatibility_mask;
  const std::uint8_t type = platform.platform_type;
  if (std::popcount(mask) != 1)
    return fail("the compatibility mask {:#x} of a platform must have one bit set", mask);
  if (platform.highest_vtl != 0 && platform.highest_vtl != 2)
    return fail("the highest VTL is {}, and only 0 and 2 are possible", platform.highest_vtl);
  if (type > IGVM_PLATFORM_CCA)
    return fail("platform type {} does not exist: 0 (NATIVE) to {} (CCA) do", type,
                std::uint8_t{IGVM_PLATFORM_CCA});
  if (platform.platform_version != IGVM_PLATFORM_VERSION)
    return fail("platform {} has version {}, and only version {} exists", platform_name(type),
                platform.platform_version.value(), IGVM_PLATFORM_VERSION);
  const bool boundary = type != IGVM_PLATFORM_NATIVE && type != IGVM_PLATFORM_VSM_ISOLATION;
  if (!boundary && platform.shared_gpa_boundary != 0)
    return fail("the shared GPA boundary is {:#x}, and platform {} has none: it must be zero",
                platform.shared_gpa_boundary.value(), platform_name(type));
  const std::string_view needed = arch_of_platform(type);
  if (!needed.empty() && needed != arch_name(arch_))
    return fail("platform {} is for {}, but the file is for {}", platform_name(type), needed,
                arch_name(arch_));
  if (const auto [known, is_new] = platform_types_.emplace(type, mask); !is_new)
    return fail("platform {} is listed twice, with compatibility masks {:#x} and {:#x}", platform_name(type),
                known->second, mask);
  platform_of_mask_[mask] = type;
  return {};
}

Result<void> Rules::add(const Initialization& header) {
  return std::visit([this](const auto& known) { return init(known); }, header);
}

Result<void> Rules::init(const IGVM_VHS_GUEST_POLICY& header) {
  if (header.reserved != 0)
    return fail("the reserved field is {:#x} and must be zero", header.reserved.value());
  return {};
}

Result<void> Rules::init(const IGVM_VHS_CCA_POLICY& header) {
  if (header.reserved != 0 || header.reserved2 != decltype(header.reserved2){})
    return fail("the reserved fields must be zero");
  const std::uint64_t zeroes = header.attributes_required_zeroes;
  const std::uint64_t ones = header.attributes_required_ones;
  if ((zeroes & ones) != 0)
    return fail("attribute bits {:#x} are required to be zero and to be one", zeroes & ones);
  const std::uint32_t mask = header.compatibility_mask;
  if (mask == 0) return {};
  for (std::uint32_t left = mask; left != 0; left &= left - 1) {
    const std::uint32_t bit = left & (~left + 1);
    const auto platform = platform_of_mask_.find(bit);
    if (platform == platform_of_mask_.end() || platform->second != IGVM_PLATFORM_CCA)
      return fail("compatibility mask {:#x} names {:#x}, which is no CCA platform", mask, bit);
  }
  return {};
}

Result<void> Rules::init(const IGVM_VHS_RELOCATABLE_REGION& header) {
  const std::uint64_t alignment = header.relocation_alignment;
  TRY(page_aligned("region's size", header.relocation_region_size));
  TRY(page_aligned("relocation alignment", alignment));
  if (alignment == 0) return fail("the relocation alignment is zero: give at least 4096");
  const auto aligned = [&](std::string_view what, std::uint64_t gpa) -> Result<void> {
    if (gpa % alignment != 0)
      return fail("the {} {:#x} is no multiple of the relocation alignment {:#x}", what, gpa, alignment);
    return {};
  };
  TRY(aligned("region's address", header.relocation_region_gpa));
  TRY(aligned("minimum address", header.minimum_relocation_gpa));
  TRY(aligned("maximum address", header.maximum_relocation_gpa));
  TRY(known_vtl(header.vtl));
  const std::uint32_t mask = header.compatibility_mask;
  if (mask == 0) return {};
  TRY(add_region(mask, header.relocation_region_gpa, header.relocation_region_size));
  wanted_vps_.push_back({.compatibility_mask = mask, .vp_index = header.vp_index, .vtl = header.vtl});
  return {};
}

Result<void> Rules::init(const IGVM_VHS_PAGE_TABLE_RELOCATION& header) {
  if (header.reserved != 0) return fail("the reserved field is {:#x} and must be zero", header.reserved);
  TRY(page_aligned("region's address", header.gpa));
  TRY(page_aligned("region's size", header.size));
  TRY(page_aligned("used size", header.used_size));
  if (header.used_size.value() > header.size.value())
    return fail("the used size {:#x} is more than the region's size {:#x}", header.used_size.value(),
                header.size.value());
  TRY(known_vtl(header.vtl));
  const std::uint32_t mask = header.compatibility_mask;
  if (mask == 0) return {};
  if ((mask & page_table_masks_) != 0)
    return fail("a page table region for compatibility mask {:#x} exists already: one a platform is possible",
                mask & page_table_masks_);
  page_table_masks_ |= mask;
  TRY(add_region(mask, header.gpa, header.size));
  page_tables_.push_back({.compatibility_mask = mask, .range = {header.gpa, header.gpa + header.size}});
  wanted_vps_.push_back({.compatibility_mask = mask, .vp_index = header.vp_index, .vtl = header.vtl});
  return {};
}

Result<void> Rules::add_region(std::uint32_t mask, std::uint64_t gpa, std::uint64_t size) {
  if (size == 0) return fail("the region at {:#x} is empty: give a size of at least 4096", gpa);
  const auto range = GpaRange::of_size(gpa, size);
  if (!range) return fail("the region of {:#x} bytes at {:#x} ends past 2^64", size, gpa);
  for (std::uint32_t left = mask; left != 0; left &= left - 1) {
    std::map<std::uint64_t, std::uint64_t>& regions =
        regions_[static_cast<std::size_t>(std::countr_zero(left))];
    const auto after = regions.lower_bound(range->start);
    const bool reaches_next = after != regions.end() && after->first < range->end;
    const bool inside_previous = after != regions.begin() && std::prev(after)->second > range->start;
    if (reaches_next || inside_previous) {
      const auto other = reaches_next ? after : std::prev(after);
      return fail("the region {:#x}-{:#x} overlaps the relocatable region {:#x}-{:#x} of the same platform",
                  range->start, range->last(), other->first, other->second - 1);
    }
    regions.emplace_hint(after, range->start, range->end);
  }
  return {};
}

Result<void> Rules::add(const Directive& header) {
  return std::visit([this](const auto& known) { return directive(known); }, header);
}

Result<void> Rules::directive(const PageRun& run) {
  TRY(check_page(run.gpa, run.data_type, run.reserved));
  if (run.pages == 0) return fail("a run at {:#x} has no pages: give at least one", run.gpa);
  const auto span = checked_mul(run.pages - 1, run.step());
  if (!span || !checked_add(run.gpa, *span))
    return fail("{} pages at {:#x} end past 2^64", run.pages, run.gpa);
  const auto size = checked_mul(run.pages, kPageSize);
  if (!run.data.empty() && (!size || run.data.size() != *size))
    return fail("{} pages at {:#x} have {} bytes of data: 4096 a page are needed, or none for zeroes",
                run.pages, run.gpa, run.data.size());
  return {};
}

Result<void> Rules::directive(const ParameterArea& area) {
  TRY(page_aligned("size of a parameter area", area.number_of_bytes));
  if (!area.initial.empty() && area.initial.size() != area.number_of_bytes)
    return fail("parameter area {} has {} bytes, but initial contents of {}", area.parameter_area_index,
                area.number_of_bytes, area.initial.size());
  if (!areas_.emplace(area.parameter_area_index, false).second)
    return fail("parameter area {} is declared twice", area.parameter_area_index);
  return {};
}

Result<void> Rules::directive(const Parameter& parameter) {
  const std::uint32_t index = parameter.header.parameter_area_index;
  if (!is_parameter(parameter.type)) return fail("header type {:#x} is not a parameter", parameter.type);
  const auto area = areas_.find(index);
  if (area == areas_.end())
    return fail("parameter {} goes to area {}, which no header before it declares",
                header_name(parameter.type), index);
  if (area->second)
    return fail("parameter {} goes to area {}, which was inserted before", header_name(parameter.type),
                index);
  return {};
}

Result<void> Rules::directive(const IGVM_VHS_PARAMETER_INSERT& insert) {
  TRY(page_aligned("address", insert.gpa));
  if (insert.compatibility_mask == 0) return {};
  const std::uint32_t index = insert.parameter_area_index;
  const auto area = areas_.find(index);
  if (area == areas_.end())
    return fail("parameter area {} is inserted, but no header before declares it", index);
  if (area->second)
    return fail("parameter area {} is inserted twice: it may be inserted once, whatever the platform", index);
  area->second = true;
  for (const PageTables& tables : page_tables_)
    if ((tables.compatibility_mask & insert.compatibility_mask) != 0 && tables.range.contains(insert.gpa))
      return fail("parameter area {} is inserted at {:#x}, in the page table region {:#x}-{:#x}", index,
                  insert.gpa.value(), tables.range.start, tables.range.last());
  return {};
}

Result<VpContext::Kind> Rules::context_kind(std::uint32_t compatibility_mask) const {
  const auto platform = platform_of_mask_.find(compatibility_mask);
  if (platform == platform_of_mask_.end())
    return fail("the compatibility mask {:#x} of a VP context must be that of one platform",
                compatibility_mask);
  switch (platform->second) {
    case IGVM_PLATFORM_NATIVE:
    case IGVM_PLATFORM_SEV:
      return VpContext::Kind::native_x64;
    case IGVM_PLATFORM_SEV_SNP:
    case IGVM_PLATFORM_SEV_ES:
      return VpContext::Kind::snp_vmsa;
    case IGVM_PLATFORM_CCA:
      return VpContext::Kind::cca;
    case IGVM_PLATFORM_VSM_ISOLATION:
      return arch_ == Arch::x86_64 ? VpContext::Kind::vbs_x64 : VpContext::Kind::vbs_aarch64;
    default:
      return fail("platform {} starts vCPUs in their reset state and takes no VP context",
                  platform_name(platform->second));
  }
}

Result<void> Rules::directive(const VpContext& context) {
  const VpContext::Kind kind = TRY(context_kind(context.compatibility_mask));
  if (context.kind != kind)
    return fail("a {} was given, but the platform of compatibility mask {:#x} takes a {}",
                kind_name(context.kind), context.compatibility_mask, kind_name(kind));
  switch (kind) {
    case VpContext::Kind::native_x64:
      return one_page_of_context(context.data, sizeof(IgvmNativeVpContextX64));
    case VpContext::Kind::cca:
      return one_page_of_context(context.data, sizeof(IgvmVpContextAArch64Cca));
    case VpContext::Kind::vbs_x64:
    case VpContext::Kind::vbs_aarch64:
      return vbs_context(context);
    case VpContext::Kind::snp_vmsa:
      break;
  }
  TRY(page_aligned("address of a VMSA", context.gpa));
  return one_page_of_context(context.data, kPageSize);
}

Result<void> Rules::vbs_context(const VpContext& context) {
  if (context.vp_index != 0)
    return fail("a VBS register list is for vCPU {}, and only vCPU 0 takes one", context.vp_index);
  ByteReader reader(context.data);
  const std::uint32_t count = TRY(reader.read<VbsVpContextHeader>("a VBS register list")).register_count;
  if (count == 0) return fail("a VBS register list sets no register: give at least one");
  if (context.data.size() != vbs_context_size(count))
    return fail("a list of {} VBS registers takes {} bytes, not {}", count, vbs_context_size(count),
                context.data.size());
  const std::uint8_t vtl = context.data[sizeof(VbsVpContextHeader)];
  TRY(known_vtl(vtl));
  for (std::uint32_t i = 0; i < count; ++i) {
    const VbsVpContextRegister entry = TRY(reader.read<VbsVpContextRegister>("a VBS register"));
    if (entry.vtl != vtl)
      return fail("register {} of a VBS register list is for VTL {}, the first for {}", i, entry.vtl, vtl);
    if (find_vbs_register(arch_, entry.register_name) == nullptr)
      return fail(
          "register {} of a VBS register list has the name {:#x}, which is not one that {} files may set", i,
          entry.register_name.value(), arch_name(arch_));
  }
  vbs_masks_[vtl] |= context.compatibility_mask;
  return {};
}

Result<void> Rules::directive(const IGVM_VHS_REQUIRED_MEMORY& memory) {
  TRY(page_aligned("address", memory.gpa));
  TRY(page_aligned("size", memory.number_of_bytes));
  if (memory.reserved != 0)
    return fail("the reserved field is {:#x} and must be zero", memory.reserved.value());
  return {};
}

Result<void> Rules::directive(const IGVM_VHS_SNP_ID_BLOCK&) {
  return {};
}

Result<void> Rules::directive(const IGVM_VHS_VBS_MEASUREMENT&) {
  return {};
}

Result<void> Rules::directive(const IGVM_VHS_ERROR_RANGE& range) {
  return page_aligned("address", range.gpa);
}

Result<void> Rules::finish() const {
  if (platform_types_.empty())
    return fail("the file names no platform: it needs at least one SUPPORTED_PLATFORM header");
  for (const VpIdentifier& wanted : wanted_vps_)
    if (wanted.vp_index != 0 || (vbs_masks_[wanted.vtl] & wanted.compatibility_mask) == 0)
      return fail(
          "a relocation header for compatibility mask {:#x} refers to vCPU {} in VTL {}, which has no VBS "
          "register list",
          wanted.compatibility_mask, wanted.vp_index, wanted.vtl);
  return {};
}

}  // namespace tintype::igvm
