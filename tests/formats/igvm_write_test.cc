#include <map>

#include "tests/formats/igvm_files.h"

using namespace igvm_files;

namespace {

igvm::File native(std::vector<igvm::Directive> directives) {
  igvm::File file;
  file.platforms.push_back({.compatibility_mask = 1u, .platform_version = std::uint16_t{1}});
  file.directives = std::move(directives);
  return file;
}

igvm::PageRun pages(std::uint64_t gpa, std::uint64_t count, Bytes data = {}) {
  return {.gpa = gpa, .pages = count, .compatibility_mask = 1, .data = data};
}

// The headers of a file with what depends on the placement of file data taken out: offsets, file size,
// checksum.
Octets headers_without_placement(const Octets& file) {
  IGVM_FIXED_HEADER fixed;
  std::memcpy(&fixed, file.data(), sizeof(fixed));
  const std::size_t start = fixed.variable_header_offset;
  Octets headers(file.begin(),
                 file.begin() + static_cast<std::ptrdiff_t>(start + fixed.variable_header_size));
  std::memset(headers.data() + 16, 0, 8);
  for (std::size_t at = start; at < headers.size();) {
    IGVM_VHS_VARIABLE_HEADER header;
    std::memcpy(&header, headers.data() + at, sizeof(header));
    const std::map<std::uint32_t, std::size_t> offsets = {
        {IGVM_VHT_PAGE_DATA, 12}, {IGVM_VHT_PARAMETER_AREA, 12}, {IGVM_VHT_VP_CONTEXT, 12}};
    if (const auto offset = offsets.find(header.typ); offset != offsets.end()) {
      le32 value;
      std::memcpy(&value, headers.data() + at + 8 + offset->second, sizeof(value));
      // Whether there is data belongs to the header; where it is does not.
      const le32 marker = value == 0u ? 0u : 1u;
      std::memcpy(headers.data() + at + 8 + offset->second, &marker, sizeof(marker));
    }
    at += 8 + (header.length + 7) / 8 * 8;
  }
  return headers;
}

std::string refused(const igvm::File& file, Bytes trailer = {}) {
  bool touched = false;
  const Result<void> written = igvm::write(file, trailer, [&touched](Bytes) -> Result<void> {
    touched = true;
    return {};
  });
  CHECK_FALSE(touched);
  return written ? std::string() : written.error().message();
}

#define CHECK_WRITE_REFUSED(file, text)                                        \
  do {                                                                         \
    const std::string refusal_text = refused(file);                            \
    CHECK_MESSAGE(refusal_text.find(text) != std::string::npos, refusal_text); \
  } while (false)

}  // namespace

TEST_CASE("what was read is written as it was, but for the place of its data") {
  for (const auto& path : accepted_vectors()) {
    CAPTURE(path.string());
    const Octets original = load(path);
    const Result<igvm::File> file = igvm::read(original);
    REQUIRE_OK(file);
    const auto written = igvm::write(*file);
    REQUIRE_OK(written);
    CHECK(headers_without_placement(original) == headers_without_placement(*written));
    igvm::FileLayout layout;
    const Result<igvm::File> again = igvm::read(*written, &layout);
    REQUIRE_OK(again);
    CHECK_MESSAGE(igvm::same(*file, *again).has_value(), igvm::same(*file, *again).error().message());
    Octets summed = *written;
    fix_checksum(summed);  // by other means than the writer's
    CHECK(summed == *written);
    CHECK(igvm::write(*file).value() == *written);
    CHECK(igvm::write(*again).value() == *written);
  }
}

TEST_CASE("a file that the reference wrote without data is reproduced to the byte") {
  Octets original = load(folder() / "accept" / "no-directives-1byte.igvm");
  CHECK(original.back() == 'x');  // file data that no header refers to, which no reader hands on
  original.back() = 0;
  CHECK(igvm::write(igvm::read(original).value()).value() == original);
}

TEST_CASE("page data is aligned, in order, and before everything else") {
  const Octets first(2 * 4096, 1);
  const Octets second(4096, 2);
  const Octets area(4096, 3);
  const Octets context = igvm::native_context({.rip = 0x100000});
  const Octets trailer = {'e', 'n', 'd'};
  igvm::File file =
      native({igvm::ParameterArea{.number_of_bytes = 4096, .parameter_area_index = 0, .initial = area},
              pages(0x5000, 2, first), igvm::VpContext{.compatibility_mask = 1, .data = context},
              pages(0x9000, 3), pages(0x1000, 1, second)});
  const auto written = igvm::write(file, trailer);
  REQUIRE_OK(written);
  CHECK(written->size() == 0x6003);
  CHECK(std::equal(trailer.begin(), trailer.end(), written->end() - 3));
  const Result<igvm::File> again = igvm::read(*written);
  REQUIRE_OK(again);
  REQUIRE_OK(igvm::same(file, *again));
  REQUIRE(again->directives.size() == 5);
  CHECK(std::get<igvm::PageRun>(again->directives[1]).file_offset == 0x1000);
  CHECK(std::get<igvm::PageRun>(again->directives[4]).file_offset == 0x3000);
  CHECK(std::get<igvm::PageRun>(again->directives[3]).file_offset == 0);
  CHECK(std::get<igvm::VpContext>(again->directives[2]).file_offset == 0x4000);
  CHECK(std::get<igvm::ParameterArea>(again->directives[0]).initial.data() == written->data() + 0x5000);
}

