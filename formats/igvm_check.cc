// What a conformant IGVM file may hold but should not: see oddities() in igvm.h.
#include <algorithm>
#include <bit>
#include <set>
#include <tuple>

#include "formats/igvm_read_rules.h"
#include "formats/launch_kvm.h"

namespace tintype::igvm {

namespace {

constexpr std::size_t kMostFindings = 100;

// Sentences, of which a file that is odd throughout gets a hundred and a count of the others.
class Findings {
 public:
  template <typename... Args>
  void add(fmt::format_string<Args...> text, Args&&... args) {
    if (++count_ <= kMostFindings) sentences_.push_back(fmt::format(text, std::forward<Args>(args)...));
  }
  std::vector<std::string> take() {
    if (count_ > kMostFindings)
      sentences_.push_back(fmt::format("{} more oddities are not listed", count_ - kMostFindings));
    return std::move(sentences_);
  }

 private:
  std::vector<std::string> sentences_;
  std::size_t count_ = 0;
};

// Guest memory that a header claims for itself.
struct Claim {
  std::uint64_t start = 0;
  std::uint64_t end = 0;
  std::uint32_t compatibility_mask = 0;
  std::string_view what;
};

// The least that a loader deposits for a parameter: the value, or the header of the table or tree.
std::uint64_t smallest_size(std::uint32_t type) {
  constexpr std::uint64_t kAcpiHeader = 36;  // ACPI 6.5, 5.2.6
  constexpr std::uint64_t kFdtHeader = 40;   // Devicetree Specification 0.4, 5.2
  switch (type) {
    case IGVM_VHT_VP_COUNT_PARAMETER:
    case IGVM_VHT_ENVIRONMENT_INFO_PARAMETER:
      return sizeof(le32);
    case IGVM_VHT_MMIO_RANGES:
      return sizeof(IGVM_VHS_MMIO_RANGES);
    case IGVM_VHT_MEMORY_MAP:
      return sizeof(IGVM_VHS_MEMORY_MAP_ENTRY);
    case IGVM_VHT_SRAT:
    case IGVM_VHT_MADT:
    case IGVM_VHT_SLIT:
    case IGVM_VHT_PPTT:
      return kAcpiHeader;
    case IGVM_VHT_DEVICE_TREE:
      return kFdtHeader;
    default:
      return 1;
  }
}

class Inspector {
 public:
  Inspector(const File& file, std::uint32_t asked) : file_(file), asked_(asked) {
    for (const IGVM_VHS_SUPPORTED_PLATFORM& platform : file.platforms) {
      const std::uint32_t mask = platform.compatibility_mask;
      if ((known_masks_ & mask & asked_) != 0)
        found_.add("platform {} shares compatibility mask {:#x} with another platform",
                   platform_name(platform.platform_type), mask);
      known_masks_ |= mask;
    }
  }

  std::vector<std::string> run() {
    for (const Initialization& header : file_.initializations)
      std::visit([this](const auto& known) { look_at(known); }, header);
    for (const Directive& header : file_.directives)
      std::visit([this](const auto& known) { look_at(known); }, header);
    parameters();
    areas();
    boot_processors();
    overlaps();
    return found_.take();
  }

 private:
  struct Area {
    std::uint64_t size = 0;
    bool inserted = false;  // by a platform that was asked about
  };

  // Inspects a header unless it is for platforms that nobody asked about. Areas and their parameters are for
  // those that insert them.
  template <typename Header>
  void look_at(const Header& header) {
    if constexpr (requires { header.compatibility_mask; })
      if (asked_ != kEveryMask && (header.compatibility_mask & asked_) == 0) return;
    inspect(header);
  }
  template <Wire Header>
  void look_at(const Boxed<Header>& header) {
    look_at(*header);
  }
  bool is_asked(const Area& area) const { return asked_ == kEveryMask || area.inserted; }

