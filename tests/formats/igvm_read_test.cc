#include <malloc.h>

#include <map>
#include <sstream>

#include "tests/formats/igvm_files.h"

using namespace igvm_files;

// Bytes that live on the heap, under AddressSanitizer and without.
extern "C" __attribute__((weak)) std::size_t __sanitizer_get_current_allocated_bytes();

namespace {

std::size_t heap_bytes() {
  if (__sanitizer_get_current_allocated_bytes != nullptr) return __sanitizer_get_current_allocated_bytes();
  return mallinfo2().uordblks + mallinfo2().hblkhd;
}

std::map<std::string, std::string> verdicts() {
  const Octets text = load(folder() / "VERDICTS.tsv");
  std::istringstream lines(std::string(text.begin(), text.end()));
  std::map<std::string, std::string> found;
  std::string line;
  std::getline(lines, line);  // the heading
  while (std::getline(lines, line)) {
    const std::size_t tab = line.find('\t');
    found[line.substr(0, tab)] = line.substr(tab + 1, line.find('\t', tab + 1) - tab - 1);
  }
  return found;
}

std::size_t header_bytes(const Octets& file) {
  IGVM_FIXED_HEADER header;
  std::memcpy(&header, file.data(), sizeof(header));
  return header.variable_header_offset + header.variable_header_size;
}

// Whatever the bytes are: an error that says something, or a file that survives being written and looked at.
void check_total(const Octets& bytes) {
  const auto exact = std::make_unique<std::uint8_t[]>(bytes.size());
  std::copy(bytes.begin(), bytes.end(), exact.get());
  const Result<igvm::File> file = igvm::read(Bytes(exact.get(), bytes.size()));
  if (!file) {
    REQUIRE_FALSE(file.error().what.empty());
    return;
  }
  igvm::oddities(*file);
  const auto written = igvm::write(*file);
  REQUIRE_OK(written);
  const Result<igvm::File> again = igvm::read(*written);
  REQUIRE_OK(again);
  REQUIRE_OK(igvm::same(*file, *again));
}

}  // namespace

TEST_CASE("the reference's verdict on every vector") {
  std::map<std::string, std::string> expected = verdicts();
  CHECK(expected.size() == 49);
  for (const char* name : {"accept", "reject"})
    for (const auto& path : vectors(name)) {
      const auto verdict = expected.find(path.stem().string());
      REQUIRE_MESSAGE(verdict != expected.end(), path.string());
      const std::string refused = refusal(load(path));
      CHECK_MESSAGE(refused.empty() == (verdict->second == "accept"), path.stem().string(), ": ", refused);
      expected.erase(verdict);
    }
  CHECK(expected.empty());
  for (const auto& path : vectors("digest")) CHECK_MESSAGE(refusal(load(path)).empty(), path.string());
}

TEST_CASE("a page's data, its run and the layout") {
  const Octets bytes = load(folder() / "accept" / "qemu-page-run-straddles-ram-end.igvm");
  igvm::FileLayout layout;
  const Result<igvm::File> file = igvm::read(bytes, &layout);
  REQUIRE_OK(file);
  CHECK(layout.variable_header_offset == 24);
  CHECK(layout.variable_header_size == 88);
  CHECK(layout.total_file_size == bytes.size());
  CHECK(file->format_version == 1);
  CHECK(file->arch == Arch::x86_64);
  REQUIRE(file->platforms.size() == 1);
  REQUIRE(file->directives.size() == 1);
  const auto& run = std::get<igvm::PageRun>(file->directives[0]);
  CHECK(run.gpa == 0x0FFFF000);
  CHECK(run.pages == 2);
  CHECK(run.file_offset == 0x70);
  CHECK(run.data.data() == bytes.data() + 0x70);
  CHECK(run.data.size() == 8192);
}

