// Reads IGVM files: one pass over the headers, which never looks at page data.
#include <cstring>

#include "formats/igvm_read_rules.h"

namespace tintype::igvm {

std::uint64_t PageRun::step() const {
  return (flags & IGVM_PAGE_DATA_IS_2MB_PAGE) != 0 ? 2 * kMiB : kPageSize;
}

namespace {

enum class Section { platform, initialization, directive };

// What the fixed header says, checked against the file.
struct Fixed {
  std::uint32_t format_version = IGVM_FORMAT_VERSION_1;
  Arch arch = Arch::x86_64;
  FileLayout layout;
  std::uint64_t data_start = 0;  // where the variable headers end and file data begins
};

Result<void> read_v2(Bytes bytes, Fixed& fixed) {
  const IGVM_FIXED_HEADER_V2 v2 =
      TRY(read_at<IGVM_FIXED_HEADER_V2>(bytes, 0, "the fixed header of version 2"));
  if (v2.architecture != IGVM_ARCHITECTURE_X64 && v2.architecture != IGVM_ARCHITECTURE_AARCH64)
    return fail_at(24, "architecture {} is not known: 0 (x64) and 1 (AArch64) are", v2.architecture.value());
  fixed.arch = v2.architecture == IGVM_ARCHITECTURE_X64 ? Arch::x86_64 : Arch::aarch64;
  if (v2.page_size != kPageSize)
    return fail_at(28, "the page size is {}, and only 4096 is possible", v2.page_size.value());
  return {};
}

// The reference wants neither that the variable headers begin after the fixed one nor that they are aligned.
Result<void> check_layout(const FileLayout& layout, std::uint64_t file_size) {
  if (layout.total_file_size != file_size)
    return fail_at(16, "the header says that the file has {} bytes, but it has {}: it was cut or appended to",
                   layout.total_file_size, file_size);
  const std::uint64_t end = std::uint64_t{layout.variable_header_offset} + layout.variable_header_size;
  if (end >= file_size)
    return fail_at(8,
                   "the variable headers take {} bytes from offset {:#x}, and file data must follow, but the "
                   "file ends at {:#x}",
                   layout.variable_header_size, layout.variable_header_offset, file_size);
  return {};
}

Result<void> check_checksum(Bytes bytes, const Fixed& fixed, std::size_t fixed_size) {
  std::array<std::uint8_t, sizeof(IGVM_FIXED_HEADER_V2)> header{};
  std::memcpy(header.data(), bytes.data(), fixed_size);
  std::memset(header.data() + offsetof(IGVM_FIXED_HEADER, checksum), 0, sizeof(IGVM_FIXED_HEADER::checksum));
  std::uint32_t crc = crc32(0, Bytes(header).first(fixed_size));
  crc = crc32(crc, bytes.subspan(fixed.layout.variable_header_offset, fixed.layout.variable_header_size));
  if (crc != fixed.layout.checksum)
    return fail_at(
        20, "the headers' checksum is {:#010x}, but the fixed header says {:#010x}: the file is damaged", crc,
        fixed.layout.checksum);
  return {};
}

Result<IGVM_FIXED_HEADER> read_start(Bytes bytes) {
  const IGVM_FIXED_HEADER header =
      TRY(read_at<IGVM_FIXED_HEADER>(bytes, 0, "the fixed header of an IGVM file"));
  if (header.magic != IGVM_MAGIC_VALUE)
    return fail_at(0, "this is not an IGVM file: it begins with {:#010x} instead of 'IGVM'",
                   header.magic.value());
  return header;
}

Result<Fixed> read_fixed(Bytes bytes) {
  const IGVM_FIXED_HEADER header = TRY(read_start(bytes));
  Fixed fixed{.format_version = header.format_version,
              .layout = {.variable_header_offset = header.variable_header_offset,
                         .variable_header_size = header.variable_header_size,
                         .total_file_size = header.total_file_size,
                         .checksum = header.checksum}};
  const bool is_v2 = fixed.format_version == IGVM_FORMAT_VERSION_2;
  if (!is_v2 && fixed.format_version != IGVM_FORMAT_VERSION_1)
    return fail_at(4, "format version {} is not known: 1 and 2 are", fixed.format_version);
  if (is_v2) TRY(read_v2(bytes, fixed));
  TRY(check_layout(fixed.layout, bytes.size()));
  TRY(check_checksum(bytes, fixed, is_v2 ? sizeof(IGVM_FIXED_HEADER_V2) : sizeof(IGVM_FIXED_HEADER)));
  fixed.data_start = std::uint64_t{fixed.layout.variable_header_offset} + fixed.layout.variable_header_size;
  return fixed;
}

class Walker {
 public:
  Walker(Bytes bytes, const Fixed& fixed)
      : bytes_(bytes),
        headers_(bytes.first(static_cast<std::size_t>(fixed.data_start))),
        offset_(fixed.layout.variable_header_offset),
        rules_(fixed.arch) {
    file_.format_version = fixed.format_version;
    file_.arch = fixed.arch;
  }

