#include <chrono>
#include <map>

#include "tests/formats/igvm_files.h"

using namespace igvm_files;

namespace {

std::string odd(const RawFile& raw) {
  const Octets bytes = raw.bytes();
  const Result<igvm::File> file = igvm::read(bytes);
  REQUIRE_OK(file);
  return all(igvm::oddities(*file));
}

#define CHECK_SOUND(raw)                 \
  do {                                   \
    const std::string found = odd(raw);  \
    CHECK_MESSAGE(found.empty(), found); \
  } while (false)
#define CHECK_ODD(raw, text)                                     \
  do {                                                           \
    const std::string found = odd(raw);                          \
    CHECK_MESSAGE(found.find(text) != std::string::npos, found); \
  } while (false)

RawFile start() {
  return RawFile().platform(IGVM_PLATFORM_NATIVE);
}

Octets native_page(std::size_t byte) {
  Octets page(4096, 0);
  page[byte] = 0x0F;
  return page;
}

}  // namespace

TEST_CASE("the vectors: which are odd, and why") {
  const std::map<std::string, std::string> reasons = {
      {"area-huge-1T", "first 4 GiB only"},
      {"area-never-inserted", "never inserted"},
      {"page-2mb-4kdata", "2 MiB"},
      {"page-flags-reserved", "reserved flags set: 0x8"},
      {"page-mask-unknown-bit", "0x2 names no platform"},
      {"page-mask-zero", "mask zero"},
      {"param-offset-outside", "outside its 0x1000 bytes"},
      {"reqmem-flags-reserved", "reserved flags set: 0x2"},
      {"reqmem-zero", "has no bytes"},
      {"vp-idx1", "none for vCPU 0"},
      {"vp-native-reserved-field", "reserved field of 0x1"},
      {"vp-native-twice-idx0", "more than one VP context"},
  };
  std::size_t odd_ones = 0;
  for (const auto& path : accepted_vectors()) {
    CAPTURE(path.string());
    const Octets bytes = load(path);
    const Result<igvm::File> file = igvm::read(bytes);
    REQUIRE_OK(file);
    const std::string found = all(igvm::oddities(*file));
    const auto reason = reasons.find(path.stem().string());
    if (reason == reasons.end())
      CHECK_MESSAGE(found.empty(), found);
    else
      CHECK_MESSAGE(found.find(reason->second) != std::string::npos, found);
    odd_ones += reason != reasons.end();
  }
  CHECK(odd_ones == reasons.size());
}

TEST_CASE("two pages at one address") {
  CHECK_SOUND(start().page(0x1000).page(0x2000));
  CHECK_ODD(start().page(0x1000).page(0x1000), "overlaps page data 0x1000-0x1fff");
  CHECK_ODD(start().page(0x1000).page(0x2000).page(0x3000).page(0x9000).page(0x2000), "0x1000-0x3fff");
  CHECK_ODD(start().page(0x5000).page(0x1000).page(0x2000).page(0x5000), "0x5000-0x5fff overlaps");
  // A platform of its own, or none in common.
  const auto two = [] { return start().platform(IGVM_PLATFORM_SEV_SNP, 2); };
  CHECK_SOUND(two().page(0x1000, 1).page(0x1000, 2));
  CHECK_ODD(two().page(0x1000, 1).page(0x1000, 3), "overlaps");
  // A long run hides behind a later short one of another platform.
  CHECK_ODD(two().page(0x1000, 1).page(0x2000, 1).page(0x3000, 1).page(0x1000, 2).page(0x3000, 3),
            "overlaps");
}

TEST_CASE("a long run is not forgotten behind a short one inside it") {
  igvm::File file;
  file.platforms.push_back({.compatibility_mask = 1u, .platform_version = std::uint16_t{1}});
  file.directives = {igvm::PageRun{.gpa = 0x1000, .pages = 10, .compatibility_mask = 1},
                     igvm::PageRun{.gpa = 0x2000, .compatibility_mask = 1},
                     igvm::PageRun{.gpa = 0x5000, .compatibility_mask = 1}};
  const std::vector<std::string> found = igvm::oddities(file);
  REQUIRE(found.size() == 2);
  CHECK(found[1].find("0x5000-0x5fff overlaps page data 0x1000-0xafff") != std::string::npos);
}