TEST_CASE("what breaks a run") {
  const auto runs = [](const RawFile& raw) {
    const Octets bytes = raw.bytes();
    const Result<igvm::File> file = igvm::read(bytes);
    REQUIRE_OK(file);
    return file->directives.size();
  };
  const auto start = [] { return RawFile().platform(IGVM_PLATFORM_NATIVE).page(0x1000, 1, 0x1000); };
  CHECK(runs(start().page(0x2000, 1, 0x2000)) == 1);
  CHECK(runs(start().page(0x2000, 1, 0x2000).page(0x3000, 1, 0x3000)) == 1);
  CHECK(runs(start().page(0x3000, 1, 0x2000)) == 2);  // another address
  CHECK(runs(start().page(0x2000, 1, 0x3000)) == 2);  // other data
  CHECK(runs(start().page(0x2000, 1, 0)) == 2);       // no data
  CHECK(runs(start().page(0x2000, 3, 0x2000)) == 2);  // other platforms
  CHECK(runs(start().page(0x0, 1, 0x2000)) == 2);
  CHECK(runs(RawFile().platform(IGVM_PLATFORM_NATIVE).page(0x1000).page(0x2000)) == 1);
  CHECK(runs(RawFile().platform(IGVM_PLATFORM_NATIVE).page(0x1000).page(0x2000, 1, 0x1000)) == 2);
  // The addresses do not go round.
  CHECK(runs(RawFile().platform(IGVM_PLATFORM_NATIVE).page(~std::uint64_t{4095}).page(0)) == 2);
  // With the 2 MiB flag a header stands for 2 MiB.
  const auto big = [](std::uint64_t gpa) {
    return IGVM_VHS_PAGE_DATA{.gpa = gpa, .compatibility_mask = 1u, .flags = 1u};
  };
  RawFile large;
  large.platform(IGVM_PLATFORM_NATIVE);
  large.add(IGVM_VHT_PAGE_DATA, big(0)).add(IGVM_VHT_PAGE_DATA, big(2 * kMiB));
  CHECK(runs(large) == 1);
  CHECK(runs(large.add(IGVM_VHT_PAGE_DATA, big(2 * kMiB + 4096))) == 2);
}

TEST_CASE("an error names its header and where that is") {
  const Octets bytes = load(folder() / "reject" / "page-gpa-unaligned.igvm");
  const Result<igvm::File> file = igvm::read(bytes);
  REQUIRE_FALSE(file);
  CHECK(file.error().offset == 0x30);
  CHECK(file.error().message() ==
        "PAGE_DATA header: the address 0x100800 must be a multiple of 4096 (at file offset 0x30)");
}

TEST_CASE("the fixed header") {
  const auto with = [](std::size_t offset, std::uint32_t value, bool fix = true) {
    Octets bytes = RawFile().platform(IGVM_PLATFORM_NATIVE).page(0).bytes();
    const le32 word = value;
    std::memcpy(bytes.data() + offset, &word, sizeof(word));
    if (fix) fix_checksum(bytes);
    return refusal(bytes);
  };
  CHECK(with(8, 24).empty());
  CHECK(with(0, 0x464C457F).find("not an IGVM file") != std::string::npos);
  CHECK(with(4, 0).find("format version 0") != std::string::npos);
  CHECK(with(4, 3).find("format version 3") != std::string::npos);
  CHECK(with(16, 0x1000).find("was cut or appended to") != std::string::npos);
  CHECK(with(20, 1, false).find("damaged") != std::string::npos);
  CHECK(with(12, 0x4000 - 24).find("file data must follow") != std::string::npos);
  CHECK(with(12, 0xFFFFFFFF).find("file data must follow") != std::string::npos);
  CHECK(with(8, 0xFFFFFFFF).find("file data must follow") != std::string::npos);
  CHECK(with(12, 0).find("names no platform") != std::string::npos);
  CHECK(with(12, 60).find("variable header") != std::string::npos);
  CHECK(with(12, 64).find("not known") == std::string::npos);
  for (const std::size_t size : {0u, 1u, 23u}) {
    Octets cut = RawFile().bytes();
    cut.resize(size);
    CHECK(refusal(cut).find("fixed header") != std::string::npos);
  }
}

TEST_CASE("the reference takes variable headers at any offset after the start") {
  const Octets small = RawFile().platform(IGVM_PLATFORM_NATIVE).page(0).bytes();
  for (const std::uint32_t shift : {1u, 8u, 1000u}) {
    Octets bytes = small;
    std::memmove(bytes.data() + 24 + shift, small.data() + 24, 56);
    const le32 start = 24 + shift;
    std::memcpy(bytes.data() + 8, &start, sizeof(start));
    fix_checksum(bytes);
    CHECK_MESSAGE(refusal(bytes).empty(), refusal(bytes));
  }
}

