#include "composer/diff.h"

#include <nlohmann/json.hpp>

#include "../formats/igvm_files.h"
#include "composer/command.h"
#include "composer/compose.h"
#include "formats/machine_tree.h"
#include "support/golden.h"
#include "support/temporary_folder.h"
#include "support/tiny_cpio.h"
#include "support/tiny_kernels.h"

namespace tintype {
namespace {

using Json = nlohmann::json;
using igvm_files::Octets;
using igvm_files::RawFile;

struct Compose {
  std::string cmdline = "console=ttyS0 quiet";
  std::string initrd = tiny::cpio({{"file", "an initrd"}});
  std::uint64_t memory = 256 * kMiB;
  std::uint32_t cpus = 1;
  std::vector<std::uint8_t> kernel = tiny::elf();
};

Octets composed(const Compose& inputs) {
  const TemporaryFolder folder;
  BuildOptions options = {.output = folder / "image.bin",
                          .kernel = folder.write("kernel", inputs.kernel),
                          .cmdline = inputs.cmdline,
                          .memory = inputs.memory,
                          .cpus = inputs.cpus};
  if (!inputs.initrd.empty()) options.initrds = {{folder.write("initrd", bytes_of(inputs.initrd))}};
  Progress progress("test");
  REQUIRE_OK(compose(options, progress));
  const std::string text = text_of(options.output);
  return {text.begin(), text.end()};
}

DiffReport difference(Bytes a, Bytes b) {
  const auto report = gather_diff({.a = "a", .b = "b"}, a, b);
  REQUIRE_OK(report);
  return *report;
}

std::string text_of_diff(Bytes a, Bytes b) {
  return render_text(difference(a, b));
}

bool says(const std::string& text, std::string_view sentence) {
  return text.find(sentence) != std::string::npos;
}

TEST_CASE("a file does not differ from itself") {
  const Octets image = composed({});
  const DiffReport report = difference(image, image);
  CHECK(report.equal());
  CHECK(says(render_text(report), "a and b do not differ\n"));
  CHECK(Json::parse(render_json(report))["equal"] == true);
}

TEST_CASE("a word of the command line is shown as text, and the digests part at its page") {
  const std::string text = text_of_diff(composed({}), composed({.cmdline = "console=ttyS0 debug"}));
  CAPTURE(text);
  CHECK(says(text,
             "region 'cmdline' 0x20000: 5 bytes differ; first at +14: \"quiet\" -> \"debug\"; "
             "native digest parts at operation "));
  CHECK(says(text, ": page 0x20000 (cmdline)\n"));
  CHECK_FALSE(says(text, "region 'kernel'"));
}

TEST_CASE("what moves, grows, comes and goes is told apart") {
  const Octets image = composed({});
  SUBCASE("grown") {
    const std::string text =
        text_of_diff(image, composed({.initrd = Compose{}.initrd + std::string(16, '\0')}));
    CAPTURE(text);
    CHECK(says(text, "component initrd: size 252 -> 268, sha256 "));
    CHECK(says(text, "resized from 252 to 268 bytes, 16 more; its contents are the same as far as both go"));
    CHECK(says(text, "boot_params: hdr.ramdisk_size (+540) 0xfc -> 0x10c"));
  }
  SUBCASE("gone") {
    const std::string text = text_of_diff(image, composed({.initrd = ""}));
    CAPTURE(text);
    CHECK(says(text, "component initrd: only in a\n"));
    CHECK(says(text, "region 'initrd' 0x400000: only in a, 252 bytes"));
  }
  SUBCASE("come") {
    CHECK(says(text_of_diff(composed({.initrd = ""}), image),
               "region 'initrd' 0x400000: only in b, 252 bytes"));
  }
  SUBCASE("machine") {
    const std::string text = text_of_diff(image, composed({.memory = 512 * kMiB, .cpus = 3}));
    CAPTURE(text);
    CHECK(says(text, "machine: memory 256 MiB -> 512 MiB, cpus 1 -> 3\n"));
    CHECK(says(text, "ACPI table APIC: Length (+4) 0x40 -> 0x50"));
    CHECK(says(text, "native digest parts at operation 3 of "));
    CHECK(says(text, ": RAM: 0x0-0xfffffff -> RAM: 0x0-0x1fffffff\n"));
  }
}

TEST_CASE("a difference of everything is told in full") {
  const Octets a = composed({});
  const Octets b = composed({.cmdline = "root=/dev/vda", .initrd = "", .memory = 512 * kMiB, .cpus = 3});
  const DiffReport report = difference(a, b);
  check_golden("diff/snapshots.txt", render_text(report));
  const Json json = Json::parse(render_json(report));
  CHECK(json["equal"] == false);
  CHECK(json["differences"].size() == report.differences.size());
  check_golden("diff/snapshots.json", render_json(report));
}

// Of a snapshot, each byte of whose file data and registers is changed in turn.
TEST_CASE("no change of a page or register is missed, and each is where it was made") {
  const Octets image = composed({});
  const auto file = igvm::read(image);
  REQUIRE_OK(file);
  const auto machine = read_machine(image);
  REQUIRE_OK(machine);
  int changes = 0;
  for (const igvm::Directive& directive : file->directives) {
    const auto* run = std::get_if<igvm::PageRun>(&directive);
    if (!run || run->data.empty()) continue;
    for (std::uint64_t at = 0; at < run->data.size(); at += 509) {
      Octets changed = image;
      changed[run->file_offset + at] ^= 0x20;
      const DiffReport report = difference(image, changed);
      REQUIRE(report.differences.size() == 1);
      const Difference& found = report.differences[0];
      REQUIRE(found.memory);
      CHECK(found.memory->bytes == 1);
      CHECK(found.range_a->start + *found.memory->first == run->gpa + at);
      REQUIRE(report.digests.size() == 1);
      CHECK(report.digests[0].page_a ==
            GpaRange{run->gpa + at / kPageSize * kPageSize, run->gpa + (at / kPageSize + 1) * kPageSize});
      CHECK_FALSE(found.digests.empty());
      ++changes;
    }
  }
  CHECK(changes > 50);
}

TEST_CASE("a register is named") {
  const Octets image = composed({});
  auto file = igvm::read(image);
  REQUIRE_OK(file);
  const auto machine = read_machine(image);
  std::vector<std::uint8_t> registers;
  for (igvm::Directive& directive : file->directives) {
    auto* context = std::get_if<igvm::VpContext>(&directive);
    if (!context) continue;
    VcpuX86 vcpu = *igvm::native_registers(*context);
    vcpu.rsi = 0x3000;
    registers = igvm::native_context(vcpu);
    context->data = registers;
  }
  const auto other = igvm::write(*file, machine_trailer(**machine));
  REQUIRE_OK(other);
  const std::string text = text_of_diff(image, *other);
  CAPTURE(text);
  CHECK(says(text, "vCPU 0 native: rsi 0x2000 -> 0x3000"));
  CHECK(says(text, ": registers: vCPU 0\n"));
}

TEST_CASE("anyone's files are compared by address, header and parameter") {
  const auto pages = [](std::uint64_t gpa, std::uint8_t value) {
    RawFile raw;
    Octets data(3 * 4096, 0);
    data[4096 + 5] = value;
    raw.platform(IGVM_PLATFORM_NATIVE).page(gpa, 1, igvm_files::kDataOffset + 4096).data(data);
    return raw;
  };
  SUBCASE("a byte") {
    const std::string text = text_of_diff(pages(0x5000, 1).bytes(), pages(0x5000, 2).bytes());
    CHECK(says(text,
               "memory 0x5000-0x5fff: 1 byte differs; first at 0x5005: 01 -> 02; "
               "native digest parts at operation 5\n"));
  }
  SUBCASE("a page of zeroes is no absent page to every platform") {
    RawFile with = pages(0x5000, 1), without = pages(0x5000, 1);
    with.page(0x6000);
    for (RawFile* raw : {&with, &without})
      raw->add(IGVM_VHT_REQUIRED_MEMORY,
               IGVM_VHS_REQUIRED_MEMORY{.gpa = 0x6000u, .compatibility_mask = 1u, .number_of_bytes = 4096u});
    const DiffReport report = difference(with.bytes(), without.bytes());
    const std::string text = render_text(report);
    CAPTURE(text);
    CHECK(says(
        text,
        "1 page of zeroes only in a, first at 0x6000: where it has RAM, the guest finds zeroes either way"));
    REQUIRE(report.digests.size() == 1);
    CHECK(report.digests[0].a == report.digests[0].b);
    CHECK_FALSE(report.equal());
  }
  SUBCASE("a page that is only in one") {
    const std::string text = text_of_diff(pages(0x5000, 1).bytes(), pages(0x9000, 1).bytes());
    CHECK(says(text, "memory 0x5000-0x5fff: only in a; 1 byte differs; first at 0x5005: 01 -> 00"));
    CHECK(says(text, "memory 0x9000-0x9fff: only in b; 1 byte differs; first at 0x9005: 00 -> 01"));
  }
  SUBCASE("the kind of a page") {
    const auto flagged = [](std::uint32_t flags) {
      return RawFile()
          .platform(IGVM_PLATFORM_NATIVE)
          .add(
              IGVM_VHT_PAGE_DATA,
              IGVM_VHS_PAGE_DATA{.gpa = 0x5000u, .compatibility_mask = 1u, .file_offset = 0u, .flags = flags})
          .bytes();
    };
    CHECK(says(text_of_diff(flagged(0), flagged(IGVM_PAGE_DATA_UNMEASURED)),
               "memory 0x5000-0x5fff: 1 page normal -> unmeasured, first at 0x5000"));
  }
  SUBCASE("pages of several kinds, each pair of kinds by itself") {
    const auto flagged = [](std::array<std::uint32_t, 4> flags) {
      RawFile raw;
      raw.platform(IGVM_PLATFORM_NATIVE);
      std::uint64_t gpa = 0x5000;
      for (const std::uint32_t each : flags) {
        raw.add(IGVM_VHT_PAGE_DATA,
                IGVM_VHS_PAGE_DATA{.gpa = gpa, .compatibility_mask = 1u, .file_offset = 0u, .flags = each});
        gpa += kPageSize;
      }
      return raw.bytes();
    };
    constexpr std::uint32_t kUnmeasured = IGVM_PAGE_DATA_UNMEASURED, kShared = IGVM_PAGE_DATA_SHARED;
    const DiffReport report =
        difference(flagged({0, kUnmeasured, 0, 0}), flagged({kUnmeasured, kShared, kUnmeasured, 0}));
    CHECK(says(render_text(report),
               "memory 0x5000-0x8fff: 2 pages normal -> unmeasured, first at 0x5000; "
               "1 page unmeasured -> shared, first at 0x6000"));
    CHECK(Json::parse(render_json(report))["differences"][0]["memory"]["kinds"] ==
          Json::parse(R"([{"pages": 2, "first": 0, "a": "normal", "b": "unmeasured"},
                          {"pages": 1, "first": 4096, "a": "unmeasured", "b": "shared"}])"));
  }
  SUBCASE("a parameter") {
    RawFile a = pages(0x5000, 1), b = pages(0x5000, 1);
    a.area(0).parameter(IGVM_VHT_VP_COUNT_PARAMETER, 0).insert(0, 0x8000);
    b.area(0).parameter(IGVM_VHT_MEMORY_MAP, 0).insert(0, 0x8000);
    const std::string text = text_of_diff(a.bytes(), b.bytes());
    CHECK(says(text, "parameter VP_COUNT 0x8000: only in a\n"));
    CHECK(says(text, "parameter MEMORY_MAP 0x8000: only in b\n"));
  }
  SUBCASE("what the host fills in differs in kind only") {
    RawFile host;
    host.platform(IGVM_PLATFORM_NATIVE).area(0).parameter(IGVM_VHT_VP_COUNT_PARAMETER, 0).insert(0, 0x5000);
    const DiffReport report = difference(pages(0x5000, 1).bytes(), host.bytes());
    CHECK(says(render_text(report), "memory 0x5000-0x5fff: 1 page normal -> parameter, first at 0x5000;"));
  }
  SUBCASE("no platform in common") {
    RawFile a, b;
    a.platform(IGVM_PLATFORM_NATIVE).page(0x5000, 1, igvm_files::kDataOffset);
    b.platform(IGVM_PLATFORM_TDX).page(0x5000, 1, igvm_files::kDataOffset);
    const std::string text = text_of_diff(a.bytes(), b.bytes());
    CAPTURE(text);
    CHECK(says(text, "platform native: only in a\n"));
    CHECK(says(text,
               "the files declare no platform in common: memory is compared as platform native finds it in a "
               "and platform tdx in b\n"));
    CHECK(says(text, "no digests are compared: no platform that has one is declared by both files\n"));
  }
  SUBCASE("what one platform gets") {
    const auto both = [](std::uint32_t file_offset, std::uint32_t parameter, std::uint64_t gpa) {
      RawFile raw;
      raw.platform(IGVM_PLATFORM_NATIVE, 1).platform(IGVM_PLATFORM_TDX, 2);
      raw.page(0x5000, 3, igvm_files::kDataOffset + 4096).data(Octets(3 * 4096, 1));
      raw.page(gpa, 2, file_offset).area(0).parameter(parameter, 0).insert(0, 0x8000, 2);
      return raw.bytes();
    };
    const Octets a = both(0, IGVM_VHT_MEMORY_MAP, 0xA000);
    const Octets b = both(igvm_files::kDataOffset, IGVM_VHT_VP_COUNT_PARAMETER, 0xD000);
    const auto compared = [&](LaunchPlatform platform) {
      const auto report = gather_diff({.a = "a", .b = "b", .platform = platform}, a, b);
      REQUIRE_OK(report);
      return *report;
    };
    const DiffReport native = compared(LaunchPlatform::native);
    CHECK(native.equal());
    REQUIRE(native.notes.size() == 1);
    CHECK(native.notes[0].starts_with(
        "the files differ in what other platforms get, or in the order of headers: "));
    const std::string tdx = render_text(compared(LaunchPlatform::tdx));
    CHECK(says(tdx, "parameter MEMORY_MAP 0x8000: only in a\n"));
    CHECK(says(tdx, "memory 0xa000-0xafff: only in a; "));
    CHECK_FALSE(difference(a, b).equal());
  }
  SUBCASE("which bit of the mask a file gives to a platform does not matter") {
    RawFile a, b;
    a.platform(IGVM_PLATFORM_NATIVE, 1).page(0x5000, 1, igvm_files::kDataOffset);
    b.platform(IGVM_PLATFORM_NATIVE, 4).page(0x5000, 4, igvm_files::kDataOffset);
    const DiffReport report = difference(a.bytes(), b.bytes());
    for (const Difference& found : report.differences) CHECK(found.category == "header");
    CHECK(report.digests.at(0).a == report.digests.at(0).b);
  }
  SUBCASE("the order of headers counts where it is measured") {
    const auto ordered = [](std::uint64_t first, std::uint64_t second) {
      return RawFile().platform(IGVM_PLATFORM_TDX).page(first).page(second).bytes();
    };
    const DiffReport report = difference(ordered(0x5000, 0x9000), ordered(0x9000, 0x5000));
    CHECK(report.differences.empty());
    REQUIRE(report.digests.size() == 1);
    CHECK(report.digests[0].parts_at == 1);
    CHECK(report.digests[0].operation_a == "page added 0x5000");
    CHECK(report.digests[0].operation_b == "page added 0x9000");
    CHECK_FALSE(report.equal());
  }
}

TEST_CASE("files of any two kinds can be compared") {
  std::vector<Octets> files = {composed({}), composed({.kernel = tiny::arm64_image()})};
  for (const auto& path : igvm_files::accepted_vectors()) files.push_back(igvm_files::load(path));
  for (std::size_t i = 0; i < files.size(); ++i) {
    // Itself, its neighbour, and the snapshot both ways: all pairs take a minute with sanitizers.
    for (const std::size_t j : {i, (i + 1) % files.size(), std::size_t{0}}) {
      CAPTURE(i);
      CAPTURE(j);
      const DiffReport report = difference(files[i], files[j]);
      CHECK(difference(files[j], files[i]).equal() == report.equal());
      CHECK(report.equal() == (files[i] == files[j]));
      const Json json = Json::parse(render_json(report));
      CHECK(json["differences"].size() == report.differences.size());
      for (const Json& found : json["differences"]) {
        CAPTURE(found.dump());
        for (const Json& value : found.value("values", Json::array())) CHECK(value["a"] != value["b"]);
        const Json memory = found.value("memory", Json::object());
        if (memory.contains("excerpt")) CHECK(memory["excerpt"]["a"] != memory["excerpt"]["b"]);
        for (const Json& kind : memory.value("kinds", Json::array())) CHECK(kind["a"] != kind["b"]);
      }
    }
  }
}

TEST_CASE("every prefix is compared or refused") {
  const Octets image = composed({});
  for (std::size_t size = 0; size < image.size(); size += size < 4096 ? 13 : 4999) {
    (void)gather_diff({.a = "a", .b = "b"}, Bytes(image).first(size), image);
    (void)gather_diff({.a = "a", .b = "b"}, image, Bytes(image).first(size));
  }
}

TEST_CASE("memory is compared by what the files hold, however much it is") {
  RawFile a, b;
  a.platform(IGVM_PLATFORM_NATIVE).area(0, std::uint64_t{1} << 40).insert(0, std::uint64_t{1} << 40);
  b.platform(IGVM_PLATFORM_NATIVE).page(std::uint64_t{1} << 41);
  const Octets x = a.bytes(), y = b.bytes();
  const auto file_a = igvm::read(x);
  const auto file_b = igvm::read(y);
  REQUIRE_OK(file_a);
  REQUIRE_OK(file_b);
  const MemoryView view_a(*file_a, 1), view_b(*file_b, 1);
  const MemoryDifference found = compare_memory(view_a, 0, view_b, 0, ~std::uint64_t{0});
  CHECK(found.bytes == 0);
  CHECK(found.only_b == 1);
  CHECK(found.first_only == std::uint64_t{1} << 41);
  REQUIRE(found.kinds.size() == 1);
  CHECK(found.kinds[0].pages == std::uint64_t{1} << 28);
  CHECK(found.kinds[0].first == std::uint64_t{1} << 40);
  CHECK(found.kinds[0].a == "parameter");
  CHECK(found.kinds[0].b == "absent");
}

TEST_CASE("a difference is text where it is, and bytes elsewhere") {
  const auto excerpt = [](std::string_view a, std::string_view b, std::size_t at) {
    const Excerpt found = excerpt_of(bytes_of(a), bytes_of(b), at);
    return found.a + " -> " + found.b;
  };
  CHECK(excerpt("root=/dev/vda ro", "root=/dev/vdb ro", 12) == "\"root=/dev/vda\" -> \"root=/dev/vdb\"");
  CHECK(excerpt("root=/dev/vda ro", "root=/dev/vda rw", 15) == "\"ro\" -> \"rw\"");
  CHECK(excerpt("say \"a\\b\"", "say \"a\\c\"", 7) == "\"\\\"a\\\\b\\\"\" -> \"\\\"a\\\\c\\\"\"");
  CHECK(excerpt("one\ttwo", "one\nfour", 3) == R"("one\ttwo" -> "one\nfour")");
  CHECK(excerpt(std::string_view("\0\1\2\3", 4), std::string_view("\0\7\10\3", 4), 1) == "01 02 -> 07 08");
  CHECK(excerpt("abcd\xff", "abce\xff", 3) == "64 -> 65");
  CHECK(excerpt(std::string_view("abc\0", 4), "abc\1", 3) == "00 -> 01");
  CHECK(excerpt(std::string_view("\1\0\0\0", 4), std::string_view("\1    ", 4), 1) == "00 00 00 -> 20 20 20");
  const std::string before(100, 'x'), after(100, 'y');
  CHECK(excerpt(before + "a" + after, before + "b" + after, 100) ==
        fmt::format("..\"{0}a{1}\".. -> ..\"{0}b{1}\"..", before.substr(0, 32), after.substr(0, 47)));
}

TEST_CASE("what changes in a command line is what its excerpt shows") {
  struct Change {
    std::string_view a, b, said_of_a, said_of_b;
  };
  constexpr Change kChanges[] = {
      {"console=ttyS0 quiet", "console=ttyS0 quiet debug", "quiet", "quiet debug"},
      {"console=ttyS0 quiet", "console=ttyS0 quiet quiet", "quiet", "quiet quiet"},
      {"console=ttyS0 quiet", "quiet", "console=ttyS0 quiet", "quiet"},
      {"console=ttyS0 ro quiet", "console=ttyS0 quiet", "ro quiet", "quiet"},
      {"console=ttyS0 quick quiet", "console=ttyS0 quiet", "quick quiet", "quiet"},
      {"a=1 b=2 c=3 d=4", "a=1 d=4", "b=2 c=3 d=4", "d=4"},
      {"a=1 b=2 c=3", "a=1 c=3 b=2", "b=2 c=3", "c=3 b=2"},
      {"ro root=/dev/vda", "root=/dev/vda", "ro root=/dev/vda", "root=/dev/vda"},
      {"loglevel=3 ro", "loglevel=15 ro", "loglevel=3", "loglevel=15"},
      {"quiet ro", "quietly ro", "quiet", "quietly"},
      {"console=ttyS0 quiet", "console=ttyS0  quiet", "console=ttyS0 quiet", "console=ttyS0  quiet"},
      {"console=ttyS0 quiet", "console=ttyS0 quiet ", "quiet", "quiet "},
      {"console=ttyS0 quiet ", "console=ttyS0 quiet debug", "quiet ", "quiet debug"},
      {"quiet", " quiet", "quiet", " quiet"},
      {"", "quiet", "", "quiet"},
  };
  for (const Change& change : kChanges) {
    CAPTURE(change.a);
    CAPTURE(change.b);
    std::string a(change.a), b(change.b);
    a += '\0';
    b += '\0';
    const auto at =
        static_cast<std::size_t>(std::mismatch(a.begin(), a.end(), b.begin(), b.end()).first - a.begin());
    for (const bool turned : {false, true}) {
      const Excerpt found =
          turned ? excerpt_of(bytes_of(b), bytes_of(a), at) : excerpt_of(bytes_of(a), bytes_of(b), at);
      CHECK(found.text);
      CHECK((turned ? found.b : found.a) == fmt::format("\"{}\"", change.said_of_a));
      CHECK((turned ? found.a : found.b) == fmt::format("\"{}\"", change.said_of_b));
    }
  }
}

// All pairs of short pieces of what may be text.
TEST_CASE("the two sides of an excerpt are never equal") {
  constexpr std::string_view kBytes("abc \n\0\x80", 7);
  constexpr std::size_t kLength = 4;
  std::vector<std::string> pieces = {""};
  for (std::size_t i = 0; i < kLength; ++i) {
    std::vector<std::string> longer;
    for (const std::string& piece : pieces)
      for (const char byte : kBytes) longer.push_back(piece + byte);
    pieces = std::move(longer);
  }
  const std::string before = "abcd ";
  std::size_t equal = 0, texts = 0;
  for (std::size_t i = 0; i < pieces.size(); ++i)
    for (std::size_t j = i % 16; j < pieces.size(); j += 16) {
      if (i == j) continue;
      const std::string a = before + pieces[i], b = before + pieces[j];
      const auto at =
          static_cast<std::size_t>(std::mismatch(a.begin(), a.end(), b.begin()).first - a.begin());
      const Excerpt found = excerpt_of(bytes_of(a), bytes_of(b), at);
      equal += found.a == found.b ? 1 : 0;
      texts += found.text ? 1 : 0;
    }
  CHECK(equal == 0);
  CHECK(texts > 1000);
}

TEST_CASE("of a region that grows, what both have is compared") {
  const DiffReport report = difference(composed({}), composed({.cmdline = "console=ttyS0 quiet debug"}));
  CHECK(
      says(render_text(report),
           "region 'cmdline' 0x20000: resized from 20 to 26 bytes, 6 more; 1 of the first 20 bytes differs; "
           "first at +19: \"quiet\" -> \"quiet debug\"; native digest parts at operation "));
  const Json json = Json::parse(render_json(report));
  for (const Json& found : json["differences"]) {
    if (found["name"] != "cmdline") continue;
    CHECK(found["memory"]["compared"] == 20);
    CHECK(found["memory"]["bytes"] == 1);
    CHECK(found["memory"]["excerpt"]["a"] == "\"quiet\"");
    CHECK(found["memory"]["excerpt"]["b"] == "\"quiet debug\"");
  }
  CHECK(says(
      text_of_diff(composed({}), composed({.cmdline = ""})),
      "resized from 20 to 1 byte, 19 fewer; the first byte differs; first at +0: \"console=ttyS0\" -> \"\""));
}

TEST_CASE("a long value is shown where it differs") {
  const std::string digits(80, '0');
  const auto text = [](const std::string& a, const std::string& b) {
    return difference_text({.category = "header", .name = "policy", .values = {{"data", a, b}}}, {"a", "b"});
  };
  CHECK(text(digits + "1234", digits + "1256") == "policy: data ..34 -> ..56");
  CHECK(text("1" + digits, "2" + digits) ==
        fmt::format("policy: data 1{0}.. -> 2{0}..", digits.substr(0, 15)));
  CHECK(text(digits, "none") == fmt::format("policy: data {}.. -> none", digits.substr(0, 16)));
  const std::string words(121, 'w');
  CHECK(text(words + "x", words + "y") == "policy: data ..wx -> ..wy");
  CHECK(text("one", "two") == "policy: data one -> two");

  std::vector<std::uint8_t> a(4096, 0), b(4096, 0);
  b[0x140 + 100] = 1;  // edid_info
  const auto change = compare_structures("boot_params", a, b);
  REQUIRE(change);
  REQUIRE(change->fields.size() == 1);
  CHECK(change->fields[0].field == "edid_info, byte 96");
  CHECK(change->fields[0].offset == 0x140 + 96);
  CHECK(change->fields[0].a == std::string(64, '0'));
  CHECK(change->fields[0].b == "0000000001" + std::string(54, '0'));
}

TEST_CASE("a table of a hundred thousand structures is compared at once") {
  constexpr std::size_t kSize = 250'000;
  std::vector<std::uint8_t> a(kSize, 2), b;
  const std::string_view signature = "APIC";
  std::copy(signature.begin(), signature.end(), a.begin());
  b = a;
  for (std::size_t i = 44; i < kSize; i += 2) b[i] = 3;  // the types; the lengths stay 2
  const auto change = compare_structures("acpi.madt", a, b);
  REQUIRE(change);
  REQUIRE(change->fields.size() == (kSize - 44) / 2);
  CHECK(change->fields[0].field == "structure 1 (type 2), byte 0");
  CHECK(change->fields.back().field == "structure 124978 (type 2), byte 0");
  CHECK(change->fields.back().offset == kSize - 2);
}

TEST_CASE("the exit status is 0, 1 or 2") {
  const TemporaryFolder folder;
  const std::string a = folder.write("a.bin", composed({}));
  const std::string b = folder.write("b.bin", composed({.cpus = 2}));
  const std::string broken = folder.write("broken", bytes_of("no IGVM file"));
  const auto status = [](std::vector<const char*> arguments) {
    arguments.insert(arguments.begin(), {"compose-snapshot", "diff"});
    const auto action = parse_program(static_cast<int>(arguments.size()), arguments.data());
    if (!action) return 2;
    const auto done = (*action)();
    REQUIRE_OK(done);
    CHECK(done->note.empty() == (done->status != 2));
    return done->status;
  };
  CHECK(status({a.c_str(), a.c_str()}) == 0);
  CHECK(status({a.c_str(), b.c_str()}) == 1);
  CHECK(status({a.c_str(), b.c_str(), "--json"}) == 1);
  CHECK(status({a.c_str(), broken.c_str()}) == 2);
  CHECK(status({a.c_str(), "/nonexistent"}) == 2);
  CHECK(status({a.c_str(), b.c_str(), "--platform", "snp"}) == 2);
  CHECK(status({a.c_str(), b.c_str(), "--platform", "sev"}) == 2);
  CHECK(status({a.c_str()}) == 2);
}

}  // namespace
}  // namespace tintype
