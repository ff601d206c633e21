// The reference's rules, each with a file that keeps it and one that does not.
#include "formats/igvm_read_rules.h"

#include "tests/formats/igvm_files.h"

using namespace igvm_files;

namespace {

IGVM_VHS_SUPPORTED_PLATFORM platform(std::uint8_t type) {
  return {.compatibility_mask = 1u, .platform_type = type, .platform_version = std::uint16_t{1}};
}

Octets types(Octets list) {
  return list;
}

RawFile of(const IGVM_VHS_SUPPORTED_PLATFORM& header, std::uint32_t version = 1,
           std::uint32_t architecture = 0) {
  return RawFile(version, architecture).add(IGVM_VHT_SUPPORTED_PLATFORM, header);
}

IGVM_VHS_RELOCATABLE_REGION region() {
  return {.compatibility_mask = 1u,
          .relocation_alignment = 4096u,
          .relocation_region_gpa = 0x100000u,
          .relocation_region_size = 0x2000u,
          .minimum_relocation_gpa = 0u,
          .maximum_relocation_gpa = 0x1000000u};
}

IGVM_VHS_PAGE_TABLE_RELOCATION page_table() {
  return {.compatibility_mask = 1u, .gpa = 0x200000u, .size = 0x4000u, .used_size = 0x1000u};
}

RawFile vbs() {
  return RawFile().platform(IGVM_PLATFORM_VSM_ISOLATION);
}

Octets one_register(std::uint8_t vtl = 0) {
  return vbs_list({{.vtl = vtl, .register_name = kVbsRip}});
}

// A VBS file with init headers and, last, a register list for the boot processor.
RawFile& with_list(RawFile& raw, std::uint8_t vtl = 0) {
  return raw.context().data(one_register(vtl));
}

}  // namespace

TEST_CASE("platforms") {
  for (const std::uint8_t type : types({0, 1, 2, 3, 4, 5})) CHECK_ACCEPTED(of(platform(type)));
  CHECK_REFUSED(of(platform(6)), "CCA is for aarch64");
  CHECK_REFUSED(of(platform(7)), "platform type 7");
  CHECK_ACCEPTED(of(platform(IGVM_PLATFORM_VSM_ISOLATION), 2, 1));
  CHECK_ACCEPTED(of(platform(IGVM_PLATFORM_CCA), 2, 1));
  for (const std::uint8_t type : types({0, 2, 3, 4, 5}))
    CHECK_REFUSED(of(platform(type), 2, 1), "but the file is for aarch64");

  IGVM_VHS_SUPPORTED_PLATFORM odd = platform(0);
  odd.compatibility_mask = 0u;
  CHECK_REFUSED(of(odd), "one bit");
  odd.compatibility_mask = 0x80000000u;
  CHECK_ACCEPTED(of(odd));
  odd.highest_vtl = 1;
  CHECK_REFUSED(of(odd), "highest VTL is 1");
  odd.highest_vtl = 2;
  CHECK_ACCEPTED(of(odd));
  odd.platform_version = std::uint16_t{2};
  CHECK_REFUSED(of(odd), "version 2");
  for (const std::uint8_t type : types({0, 1, 2, 3, 4, 5})) {
    IGVM_VHS_SUPPORTED_PLATFORM shared = platform(type);
    shared.shared_gpa_boundary = 0x800000000000u;
    if (type < 2)
      CHECK_REFUSED(of(shared), "shared GPA boundary");
    else
      CHECK_ACCEPTED(of(shared));
  }
  CHECK_REFUSED(of(platform(0)).platform(0, 2), "listed twice");
  CHECK_ACCEPTED(of(platform(0)).platform(2, 1));  // two platforms on one bit
}