TEST_CASE("version 2 names architecture and page size") {
  CHECK_ACCEPTED(RawFile(2, 0).platform(IGVM_PLATFORM_NATIVE));
  CHECK_ACCEPTED(RawFile(2, 1).platform(IGVM_PLATFORM_CCA));
  CHECK_REFUSED(RawFile(2, 2).platform(IGVM_PLATFORM_NATIVE), "architecture 2");
  CHECK_REFUSED(RawFile(2, 0, 16384).platform(IGVM_PLATFORM_NATIVE), "page size is 16384");
  Octets cut = RawFile(2, 0).platform(IGVM_PLATFORM_NATIVE).bytes();
  cut.resize(31);
  CHECK(refusal(cut).find("version 2") != std::string::npos);
}

TEST_CASE("sections come in order, and only known headers") {
  const IGVM_VHS_GUEST_POLICY policy{.policy = 0u, .compatibility_mask = 1u};
  CHECK_ACCEPTED(RawFile().platform(IGVM_PLATFORM_NATIVE).add(IGVM_VHT_GUEST_POLICY, policy).page(0));
  CHECK_REFUSED(RawFile().platform(IGVM_PLATFORM_NATIVE).page(0).add(IGVM_VHT_GUEST_POLICY, policy),
                "too late");
  CHECK_REFUSED(RawFile().platform(IGVM_PLATFORM_NATIVE).page(0).platform(IGVM_PLATFORM_TDX, 2), "too late");
  CHECK_REFUSED(RawFile()
                    .platform(IGVM_PLATFORM_NATIVE)
                    .add(IGVM_VHT_GUEST_POLICY, policy)
                    .platform(IGVM_PLATFORM_TDX, 2),
                "too late");
  CHECK_REFUSED(RawFile().page(0), "names no platform");
  CHECK_REFUSED(RawFile().page(0).platform(IGVM_PLATFORM_NATIVE), "too late");
  const std::vector<std::uint32_t> unknown = {0,     2,     0x100, 0x105, 0x200, 0x201,
                                              0x300, 0x306, 0x314, 0x400, 0x401};
  for (const std::uint32_t type : unknown) {
    CAPTURE(type);
    CHECK_REFUSED(RawFile().platform(IGVM_PLATFORM_NATIVE).add(type, le64(0)), "header type");
  }
  CHECK_REFUSED(RawFile().platform(IGVM_PLATFORM_NATIVE).add(IGVM_VHT_OPTIONAL | IGVM_VHT_PAGE_DATA, le64(0)),
                "optional");
}

TEST_CASE("a header's length is that of its structure") {
  const std::array<std::uint8_t, 880> zeroes{};
  const std::map<std::uint32_t, std::uint32_t> sizes = {
      {IGVM_VHT_SUPPORTED_PLATFORM, 16}, {IGVM_VHT_GUEST_POLICY, 16},
      {IGVM_VHT_RELOCATABLE_REGION, 48}, {IGVM_VHT_PAGE_TABLE_RELOCATION_REGION, 32},
      {IGVM_VHT_CCA_POLICY, 32},         {IGVM_VHT_PARAMETER_AREA, 16},
      {IGVM_VHT_PAGE_DATA, 24},          {IGVM_VHT_PARAMETER_INSERT, 16},
      {IGVM_VHT_VP_CONTEXT, 20},         {IGVM_VHT_REQUIRED_MEMORY, 24},
      {IGVM_VHT_VP_COUNT_PARAMETER, 8},  {IGVM_VHT_SNP_ID_BLOCK, 696},
      {IGVM_VHT_VBS_MEASUREMENT, 864},   {IGVM_VHT_ERROR_RANGE, 16}};
  for (const auto& entry : sizes)
    for (const std::uint32_t length :
         {0u, entry.second - 1, entry.second + 1, entry.second + 8, 0xFFFFFFFFu}) {
      CAPTURE(entry.first);
      CAPTURE(length);
      CHECK_REFUSED(RawFile()
                        .platform(IGVM_PLATFORM_NATIVE)
                        .add(entry.first, length, Bytes(zeroes).first(entry.second)),
                    "length");
    }
  // Right by its own word, but the headers end before it does.
  for (const auto& entry : sizes) {
    if (entry.first == IGVM_VHT_SUPPORTED_PLATFORM) continue;
    CAPTURE(entry.first);
    CHECK_REFUSED(RawFile()
                      .platform(IGVM_PLATFORM_NATIVE)
                      .add(entry.first, entry.second, Bytes(zeroes).first(entry.second - 8)),
                  "bytes exist");
  }
}