TEST_CASE("the trailer begins at a multiple of eight and ends the file") {
  const Octets list = vbs_list({{.register_name = kVbsRip}});  // 36 bytes
  igvm::File file = native(
      {igvm::VpContext{.kind = igvm::VpContext::Kind::vbs_x64, .compatibility_mask = 1, .data = list}});
  file.platforms[0].platform_type = IGVM_PLATFORM_VSM_ISOLATION;
  const Octets trailer = {1, 2, 3};
  CHECK(igvm::write(file, trailer).value().size() == 0x1000 + 40 + 3);
  CHECK(igvm::write(file).value().size() == 0x1000 + 36);
  CHECK(igvm::write(native({}), trailer).value().size() == 0x1000 + 3);
}

TEST_CASE("version 2 and its architecture") {
  igvm::File file;
  file.arch = Arch::aarch64;
  CHECK_WRITE_REFUSED(file, "write version 2");
  file.format_version = 2;
  CHECK_WRITE_REFUSED(file, "names no platform");
  file.platforms.push_back({.compatibility_mask = 1u,
                            .platform_type = IGVM_PLATFORM_VSM_ISOLATION,
                            .platform_version = std::uint16_t{1}});
  const auto written = igvm::write(file);
  REQUIRE_OK(written);
  CHECK(written->size() == 32 + 24 + 1);
  CHECK(igvm::read(*written).value().arch == Arch::aarch64);
  file.format_version = 3;
  CHECK_WRITE_REFUSED(file, "version 3");
}

TEST_CASE("every kind of header survives") {
  igvm::File file = native({});
  file.platforms[0].platform_type = IGVM_PLATFORM_SEV_SNP;
  file.platforms.push_back({.compatibility_mask = 2u,
                            .platform_type = IGVM_PLATFORM_VSM_ISOLATION,
                            .platform_version = std::uint16_t{1}});
  file.initializations.emplace_back(IGVM_VHS_GUEST_POLICY{.policy = 0x30000u, .compatibility_mask = 1u});
  file.initializations.emplace_back(IGVM_VHS_RELOCATABLE_REGION{
      .compatibility_mask = 2u, .relocation_alignment = 4096u, .relocation_region_size = 4096u});
  file.initializations.emplace_back(
      IGVM_VHS_PAGE_TABLE_RELOCATION{.compatibility_mask = 2u, .gpa = 0x10000u, .size = 4096u});
  IGVM_VHS_SNP_ID_BLOCK block{.compatibility_mask = 1u};
  block.author_public_key.qy.fill(7);
  IGVM_VHS_VBS_MEASUREMENT measurement{.compatibility_mask = 2u};
  measurement.public_key.fill(8);
  const Octets list = vbs_list({{.register_name = kVbsRip}});
  const Octets vmsa(4096, 9);
  file.directives = {
      IGVM_VHS_REQUIRED_MEMORY{.gpa = 0u, .compatibility_mask = 3u, .number_of_bytes = 4096u},
      igvm::PageRun{.gpa = 0x1000, .compatibility_mask = 3, .flags = 2, .data_type = 1},
      igvm::ParameterArea{.number_of_bytes = 8192, .parameter_area_index = 5},
      igvm::Parameter{.type = IGVM_VHT_COMMAND_LINE,
                      .header = {.parameter_area_index = 5u, .byte_offset = 9u}},
      IGVM_VHS_PARAMETER_INSERT{.gpa = 0x8000u, .compatibility_mask = 3u, .parameter_area_index = 5u},
      igvm::VpContext{.kind = igvm::VpContext::Kind::snp_vmsa,
                      .gpa = 0xFFFFFFFFF000,
                      .compatibility_mask = 1,
                      .vp_index = 3,
                      .reserved = 4,
                      .data = vmsa,
                      .padding = 5},
      igvm::VpContext{.kind = igvm::VpContext::Kind::vbs_x64, .compatibility_mask = 2, .data = list},
      igvm::Boxed<IGVM_VHS_SNP_ID_BLOCK>(block),
      igvm::Boxed<IGVM_VHS_VBS_MEASUREMENT>(measurement),
      IGVM_VHS_ERROR_RANGE{.gpa = 0x20000u, .compatibility_mask = 3u, .size_bytes = 4096u}};
  const auto written = igvm::write(file);
  REQUIRE_OK(written);
  const Result<igvm::File> again = igvm::read(*written);
  REQUIRE_OK(again);
  REQUIRE_OK(igvm::same(file, *again));
  CHECK(again->directives.size() == file.directives.size());
  CHECK((*std::get<igvm::Boxed<IGVM_VHS_SNP_ID_BLOCK>>(again->directives[7])).author_public_key.qy[71] == 7);
  CHECK(std::get<igvm::VpContext>(again->directives[5]).padding == 5);
}