  Result<File> run() {
    while (offset_ < headers_.size())
      if (Result<void> read = next(); !read) return at_header(std::move(read).error());
    type_ = 0;
    if (Result<void> complete = rules_.finish(); !complete) return at_header(std::move(complete).error());
    return std::move(file_);
  }

 private:
  // Every error names the header it is about and where that is.
  tl::unexpected<Error> at_header(Error error) const {
    error.offset = offset_;
    if (header_name(type_) != "unknown") error.context = fmt::format("{} header", header_name(type_));
    return tl::unexpected<Error>(std::move(error));
  }

  Result<void> next() {
    type_ = 0;
    TRY(pages());
    if (offset_ == headers_.size()) return {};
    const auto header = TRY(read_at<IGVM_VHS_VARIABLE_HEADER>(headers_, offset_, "a variable header"));
    type_ = header.typ;
    TRY(enter_section(type_));
    switch (section_) {
      case Section::platform:
        return platform(type_, header.length);
      case Section::initialization:
        return initialization(type_, header.length);
      case Section::directive:
        return directive(type_, header.length);
    }
    return {};
  }

  // Takes page data headers as long as they come: they are nearly all of a file.
  Result<void> pages() {
    PageRecord record;
    while (headers_.size() - offset_ >= sizeof(record)) {
      std::memcpy(&record, headers_.data() + offset_, sizeof(record));
      if (record.header.typ != IGVM_VHT_PAGE_DATA || record.header.length != sizeof(record.page)) return {};
      section_ = Section::directive;
      type_ = IGVM_VHT_PAGE_DATA;
      Result<void> added = page(record.page);
      if (!added) return added;
      offset_ += sizeof(record);
      pages_like(record);
    }
    return {};
  }

  // Takes the headers that repeat `record`, which was the last one, with both addresses a page further on.
  void pages_like(const PageRecord& record) {
    PageRun& run = std::get<PageRun>(file_.directives.back());
    const std::uint64_t stored = record.page.file_offset == 0u ? 0 : kPageSize;
    std::uint64_t gpa = record.page.gpa;
    std::uint64_t from = record.page.file_offset;
    for (; headers_.size() - offset_ >= sizeof(record); offset_ += sizeof(record)) {
      from += stored;
      if (__builtin_add_overflow(gpa, run.step(), &gpa) || from > bytes_.size() ||
          bytes_.size() - from < stored)
        break;
      // Field by field: a comparison of the whole with what was just stored would wait for the stores.
      PageRecord next;
      std::memcpy(&next, headers_.data() + offset_, sizeof(next));
      const IGVM_VHS_PAGE_DATA& page = next.page;
      if (page.gpa.value() != gpa || page.file_offset.value() != from ||
          next.header.typ.value() != record.header.typ.value() ||
          next.header.length.value() != record.header.length.value() ||
          page.compatibility_mask.value() != record.page.compatibility_mask.value() ||
          page.flags.value() != record.page.flags.value() ||
          page.data_type.value() != record.page.data_type.value() || page.reserved.value() != 0)
        break;
      ++run.pages;
    }
    if (stored != 0) run.data = bytes_.subspan(run.file_offset, run.pages * kPageSize);
  }

  Result<void> page(const IGVM_VHS_PAGE_DATA& header) {
    const std::uint64_t gpa = header.gpa;
    const std::uint16_t type = header.data_type;
    const std::uint16_t reserved = header.reserved;
    if (!is_aligned(gpa, kPageSize) || type > IGVM_PAGE_DATA_TYPE_CPUID_XF || reserved != 0)
      return check_page(gpa, type, reserved);
    const std::uint64_t from = header.file_offset;
    if (from != 0 && (from < data_start() || from > bytes_.size() || bytes_.size() - from < kPageSize))
      return file_data(header.file_offset, kPageSize).map([](Bytes) {});
    if (extend(header, gpa, from)) return {};
    file_.directives.emplace_back(PageRun{.gpa = gpa,
                                          .compatibility_mask = header.compatibility_mask,
                                          .flags = header.flags,
                                          .data_type = type,
                                          .reserved = reserved,
                                          .data = from == 0 ? Bytes() : bytes_.subspan(from, kPageSize),
                                          .file_offset = header.file_offset});
    return {};
  }