TEST_CASE("parameter areas and pages share no address") {
  const auto area = [](std::uint64_t size) { return start().area(0, size).insert(0, 0x4000); };
  CHECK_SOUND(area(0x2000).page(0x6000).page(0x3000));
  CHECK_ODD(area(0x2000).page(0x5000), "overlaps a parameter area 0x4000-0x5fff");
  CHECK_ODD(area(0x2000).area(1).insert(1, 0x4000), "a parameter area 0x4000-0x4fff overlaps");
  CHECK_ODD(
      area(0x2000).add(IGVM_VHT_ERROR_RANGE,
                       IGVM_VHS_ERROR_RANGE{.gpa = 0x5000u, .compatibility_mask = 1u, .size_bytes = 4096u}),
      "an error range");
  CHECK_ODD(start().area(0, 0).insert(0, 0x4000), "has no bytes");
  CHECK_ODD(start().area(0).insert(0, 0x1000, 0), "never inserted");
  CHECK_ODD(start().insert(4, 0x1000, 0), "never declared");
}

TEST_CASE("parameters in their areas") {
  const auto parameter = [](std::uint32_t type, std::uint32_t offset) {
    return start().area(0).parameter(type, 0, offset).insert(0, 0x4000);
  };
  CHECK_SOUND(parameter(IGVM_VHT_VP_COUNT_PARAMETER, 4092));
  CHECK_ODD(parameter(IGVM_VHT_VP_COUNT_PARAMETER, 4093), "outside its 0x1000 bytes");
  CHECK_SOUND(parameter(IGVM_VHT_MEMORY_MAP, 4096 - 24));
  CHECK_ODD(parameter(IGVM_VHT_MEMORY_MAP, 4096 - 23), "outside");
  CHECK_SOUND(parameter(IGVM_VHT_MMIO_RANGES, 4096 - 32));
  CHECK_ODD(parameter(IGVM_VHT_MMIO_RANGES, 4096 - 31), "outside");
  CHECK_SOUND(parameter(IGVM_VHT_COMMAND_LINE, 4095));
  CHECK_ODD(parameter(IGVM_VHT_COMMAND_LINE, 4096), "outside");
  CHECK_ODD(parameter(IGVM_VHT_MADT, 0xFFFFFFFF), "outside");
  const auto pair = [](std::uint32_t offset) {
    return start()
        .area(0)
        .parameter(IGVM_VHT_VP_COUNT_PARAMETER, 0, offset)
        .parameter(IGVM_VHT_MEMORY_MAP, 0, 0x100)
        .insert(0, 0x4000);
  };
  CHECK_SOUND(pair(0xFC));
  CHECK_ODD(pair(0xFD), "overlap at offset 0x100");
  CHECK_ODD(pair(0x100), "overlap");
}

TEST_CASE("masks of every header") {
  const auto masks = [](std::uint32_t mask) {
    RawFile raw = RawFile().platform(IGVM_PLATFORM_SEV_SNP);
    raw.add(IGVM_VHT_GUEST_POLICY, IGVM_VHS_GUEST_POLICY{.policy = 0x30000u, .compatibility_mask = mask});
    raw.page(0x1000, mask);
    raw.add(IGVM_VHT_REQUIRED_MEMORY,
            IGVM_VHS_REQUIRED_MEMORY{.compatibility_mask = mask, .number_of_bytes = 4096u});
    raw.add(IGVM_VHT_ERROR_RANGE,
            IGVM_VHS_ERROR_RANGE{.gpa = 0x8000u, .compatibility_mask = mask, .size_bytes = 4096u});
    raw.add(IGVM_VHT_SNP_ID_BLOCK, IGVM_VHS_SNP_ID_BLOCK{.compatibility_mask = mask});
    return raw.area(0).insert(0, 0x9000, mask);
  };
  CHECK_SOUND(masks(1));
  for (const char* what :
       {"guest policy", "page data", "required memory", "error range", "SNP ID block", "parameter insert"}) {
    CHECK_ODD(masks(0), std::string(what));
    CHECK_ODD(masks(3), std::string(what));
  }
  CHECK_ODD(start().platform(IGVM_PLATFORM_TDX, 1), "shares compatibility mask 0x1");
}

