#include <algorithm>
#include <sstream>

#include "tests/formats/igvm_files.h"

using namespace igvm_files;

namespace {

using Lines = std::vector<std::pair<std::string, std::string>>;

// "Gdtr", "SctlrEl1" and "gs_base" as one spelling: lower case without underscores.
std::string plain(const std::string& name) {
  std::string out;
  for (const char c : name)
    if (c != '_') out += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return out;
}

// The value of `key` in a value of the reference's print of a structure, "base: 1005000, limit: 1f".
std::string field(const std::string& text, const std::string& key) {
  const std::size_t at = text.find(key + ": ");
  REQUIRE(at != std::string::npos);
  const std::size_t start = at + key.size() + 2;
  return "0x" + text.substr(start, text.find_first_of(", }", start) - start);
}

// A line "reg cs={...}" (already in our form) or "reg Cs(SegmentRegister { ... })" (the reference's own) as
// name and value.
std::pair<std::string, std::string> parse(const std::string& line) {
  const std::size_t end = line.find_first_of("=(");
  REQUIRE(end != std::string::npos);
  const std::string name = plain(line.substr(0, end));
  if (line[end] == '=') return {name, line.substr(end + 1)};
  const std::string value = line.substr(end + 1, line.size() - end - 2);
  if (value.find("SegmentRegister") == 0)
    return {name, "{sel=" + field(value, "selector") + ",attr=" + field(value, "attributes") +
                      ",limit=" + field(value, "limit") + ",base=" + field(value, "base") + "}"};
  if (value.find("TableRegister") == 0)
    return {name, "{base=" + field(value, "base") + ",limit=" + field(value, "limit") + "}"};
  return {name, "0x" + value};
}

Lines dumped(const std::filesystem::path& path) {
  const Octets text = load(path);
  std::istringstream stream(std::string(text.begin(), text.end()));
  Lines lines;
  for (std::string line; std::getline(stream, line);)
    if (line.find("  reg ") == 0) lines.push_back(parse(line.substr(6)));
  return lines;
}

// The VMSA dump has gdtr and idtr as segments, as the save area does.
Lines described(const std::filesystem::path& path) {
  const Octets bytes = load(path);
  const Result<igvm::File> file = igvm::read(bytes);
  REQUIRE_OK(file);
  Lines lines;
  for (const igvm::Directive& directive : file->directives)
    if (const auto* context = std::get_if<igvm::VpContext>(&directive))
      for (const auto& [name, value] : igvm::describe_context(*context))
        lines.emplace_back(plain(name), value);
  return lines;
}

VcpuX86 distinct() {
  VcpuX86 vcpu;
  std::uint64_t value = 0x1122334455667700;
  for (const X86RegisterName& entry : kX86Registers) vcpu.*entry.member = ++value;
  vcpu.idtr = {.base = 0xA1A2A3A4A5A6A7A8, .limit = 0xB1B2};
  vcpu.gdtr = {.base = 0xC1C2C3C4C5C6C7C8, .limit = 0xD1D2};
  vcpu.code = {.selector = 0x10, .attributes = 0xA09B, .base = 0x11111111, .limit = 0xFFFFFFFE};
  vcpu.data = {.selector = 0x18, .attributes = 0xC093, .base = 0x22222222, .limit = 0xFFFFFFFD};
  return vcpu;
}

}  // namespace

TEST_CASE("contexts are told as the reference prints them") {
  std::size_t compared = 0;
  for (const auto& path : vectors("digest")) {
    CAPTURE(path.string());
    const Lines expected = dumped(path.string() + ".dump");
    const Lines found = described(path);
    CHECK(expected.size() == found.size());
    for (std::size_t i = 0; i < std::min(expected.size(), found.size()); ++i) {
      CHECK(expected[i].first == found[i].first);
      CHECK_MESSAGE(expected[i].second == found[i].second, expected[i].first);
    }
    compared += expected.size();
  }
  CHECK(compared == 27 + 27 + 52 + 10 + 4);  // two native, VMSA, VBS x64 and AArch64; TDX has none
}

TEST_CASE("registers to a native context and back") {
  const VcpuX86 vcpu = distinct();
  const Octets page = igvm::native_context(vcpu);
  REQUIRE(page.size() == 4096);
  CHECK(std::all_of(page.begin() + 232, page.end(), [](std::uint8_t byte) { return byte == 0; }));
  const igvm::VpContext context{.data = page};
  const Result<VcpuX86> back = igvm::native_registers(context);
  REQUIRE_OK(back);
  CHECK(*back == vcpu);
  // Places that the format fixes, told by hand: rip, idtr limit and gdtr limit, code attributes, efer.
  CHECK(read_at<le64>(page, 128, "rip").value() == vcpu.rip);
  CHECK(read_at<le16>(page, 152, "idtr limit").value() == 0xB1B2u);
  CHECK(read_at<le32>(page, 154, "reserved").value() == 0u);
  CHECK(read_at<le16>(page, 158, "gdtr limit").value() == 0xD1D2u);
  CHECK(read_at<le16>(page, 170, "code attributes").value() == 0xA09Bu);
  CHECK(read_at<le64>(page, 224, "efer").value() == vcpu.efer);
}