TEST_CASE("policies") {
  IGVM_VHS_GUEST_POLICY guest{.policy = 0x30000u, .compatibility_mask = 1u};
  CHECK_ACCEPTED(of(platform(2)).add(IGVM_VHT_GUEST_POLICY, guest));
  guest.reserved = 1u;
  CHECK_REFUSED(of(platform(2)).add(IGVM_VHT_GUEST_POLICY, guest), "reserved");

  const auto cca = [](const IGVM_VHS_CCA_POLICY& policy) {
    return of(platform(IGVM_PLATFORM_CCA), 2, 1)
        .platform(IGVM_PLATFORM_VSM_ISOLATION, 2)
        .add(IGVM_VHT_CCA_POLICY, policy);
  };
  IGVM_VHS_CCA_POLICY policy{
      .compatibility_mask = 1u, .attributes_required_zeroes = 2u, .attributes_required_ones = 1u};
  CHECK_ACCEPTED(cca(policy));
  policy.hash_algorithm = 9;  // the reference does not look
  CHECK_ACCEPTED(cca(policy));
  policy.attributes_required_ones = 3u;
  CHECK_REFUSED(cca(policy), "bits 0x2");
  policy = {.compatibility_mask = 3u};
  CHECK_REFUSED(cca(policy), "no CCA platform");
  policy = {.compatibility_mask = 1u, .reserved = 1u};
  CHECK_REFUSED(cca(policy), "reserved");
  policy = {.compatibility_mask = 1u, .reserved2 = {0, 0, 0, 0, 0, 1}};
  CHECK_REFUSED(cca(policy), "reserved");
  // A header for nobody is not looked at further, even for another architecture.
  policy = {.compatibility_mask = 0u};
  CHECK_ACCEPTED(of(platform(0)).add(IGVM_VHT_CCA_POLICY, policy));
  policy.compatibility_mask = 1u;
  CHECK_REFUSED(of(platform(0)).add(IGVM_VHT_CCA_POLICY, policy), "no CCA platform");
}

TEST_CASE("relocatable regions") {
  const auto file = [](const IGVM_VHS_RELOCATABLE_REGION& header) {
    RawFile raw = vbs().add(IGVM_VHT_RELOCATABLE_REGION, header);
    return with_list(raw);
  };
  CHECK_ACCEPTED(file(region()));
  IGVM_VHS_RELOCATABLE_REGION odd = region();
  odd.relocation_region_size = 0x1001u;
  CHECK_REFUSED(file(odd), "region's size");
  odd = region();
  odd.relocation_region_size = 0u;
  CHECK_REFUSED(file(odd), "empty");
  odd = region();
  odd.relocation_alignment = 0x800u;
  CHECK_REFUSED(file(odd), "relocation alignment");
  odd.relocation_alignment = 0u;
  CHECK_REFUSED(file(odd), "alignment is zero");
  odd.relocation_alignment = 0x3000u;  // need not be a power of two
  CHECK_REFUSED(file(odd), "region's address 0x100000 is no multiple of the relocation alignment 0x3000");
  odd.relocation_region_gpa = 0x300000u;
  CHECK_REFUSED(file(odd), "maximum address");
  odd.maximum_relocation_gpa = 0x600000u;
  CHECK_ACCEPTED(file(odd));
  odd.minimum_relocation_gpa = 0x1000u;
  CHECK_REFUSED(file(odd), "minimum address");
  odd = region();
  odd.vtl = 3;
  CHECK_REFUSED(file(odd), "VTL 3");
  odd = region();
  odd.relocation_region_gpa = ~std::uint64_t{0x1FFF};
  odd.relocation_region_size = 0x3000u;
  CHECK_REFUSED(file(odd), "past 2^64");
  odd = region();
  odd.flags = 0xFF;
  CHECK_ACCEPTED(file(odd));
  // For nobody: no context is wanted and no room taken.
  odd = region();
  odd.compatibility_mask = 0u;
  odd.relocation_region_size = 0u;
  CHECK_ACCEPTED(vbs().add(IGVM_VHT_RELOCATABLE_REGION, odd));
}

TEST_CASE("relocatable regions do not overlap") {
  const auto pair = [](std::uint64_t gpa, std::uint64_t size, std::uint32_t mask) {
    IGVM_VHS_RELOCATABLE_REGION other = region();
    other.relocation_region_gpa = gpa;
    other.relocation_region_size = size;
    other.compatibility_mask = mask;
    RawFile raw = vbs().platform(IGVM_PLATFORM_NATIVE, 2);
    raw.add(IGVM_VHT_RELOCATABLE_REGION, region()).add(IGVM_VHT_RELOCATABLE_REGION, other);
    return with_list(raw);
  };
  CHECK_ACCEPTED(pair(0x102000, 0x1000, 1));
  CHECK_ACCEPTED(pair(0xFF000, 0x1000, 1));
  CHECK_REFUSED(pair(0x101000, 0x1000, 1), "overlaps");
  CHECK_REFUSED(pair(0xFF000, 0x2000, 1), "overlaps");
  CHECK_REFUSED(pair(0xFF000, 0x10000, 1), "overlaps");
  CHECK_REFUSED(pair(0x100000, 0x2000, 3), "overlaps");
  CHECK_REFUSED(pair(0x100000, 0x2000, 2), "no VBS register list");  // apart, but without a context
}