TEST_CASE("headers for platforms that have no use for them") {
  const IGVM_VHS_GUEST_POLICY policy{.policy = 0x30000u, .compatibility_mask = 1u};
  CHECK_ODD(start().add(IGVM_VHT_GUEST_POLICY, policy), "no use for it");
  RawFile snp = RawFile().platform(IGVM_PLATFORM_SEV_SNP).add(IGVM_VHT_GUEST_POLICY, policy);
  CHECK_SOUND(snp);
  CHECK_ODD(snp.add(IGVM_VHT_GUEST_POLICY, policy), "more than one guest policy");
  CHECK_ODD(RawFile()
                .platform(IGVM_PLATFORM_SEV_SNP)
                .add(IGVM_VHT_GUEST_POLICY, IGVM_VHS_GUEST_POLICY{.compatibility_mask = 1u}),
            "bit 17");
  CHECK_ODD(start().add(IGVM_VHT_SNP_ID_BLOCK, IGVM_VHS_SNP_ID_BLOCK{.compatibility_mask = 1u}),
            "no use for it");
  CHECK_ODD(start().add(IGVM_VHT_VBS_MEASUREMENT, IGVM_VHS_VBS_MEASUREMENT{.compatibility_mask = 1u}),
            "no use for it");
  CHECK_SOUND(RawFile()
                  .platform(IGVM_PLATFORM_VSM_ISOLATION)
                  .add(IGVM_VHT_VBS_MEASUREMENT, IGVM_VHS_VBS_MEASUREMENT{.compatibility_mask = 1u}));
  CHECK_ODD(RawFile()
                .platform(IGVM_PLATFORM_SEV_SNP)
                .add(IGVM_VHT_SNP_ID_BLOCK,
                     IGVM_VHS_SNP_ID_BLOCK{.compatibility_mask = 1u, .author_key_enabled = 2}),
            "author_key_enabled 2");
  CHECK_ODD(RawFile()
                .platform(IGVM_PLATFORM_SEV_SNP)
                .add(IGVM_VHT_SNP_ID_BLOCK, IGVM_VHS_SNP_ID_BLOCK{.compatibility_mask = 1u, .reserved = {1}}),
            "reserved");
}

TEST_CASE("VP contexts") {
  CHECK_SOUND(start().context().context(1, 1));
  CHECK_SOUND(start().platform(IGVM_PLATFORM_SEV, 2).context(1).context(2));
  CHECK_ODD(start().context().context(1, 1).context(1, 1), "vCPU 1 has more than one");
  CHECK_ODD(start().platform(IGVM_PLATFORM_SEV, 2).context(1).context(2, 4),
            "mask 0x2 has a VP context for vCPU 4");
  CHECK_ODD(start().context(1, 0, kDataOffset, 0x1000), "loads none into memory");
  CHECK_SOUND(RawFile().platform(IGVM_PLATFORM_SEV_SNP).context(1, 0, kDataOffset, 0x1000));
  CHECK_ODD(start().context().data(native_page(155)), "reserved field");
  CHECK_ODD(start().context().data(native_page(171)), "bits 8 to 11");
  CHECK_ODD(start().context().data(native_page(183)), "bits 8 to 11");
  CHECK_SOUND(start().context().data(native_page(170)));
  Octets padded = start().context().bytes();
  padded[24 + 24 + 8 + 20] = 1;
  fix_checksum(padded);
  CHECK(all(igvm::oddities(igvm::read(padded).value())).find("padded with 0x1") != std::string::npos);
  const auto list = [](const std::vector<VbsVpContextRegister>& registers) {
    return RawFile().platform(IGVM_PLATFORM_VSM_ISOLATION).context().data(vbs_list(registers));
  };
  CHECK_SOUND(list({{.register_name = kVbsRip}, {.register_name = kVbsCs}}));
  CHECK_ODD(list({{.register_name = kVbsRip}, {.register_name = kVbsRip}}), "0x20010 twice");
  CHECK_ODD(list({{.register_name = kVbsRip, .mbz = {1}}}), "not zero");
}