TEST_CASE("file data lies after the headers and in the file") {
  const auto page = [](std::uint32_t offset) {
    return RawFile().platform(IGVM_PLATFORM_NATIVE).page(0, 1, offset);
  };
  CHECK_ACCEPTED(page(0));
  CHECK_ACCEPTED(page(80));  // right after the headers
  CHECK_REFUSED(page(79), "inside the headers");
  CHECK_REFUSED(page(1), "inside the headers");
  CHECK_ACCEPTED(page(0x3000));
  CHECK_REFUSED(page(0x3001), "bytes exist");
  CHECK_REFUSED(page(0xFFFFFFFF), "bytes exist");
  const auto area = [](std::uint64_t size, std::uint32_t offset) {
    return RawFile().platform(IGVM_PLATFORM_NATIVE).area(0, size, offset);
  };
  CHECK_ACCEPTED(area(0x3000, 0x1000));
  CHECK_REFUSED(area(0x4000, 0x1000), "bytes exist");
  CHECK_REFUSED(area(~std::uint64_t{4095}, 0x1000), "bytes exist");
  CHECK_REFUSED(area(4096, 71), "inside the headers");
  CHECK_ACCEPTED(area(0, 0x4000));  // nothing, at the very end
  CHECK_REFUSED(area(0, 0x4001), "bytes exist");
  CHECK_REFUSED(RawFile().platform(IGVM_PLATFORM_NATIVE).context(1, 0, 0), "inside the headers");
  CHECK_REFUSED(RawFile().platform(IGVM_PLATFORM_NATIVE).context(1, 0, 0x3001), "bytes exist");
  CHECK_REFUSED(RawFile().platform(IGVM_PLATFORM_VSM_ISOLATION).context(1, 0, 0x3FFF), "bytes exist");
}

TEST_CASE("the padding of a VP context belongs to the headers") {
  Octets bytes = RawFile().platform(IGVM_PLATFORM_NATIVE).context().bytes();
  const le32 size = 24 + 28;  // all but the padding
  std::memcpy(bytes.data() + 12, &size, sizeof(size));
  fix_checksum(bytes);
  CHECK(refusal(bytes).find("padding") != std::string::npos);
}

TEST_CASE("every prefix of a specimen is refused") {
  for (const auto& path : accepted_vectors()) {
    const Octets whole = load(path);
    // All lengths around the headers, and then in steps: what is missing of the data is checked by size
    // alone.
    for (std::size_t size = 0; size < whole.size(); size += size < header_bytes(whole) + 64 ? 1 : 509) {
      Octets cut(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size));
      REQUIRE_FALSE(refusal(cut).empty());
      if (size < sizeof(IGVM_FIXED_HEADER)) continue;
      const le32 total = static_cast<std::uint32_t>(size);  // as if it had been meant to be that short
      std::memcpy(cut.data() + 16, &total, sizeof(total));
      fix_checksum(cut);
      check_total(cut);
    }
  }
}

TEST_CASE("every flipped bit of the headers gives an error or a file") {
  for (const auto& path : accepted_vectors()) {
    const Octets whole = load(path);
    for (std::size_t bit = 0; bit < 8 * header_bytes(whole); ++bit) {
      Octets flipped = whole;
      flipped[bit / 8] = static_cast<std::uint8_t>(flipped[bit / 8] ^ 1u << bit % 8);
      REQUIRE_FALSE(refusal(flipped).empty());  // the checksum sees it
      fix_checksum(flipped);
      check_total(flipped);
    }
  }
}

TEST_CASE("memory follows from the headers that are there") {
  const Octets huge = load(folder() / "accept" / "area-huge-1T.igvm");
  std::size_t before = heap_bytes();
  const Result<igvm::File> file = igvm::read(huge);
  REQUIRE_OK(file);
  CHECK(heap_bytes() - before < 16 * kKiB);

  // A list that claims 2^32 - 1 registers, and a quarter of a million pages that are one run.
  CHECK_REFUSED(RawFile().platform(IGVM_PLATFORM_VSM_ISOLATION).context().data(Octets(4, 0xFF)),
                "bytes exist");
  igvm::File large;
  large.platforms.push_back({.compatibility_mask = 1u, .platform_version = std::uint16_t{1}});
  large.directives.emplace_back(igvm::PageRun{.gpa = 0, .pages = 262144, .compatibility_mask = 1});
  const auto written = igvm::write(large);
  REQUIRE_OK(written);
  CHECK(written->size() >= 262144 * 32);
  before = heap_bytes();
  const Result<igvm::File> again = igvm::read(*written);
  REQUIRE_OK(again);
  CHECK(again->directives.size() == 1);
  CHECK(heap_bytes() - before < 16 * kKiB);
}
