// Writes IGVM files. The headers are emitted twice: into a counter, which says where file data begins, and
// then with the file offsets that follow from it.
#include <limits>

#include "formats/igvm_read_rules.h"

namespace tintype::igvm {

namespace {

constexpr std::uint64_t kLargestFile = std::numeric_limits<std::uint32_t>::max();

// File data that one directive refers to.
struct Piece {
  std::size_t directive = 0;
  Bytes bytes;
  std::uint64_t offset = 0;
};

// Where everything of a file goes.
struct Layout {
  std::uint64_t fixed_size = 0;
  std::uint64_t headers_size = 0;           // fixed and variable
  std::vector<Piece> pieces;                // in the order of the file
  std::vector<std::uint32_t> file_offsets;  // by directive; 0: no file data
  std::uint64_t trailer_offset = 0;
  std::uint64_t size = 0;
};

template <Wire T>
void put_header(ByteSink& sink, std::uint32_t type, const T& body) {
  sink.put(IGVM_VHS_VARIABLE_HEADER{.typ = type, .length = static_cast<std::uint32_t>(sizeof(T))});
  sink.put(body);
}

void put(ByteSink& sink, const Initialization& header) {
  std::visit(
      [&sink]<typename T>(const T& known) {
        if constexpr (std::is_same_v<T, IGVM_VHS_GUEST_POLICY>)
          put_header(sink, IGVM_VHT_GUEST_POLICY, known);
        else if constexpr (std::is_same_v<T, IGVM_VHS_CCA_POLICY>)
          put_header(sink, IGVM_VHT_CCA_POLICY, known);
        else if constexpr (std::is_same_v<T, IGVM_VHS_RELOCATABLE_REGION>)
          put_header(sink, IGVM_VHT_RELOCATABLE_REGION, known);
        else
          put_header(sink, IGVM_VHT_PAGE_TABLE_RELOCATION_REGION, known);
      },
      header);
}

void put(ByteSink& sink, const PageRun& run, std::uint32_t file_offset) {
  PageRecord record{
      .header = {.typ = IGVM_VHT_PAGE_DATA, .length = static_cast<std::uint32_t>(sizeof(IGVM_VHS_PAGE_DATA))},
      .page = {.compatibility_mask = run.compatibility_mask,
               .flags = run.flags,
               .data_type = run.data_type,
               .reserved = run.reserved}};
  std::uint64_t gpa = run.gpa;
  for (std::uint64_t page = 0; page < run.pages; ++page, gpa += run.step()) {
    record.page.gpa = gpa;
    record.page.file_offset = file_offset;
    sink.put(record);
    if (file_offset != 0) file_offset += std::uint32_t{kPageSize};
  }
}

void put(ByteSink& sink, const ParameterArea& area, std::uint32_t file_offset) {
  put_header(sink, IGVM_VHT_PARAMETER_AREA,
             IGVM_VHS_PARAMETER_AREA{.number_of_bytes = area.number_of_bytes,
                                     .parameter_area_index = area.parameter_area_index,
                                     .file_offset = file_offset});
}

void put(ByteSink& sink, const VpContext& context, std::uint32_t file_offset) {
  put_header(sink, IGVM_VHT_VP_CONTEXT,
             IGVM_VHS_VP_CONTEXT{.gpa = context.gpa,
                                 .compatibility_mask = context.compatibility_mask,
                                 .file_offset = file_offset,
                                 .vp_index = context.vp_index,
                                 .reserved = context.reserved});
  sink.put(le32(context.padding));
}

void put(ByteSink& sink, const Parameter& parameter, std::uint32_t) {
  put_header(sink, parameter.type, parameter.header);
}
void put(ByteSink& sink, const IGVM_VHS_PARAMETER_INSERT& insert, std::uint32_t) {
  put_header(sink, IGVM_VHT_PARAMETER_INSERT, insert);
}
void put(ByteSink& sink, const IGVM_VHS_REQUIRED_MEMORY& memory, std::uint32_t) {
  put_header(sink, IGVM_VHT_REQUIRED_MEMORY, memory);
}
void put(ByteSink& sink, const Boxed<IGVM_VHS_SNP_ID_BLOCK>& block, std::uint32_t) {
  put_header(sink, IGVM_VHT_SNP_ID_BLOCK, *block);
}
void put(ByteSink& sink, const Boxed<IGVM_VHS_VBS_MEASUREMENT>& measurement, std::uint32_t) {
  put_header(sink, IGVM_VHT_VBS_MEASUREMENT, *measurement);
}
void put(ByteSink& sink, const IGVM_VHS_ERROR_RANGE& range, std::uint32_t) {
  put_header(sink, IGVM_VHT_ERROR_RANGE, range);
}

void put_variable_headers(ByteSink& sink, const File& file, const std::vector<std::uint32_t>& file_offsets) {
  for (const IGVM_VHS_SUPPORTED_PLATFORM& platform : file.platforms)
    put_header(sink, IGVM_VHT_SUPPORTED_PLATFORM, platform);
  for (const Initialization& header : file.initializations) put(sink, header);
  for (std::size_t i = 0; i < file.directives.size(); ++i)
    std::visit([&](const auto& header) { put(sink, header, file_offsets[i]); }, file.directives[i]);
}

Bytes file_data(const Directive& directive) {
  if (const PageRun* run = std::get_if<PageRun>(&directive)) return run->data;
  if (const VpContext* context = std::get_if<VpContext>(&directive)) return context->data;
  if (const ParameterArea* area = std::get_if<ParameterArea>(&directive)) return area->initial;
  return {};
}

// Refuses what the reference would refuse to read back.
Result<void> check(const File& file) {
  if (file.format_version != IGVM_FORMAT_VERSION_1 && file.format_version != IGVM_FORMAT_VERSION_2)
    return fail("format version {} does not exist: 1 and 2 do", file.format_version);
  if (file.format_version == IGVM_FORMAT_VERSION_1 && file.arch != Arch::x86_64)
    return fail("format version 1 is for x86_64 only, and the file is for {}: write version 2",
                arch_name(file.arch));
  Rules rules(file.arch);
  for (std::size_t i = 0; i < file.platforms.size(); ++i)
    TRY(with_context(rules.add(file.platforms[i]), fmt::format("platform {}", i)));
  for (std::size_t i = 0; i < file.initializations.size(); ++i)
    TRY(with_context(rules.add(file.initializations[i]), fmt::format("initialization header {}", i)));
  std::uint64_t headers = 0;
  for (std::size_t i = 0; i < file.directives.size(); ++i) {
    const Directive& directive = file.directives[i];
    if (Result<void> added = rules.add(directive); !added)
      return with_context(std::move(added),
                          fmt::format("directive {}, {}", i, header_name(type_of(directive))));
    const PageRun* run = std::get_if<PageRun>(&directive);
    headers += run != nullptr ? std::min(run->pages, kLargestFile) : 1;
    // Told before the headers are counted one by one: no more than this many fit, and no loop is longer.
    if (headers > kLargestFile / sizeof(PageRecord))
      return fail(
          "the file has more than {} pages, for whose headers alone 4 GiB are needed, more than an IGVM "
          "file may have: leave pages of zeroes to the loader, or make the image smaller",
          kLargestFile / sizeof(PageRecord));
  }
  return rules.finish();
}

// Page data first, in the order of directives; then VP contexts; then what parameter areas begin with.
template <typename T>
void gather(const File& file, std::vector<Piece>& pieces) {
  for (std::size_t i = 0; i < file.directives.size(); ++i)
    if (std::holds_alternative<T>(file.directives[i]) && !file_data(file.directives[i]).empty())
      pieces.push_back({.directive = i, .bytes = file_data(file.directives[i])});
}

std::uint64_t aligned(std::uint64_t offset, std::uint64_t size) {
  // Sizes of spans, of which no sum reaches 2^64.
  const std::uint64_t alignment = size % kPageSize == 0 ? kPageSize : sizeof(std::uint64_t);
  return align_down(offset + alignment - 1, alignment);
}

// Gives the bytes of the pieces [from, to), for the message about too large a file.
std::uint64_t total(const std::vector<Piece>& pieces, std::size_t from, std::size_t to) {
  std::uint64_t sum = 0;
  for (std::size_t i = from; i < to; ++i) sum += pieces[i].bytes.size();
  return sum;
}

Result<Layout> lay_out(const File& file, Bytes trailer) {
  Layout layout{.fixed_size = file.format_version == IGVM_FORMAT_VERSION_1 ? sizeof(IGVM_FIXED_HEADER)
                                                                           : sizeof(IGVM_FIXED_HEADER_V2),
                .file_offsets = std::vector<std::uint32_t>(file.directives.size(), 0)};
  Counter counter;
  put_variable_headers(counter, file, layout.file_offsets);
  layout.headers_size = layout.fixed_size + counter.size();

  std::vector<Piece>& pieces = layout.pieces;
  gather<PageRun>(file, pieces);
  const std::size_t pages_end = pieces.size();
  gather<VpContext>(file, pieces);
  const std::size_t contexts_end = pieces.size();
  gather<ParameterArea>(file, pieces);

  const bool no_data = pieces.empty() && trailer.empty();
  std::uint64_t end = no_data ? layout.headers_size + 1 : aligned(layout.headers_size, kPageSize);
  for (Piece& piece : pieces) {
    piece.offset = aligned(end, piece.bytes.size());
    end = piece.offset + piece.bytes.size();
  }
  layout.trailer_offset = no_data ? end : aligned(end, sizeof(std::uint64_t));
  layout.size = trailer.empty() ? end : layout.trailer_offset + trailer.size();
  if (layout.size > kLargestFile)
    return fail(
        "the file would have {} bytes (headers {}, pages {}, VP contexts {}, parameter areas {}, other data "
        "{}), and an IGVM file has at most {}: make what is biggest smaller",
        layout.size, layout.headers_size, total(pieces, 0, pages_end), total(pieces, pages_end, contexts_end),
        total(pieces, contexts_end, pieces.size()), trailer.size(), kLargestFile);
  for (const Piece& piece : pieces)
    layout.file_offsets[piece.directive] = static_cast<std::uint32_t>(piece.offset);
  return layout;
}

// What an Output was given so far, with zeroes for the gaps.
class Stream {
 public:
  explicit Stream(const Output& output) : output_(output) {}