TEST_CASE("VMSAs are pages of guest memory") {
  const auto snp = [] { return RawFile().platform(IGVM_PLATFORM_SEV_SNP); };
  const auto vmsas = [&](std::uint64_t first, std::uint64_t second) {
    return snp().context(1, 0, kDataOffset, first).context(1, 1, kDataOffset, second);
  };
  CHECK_SOUND(snp().page(0x1000).context(1, 0, kDataOffset, 0x2000));
  CHECK_ODD(snp().page(0x1000).context(1, 0, kDataOffset, 0x1000),
            "a VMSA 0x1000-0x1fff overlaps page data 0x1000-0x1fff");
  CHECK_ODD(snp().area(0, 0x2000).insert(0, 0x4000).context(1, 0, kDataOffset, 0x5000),
            "a VMSA 0x5000-0x5fff overlaps a parameter area");
  CHECK_SOUND(vmsas(0x1000, 0x2000));
  CHECK_ODD(vmsas(0x1000, 0x1000), "a VMSA 0x1000-0x1fff overlaps a VMSA 0x1000-0x1fff");
  CHECK_ODD(vmsas(0x1000, std::uint64_t{1} << 52), "ends past 2^52");
  // Where KVM has all of them, and where SEV-ES has none.
  CHECK_SOUND(vmsas(0xFFFFFFFFF000, 0xFFFFFFFFF000));
  CHECK_SOUND(RawFile().platform(IGVM_PLATFORM_SEV_ES).page(0).context().context(1, 1));
}

TEST_CASE("bits of a VBS register list that its registers do not have") {
  constexpr std::uint32_t kVbsIdtr = 0x00070000, kVbsGdtr = 0x00070001;
  // A list of one register whose bytes are zero but for one.
  const auto with = [](std::uint32_t name, std::size_t byte, Arch arch = Arch::x86_64) {
    VbsVpContextRegister entry{.register_name = name};
    entry.register_value[byte] = 0x80;
    return RawFile(2, arch == Arch::aarch64 ? 1 : 0)
        .platform(IGVM_PLATFORM_VSM_ISOLATION)
        .context()
        .data(vbs_list({entry}));
  };
  for (std::size_t byte = 0; byte < 16; ++byte) {
    CAPTURE(byte);
    CHECK_SOUND(with(kVbsCs, byte));
    for (const auto& [name, arch] : {std::pair{kVbsRip, Arch::x86_64}, std::pair{kVbsX0, Arch::aarch64}}) {
      if (byte < 8)
        CHECK_SOUND(with(name, byte, arch));
      else
        CHECK_ODD(with(name, byte, arch), fmt::format("sets bits that register {:#x} does not have", name));
    }
    for (const std::uint32_t name : {kVbsIdtr, kVbsGdtr}) {
      if (byte < 6)
        CHECK_ODD(with(name, byte), fmt::format("sets bits that register {:#x} does not have", name));
      else
        CHECK_SOUND(with(name, byte));
    }
  }
}

