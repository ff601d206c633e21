#include "formats/measure.h"

#include <algorithm>
#include <fstream>
#include <functional>
#include <sstream>

#include "formats/digest.h"
#include "formats/machine_tree.h"
#include "igvm_files.h"
#include "support/test_main.h"

namespace tintype {
namespace {

using namespace igvm_files;

LaunchPlatform platform_named(const std::string& name) {
  for (const LaunchPlatform platform :
       {LaunchPlatform::native, LaunchPlatform::vbs, LaunchPlatform::snp, LaunchPlatform::tdx})
    if (launch_platform_name(platform) == name) return platform;
  FAIL("no platform '" << name << "'");
  std::abort();
}

LaunchDigest measure(const std::vector<LaunchStep>& steps, LaunchPlatform platform,
                     MeasureOptions options = {}) {
  if (platform == LaunchPlatform::snp) return measure_snp(steps, options);
  return platform == LaunchPlatform::tdx ? measure_tdx(steps, options) : measure_vbs(steps, options);
}

}  // namespace

TEST_CASE("digests are those that independent tools give") {
  std::ifstream table(folder() / "digest" / "DIGESTS.tsv");
  std::string line;
  std::getline(table, line);
  std::size_t compared = 0;
  while (std::getline(table, line)) {
    std::istringstream fields(line);
    std::string name, platform, digest;
    fields >> name >> platform >> digest;
    CAPTURE(name);
    const Octets bytes = load(folder() / "digest" / name);
    const auto file = igvm::read(bytes);
    REQUIRE_OK(file);
    const auto steps = launch_steps(*file, platform_named(platform));
    REQUIRE_OK(steps);
    for (const unsigned threads : {1u, 2u, 7u})
      CHECK(to_hex(measure(*steps, platform_named(platform), {.threads = threads}).value) == digest);
    ++compared;
  }
  CHECK(compared == 4);
}

namespace {

// Pages of bytes that differ everywhere.
Octets pages_of_noise(std::uint64_t pages) {
  Octets bytes(pages * 4096);
  std::uint32_t state = 1;
  for (std::uint8_t& byte : bytes) {
    state = state * 1664525 + 1013904223;
    byte = static_cast<std::uint8_t>(state >> 24);
  }
  return bytes;
}

// A file for NATIVE of x86_64 whose bytes are `data`, and what tests change about it.
struct NativeFile {
  explicit NativeFile(Bytes data) {
    file.platforms = {{.compatibility_mask = 1u,
                       .platform_type = IGVM_PLATFORM_NATIVE,
                       .platform_version = std::uint16_t{1}}};
    machine = Machine{.memory = 64 * kMiB, .cpus = 2, .protocol = "linux-x86_64"};
    file.directives.push_back(page(0x100000, data));
    registers.rip = 0x100000;
    context = igvm::native_context(registers);
    file.directives.push_back(igvm::VpContext{.compatibility_mask = 1, .data = context});
  }
  static igvm::PageRun page(std::uint64_t gpa, Bytes data, std::uint32_t flags = 0) {
    return {.gpa = gpa,
            .pages = std::max<std::uint64_t>(data.size() / 4096, 1),
            .compatibility_mask = 1,
            .flags = flags,
            .data = data};
  }
  void set_registers() {
    context = igvm::native_context(registers);
    for (igvm::Directive& directive : file.directives)
      if (auto* old = std::get_if<igvm::VpContext>(&directive)) old->data = context;
  }
  std::string digest(unsigned threads = 1) const {
    const auto launch = native_launch(file, machine);
    REQUIRE_OK(launch);
    return measure_native(*launch, {.threads = threads}).text();
  }