TEST_CASE("page table regions") {
  const auto file = [](const IGVM_VHS_PAGE_TABLE_RELOCATION& header) {
    RawFile raw = vbs().add(IGVM_VHT_PAGE_TABLE_RELOCATION_REGION, header);
    return with_list(raw);
  };
  CHECK_ACCEPTED(file(page_table()));
  IGVM_VHS_PAGE_TABLE_RELOCATION odd = page_table();
  odd.used_size = 0x4000u;
  CHECK_ACCEPTED(file(odd));
  odd.used_size = 0x5000u;
  CHECK_REFUSED(file(odd), "used size");
  odd.used_size = 0x800u;
  CHECK_REFUSED(file(odd), "used size");
  odd = page_table();
  odd.gpa = 0x200800u;
  CHECK_REFUSED(file(odd), "address");
  odd = page_table();
  odd.size = 0x4800u;
  CHECK_REFUSED(file(odd), "size");
  odd = page_table();
  odd.reserved = 1;
  CHECK_REFUSED(file(odd), "reserved");
  odd = page_table();
  odd.vtl = 3;
  CHECK_REFUSED(file(odd), "VTL");

  RawFile twice = vbs().add(IGVM_VHT_PAGE_TABLE_RELOCATION_REGION, page_table());
  odd = page_table();
  odd.gpa = 0x400000u;
  twice.add(IGVM_VHT_PAGE_TABLE_RELOCATION_REGION, odd);
  CHECK_REFUSED(with_list(twice), "exists already");
  RawFile over = vbs().add(IGVM_VHT_RELOCATABLE_REGION, region());
  odd.gpa = 0x101000u;
  over.add(IGVM_VHT_PAGE_TABLE_RELOCATION_REGION, odd);
  CHECK_REFUSED(with_list(over), "overlaps");

  const auto inserted = [](std::uint64_t gpa, std::uint32_t mask) {
    RawFile raw = vbs().platform(IGVM_PLATFORM_NATIVE, 2);
    raw.add(IGVM_VHT_PAGE_TABLE_RELOCATION_REGION, page_table()).area(0).insert(0, gpa, mask);
    return with_list(raw);
  };
  CHECK_ACCEPTED(inserted(0x1FF000, 1));
  CHECK_REFUSED(inserted(0x200000, 1), "page table region");
  CHECK_REFUSED(inserted(0x203000, 3), "page table region");
  CHECK_ACCEPTED(inserted(0x204000, 1));
  CHECK_ACCEPTED(inserted(0x200000, 2));
}

TEST_CASE("a relocation wants the context it names") {
  const auto file = [](std::uint16_t vp_index, std::uint8_t vtl, std::uint8_t list_vtl) {
    IGVM_VHS_RELOCATABLE_REGION header = region();
    header.vp_index = vp_index;
    header.vtl = vtl;
    RawFile raw = vbs().add(IGVM_VHT_RELOCATABLE_REGION, header);
    return with_list(raw, list_vtl);
  };
  CHECK_ACCEPTED(file(0, 0, 0));
  CHECK_ACCEPTED(file(0, 2, 2));
  CHECK_REFUSED(file(0, 2, 0), "VTL 2");
  CHECK_REFUSED(file(1, 0, 0), "vCPU 1");
  // One mask that both share is enough.
  IGVM_VHS_RELOCATABLE_REGION both = region();
  both.compatibility_mask = 3u;
  RawFile raw = vbs().platform(IGVM_PLATFORM_NATIVE, 2).add(IGVM_VHT_RELOCATABLE_REGION, both);
  CHECK_ACCEPTED(with_list(raw));
}