TEST_CASE("what is asked about one platform is not answered with what is odd for another") {
  struct Case {
    const char* what;
    RawFile raw;
    bool concerns_native, concerns_snp;
  };
  // NATIVE has mask 1, SEV-SNP 2.
  const auto two = [] { return start().platform(IGVM_PLATFORM_SEV_SNP, 2); };
  const auto policy = [](std::uint32_t mask, std::uint64_t value = 0x30000) {
    return IGVM_VHS_GUEST_POLICY{.policy = value, .compatibility_mask = mask};
  };
  const auto flagged = [](std::uint64_t gpa, std::uint32_t mask, std::uint32_t flags) {
    return IGVM_VHS_PAGE_DATA{.gpa = gpa, .compatibility_mask = mask, .flags = flags};
  };
  const std::vector<Case> cases = {
      {"a boot processor without registers", two().context(1, 1), true, false},
      {"a policy for both", two().add(IGVM_VHT_GUEST_POLICY, policy(3)), true, false},
      {"a policy with a bit clear", two().add(IGVM_VHT_GUEST_POLICY, policy(2, 0)), false, true},
      {"an area that is never inserted", two().area(0), false, false},
      {"a parameter outside of it", two().area(0).parameter(IGVM_VHT_MADT, 0, 4096), false, false},
      {"a parameter outside of one that is inserted",
       two().area(0).parameter(IGVM_VHT_MADT, 0, 4096).insert(0, 0x4000, 2), false, true},
      {"an area of no bytes", two().area(0, 0).insert(0, 0x4000, 2), false, true},
      {"two pages in one place", two().page(0x1000, 1).page(0x1000, 3), true, false},
      {"two pages in one place for both", two().page(0x1000, 3).page(0x1000, 3), true, true},
      {"reserved flags", two().add(IGVM_VHT_PAGE_DATA, flagged(0x1000, 2, 8)), false, true},
      {"a bit that names no platform", two().page(0x1000, 5), false, false},
      {"no bit", two().page(0x1000, 0), false, false},
      {"a page of 2 MiB", two().add(IGVM_VHT_PAGE_DATA, flagged(0x200000, 1, IGVM_PAGE_DATA_IS_2MB_PAGE)),
       true, false},
  };
  for (const Case& each : cases) {
    CAPTURE(each.what);
    const Octets bytes = each.raw.bytes();
    const auto file = igvm::read(bytes);
    REQUIRE_OK(file);
    CHECK_FALSE(igvm::oddities(*file).empty());
    CHECK(igvm::oddities(*file, 1).empty() != each.concerns_native);
    CHECK(igvm::oddities(*file, 2).empty() != each.concerns_snp);
  }
}

TEST_CASE("addresses that no processor has") {
  CHECK_SOUND(start().page((std::uint64_t{1} << 52) - 4096));
  CHECK_ODD(start().page(std::uint64_t{1} << 52), "ends past 2^52");
  CHECK_ODD(start().page(~std::uint64_t{4095}), "ends past 2^52");
  CHECK_ODD(start().add(IGVM_VHT_REQUIRED_MEMORY,
                        IGVM_VHS_REQUIRED_MEMORY{
                            .gpa = ~std::uint64_t{4095}, .compatibility_mask = 1u, .number_of_bytes = 8192u}),
            "ends past 2^52");
}

TEST_CASE("relocation and CCA") {
  const IGVM_VHS_RELOCATABLE_REGION region{.compatibility_mask = 1u,
                                           .relocation_alignment = 4096u,
                                           .relocation_region_size = 4096u,
                                           .maximum_relocation_gpa = 0x100000u};
  const auto file = [](const IGVM_VHS_RELOCATABLE_REGION& header) {
    return RawFile()
        .platform(IGVM_PLATFORM_VSM_ISOLATION)
        .add(IGVM_VHT_RELOCATABLE_REGION, header)
        .context()
        .data(vbs_list({{.register_name = kVbsRip}}));
  };
  CHECK_SOUND(file(region));
  IGVM_VHS_RELOCATABLE_REGION bad = region;
  bad.flags = 8;
  CHECK_ODD(file(bad), "reserved flags");
  bad = region;
  bad.minimum_relocation_gpa = 0x200000u;
  CHECK_ODD(file(bad), "no lower than 0x200000");
  const auto cca = [](std::uint8_t hash, std::uint8_t lfa) {
    return RawFile(2, 1)
        .platform(IGVM_PLATFORM_CCA)
        .add(IGVM_VHT_CCA_POLICY,
             IGVM_VHS_CCA_POLICY{.compatibility_mask = 1u, .hash_algorithm = hash, .lfa_policy = lfa});
  };
  CHECK_SOUND(cca(2, 1));
  CHECK_ODD(cca(3, 0), "hash algorithm 3");
  CHECK_ODD(cca(0, 2), "activation policy 2");
}