  igvm::File file;
  std::optional<Machine> machine;
  VcpuX86 registers;
  Octets context;
};

}  // namespace

TEST_CASE("the number of threads does not matter, nor does it where there is more than one block") {
  const Octets data = pages_of_noise(2500);
  const std::vector<LaunchStep> steps = {
      {.kind = LaunchStep::Kind::page, .gpa = 0x100000, .pages = 2500, .data = data},
      {.kind = LaunchStep::Kind::page, .gpa = 0x4000000, .pages = 3000},
      {.kind = LaunchStep::Kind::unmeasured, .gpa = 0x8000000, .pages = 2},
      {.kind = LaunchStep::Kind::page,
       .gpa = 0x9000000,
       .pages = 100,
       .data = Bytes(data).first(100 * 4096)}};
  const LaunchDigest alone = measure_snp(steps);
  NativeFile native(data);
  const std::string native_alone = native.digest();
  for (const unsigned threads : {2u, 7u}) {
    CHECK(measure_snp(steps, {.threads = threads}) == alone);
    CHECK(native.digest(threads) == native_alone);
  }
}

TEST_CASE("every operation is told of, and the last digest is the digest") {
  const Octets data = pages_of_noise(3);
  const std::vector<LaunchStep> steps = {
      {.kind = LaunchStep::Kind::page, .gpa = 0x1000, .pages = 3, .data = data},
      {.kind = LaunchStep::Kind::shared, .gpa = 0x8000},
      {.kind = LaunchStep::Kind::parameter, .gpa = 0x9000, .pages = 2}};
  for (const LaunchPlatform platform : {LaunchPlatform::snp, LaunchPlatform::tdx, LaunchPlatform::vbs}) {
    CAPTURE(launch_platform_name(platform));
    std::vector<std::string> digests;
    const LaunchDigest digest = measure(
        steps, platform, {.threads = 2, .observe = [&](const LaunchStep& step, std::uint64_t, Bytes now) {
                            CHECK(step.kind != LaunchStep::Kind::shared);
                            digests.push_back(to_hex(now));
                          }});
    // TDX has an add and an extend of each measured page.
    CHECK(digests.size() == (platform == LaunchPlatform::tdx ? 8u : 5u));
    CHECK(std::adjacent_find(digests.begin(), digests.end()) == digests.end());
    CHECK(digests.back() == to_hex(digest.value));
  }
}

TEST_CASE("bytes that were measured are handed back, each once and in order") {
  const Octets data = pages_of_noise(1100);
  const std::vector<LaunchStep> steps = {
      {.kind = LaunchStep::Kind::page, .gpa = 0x1000, .pages = 1100, .data = data},
      {.kind = LaunchStep::Kind::page, .gpa = 0x800000, .pages = 10}};
  NativeFile native(data);
  const auto launch = native_launch(native.file, native.machine);
  REQUIRE_OK(launch);
  for (int platform = 0; platform < 5; ++platform) {
    CAPTURE(platform);
    const std::uint8_t* next = data.data();
    MeasureOptions options{.threads = 2, .done = [&](Bytes done) {
                             CHECK(done.data() == next);
                             next = done.data() + done.size();
                           }};
    if (platform == 0) measure_native(*launch, options);
    if (platform == 1) measure_snp(steps, options);
    if (platform == 2) measure_vbs(steps, options);
    if (platform > 2) {
      options.tdx_order = platform == 3 ? TdxOrder::per_page : TdxOrder::two_pass;
      measure_tdx(steps, options);
    }
    CHECK(next == data.data() + data.size());
  }
}

TEST_CASE("two-pass is another order of the same operations, and the same for a run of one page") {
  const Octets data = pages_of_noise(2);
  const auto tdx = [](const std::vector<LaunchStep>& steps, TdxOrder order) {
    return to_hex(measure_tdx(steps, {.tdx_order = order}).value);
  };
  const LaunchStep first{.kind = LaunchStep::Kind::page, .gpa = 0x1000, .data = Bytes(data).first(4096)};
  LaunchStep second{.kind = LaunchStep::Kind::page, .gpa = 0x2000, .data = Bytes(data).subspan(4096)};
  CHECK(tdx({first}, TdxOrder::two_pass) == tdx({first}, TdxOrder::per_page));
  const LaunchStep both{.kind = LaunchStep::Kind::page, .gpa = 0x1000, .pages = 2, .data = data};
  CHECK(tdx({both}, TdxOrder::two_pass) != tdx({both}, TdxOrder::per_page));
  CHECK(tdx({both}, TdxOrder::two_pass) == tdx({first, second}, TdxOrder::two_pass));
  second.gpa = 0x3000;
  CHECK(tdx({first, second}, TdxOrder::two_pass) == tdx({first, second}, TdxOrder::per_page));
}

TEST_CASE("what a guest without isolation can see is in its digest, and the rest is not") {
  const Octets data = pages_of_noise(4);
  const NativeFile plain(data);
  const std::string digest = plain.digest();
  CHECK(digest.substr(0, 14) == "native sha256:");
  const auto moves = [&](const char* what, const std::function<void(NativeFile&)>& change, bool expected) {
    NativeFile changed(data);
    change(changed);
    INFO(what);
    CHECK((changed.digest() != digest) == expected);
  };
  moves(
      "nothing", [](NativeFile&) {}, false);
  // Layout.
  moves(
      "the order of headers", [](NativeFile& f) { std::swap(f.file.directives[0], f.file.directives[1]); },
      false);
  moves(
      "a run split in two, the second half first",
      [&](NativeFile& f) {
        f.file.directives[0] = NativeFile::page(0x102000, Bytes(data).subspan(8192));
        f.file.directives.push_back(NativeFile::page(0x100000, Bytes(data).first(8192)));
      },
      false);
  moves(
      "another mask",
      [](NativeFile& f) {
        f.file.platforms[0].compatibility_mask = 4u;
        std::get<igvm::PageRun>(f.file.directives[0]).compatibility_mask = 4;
        std::get<igvm::VpContext>(f.file.directives[1]).compatibility_mask = 4;
      },
      false);
  moves(
      "names",
      [](NativeFile& f) {
        f.machine->protocol = "pvh";
        f.machine->components = {{.role = "kernel", .format = "ELF", .version = "1", .size = 1}};
        f.machine->labels = {{"kernel", {0x100000, 0x104000}}};
      },
      false);
  // Zero pages equal RAM that the file says nothing of.
  static const Octets zeroes(8192);
  moves(
      "explicit zeroes",
      [](NativeFile& f) { f.file.directives.push_back(NativeFile::page(0x200000, zeroes)); }, false);
  moves(
      "a page without data",
      [](NativeFile& f) { f.file.directives.push_back(NativeFile::page(0x200000, {})); }, false);
  // Pages.
  Octets other = data;
  other[5000] ^= 1;
  moves(
      "a bit of a page", [&](NativeFile& f) { f.file.directives[0] = NativeFile::page(0x100000, other); },
      true);
  moves(
      "the address", [&](NativeFile& f) { f.file.directives[0] = NativeFile::page(0x101000, data); }, true);
  moves(
      "a page more",
      [&](NativeFile& f) {
        f.file.directives.push_back(NativeFile::page(0x300000, Bytes(data).first(4096)));
      },
      true);
  // The machine.
  moves(
      "RAM", [](NativeFile& f) { f.machine->memory += 4096; }, true);
  moves(
      "vCPUs", [](NativeFile& f) { f.machine->cpus = 3; }, true);
  moves(
      "NUMA nodes", [](NativeFile& f) { f.machine->numa_nodes = 2; }, true);
  moves(
      "no description", [](NativeFile& f) { f.machine.reset(); }, true);
  // Registers.
  for (const X86RegisterName& name : kX86Registers)
    moves(
        "a register",
        [&](NativeFile& f) {
          f.registers.*name.member += 8;
          f.set_registers();
        },
        true);
  moves(
      "IDTR",
      [](NativeFile& f) {
        f.registers.idtr.limit = 1;
        f.set_registers();
      },
      true);
  moves(
      "GDTR",
      [](NativeFile& f) {
        f.registers.gdtr.base = 1;
        f.set_registers();
      },
      true);
  moves(
      "CS",
      [](NativeFile& f) {
        f.registers.code.attributes = 0x9B;
        f.set_registers();
      },
      true);
  moves(
      "DS",
      [](NativeFile& f) {
        f.registers.data.limit = 9;
        f.set_registers();
      },
      true);
}

TEST_CASE("without a machine description RAM is what the file asks for") {
  const Octets data = pages_of_noise(1);
  constexpr std::uint64_t kElsewhere = 0xE0000000;
  using Headers = std::vector<igvm::Directive>;
  const auto with = [&](const Headers& headers, bool described = false) {
    NativeFile file(data);
    if (!described) file.machine.reset();
    file.file.directives.insert(file.file.directives.end(), headers.begin(), headers.end());
    return file.digest();
  };
  const auto error = [](std::uint64_t gpa) {
    return IGVM_VHS_ERROR_RANGE{.gpa = gpa, .compatibility_mask = 1u, .size_bytes = 4096u};
  };
  const auto required = [](std::uint64_t gpa) {
    return IGVM_VHS_REQUIRED_MEMORY{.gpa = gpa, .compatibility_mask = 1u, .number_of_bytes = 8192u};
  };
  const igvm::PageRun zero = NativeFile::page(kElsewhere, {});
  const Headers area = {igvm::ParameterArea{.number_of_bytes = 4096, .parameter_area_index = 0},
                        IGVM_VHS_PARAMETER_INSERT{.gpa = kElsewhere, .compatibility_mask = 1u}};
  const std::string none = with({});
  // A page of zeroes says nothing, wherever it is: a host may give zeroes there anyway.
  CHECK(with({zero}) == none);
  CHECK(with({error(kElsewhere)}) != none);
  CHECK(with({error(kElsewhere + 4096)}) != with({error(kElsewhere)}));
  CHECK(with({error(kElsewhere + 4096), zero}) == with({error(kElsewhere + 4096)}));
  CHECK(with(area) != none);
  CHECK(with(area) != with({error(kElsewhere)}));
  // In memory that is there anyway a zero page says nothing.
  CHECK(with({required(kElsewhere)}) != none);
  CHECK(with({required(kElsewhere), zero}) == with({required(kElsewhere)}));
  CHECK(with({required(kElsewhere), error(kElsewhere + 4096)}) == with({required(kElsewhere)}));
  // Pages of another platform are none of this one's memory.
  igvm::PageRun other = zero;
  other.compatibility_mask = 2;
  NativeFile two(data);
  two.machine.reset();
  two.file.platforms.push_back({.compatibility_mask = 2u,
                                .platform_type = IGVM_PLATFORM_VSM_ISOLATION,
                                .platform_version = std::uint16_t{1}});
  two.file.directives.emplace_back(other);
  CHECK(two.digest() == none);
  // With a description it says what memory is, and loaders refuse what lies outside.
  CHECK(with({zero}, true) == with({}, true));
  CHECK(with({error(kElsewhere)}, true) == with({}, true));
}

TEST_CASE("a header and a machine description of two architectures are no launch") {
  NativeFile file(pages_of_noise(1));
  file.machine->arch = Arch::aarch64;
  const auto launch = native_launch(file.file, file.machine);
  REQUIRE_FALSE(launch);
  CHECK(launch.error().message() ==
        "says x86_64 in its header and aarch64 in its machine description: one of them is damaged");
}

TEST_CASE("pages that are not measured count by address and kind") {
  const Octets data = pages_of_noise(1), other = Octets(4096, 7);
  const auto with = [&](std::uint32_t flags, std::uint64_t gpa, Bytes contents) {
    NativeFile file(data);
    file.file.directives.push_back(NativeFile::page(gpa, contents, flags));
    return file.digest();
  };
  for (const std::uint32_t flags : {IGVM_PAGE_DATA_UNMEASURED, IGVM_PAGE_DATA_SHARED}) {
    CHECK(with(flags, 0x200000, data) == with(flags, 0x200000, other));
    CHECK(with(flags, 0x200000, data) == with(flags, 0x200000, {}));
    CHECK(with(flags, 0x200000, data) != with(flags, 0x201000, data));
    CHECK(with(flags, 0x200000, {}) != with(0, 0x200000, {}));
  }
  CHECK(with(IGVM_PAGE_DATA_UNMEASURED, 0x200000, data) != with(IGVM_PAGE_DATA_SHARED, 0x200000, data));
}

TEST_CASE("parameters count by address and type") {
  const Octets data = pages_of_noise(1), initial(4096, 7);
  struct Chosen {
    std::uint32_t type = IGVM_VHT_VP_COUNT_PARAMETER, offset = 0, index = 0;
    std::uint64_t gpa = 0x5000;
    Bytes initial = {};
  };
  const auto with = [&](const Chosen& chosen) {
    NativeFile file(data);
    file.file.directives.push_back(igvm::ParameterArea{
        .number_of_bytes = 4096, .parameter_area_index = chosen.index, .initial = chosen.initial});
    igvm::Parameter parameter;
    parameter.type = chosen.type;
    parameter.header = {.parameter_area_index = chosen.index, .byte_offset = chosen.offset};
    file.file.directives.push_back(parameter);
    file.file.directives.push_back(IGVM_VHS_PARAMETER_INSERT{
        .gpa = chosen.gpa, .compatibility_mask = 1u, .parameter_area_index = chosen.index});
    return file.digest();
  };
  const std::string digest = with({});
  CHECK(digest != NativeFile(data).digest());
  CHECK(with({.index = 5}) == digest);
  CHECK(with({.initial = initial}) == digest);
  CHECK(with({.type = IGVM_VHT_ENVIRONMENT_INFO_PARAMETER}) != digest);
  CHECK(with({.offset = 8}) != digest);
  CHECK(with({.gpa = 0x6000}) != digest);
}

TEST_CASE("a vector of the reference for NATIVE has a digest, with and without a machine description") {
  const Octets bytes = load(folder() / "digest" / "native-x64.igvm");
  const auto file = igvm::read(bytes);
  REQUIRE_OK(file);
  const auto bare = native_launch(*file, std::nullopt);
  REQUIRE_OK(bare);
  CHECK(bare->ram == std::vector<GpaRange>{{0x1000000, 0x1010000}});
  CHECK(bare->parameters.size() == 3);
  const auto described = native_launch(*file, Machine{.memory = 32 * kMiB});
  REQUIRE_OK(described);
  CHECK(measure_native(*bare) != measure_native(*described));
}

}  // namespace tintype