  // Whether a mask names one or more platforms, and nothing else.
  void mask(std::string_view what, std::uint64_t where, std::uint32_t mask) {
    if (mask == 0)
      found_.add("{} at {:#x} has compatibility mask zero, which names no platform", what, where);
    else if ((mask & ~known_masks_ & asked_) != 0)
      found_.add("{} at {:#x} has compatibility mask {:#x}, of which {:#x} names no platform of this file",
                 what, where, mask, mask & ~known_masks_);
  }
  void mask(std::string_view what, std::uint32_t bits) {
    if (bits == 0)
      found_.add("{} has compatibility mask zero, which names no platform", what);
    else if ((bits & ~known_masks_ & asked_) != 0)
      found_.add("{} has compatibility mask {:#x}, of which {:#x} names no platform of this file", what, bits,
                 bits & ~known_masks_);
  }
  // The mask bits of the platforms of `types`.
  std::uint32_t masks_of(std::initializer_list<std::uint8_t> types) const {
    std::uint32_t bits = 0;
    for (const IGVM_VHS_SUPPORTED_PLATFORM& platform : file_.platforms)
      if (std::find(types.begin(), types.end(), platform.platform_type) != types.end())
        bits |= platform.compatibility_mask;
    return bits;
  }
  void only_for(std::string_view what, std::uint32_t bits, std::initializer_list<std::uint8_t> types) {
    const std::uint32_t others = bits & known_masks_ & asked_ & ~masks_of(types);
    if (others != 0)
      found_.add("{} is also for compatibility mask {:#x}, whose platform has no use for it", what, others);
  }
  void once(std::string_view what, std::uint32_t bits, std::uint32_t& seen) {
    if ((bits & seen) != 0) found_.add("compatibility mask {:#x} has more than one {}", bits & seen, what);
    seen |= bits;
  }

  void claim(std::string_view what, std::uint64_t gpa, std::uint64_t size, std::uint32_t bits) {
    const auto end = checked_add(gpa, size);
    if (!end || *end > kPhysicalEnd)
      found_.add("{} of {:#x} bytes at {:#x} ends past 2^52, the most that a processor can address", what,
                 size, gpa);
    if (size != 0) claims_.push_back({gpa, end.value_or(~std::uint64_t{0}), bits, what});
  }

  void inspect(const IGVM_VHS_GUEST_POLICY& header) {
    const std::uint32_t bits = header.compatibility_mask;
    mask("a guest policy", bits);
    only_for("a guest policy", bits,
             {IGVM_PLATFORM_SEV_SNP, IGVM_PLATFORM_TDX, IGVM_PLATFORM_SEV, IGVM_PLATFORM_SEV_ES});
    once("guest policy", bits, policies_);
    if ((bits & asked_ & masks_of({IGVM_PLATFORM_SEV_SNP})) != 0 &&
        (header.policy.value() & IGVM_SNP_POLICY_RESERVED_MUST_BE_ONE) == 0)
      found_.add("the SEV_SNP guest policy {:#x} has bit 17 clear, which must be set", header.policy.value());
  }
  void inspect(const IGVM_VHS_CCA_POLICY& header) {
    mask("a CCA policy", header.compatibility_mask);
    once("CCA policy", header.compatibility_mask, policies_);
    if (header.hash_algorithm > IGVM_CCA_HASH_SHA384)
      found_.add("a CCA policy names hash algorithm {}, and 0 to 2 exist", header.hash_algorithm);
    if (header.lfa_policy > IGVM_CCA_LFA_ALLOW)
      found_.add("a CCA policy names live activation policy {}, and 0 and 1 exist", header.lfa_policy);
  }
  void inspect(const IGVM_VHS_RELOCATABLE_REGION& header) {
    mask("a relocatable region", header.relocation_region_gpa, header.compatibility_mask);
    if ((header.flags & ~IGVM_VHF_RELOCATABLE_REGION_ALL) != 0)
      found_.add("the relocatable region at {:#x} has reserved flags set: {:#x}",
                 header.relocation_region_gpa.value(), header.flags);
    if (header.minimum_relocation_gpa.value() > header.maximum_relocation_gpa.value())
      found_.add("the relocatable region at {:#x} may go no lower than {:#x} and no higher than {:#x}",
                 header.relocation_region_gpa.value(), header.minimum_relocation_gpa.value(),
                 header.maximum_relocation_gpa.value());
  }
  void inspect(const IGVM_VHS_PAGE_TABLE_RELOCATION& header) {
    mask("a page table region", header.gpa, header.compatibility_mask);
  }

