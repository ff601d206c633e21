#include "composer/smbios_options.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "formats/suggest.h"

namespace tintype {

namespace {

using Field = std::optional<std::string> SmbiosInputs::*;

struct TextKey {
  std::string_view name;
  Field field;
};

constexpr TextKey kTextKeys[] = {
    {"manufacturer", &SmbiosInputs::manufacturer},
    {"product", &SmbiosInputs::product},
    {"version", &SmbiosInputs::version},
    {"serial", &SmbiosInputs::serial},
    {"sku", &SmbiosInputs::sku},
    {"family", &SmbiosInputs::family},
    {"bios-vendor", &SmbiosInputs::bios_vendor},
    {"bios-version", &SmbiosInputs::bios_version},
    {"bios-date", &SmbiosInputs::bios_date},
    {"board-manufacturer", &SmbiosInputs::board_manufacturer},
    {"board-product", &SmbiosInputs::board_product},
    {"board-version", &SmbiosInputs::board_version},
    {"board-serial", &SmbiosInputs::board_serial},
    {"board-asset", &SmbiosInputs::board_asset},
    {"chassis-manufacturer", &SmbiosInputs::chassis_manufacturer},
    {"chassis-version", &SmbiosInputs::chassis_version},
    {"chassis-serial", &SmbiosInputs::chassis_serial},
    {"chassis-asset", &SmbiosInputs::chassis_asset},
    {"chassis-sku", &SmbiosInputs::chassis_sku},
    {"cpu-manufacturer", &SmbiosInputs::cpu_manufacturer},
    {"cpu-version", &SmbiosInputs::cpu_version},
};
constexpr std::string_view kUuidKey = "uuid";
constexpr std::string_view kOemKey = "oem-string";
constexpr std::string_view kDateKey = "bios-date";

// A page of sysfs, less the line feed and the NUL (Linux drivers/firmware/dmi-id.c, sys_dmi_field_show).
constexpr std::size_t kMaxValue = 4094;

// Linux on x86 copies the strings at boot into 64 KiB that it was linked with, and stops dead when they do
// not suffice, before it can say so (arch/x86/kernel/setup.c, RESERVE_BRK(dmi_alloc); extend_brk). A string
// takes its NUL and is rounded up to 4 bytes, an OEM string has a struct dmi_device of 40 bytes besides. 4
// KiB are for the rest: our defaults, the UUID, the list of memory devices.
constexpr std::size_t kLinuxRoom = 65536 - 4096;
constexpr std::size_t kLinuxOemOverhead = 40;

constexpr std::size_t linux_size(std::string_view text) {
  return (text.size() + 1 + 3) / 4 * 4;
}

Result<void> check_text(std::string_view key, std::string_view value) {
  if (value.empty()) return fail("--smbios {} has no value: SMBIOS has no empty strings, leave it out", key);
  for (std::size_t i = 0; i < value.size(); ++i)
    if (value[i] < ' ' || value[i] > '~')
      return fail("--smbios {}: byte {:#04x} at position {} of {} is not printable ASCII: leave it out", key,
                  static_cast<unsigned>(static_cast<unsigned char>(value[i])), i + 1, value.size());
  if (key != kOemKey && value.size() > kMaxValue)
    return fail("--smbios {} has {} characters, and Linux shows at most {} of one: shorten it", key,
                value.size(), kMaxValue);
  return {};
}

// A number that is all digits; none if it is anything else.
std::optional<unsigned> digits(std::string_view text) {
  unsigned value = 0;
  for (const char digit : text) {
    if (digit < '0' || digit > '9') return std::nullopt;
    value = value * 10 + static_cast<unsigned>(digit - '0');
  }
  return value;
}

unsigned days_of(unsigned month, unsigned year) {
  constexpr unsigned kDays[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  const bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
  return month == 2 && leap ? 29 : kDays[month - 1];
}

// DSP0134 3.3, 7.1: mm/dd/yyyy since 2.3.
bool is_date(std::string_view text) {
  if (text.size() != 10 || text[2] != '/' || text[5] != '/') return false;
  const auto month = digits(text.substr(0, 2));
  const auto day = digits(text.substr(3, 2));
  const auto year = digits(text.substr(6));
  if (!month || !day || !year || *month < 1 || *month > 12) return false;
  return *day >= 1 && *day <= days_of(*month, *year);
}

tl::unexpected<Error> not_a_uuid(std::string_view text) {
  return fail(
      "--smbios uuid '{}' is not a UUID: write 8-4-4-4-12 hexadecimal digits, like "
      "12345678-1234-1234-1234-123456789abc",
      text);
}

Result<std::array<std::uint8_t, 16>> parse_uuid(std::string_view text) {
  constexpr std::size_t kLength = 36;
  std::array<std::uint8_t, 16> uuid{};
  if (text.size() != kLength) return not_a_uuid(text);
  std::size_t at = 0;
  for (std::uint8_t& byte : uuid) {
    if (at == 8 || at == 13 || at == 18 || at == 23)
      if (text[at++] != '-') return not_a_uuid(text);
    const char* const end = text.data() + at + 2;
    const auto [stop, status] = std::from_chars(text.data() + at, end, byte, 16);
    if (status != std::errc() || stop != end) return not_a_uuid(text);
    at += 2;
  }
  const auto all = [&](std::uint8_t value) {
    return std::all_of(uuid.begin(), uuid.end(), [&](std::uint8_t byte) { return byte == value; });
  };
  if (all(0x00) || all(0xFF))
    return fail(
        "--smbios uuid '{}' stands for no UUID at all (DSP0134, 7.2.1): give another, or leave it out", text);
  return uuid;
}

Result<void> set_text(const TextKey& key, std::string_view value, SmbiosInputs& inputs) {
  std::optional<std::string>& field = inputs.*key.field;
  if (field) return fail("--smbios {} is given twice, '{}' and '{}': give it once", key.name, *field, value);
  if (key.name == kDateKey && !is_date(value))
    return fail("--smbios {} '{}' is not a date of the form mm/dd/yyyy, like 01/31/2025", key.name, value);
  field = std::string(value);
  return {};
}

Result<void> set(std::string_view key, std::string_view value, SmbiosInputs& inputs) {
  const auto names = smbios_keys();
  if (std::find(names.begin(), names.end(), key) == names.end())
    return fail("--smbios has no key '{}'{}: choose from {}", key, did_you_mean(key, names),
                fmt::join(names, ", "));
  TRY(check_text(key, value));
  if (key == kOemKey) {
    inputs.oem_strings.emplace_back(value);
    return {};
  }
  if (key == kUuidKey) {
    if (inputs.uuid)
      return fail("--smbios uuid is given twice, the second time as '{}': give it once", value);
    inputs.uuid = TRY(parse_uuid(value));
    return {};
  }
  const auto* const found = std::find_if(std::begin(kTextKeys), std::end(kTextKeys),
                                         [&](const TextKey& text) { return text.name == key; });
  return set_text(*found, value, inputs);
}

// Every string counts, though Linux keeps only most of them.
Result<void> check_room(const SmbiosInputs& given) {
  const SmbiosInputs inputs = with_defaults(given);  // a manufacturer is also the board's, and so on
  std::size_t needed = 0;
  for (const TextKey& key : kTextKeys)
    if (inputs.*key.field) needed += linux_size(*(inputs.*key.field));
  for (const std::string& text : inputs.oem_strings) needed += linux_size(text) + kLinuxOemOverhead;
  if (needed > kLinuxRoom)
    return fail(
        "the --smbios strings need {} bytes at boot, {} each for the {} of oem-string besides their text, "
        "and "
        "Linux has {}: give fewer or shorter ones",
        needed, kLinuxOemOverhead, inputs.oem_strings.size(), kLinuxRoom);
  return {};
}

}  // namespace

std::vector<std::string_view> smbios_keys() {
  std::vector<std::string_view> names;
  for (const TextKey& key : kTextKeys) names.push_back(key.name);
  names.push_back(kUuidKey);
  names.push_back(kOemKey);
  return names;
}

Result<SmbiosInputs> parse_smbios(const std::vector<std::string>& settings) {
  SmbiosInputs inputs;
  for (const std::string& setting : settings) {
    const std::size_t equals = setting.find('=');
    if (equals == std::string::npos)
      return fail("--smbios '{}' has no '=': write KEY=VALUE, for example product=Appliance", setting);
    const std::string_view text = setting;
    TRY(set(text.substr(0, equals), text.substr(equals + 1), inputs));
  }
  TRY(check_room(inputs));
  return inputs;
}

}  // namespace tintype
