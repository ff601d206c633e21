#include "formats/vmsa.h"

#include <map>
#include <string>

#include "formats/gpa.h"
#include "formats/igvm.h"
#include "support/test_main.h"

namespace tintype {
namespace {

std::map<std::string, std::string> described(const VmsaPage& page) {
  std::map<std::string, std::string> lines;
  for (const auto& [name, value] :
       igvm::describe_context({.kind = igvm::VpContext::Kind::snp_vmsa, .data = bytes_of(page)}))
    lines[name] = value;
  return lines;
}

}  // namespace

TEST_CASE("a vCPU after a reset is described as such") {
  const VmsaPage page = reset_vmsa(0x21, 0x00A00F11);
  const auto lines = described(page);
  CHECK(lines.at("cs") == "{sel=0xf000,attr=0x9b,limit=0xffff,base=0xffff0000}");
  for (const char* data : {"ds", "es", "fs", "gs", "ss"})
    CHECK(lines.at(data) == "{sel=0x0,attr=0x93,limit=0xffff,base=0x0}");
  CHECK(lines.at("gdtr") == "{sel=0x0,attr=0x0,limit=0xffff,base=0x0}");
  CHECK(lines.at("ldtr") == "{sel=0x0,attr=0x82,limit=0xffff,base=0x0}");
  CHECK(lines.at("tr") == "{sel=0x0,attr=0x8b,limit=0xffff,base=0x0}");
  const std::map<std::string, std::string> wanted = {{"rip", "0xfff0"},
                                                     {"efer", "0x1000"},
                                                     {"cr0", "0x10"},
                                                     {"cr4", "0x40"},
                                                     {"dr6", "0xffff0ff0"},
                                                     {"dr7", "0x400"},
                                                     {"pat", "0x7040600070406"},
                                                     {"rflags", "0x2"},
                                                     {"rdx", "0xa00f11"},
                                                     {"xcr0", "0x1"},
                                                     {"sev_features", "0x21"},
                                                     {"mxcsr", "0x1f80"},
                                                     {"x87_fcw", "0x37f"},
                                                     {"x87_ftw", "0x0"},
                                                     {"x87_fsw", "0x0"},
                                                     {"rsp", "0x0"},
                                                     {"rax", "0x0"},
                                                     {"rcx", "0x0"},
                                                     {"cr3", "0x0"},
                                                     {"vmpl", "0x0"}};
  for (const auto& entry : wanted) {
    CAPTURE(entry.first);
    CHECK(lines.at(entry.first) == entry.second);
  }
}

TEST_CASE("processors are named as QEMU names them, or by number") {
  const std::map<std::string, std::uint32_t> wanted = {
      {"EPYC", 0x800F12},       {"EPYC-v4", 0x800F12},      {"EPYC-Rome-v3", 0x830F10},
      {"EPYC-Milan", 0xA00F11}, {"EPYC-Genoa", 0xA10F10},   {"EPYC-Turin-v12", 0xB00F00},
      {"0xa00f11", 0xA00F11},   {"0xFFFFFFFF", 0xFFFFFFFF}, {"0x0", 0}};
  for (const auto& entry : wanted) {
    CAPTURE(entry.first);
    const auto parsed = parse_processor(entry.first);
    REQUIRE_OK(parsed);
    CHECK(*parsed == entry.second);
  }
  for (const char* text :
       {"", "0x", "0x1g", "0x123456789", "10", "EPYC-", "EPYC-v", "EPYC-v4x", "-v1", "Xeon"}) {
    CAPTURE(text);
    CHECK_FALSE(parse_processor(text).has_value());
  }
  CHECK(parse_processor("EPYC-Millan").error().message().find("did you mean 'EPYC-Milan'?") !=
        std::string::npos);
}

}  // namespace tintype