TEST_CASE("the life of a parameter area") {
  const auto start = [] { return RawFile().platform(0).platform(2, 2); };
  CHECK_ACCEPTED(start().area(7).parameter(IGVM_VHT_MADT, 7).insert(7, 0x1000));
  CHECK_REFUSED(start().area(7).area(7), "declared twice");
  CHECK_REFUSED(start().area(7).insert(7, 0x1000).area(7), "declared twice");
  CHECK_REFUSED(start().parameter(IGVM_VHT_MADT, 7), "no header before it declares");
  CHECK_REFUSED(start().area(7).insert(7, 0x1000).parameter(IGVM_VHT_MADT, 7), "was inserted before");
  CHECK_REFUSED(start().insert(7, 0x1000), "no header before declares");
  CHECK_REFUSED(start().area(7).insert(7, 0x1000).insert(7, 0x2000, 2), "inserted twice");
  CHECK_REFUSED(start().area(7).insert(7, 0x1001), "address");
  CHECK_REFUSED(start().area(7, 4095), "size of a parameter area");
  CHECK_ACCEPTED(start().area(7, 0));
  // An insert for nobody counts for nothing, but its address does.
  CHECK_ACCEPTED(start().area(7).insert(7, 0x1000, 0).parameter(IGVM_VHT_MADT, 7).insert(7, 0x1000));
  CHECK_ACCEPTED(start().insert(9, 0x1000, 0));
  CHECK_REFUSED(start().insert(9, 0x1001, 0), "address");
  const std::vector<std::uint32_t> types = {IGVM_VHT_VP_COUNT_PARAMETER,
                                            IGVM_VHT_SRAT,
                                            IGVM_VHT_MADT,
                                            IGVM_VHT_MMIO_RANGES,
                                            IGVM_VHT_MEMORY_MAP,
                                            IGVM_VHT_COMMAND_LINE,
                                            IGVM_VHT_SLIT,
                                            IGVM_VHT_PPTT,
                                            IGVM_VHT_DEVICE_TREE,
                                            IGVM_VHT_ENVIRONMENT_INFO_PARAMETER};
  for (const std::uint32_t type : types) {
    CHECK_ACCEPTED(start().area(7).parameter(type, 7, 0xFFFFFFFF));
    CHECK_REFUSED(start().parameter(type, 7), std::string(igvm::header_name(type)));
  }
}

TEST_CASE("page data, required memory, error ranges") {
  const auto page = [](const IGVM_VHS_PAGE_DATA& header) {
    return RawFile().platform(0).add(IGVM_VHT_PAGE_DATA, header);
  };
  CHECK_ACCEPTED(
      page({.gpa = ~std::uint64_t{4095}, .compatibility_mask = 0xFFFFFFFFu, .flags = 0xFFFFFFFFu}));
  CHECK_ACCEPTED(page({.gpa = 4096u, .flags = 1u}));  // a 2 MiB page at no multiple of that
  CHECK_REFUSED(page({.gpa = 1u}), "address 0x1");
  for (const std::uint16_t type : types({0, 1, 2, 3})) CHECK_ACCEPTED(page({.data_type = type}));
  CHECK_REFUSED(page({.data_type = std::uint16_t{4}}), "data type 4");
  CHECK_REFUSED(page({.reserved = std::uint16_t{1}}), "reserved");

  const auto memory = [](const IGVM_VHS_REQUIRED_MEMORY& header) {
    return RawFile().platform(0).add(IGVM_VHT_REQUIRED_MEMORY, header);
  };
  CHECK_ACCEPTED(
      memory({.gpa = 4096u, .compatibility_mask = 1u, .number_of_bytes = 0xFFFFF000u, .flags = 0xFFFFFFFFu}));
  CHECK_REFUSED(memory({.gpa = 16u}), "address");
  CHECK_REFUSED(memory({.number_of_bytes = 16u}), "size");
  CHECK_REFUSED(memory({.reserved = 1u}), "reserved");

  CHECK_ACCEPTED(
      RawFile().platform(0).add(IGVM_VHT_ERROR_RANGE, IGVM_VHS_ERROR_RANGE{.gpa = 4096u, .size_bytes = 3u}));
  CHECK_REFUSED(RawFile().platform(0).add(IGVM_VHT_ERROR_RANGE, IGVM_VHS_ERROR_RANGE{.gpa = 3u}), "address");
  CHECK_ACCEPTED(
      RawFile().platform(0).add(IGVM_VHT_SNP_ID_BLOCK, IGVM_VHS_SNP_ID_BLOCK{.author_key_enabled = 9}));
  CHECK_ACCEPTED(RawFile().platform(0).add(IGVM_VHT_VBS_MEASUREMENT, IGVM_VHS_VBS_MEASUREMENT{}));
}