TEST_CASE("a file that is odd throughout gets a bounded report") {
  igvm::File file;
  file.platforms.push_back({.compatibility_mask = 1u, .platform_version = std::uint16_t{1}});
  for (std::uint64_t i = 0; i < 5000; ++i)
    file.directives.emplace_back(igvm::PageRun{.gpa = i * 0x2000, .compatibility_mask = 0});
  const std::vector<std::string> found = igvm::oddities(file);
  REQUIRE(found.size() == 101);
  CHECK(found.back() == "4900 more oddities are not listed");
}

TEST_CASE("overlaps are looked for in nearly linear time") {
  igvm::File file;
  for (std::uint32_t i = 0; i < 6; ++i)
    file.platforms.push_back({.compatibility_mask = 1u << i,
                              .platform_type = static_cast<std::uint8_t>(i),
                              .platform_version = std::uint16_t{1}});
  // A run over everything on one platform, and 200,000 on the others: a comparison of all pairs would take
  // minutes.
  file.directives.emplace_back(igvm::PageRun{.gpa = 0, .pages = 1 << 24, .compatibility_mask = 1});
  for (std::uint64_t i = 200000; i-- > 0;)
    file.directives.emplace_back(igvm::PageRun{.gpa = i * 0x2000, .compatibility_mask = 0x3E});
  const auto begin = std::chrono::steady_clock::now();
  CHECK(igvm::oddities(file).empty());
  CHECK(std::chrono::steady_clock::now() - begin < std::chrono::seconds(20));
}

TEST_CASE("files are the same however their pages are grouped and placed") {
  const Octets data(4 * 4096, 7);
  igvm::File a;
  a.platforms.push_back({.compatibility_mask = 1u, .platform_version = std::uint16_t{1}});
  igvm::File b = a;
  a.directives.emplace_back(igvm::PageRun{.gpa = 0x1000, .pages = 4, .compatibility_mask = 1, .data = data});
  for (std::uint64_t i = 0; i < 4; ++i)
    b.directives.emplace_back(igvm::PageRun{.gpa = 0x1000 + i * 4096,
                                            .compatibility_mask = 1,
                                            .data = Bytes(data).subspan(i * 4096, 4096),
                                            .file_offset = 17});
  CHECK(igvm::same(a, b).has_value());
  CHECK(igvm::same(b, a).has_value());

  const auto difference = [&](auto change) {
    igvm::File other = b;
    change(other);
    const Result<void> forth = igvm::same(a, other);
    const Result<void> back = igvm::same(other, a);
    CHECK_FALSE(back);
    return forth ? std::string() : forth.error().message();
  };
  const auto run = [](igvm::File& file, std::size_t i) -> igvm::PageRun& {
    return std::get<igvm::PageRun>(file.directives[i]);
  };
  Octets changed(4096, 7);
  changed[5] = 8;
  CHECK(difference([&](igvm::File& f) { run(f, 2).data = changed; }) ==
        "the page at 0x3000 differs in byte 0x5");
  CHECK(difference([&](igvm::File& f) { run(f, 1).data = {}; }).find("0x2000 has data in one file") !=
        std::string::npos);
  CHECK(difference([&](igvm::File& f) {
          run(f, 1).data = Bytes(data).first(100);
        }).find("100 bytes of data") != std::string::npos);
  CHECK(difference([&](igvm::File& f) { run(f, 3).gpa += 4096; }).find("0x5000") != std::string::npos);
  CHECK(difference([&](igvm::File& f) { run(f, 0).compatibility_mask = 2; }).find("mask") !=
        std::string::npos);
  CHECK(difference([&](igvm::File& f) { run(f, 0).flags = 2; }).find("flags") != std::string::npos);
  CHECK(difference([&](igvm::File& f) { run(f, 0).data_type = 2; }).find("type") != std::string::npos);
  CHECK(difference([&](igvm::File& f) { f.directives.pop_back(); }).find("more directives") !=
        std::string::npos);
  CHECK(difference([&](igvm::File& f) {
          f.directives.emplace_back(IGVM_VHS_ERROR_RANGE{});
        }).find("ERROR_RANGE comes after") != std::string::npos);
  CHECK(difference([&](igvm::File& f) { f.directives[1] = IGVM_VHS_ERROR_RANGE{}; }).find("PAGE_DATA") !=
        std::string::npos);
  CHECK(difference([&](igvm::File& f) { f.platforms[0].highest_vtl = 2; }) == "platform header 0 differs");
  CHECK(difference([&](igvm::File& f) {
          f.initializations.emplace_back(IGVM_VHS_GUEST_POLICY{});
        }).find("initialization") != std::string::npos);
  CHECK(difference([&](igvm::File& f) { f.format_version = 2; }).find("version") != std::string::npos);
  CHECK(difference([&](igvm::File& f) { f.arch = Arch::aarch64; }).find("aarch64") != std::string::npos);
}