TEST_CASE("more than 4 GiB is refused before a byte is written") {
  // One buffer stands for many: 33 runs of 128 MiB.
  const Octets data(128 * kMiB, 0);
  igvm::File file = native({});
  for (std::uint64_t i = 0; i < 33; ++i)
    file.directives.emplace_back(pages(i * data.size(), data.size() / 4096, data));
  CHECK_WRITE_REFUSED(file, "pages 4429185024");
  CHECK_WRITE_REFUSED(file, "at most 4294967295");
  file.directives.resize(1);
  file.directives.emplace_back(pages(kGiB, 1ull << 40));
  CHECK_WRITE_REFUSED(file, "more than 134217727 pages");
  for (std::uint64_t i = 0; i < 3; ++i) file.directives.emplace_back(pages(i * kTiB, 1ull << 50));
  CHECK_WRITE_REFUSED(file, "more than 134217727 pages");
}

TEST_CASE("what the reference would not read is not written") {
  const Octets page(4096, 1);
  CHECK(refused(native({pages(0, 2, page)})).find("directive 0, PAGE_DATA: 2 pages at 0x0 have 4096 bytes") ==
        0);
  CHECK_WRITE_REFUSED(native({pages(0, 0)}), "no pages");
  CHECK_WRITE_REFUSED(native({pages(1, 1)}), "multiple of 4096");
  CHECK_WRITE_REFUSED(native({pages(~std::uint64_t{4095}, 2)}), "past 2^64");
  CHECK_WRITE_REFUSED(native({pages(0, ~std::uint64_t{0})}), "past 2^64");
  CHECK_WRITE_REFUSED(native({igvm::ParameterArea{.number_of_bytes = 8192, .initial = page}}),
                      "initial contents");
  CHECK_WRITE_REFUSED(native({igvm::Parameter{.type = IGVM_VHT_PAGE_DATA}}), "not a parameter");
  CHECK_WRITE_REFUSED(native({igvm::VpContext{
                          .kind = igvm::VpContext::Kind::snp_vmsa, .compatibility_mask = 1, .data = page}}),
                      "takes a native x64 VP context");
  CHECK_WRITE_REFUSED(native({igvm::VpContext{.compatibility_mask = 1, .data = Bytes(page).first(232)}}),
                      "4096 bytes");
  CHECK_WRITE_REFUSED(native({igvm::VpContext{.compatibility_mask = 1, .data = page}}), "must be zero");
  igvm::File list = native(
      {igvm::VpContext{.kind = igvm::VpContext::Kind::vbs_x64, .compatibility_mask = 1, .data = page}});
  list.platforms[0].platform_type = IGVM_PLATFORM_VSM_ISOLATION;
  CHECK_WRITE_REFUSED(list, "VBS registers takes");
  igvm::File twice = native({});
  twice.platforms.push_back(twice.platforms[0]);
  CHECK(refused(twice).find("platform 1: platform NATIVE is listed twice") == 0);
  igvm::File policy = native({});
  policy.initializations.emplace_back(IGVM_VHS_GUEST_POLICY{.reserved = 1u});
  CHECK(refused(policy).find("initialization header 0: ") == 0);
}

TEST_CASE("an error of the output ends the write and is passed on") {
  const Octets page(4096, 1);
  std::size_t calls = 0;
  const Result<void> written = igvm::write(native({pages(0, 1, page)}), {}, [&calls](Bytes) -> Result<void> {
    if (++calls == 2) return fail("disk full");
    return {};
  });
  REQUIRE_FALSE(written);
  CHECK(written.error().message() == "disk full");
  CHECK(calls == 2);
}

TEST_CASE("page data is passed on without a copy") {
  const Octets page(4096, 1);
  bool seen = false;
  REQUIRE_OK(igvm::write(native({pages(0, 1, page)}), {}, [&](Bytes bytes) -> Result<void> {
    seen = seen || bytes.data() == page.data();
    return {};
  }));
  CHECK(seen);
}