  // Whether the page continued the last run.
  bool extend(const IGVM_VHS_PAGE_DATA& header, std::uint64_t gpa, std::uint64_t from) {
    if (file_.directives.empty()) return false;
    PageRun* run = std::get_if<PageRun>(&file_.directives.back());
    if (run == nullptr) return false;
    const std::uint64_t size = run->data.size();
    const bool data_continues = from == 0 ? size == 0 : size != 0 && from == run->file_offset + size;
    // A header's place is below 2^32 and so is the number of pages: the product cannot overflow, the sum can.
    if (!data_continues || checked_add(run->gpa, run->pages * run->step()) != gpa ||
        run->compatibility_mask != header.compatibility_mask.value() || run->flags != header.flags.value() ||
        run->data_type != header.data_type.value())
      return false;
    ++run->pages;
    if (from != 0) run->data = bytes_.subspan(run->file_offset, size + kPageSize);
    return true;
  }

  // The order of sections: a header may not belong to one before that of its predecessor.
  Result<void> enter_section(std::uint32_t type) {
    if ((type & IGVM_VHT_OPTIONAL) != 0)
      return fail("header type {:#x} is marked as optional, and the reference takes no optional headers",
                  type);
    Section section = Section::directive;
    if (type >= IGVM_VHT_RANGE_PLATFORM_FIRST && type <= IGVM_VHT_RANGE_PLATFORM_LAST)
      section = Section::platform;
    else if (type >= IGVM_VHT_RANGE_INIT_FIRST && type <= IGVM_VHT_RANGE_INIT_LAST)
      section = Section::initialization;
    else if (type < IGVM_VHT_RANGE_DIRECTIVE_FIRST || type > IGVM_VHT_RANGE_DIRECTIVE_LAST)
      return fail("header type {:#x} is in no section of the format", type);
    if (section < section_)
      return fail(
          "a header of this type comes too late: platforms come first, then initialization, then directives");
    section_ = section;
    return {};
  }

  std::uint64_t data_start() const { return headers_.size(); }

  // The structure of the header at the current place, if its length is that of a `T`.
  template <Wire T>
  Result<T> structure(std::uint32_t type, std::uint32_t length) {
    if (length != sizeof(T))
      return fail("length {} is wrong for a header of type {:#x} ({}), which has {} bytes", length, type,
                  header_name(type), sizeof(T));
    return read_at<T>(headers_, offset_ + sizeof(IGVM_VHS_VARIABLE_HEADER), header_name(type));
  }
  void advance(std::uint64_t size) { offset_ += sizeof(IGVM_VHS_VARIABLE_HEADER) + size; }

  // `size` bytes at `file_offset`, which may not be among the headers.
  Result<Bytes> file_data(std::uint32_t file_offset, std::uint64_t size) const {
    if (file_offset < data_start())
      return fail("the file offset {:#x} is inside the headers, which end at {:#x}", file_offset,
                  data_start());
    return slice(bytes_, file_offset, size, "file data");
  }

  Result<void> platform(std::uint32_t type, std::uint32_t length) {
    if (type != IGVM_VHT_SUPPORTED_PLATFORM) return fail("header type {:#x} is not known", type);
    const auto header = TRY(structure<IGVM_VHS_SUPPORTED_PLATFORM>(type, length));
    TRY(rules_.add(header));
    file_.platforms.push_back(header);
    advance(sizeof(header));
    return {};
  }

  template <Wire T>
  Result<void> plain_initialization(std::uint32_t type, std::uint32_t length) {
    file_.initializations.emplace_back(TRY(structure<T>(type, length)));
    TRY(rules_.add(file_.initializations.back()));
    advance(sizeof(T));
    return {};
  }

  Result<void> initialization(std::uint32_t type, std::uint32_t length) {
    switch (type) {
      case IGVM_VHT_GUEST_POLICY:
        return plain_initialization<IGVM_VHS_GUEST_POLICY>(type, length);
      case IGVM_VHT_CCA_POLICY:
        return plain_initialization<IGVM_VHS_CCA_POLICY>(type, length);
      case IGVM_VHT_RELOCATABLE_REGION:
        return plain_initialization<IGVM_VHS_RELOCATABLE_REGION>(type, length);
      case IGVM_VHT_PAGE_TABLE_RELOCATION_REGION:
        return plain_initialization<IGVM_VHS_PAGE_TABLE_RELOCATION>(type, length);
      default:
        return fail("header type {:#x} is not known", type);
    }
  }