TEST_CASE("files that differ in one directive are not the same") {
  const Octets page(4096, 0);
  const Octets other(4096, 1);
  const std::vector<std::pair<igvm::Directive, igvm::Directive>> pairs = {
      {igvm::ParameterArea{.number_of_bytes = 4096}, igvm::ParameterArea{.number_of_bytes = 8192}},
      {igvm::ParameterArea{.number_of_bytes = 4096},
       igvm::ParameterArea{.number_of_bytes = 4096, .initial = page}},
      {igvm::Parameter{.type = IGVM_VHT_MADT}, igvm::Parameter{.type = IGVM_VHT_SRAT}},
      {igvm::Parameter{.type = IGVM_VHT_MADT},
       igvm::Parameter{.type = IGVM_VHT_MADT, .header = {.byte_offset = 1u}}},
      {IGVM_VHS_PARAMETER_INSERT{}, IGVM_VHS_PARAMETER_INSERT{.gpa = 4096u}},
      {igvm::VpContext{.data = page}, igvm::VpContext{.data = other}},
      {igvm::VpContext{.data = page}, igvm::VpContext{.vp_index = 1, .data = page}},
      {igvm::VpContext{.data = page}, igvm::VpContext{.data = page, .padding = 1}},
      {IGVM_VHS_REQUIRED_MEMORY{}, IGVM_VHS_REQUIRED_MEMORY{.flags = 1u}},
      {igvm::Boxed<IGVM_VHS_SNP_ID_BLOCK>(),
       igvm::Boxed<IGVM_VHS_SNP_ID_BLOCK>(IGVM_VHS_SNP_ID_BLOCK{.version = 1u})},
      {igvm::Boxed<IGVM_VHS_VBS_MEASUREMENT>(),
       igvm::Boxed<IGVM_VHS_VBS_MEASUREMENT>(IGVM_VHS_VBS_MEASUREMENT{.version = 1u})},
      {IGVM_VHS_ERROR_RANGE{}, IGVM_VHS_ERROR_RANGE{.size_bytes = 1u}}};
  for (const auto& [x, y] : pairs) {
    igvm::File a;
    igvm::File b;
    a.directives = {x};
    b.directives = {x};
    CHECK(igvm::same(a, b).has_value());
    b.directives = {y};
    CHECK_FALSE(igvm::same(a, b).has_value());
  }
}