  void inspect(const PageRun& run) {
    mask("page data", run.gpa, run.compatibility_mask);
    if ((run.flags & ~IGVM_PAGE_DATA_FLAGS_ALL) != 0)
      found_.add("page data at {:#x} has reserved flags set: {:#x}", run.gpa, run.flags);
    if ((run.flags & IGVM_PAGE_DATA_IS_2MB_PAGE) != 0)
      found_.add("page data at {:#x} is flagged as a 2 MiB page, but page data has 4 KiB", run.gpa);
    claim("page data", run.gpa, checked_mul(run.pages, run.step()).value_or(~std::uint64_t{0}),
          run.compatibility_mask);
  }
  void inspect(const ParameterArea& area) {
    areas_[area.parameter_area_index] = {.size = area.number_of_bytes};
  }
  void inspect(const Parameter& parameter) { parameters_.push_back(parameter); }
  void inspect(const IGVM_VHS_PARAMETER_INSERT& insert) {
    mask("a parameter insert", insert.gpa, insert.compatibility_mask);
    const auto area = areas_.find(insert.parameter_area_index);
    if (area == areas_.end()) {
      found_.add("parameter area {} is inserted at {:#x} and never declared",
                 insert.parameter_area_index.value(), insert.gpa.value());
      return;
    }
    if (insert.compatibility_mask != 0) area->second.inserted = true;
    claim("a parameter area", insert.gpa, area->second.size, insert.compatibility_mask);
  }

  void inspect(const VpContext& context) {
    mask("a VP context", context.compatibility_mask);
    const bool list =
        context.kind == VpContext::Kind::vbs_x64 || context.kind == VpContext::Kind::vbs_aarch64;
    const std::uint8_t vtl = list && context.data.size() > sizeof(VbsVpContextHeader)
                                 ? context.data[sizeof(VbsVpContextHeader)]
                                 : std::uint8_t{0};
    if (!contexts_.emplace(context.compatibility_mask, context.vp_index, vtl).second)
      found_.add("vCPU {} has more than one VP context for compatibility mask {:#x}", context.vp_index,
                 context.compatibility_mask);
    if (context.reserved != 0)
      found_.add("the VP context of vCPU {} has a reserved field of {:#x}, which should be zero",
                 context.vp_index, context.reserved);
    if (context.padding != 0)
      found_.add("the VP context of vCPU {} is padded with {:#x}, which should be zero", context.vp_index,
                 context.padding);
    if (context.gpa != 0 && context.kind != VpContext::Kind::snp_vmsa)
      found_.add("the VP context of vCPU {} has address {:#x}, but its platform loads none into memory",
                 context.vp_index, context.gpa);
    if (context.kind == VpContext::Kind::native_x64) native(context);
    if (list) registers(context);
    // KVM, which makes VMSAs by itself, has all of them at one address outside of memory; SEV-ES has them
    // nowhere.
    if ((context.compatibility_mask & masks_of({IGVM_PLATFORM_SEV_SNP})) != 0 && context.gpa != kKvmVmsaGpa)
      claim("a VMSA", context.gpa, kPageSize, context.compatibility_mask);
  }
  void native(const VpContext& context) {
    const auto native = read_at<IgvmNativeVpContextX64>(context.data, 0, "a native VP context");
    if (!native) return;
    if (native->reserved != decltype(native->reserved){})
      found_.add("the native context of vCPU {} has a reserved field that is not zero", context.vp_index);
    constexpr std::uint16_t kLimitBits = 0x0F00;
    if (((native->code_attributes | native->data_attributes) & kLimitBits) != 0)
      found_.add(
          "the native context of vCPU {} has segment attributes {:#x} and {:#x}, of which bits 8 to 11 "
          "should be zero",
          context.vp_index, native->code_attributes.value(), native->data_attributes.value());
  }
  void registers(const VpContext& context) {
    ByteReader reader(context.data);
    if (!reader.read<VbsVpContextHeader>("a VBS register list")) return;
    std::set<std::uint32_t> names;
    while (const auto entry = reader.read<VbsVpContextRegister>("a VBS register")) {
      if (!names.insert(entry->register_name).second)
        found_.add("a VBS register list sets register {:#x} twice", entry->register_name.value());
      if (entry->mbz != decltype(entry->mbz){})
        found_.add("a VBS register list pads register {:#x} with bytes that are not zero",
                   entry->register_name.value());
      if (has_other_bits(*entry))
        found_.add("a VBS register list sets bits that register {:#x} does not have",
                   entry->register_name.value());
    }
  }
  // Of the 16 bytes of a value a register of 64 bits has the first eight, a segment all, and GDTR and IDTR
  // begin with six of padding (Hypervisor Top Level Functional Specification, 7.6). What more there is some
  // loaders drop and others measure.
  bool has_other_bits(const VbsVpContextRegister& entry) const {
    const VbsRegister* known = find_vbs_register(file_.arch, entry.register_name);
    if (known == nullptr || known->form == VbsRegister::Form::segment) return false;
    const Bytes value = entry.register_value;
    const Bytes others = known->form == VbsRegister::Form::table ? value.first(6) : value.subspan(8);
    return std::any_of(others.begin(), others.end(), [](std::uint8_t byte) { return byte != 0; });
  }