  Result<void> add(Directive header, std::uint64_t size) {
    TRY(rules_.add(header));
    file_.directives.push_back(std::move(header));
    advance(size);
    return {};
  }

  template <Wire T>
  Result<void> plain_directive(std::uint32_t type, std::uint32_t length) {
    return add(TRY(structure<T>(type, length)), sizeof(T));
  }

  Result<void> directive(std::uint32_t type, std::uint32_t length) {
    if (is_parameter(type)) {
      const auto header = TRY(structure<IGVM_VHS_PARAMETER>(type, length));
      return add(Parameter{.type = type, .header = header}, sizeof(header));
    }
    switch (type) {
      case IGVM_VHT_PARAMETER_AREA:
        return parameter_area(length);
      case IGVM_VHT_PAGE_DATA:  // only one that pages() could not take: cut short, or of a wrong length
        return structure<IGVM_VHS_PAGE_DATA>(type, length).map([](const auto&) {});
      case IGVM_VHT_PARAMETER_INSERT:
        return plain_directive<IGVM_VHS_PARAMETER_INSERT>(type, length);
      case IGVM_VHT_VP_CONTEXT:
        return vp_context(length);
      case IGVM_VHT_REQUIRED_MEMORY:
        return plain_directive<IGVM_VHS_REQUIRED_MEMORY>(type, length);
      case IGVM_VHT_SNP_ID_BLOCK:
        return plain_directive<IGVM_VHS_SNP_ID_BLOCK>(type, length);
      case IGVM_VHT_VBS_MEASUREMENT:
        return plain_directive<IGVM_VHS_VBS_MEASUREMENT>(type, length);
      case IGVM_VHT_ERROR_RANGE:
        return plain_directive<IGVM_VHS_ERROR_RANGE>(type, length);
      default:
        return fail("header type {:#x} is not known", type);
    }
  }

  Result<void> parameter_area(std::uint32_t length) {
    const auto header = TRY(structure<IGVM_VHS_PARAMETER_AREA>(IGVM_VHT_PARAMETER_AREA, length));
    ParameterArea area{.number_of_bytes = header.number_of_bytes,
                       .parameter_area_index = header.parameter_area_index};
    if (header.file_offset != 0) area.initial = TRY(file_data(header.file_offset, header.number_of_bytes));
    return add(area, sizeof(header));
  }

  Result<void> vp_context(std::uint32_t length) {
    const auto header = TRY(structure<IGVM_VHS_VP_CONTEXT>(IGVM_VHT_VP_CONTEXT, length));
    const auto padding =
        TRY(read_at<le32>(headers_, offset_ + sizeof(IGVM_VHS_VARIABLE_HEADER) + sizeof(header),
                          "the padding after the header"));
    const VpContext::Kind kind = TRY(rules_.context_kind(header.compatibility_mask));
    std::uint64_t size = kPageSize;
    if (kind == VpContext::Kind::vbs_x64 || kind == VpContext::Kind::vbs_aarch64) {
      TRY(file_data(header.file_offset, sizeof(VbsVpContextHeader)));
      size = vbs_context_size(
          TRY(read_at<VbsVpContextHeader>(bytes_, header.file_offset, "a VBS register list")).register_count);
    }
    return add(VpContext{.kind = kind,
                         .gpa = header.gpa,
                         .compatibility_mask = header.compatibility_mask,
                         .vp_index = header.vp_index,
                         .reserved = header.reserved,
                         .data = TRY(file_data(header.file_offset, size)),
                         .file_offset = header.file_offset,
                         .padding = padding},
               sizeof(header) + sizeof(padding));
  }

  Bytes bytes_;
  Bytes headers_;  // from the file's first byte to the end of the variable headers
  std::uint64_t offset_;
  Rules rules_;
  File file_;
  Section section_ = Section::platform;
  std::uint32_t type_ = 0;  // of the header at offset_, once known
};

}  // namespace

Result<std::uint64_t> stated_size(Bytes start) {
  const IGVM_FIXED_HEADER header = TRY(read_start(start));
  if (header.total_file_size < sizeof(header))
    return fail_at(
        16, "the header says that the file has {} bytes, fewer than the header's own {}: it is damaged",
        header.total_file_size.value(), sizeof(header));
  return header.total_file_size.value();
}

Result<File> read(Bytes bytes, FileLayout* layout) {
  const Fixed fixed = TRY(read_fixed(bytes));
  if (layout != nullptr) *layout = fixed.layout;
  return Walker(bytes, fixed).run();
}

}  // namespace tintype::igvm
