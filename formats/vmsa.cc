#include "formats/vmsa.h"

#include <algorithm>
#include <cstddef>
#include <string>

#include "formats/suggest.h"

namespace tintype {

namespace {

static_assert(offsetof(VmsaPage, efer) == 0xD0 && offsetof(VmsaPage, g_pat) == 0x268 &&
              offsetof(VmsaPage, sev_features) == 0x3B0 && offsetof(VmsaPage, x87_fcw) == 0x410);

constexpr VmcbSegment segment(std::uint16_t selector, std::uint16_t attrib, std::uint64_t base = 0) {
  return {.selector = selector, .attrib = attrib, .limit = 0xFFFFu, .base = base};
}

std::optional<std::uint32_t> hexadecimal(std::string_view text) {
  if (!text.starts_with("0x") || text.size() < 3 || text.size() > 10) return std::nullopt;
  std::uint32_t value = 0;
  for (const char c : text.substr(2)) {
    constexpr std::string_view kDigits = "0123456789abcdefABCDEF";
    const std::size_t digit = kDigits.find(c);
    if (digit == std::string_view::npos) return std::nullopt;
    value = value << 4 | static_cast<std::uint32_t>(digit < 16 ? digit : digit - 6);
  }
  return value;
}

// "EPYC-Milan-v2" without "-v2".
std::string_view without_version(std::string_view name) {
  const std::size_t dash = name.rfind("-v");
  const bool versioned = dash != std::string_view::npos && dash + 2 < name.size() &&
                         name.find_first_not_of("0123456789", dash + 2) == std::string_view::npos;
  return versioned ? name.substr(0, dash) : name;
}

}  // namespace

VmsaPage reset_vmsa(std::uint64_t sev_features, std::uint32_t processor) {
  constexpr std::uint16_t kData = 0x93, kCode = 0x9B, kBusyTask = 0x8B, kTable = 0x82;
  VmsaPage page{};
  for (VmcbSegment* data : {&page.es, &page.ss, &page.ds, &page.fs, &page.gs}) *data = segment(0, kData);
  page.cs = segment(0xF000, kCode, 0xFFFF0000);
  page.gdtr = segment(0, 0);
  page.idtr = segment(0, 0);
  page.ldtr = segment(0, kTable);
  page.tr = segment(0, kBusyTask);
  page.efer = kEferSvme;
  page.cr4 = kCr4Mce;
  page.cr0 = kCr0Et;
  page.dr7 = std::uint64_t{0x400};
  page.dr6 = std::uint64_t{0xFFFF0FF0};
  page.rflags = std::uint64_t{2};
  page.rip = std::uint64_t{0xFFF0};
  page.g_pat = std::uint64_t{0x0007040600070406};
  page.rdx = std::uint64_t{processor};
  page.sev_features = sev_features;
  page.xcr0 = std::uint64_t{1};
  page.mxcsr = 0x1F80u;
  page.x87_fcw = std::uint16_t{0x37F};
  return page;
}

Result<std::uint32_t> parse_processor(std::string_view text) {
  if (const auto number = hexadecimal(text)) return *number;
  const std::string_view name = without_version(text);
  std::vector<std::string_view> names;
  for (const ProcessorName& known : kProcessors) {
    if (known.name == name) return known.signature;
    names.push_back(known.name);
  }
  return fail(
      "'{}' is no processor{}: give EPYC, EPYC-Rome, EPYC-Milan, EPYC-Genoa or EPYC-Turin, or what CPUID "
      "leaf "
      "1 has in EAX, as 0xa00f11",
      text, did_you_mean(name, names));
}

}  // namespace tintype