  void inspect(const IGVM_VHS_REQUIRED_MEMORY& memory) {
    mask("required memory", memory.gpa, memory.compatibility_mask);
    if (memory.number_of_bytes == 0) found_.add("required memory at {:#x} has no bytes", memory.gpa.value());
    if ((memory.flags & ~IGVM_REQUIRED_MEMORY_VTL2_PROTECTABLE) != 0)
      found_.add("required memory at {:#x} has reserved flags set: {:#x}", memory.gpa.value(),
                 memory.flags.value());
    const auto end = checked_add(memory.gpa, memory.number_of_bytes);
    if (!end || *end > kPhysicalEnd)
      found_.add(
          "required memory of {:#x} bytes at {:#x} ends past 2^52, the most that a processor can address",
          memory.number_of_bytes.value(), memory.gpa.value());
  }
  void inspect(const IGVM_VHS_SNP_ID_BLOCK& block) {
    mask("an SNP ID block", block.compatibility_mask);
    only_for("an SNP ID block", block.compatibility_mask, {IGVM_PLATFORM_SEV_SNP});
    once("SNP ID block", block.compatibility_mask, id_blocks_);
    if (block.author_key_enabled > 1)
      found_.add("an SNP ID block has author_key_enabled {}, and 0 and 1 exist", block.author_key_enabled);
    if (block.reserved != decltype(block.reserved){} || block.id_public_key.reserved != 0 ||
        block.author_public_key.reserved != 0)
      found_.add("an SNP ID block has reserved fields that are not zero");
  }
  void inspect(const IGVM_VHS_VBS_MEASUREMENT& measurement) {
    mask("a VBS measurement", measurement.compatibility_mask);
    only_for("a VBS measurement", measurement.compatibility_mask, {IGVM_PLATFORM_VSM_ISOLATION});
    once("VBS measurement", measurement.compatibility_mask, measurements_);
  }
  void inspect(const IGVM_VHS_ERROR_RANGE& range) {
    mask("an error range", range.gpa, range.compatibility_mask);
    if (range.size_bytes == 0 || !is_aligned(range.size_bytes, kPageSize))
      found_.add("the error range at {:#x} has {:#x} bytes, which is not a whole number of pages",
                 range.gpa.value(), range.size_bytes.value());
    claim("an error range", range.gpa, range.size_bytes, range.compatibility_mask);
  }