TEST_CASE("the registers in a file of the reference") {
  const Octets bytes = load(folder() / "digest" / "native-x64-long.igvm");
  const Result<igvm::File> file = igvm::read(bytes);
  REQUIRE_OK(file);
  const Result<VcpuX86> vcpu = igvm::native_registers(std::get<igvm::VpContext>(file->directives.back()));
  REQUIRE_OK(vcpu);
  CHECK(vcpu->rip == 0x1000000);
  CHECK(vcpu->rsi == 0x1122334455667788);
  CHECK(vcpu->cr3 == 0x1008000);
  CHECK(vcpu->efer == 0x500);
  CHECK(vcpu->gdtr == X86Table{.base = 0x1005000, .limit = 0x1F});
  CHECK(vcpu->code == X86Segment{.selector = 0x10, .attributes = 0xA09B, .base = 0, .limit = 0xFFFFFFFF});
  CHECK(vcpu->data == X86Segment{.selector = 0x18, .attributes = 0xC093, .base = 0, .limit = 0xFFFFFFFF});
  // The context of the same registers is the file's.
  const Octets made = igvm::native_context(*vcpu);
  const Bytes data = std::get<igvm::VpContext>(file->directives.back()).data;
  CHECK(std::equal(made.begin(), made.end(), data.begin(), data.end()));
}

TEST_CASE("what is not a native context") {
  Octets page = igvm::native_context(distinct());
  CHECK_FALSE(igvm::native_registers({.kind = igvm::VpContext::Kind::snp_vmsa, .data = page}).has_value());
  CHECK_FALSE(igvm::native_registers({.data = Bytes(page).first(232)}).has_value());
  page[4095] = 1;
  const Result<VcpuX86> tail = igvm::native_registers({.data = page});
  REQUIRE_FALSE(tail);
  CHECK(tail.error().message().find("byte 0xfff is 0x1") != std::string::npos);
}

TEST_CASE("AArch64 registers to a VBS list and back") {
  VcpuArm64 vcpu;
  std::uint64_t value = 0x1122334455667700;
  for (const Arm64RegisterName& entry : kArm64Registers) vcpu.*entry.member = ++value;
  const Octets list = igvm::vbs_context(vcpu);
  REQUIRE(list.size() == 4 + 32 * std::size(kArm64Registers));
  const igvm::VpContext context{.kind = igvm::VpContext::Kind::vbs_aarch64, .data = list};
  const Result<VcpuArm64> back = igvm::vbs_registers(context);
  REQUIRE_OK(back);
  CHECK(*back == vcpu);
  // By hand: the count; the first entry, X0 of VTL 0; the ninth, PC.
  CHECK(read_at<le32>(list, 0, "count").value() == 16u);
  CHECK(list[4] == 0);
  CHECK(read_at<le32>(list, 4 + 1, "name").value() == 0x00020000u);
  CHECK(read_at<le64>(list, 4 + 16, "x0").value() == vcpu.x0);
  CHECK(read_at<le32>(list, 4 + 8 * 32 + 1, "name").value() == 0x00020022u);
  CHECK(read_at<le64>(list, 4 + 8 * 32 + 16, "pc").value() == vcpu.pc);
}

TEST_CASE("what a VBS list lacks is as a processor starts, and what is wrong with one is said") {
  const auto refusal = [](const Octets& list) {
    const auto read = igvm::vbs_registers({.kind = igvm::VpContext::Kind::vbs_aarch64, .data = list});
    return read ? std::string() : read.error().message();
  };
  VcpuArm64 vcpu;
  vcpu.x0 = 7;
  Octets list = igvm::vbs_context(vcpu);
  Octets only_x0(list.begin(), list.begin() + 36);
  only_x0[0] = 1;
  const auto first = igvm::vbs_registers({.kind = igvm::VpContext::Kind::vbs_aarch64, .data = only_x0});
  REQUIRE_OK(first);
  CHECK(*first == vcpu);

  Octets twice = list;
  twice[4 + 32 + 1] = 0;  // X1's name becomes X0's
  CHECK(refusal(twice) == "vCPU 0 has register x0 twice");
  Octets vtl = list;
  vtl[4] = 2;
  CHECK(refusal(vtl) == "vCPU 0 has registers of VTL 2, and there is only VTL 0");
  Octets unknown = list;
  unknown[4 + 1] = 0x40;
  CHECK(refusal(unknown).find("a register 0x20040 that this program does not know") != std::string::npos);
  for (std::size_t size = 0; size < list.size(); ++size)
    CHECK(refusal(Octets(list.begin(), list.begin() + static_cast<std::ptrdiff_t>(size))) != "");
  CHECK_FALSE(igvm::vbs_registers({.data = list}).has_value());
}

TEST_CASE("a CCA context") {
  Octets page(4096, 0);
  for (std::size_t i = 0; i < 10; ++i) page[8 * i] = static_cast<std::uint8_t>(i + 1);
  const Lines lines = igvm::describe_context({.kind = igvm::VpContext::Kind::cca, .data = page});
  REQUIRE(lines.size() == 10);
  CHECK(lines[0] == std::pair<std::string, std::string>("x0", "0x1"));
  CHECK(lines[7] == std::pair<std::string, std::string>("x7", "0x8"));
  CHECK(lines[8] == std::pair<std::string, std::string>("pc", "0x9"));
  CHECK(lines[9] == std::pair<std::string, std::string>("flags", "0xa"));
}

TEST_CASE("contexts that are cut short are told as nothing") {
  using Kind = igvm::VpContext::Kind;
  const Octets bytes(4096, 0xFF);
  for (const Kind kind : {Kind::native_x64, Kind::vbs_x64, Kind::vbs_aarch64, Kind::snp_vmsa, Kind::cca})
    for (const std::size_t size : {0u, 3u, 35u, 79u}) {
      const auto exact = std::make_unique<std::uint8_t[]>(size);
      std::copy_n(bytes.begin(), size, exact.get());
      CHECK(igvm::describe_context({.kind = kind, .data = Bytes(exact.get(), size)}).empty());
    }
}