  Result<void> write(Bytes bytes) {
    at_ += bytes.size();
    return bytes.empty() ? Result<void>() : output_(bytes);
  }
  Result<void> fill_to(std::uint64_t offset) {
    static constexpr std::array<std::uint8_t, kPageSize> kZeroes{};
    while (at_ < offset)
      TRY(write(Bytes(kZeroes).first(std::min<std::uint64_t>(offset - at_, kZeroes.size()))));
    return {};
  }

 private:
  const Output& output_;
  std::uint64_t at_ = 0;
};

Result<void> write_headers(const File& file, const Layout& layout, Stream& stream) {
  Buffer variable;
  variable.bytes().reserve(static_cast<std::size_t>(layout.headers_size - layout.fixed_size));
  put_variable_headers(variable, file, layout.file_offsets);
  IGVM_FIXED_HEADER_V2 fixed{
      .v1 = {.magic = IGVM_MAGIC_VALUE,
             .format_version = file.format_version,
             .variable_header_offset = static_cast<std::uint32_t>(layout.fixed_size),
             .variable_header_size = static_cast<std::uint32_t>(variable.size()),
             .total_file_size = static_cast<std::uint32_t>(layout.size)},
      .architecture = file.arch == Arch::x86_64 ? IGVM_ARCHITECTURE_X64 : IGVM_ARCHITECTURE_AARCH64,
      .page_size = std::uint32_t{kPageSize}};
  const Bytes fixed_bytes = bytes_of(fixed).first(static_cast<std::size_t>(layout.fixed_size));
  const std::uint32_t checksum = crc32(crc32(0, fixed_bytes), variable.bytes());
  fixed.v1.checksum = checksum;
  TRY(stream.write(fixed_bytes));
  return stream.write(variable.bytes());
}

}  // namespace

Result<void> write(const File& file, Bytes trailer, const Output& output) {
  TRY(check(file));
  const Layout layout = TRY(lay_out(file, trailer));
  Stream stream(output);
  TRY(write_headers(file, layout, stream));
  for (const Piece& piece : layout.pieces) {
    TRY(stream.fill_to(piece.offset));
    TRY(stream.write(piece.bytes));
  }
  TRY(stream.fill_to(trailer.empty() ? layout.size : layout.trailer_offset));
  return stream.write(trailer);
}

Result<std::vector<std::uint8_t>> write(const File& file, Bytes trailer) {
  std::vector<std::uint8_t> bytes;
  TRY(write(file, trailer, [&bytes](Bytes piece) -> Result<void> {
    bytes.insert(bytes.end(), piece.begin(), piece.end());
    return {};
  }));
  return bytes;
}

}  // namespace tintype::igvm