TEST_CASE("VP contexts of one page") {
  for (const std::uint8_t type : {IGVM_PLATFORM_NATIVE, IGVM_PLATFORM_SEV}) {
    Octets data(4096, 0);
    data[231] = 1;
    CHECK_ACCEPTED(RawFile().platform(type).context(1, 77).data(data));
    data[232] = 1;
    CHECK_REFUSED(RawFile().platform(type).context().data(data), "byte 0xe8 is 0x1");
    CHECK_ACCEPTED(RawFile().platform(type).context(1, 0, kDataOffset, 5));  // no one reads the address
  }
  for (const std::uint8_t type : {IGVM_PLATFORM_SEV_SNP, IGVM_PLATFORM_SEV_ES}) {
    CHECK_ACCEPTED(RawFile().platform(type).context(1, 77, kDataOffset, 0x1000).data(Octets(4096, 0xFF)));
    CHECK_REFUSED(RawFile().platform(type).context(1, 0, kDataOffset, 0x1001), "address of a VMSA");
    CHECK_REFUSED(RawFile().platform(type).context().data(Octets(4095, 0)), "bytes exist");
  }
  Octets data(4096, 0);
  data[79] = 1;
  CHECK_ACCEPTED(RawFile(2, 1).platform(IGVM_PLATFORM_CCA).context(1, 9).data(data));
  data[80] = 1;
  CHECK_REFUSED(RawFile(2, 1).platform(IGVM_PLATFORM_CCA).context().data(data), "byte 0x50");
  CHECK_REFUSED(RawFile().platform(IGVM_PLATFORM_TDX).context(), "takes no VP context");
  // Exactly one platform, and one that exists.
  CHECK_REFUSED(RawFile().platform(0).platform(2, 2).context(3), "must be that of one platform");
  CHECK_REFUSED(RawFile().platform(0).context(0), "must be that of one platform");
  CHECK_REFUSED(RawFile().platform(0).context(2), "must be that of one platform");
  // Of two platforms with one bit the last counts.
  CHECK_ACCEPTED(RawFile().platform(3).platform(0).context());
  CHECK_REFUSED(RawFile().platform(0).platform(3).context(), "takes no VP context");
}

TEST_CASE("VBS register lists") {
  const auto list = [](const std::vector<VbsVpContextRegister>& registers) {
    return vbs().context().data(vbs_list(registers));
  };
  CHECK_ACCEPTED(list({{.vtl = 0, .register_name = kVbsRip}, {.vtl = 0, .register_name = kVbsCs}}));
  CHECK_ACCEPTED(list({{.vtl = 2, .register_name = kVbsRip, .mbz = {1}}}));  // mbz is not looked at
  CHECK_REFUSED(list({}), "sets no register");
  CHECK_REFUSED(list({{.vtl = 0, .register_name = kVbsRip}, {.vtl = 2, .register_name = kVbsCs}}),
                "the first for 0");
  CHECK_REFUSED(list({{.vtl = 3, .register_name = kVbsRip}}), "VTL 3");
  CHECK_REFUSED(list({{.vtl = 0, .register_name = 0x00020000u}}),
                "0x20000");  // rax: the reference has no use for it
  CHECK_REFUSED(vbs().context(1, 1).data(one_register()), "only vCPU 0");
  Octets cut = one_register();
  cut.pop_back();
  CHECK_REFUSED(vbs().context().data(cut), "bytes exist");

  const auto arm = [](std::uint32_t name) {
    return RawFile(2, 1)
        .platform(IGVM_PLATFORM_VSM_ISOLATION)
        .context()
        .data(vbs_list({{.register_name = name}}));
  };
  CHECK_ACCEPTED(arm(kVbsX0));
  CHECK_REFUSED(arm(0x00020008), "aarch64");  // x8
  for (const Arch arch : {Arch::x86_64, Arch::aarch64})
    for (const igvm::VbsRegister& entry : igvm::vbs_registers(arch)) {
      RawFile raw(2, arch == Arch::x86_64 ? 0 : 1);
      raw.platform(IGVM_PLATFORM_VSM_ISOLATION).context().data(vbs_list({{.register_name = entry.id}}));
      CHECK_ACCEPTED(raw);
      CHECK(igvm::find_vbs_register(arch, entry.id) == &entry);
    }
  CHECK(igvm::vbs_registers(Arch::x86_64).size() == 41);
  CHECK(igvm::vbs_registers(Arch::aarch64).size() == 16);
}

TEST_CASE("names for reports") {
  CHECK(igvm::header_name(IGVM_VHT_PAGE_DATA) == "PAGE_DATA");
  CHECK(igvm::header_name(0x399) == "unknown");
  CHECK(igvm::parameter_name(IGVM_VHT_VP_COUNT_PARAMETER) == "VP_COUNT");
  CHECK(igvm::parameter_name(IGVM_VHT_ENVIRONMENT_INFO_PARAMETER) == "ENVIRONMENT_INFO");
  CHECK(igvm::parameter_name(IGVM_VHT_MADT) == "MADT");
  CHECK(igvm::parameter_name(IGVM_VHT_PAGE_DATA) == "unknown");
  CHECK(igvm::platform_name(IGVM_PLATFORM_SEV_SNP) == "SEV_SNP");
  CHECK(igvm::platform_name(7) == "unknown");
}