  // Parameters outside their areas, and two in one place.
  void parameters() {
    std::stable_sort(parameters_.begin(), parameters_.end(), [](const Parameter& a, const Parameter& b) {
      return std::tuple(a.header.parameter_area_index.value(), a.header.byte_offset.value()) <
             std::tuple(b.header.parameter_area_index.value(), b.header.byte_offset.value());
    });
    const Parameter* before = nullptr;
    for (const Parameter& parameter : parameters_) {
      const std::uint32_t index = parameter.header.parameter_area_index;
      const std::uint64_t offset = parameter.header.byte_offset;
      const auto found = areas_.find(index);
      const Area area = found == areas_.end() ? Area() : found->second;
      if (!is_asked(area)) continue;
      if (offset + smallest_size(parameter.type) > area.size)
        found_.add(
            "parameter {} takes {} bytes or more at offset {:#x} of parameter area {}, outside its {:#x} "
            "bytes",
            header_name(parameter.type), smallest_size(parameter.type), offset, index, area.size);
      if (before != nullptr && before->header.parameter_area_index == index &&
          before->header.byte_offset + smallest_size(before->type) > offset)
        found_.add("parameters {} and {} overlap at offset {:#x} of parameter area {}",
                   header_name(before->type), header_name(parameter.type), offset, index);
      before = &parameter;
    }
  }

  void areas() {
    for (const auto& [index, area] : areas_) {
      if (!is_asked(area)) continue;
      if (area.size == 0) found_.add("parameter area {} has no bytes", index);
      if (area.size > 4 * kGiB)
        found_.add("parameter area {} has {:#x} bytes, and parameters reach its first 4 GiB only", index,
                   area.size);
      if (!area.inserted) found_.add("parameter area {} is never inserted into the guest", index);
    }
  }

  // A platform whose contexts leave out vCPU 0, which is the one that starts.
  void boot_processors() {
    for (auto entry = contexts_.begin(); entry != contexts_.end();) {
      const std::uint32_t bits = std::get<0>(*entry);
      if (std::get<1>(*entry) != 0)
        found_.add(
            "compatibility mask {:#x} has a VP context for vCPU {} and none for vCPU 0, which starts first",
            bits, std::get<1>(*entry));
      entry = std::find_if(entry, contexts_.end(),
                           [bits](const auto& other) { return std::get<0>(other) != bits; });
    }
  }

  // Two claims to one page on one platform. Sorted by start, a claim overlaps an earlier one if and only if
  // it starts before the furthest end so far.
  void overlaps() {
    std::stable_sort(claims_.begin(), claims_.end(),
                     [](const Claim& a, const Claim& b) { return a.start < b.start; });
    std::array<const Claim*, 32> furthest{};
    for (const Claim& claim : claims_) {
      const Claim* other = nullptr;
      for (std::uint32_t left = claim.compatibility_mask; left != 0; left &= left - 1) {
        const Claim*& reach = furthest[static_cast<std::size_t>(std::countr_zero(left))];
        if (reach != nullptr && claim.start < reach->end) other = reach;
        if (reach == nullptr || claim.end > reach->end) reach = &claim;
      }
      if (other != nullptr)
        found_.add("{} {:#x}-{:#x} overlaps {} {:#x}-{:#x} on a platform they share", claim.what, claim.start,
                   claim.end - 1, other->what, other->start, other->end - 1);
    }
  }

  const File& file_;
  const std::uint32_t asked_;
  Findings found_;
  std::uint32_t known_masks_ = 0;
  std::uint32_t policies_ = 0;
  std::uint32_t id_blocks_ = 0;
  std::uint32_t measurements_ = 0;
  std::map<std::uint32_t, Area> areas_;
  std::vector<Parameter> parameters_;
  std::set<std::tuple<std::uint32_t, std::uint16_t, std::uint8_t>> contexts_;  // mask, vCPU, VTL
  std::vector<Claim> claims_;
};

}  // namespace

std::vector<std::string> oddities(const File& file, std::uint32_t mask) {
  return Inspector(file, mask).run();
}

}  // namespace tintype::igvm
