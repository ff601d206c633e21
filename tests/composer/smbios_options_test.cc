#include "composer/smbios_options.h"

#include <algorithm>

#include "support/test_main.h"

namespace tintype {
namespace {

std::string error_of(const std::vector<std::string>& settings) {
  const auto inputs = parse_smbios(settings);
  return inputs ? "" : inputs.error().message();
}

TEST_CASE("no settings are no settings") {
  const auto inputs = parse_smbios({});
  REQUIRE_OK(inputs);
  CHECK(*inputs == SmbiosInputs{});
}

TEST_CASE("each key sets what it names, and nothing else") {
  const std::pair<const char*, std::optional<std::string> SmbiosInputs::*> keys[] = {
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
  std::vector<std::string_view> tested = {"uuid", "oem-string"};
  for (const auto& [name, field] : keys) {
    const std::string key = name;
    CAPTURE(key);
    tested.push_back(name);
    const std::string value = key == "bios-date" ? "12/31/1999" : "a = b, c";
    SmbiosInputs expected;
    expected.*field = value;
    const auto inputs = parse_smbios({fmt::format("{}={}", key, value)});
    REQUIRE_OK(inputs);
    CHECK(*inputs == expected);
  }
  auto all = smbios_keys();
  std::sort(all.begin(), all.end());
  std::sort(tested.begin(), tested.end());
  CHECK(all == tested);
}

TEST_CASE("OEM strings repeat, and keep their order") {
  const auto inputs = parse_smbios({"oem-string=b", "product=p", "oem-string=a=1", "oem-string=b"});
  REQUIRE_OK(inputs);
  CHECK(inputs->oem_strings == std::vector<std::string>{"b", "a=1", "b"});
}

TEST_CASE("a UUID keeps the order in which it is written") {
  const auto inputs = parse_smbios({"uuid=00112233-4455-6677-8899-aAbBcCdDeEfF"});
  REQUIRE_OK(inputs);
  const std::array<std::uint8_t, 16> expected = {0x00, 0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77,
                                                 0x88, 0x99, 0xAA, 0xBB, 0xCC, 0xDD, 0xEE, 0xFF};
  CHECK(inputs->uuid == expected);
}

TEST_CASE("what is no UUID is refused") {
  CHECK(error_of({"uuid=1234"}) ==
        "--smbios uuid '1234' is not a UUID: write 8-4-4-4-12 hexadecimal digits, like "
        "12345678-1234-1234-1234-123456789abc");
  for (const char* const text :
       {"00112233-4455-6677-8899-aabbccddeef", "00112233-4455-6677-8899-aabbccddeeff0",
        "00112233-4455-6677-8899-aabbccddeefg", "001122334455-6677-8899-aabbccddeeff-",
        "00112233_4455-6677-8899-aabbccddeeff", "0011223--4455-6677-8899-aabbccddeeff",
        "+0112233-4455-6677-8899-aabbccddeeff", "0x112233-4455-6677-8899-aabbccddeeff",
        "{0112233-4455-6677-8899-aabbccddeef}"}) {
    CAPTURE(text);
    CHECK(error_of({fmt::format("uuid={}", text)}).find("is not a UUID") != std::string::npos);
  }
  for (const char digit : {'0', 'f'}) {
    std::string text(36, digit);
    for (const std::size_t at : {8u, 13u, 18u, 23u}) text[at] = '-';
    CHECK(error_of({"uuid=" + text}) ==
          fmt::format(
              "--smbios uuid '{}' stands for no UUID at all (DSP0134, 7.2.1): give another, or leave it out",
              text));
  }
  CHECK(
      error_of({"uuid=00112233-4455-6677-8899-aabbccddeeff", "uuid=10112233-4455-6677-8899-aabbccddeeff"}) ==
      "--smbios uuid is given twice, the second time as '10112233-4455-6677-8899-aabbccddeeff': give it "
      "once");
}

TEST_CASE("dates are real ones, month first") {
  for (const char* const date : {"01/01/2025", "02/29/2024", "02/29/2000", "12/31/9999"}) {
    CAPTURE(date);
    CHECK(error_of({fmt::format("bios-date={}", date)}).empty());
  }
  for (const char* const date :
       {"2025-01-01", "1/1/2025", "01/01/25", "13/01/2025", "00/01/2025", "01/00/2025", "01/32/2025",
        "04/31/2025", "02/29/2023", "02/29/1900", "01/01/2025 ", "01-01-2025", "0a/01/2025", "01/01/20x5"}) {
    CAPTURE(date);
    CHECK(error_of({fmt::format("bios-date={}", date)}) ==
          fmt::format("--smbios bios-date '{}' is not a date of the form mm/dd/yyyy, like 01/31/2025", date));
  }
}

TEST_CASE("mistakes are named, with what was probably meant") {
  CHECK(error_of({"product"}) ==
        "--smbios 'product' has no '=': write KEY=VALUE, for example product=Appliance");
  CHECK(error_of({""}) == "--smbios '' has no '=': write KEY=VALUE, for example product=Appliance");
  const std::string unknown = error_of({"produkt=x"});
  CHECK(unknown.find(
            "--smbios has no key 'produkt' (did you mean 'product'?): choose from manufacturer, product, ") ==
        0);
  CHECK(unknown.ends_with(", uuid, oem-string"));
  CHECK(error_of({"=x"}).find("--smbios has no key ''") == 0);
  CHECK(error_of({"Product=x"}).find("did you mean 'product'?") != std::string::npos);
  CHECK(error_of({"serial=a", "serial=b"}) == "--smbios serial is given twice, 'a' and 'b': give it once");
  CHECK(error_of({"serial=a", "serial=a"}) == "--smbios serial is given twice, 'a' and 'a': give it once");
}

TEST_CASE("values are printable ASCII, and there") {
  CHECK(error_of({"product="}) == "--smbios product has no value: SMBIOS has no empty strings, leave it out");
  CHECK(error_of({"oem-string="}).find("--smbios oem-string has no value") == 0);
  CHECK(error_of({"product=a\nb"}) ==
        "--smbios product: byte 0x0a at position 2 of 3 is not printable ASCII: leave it out");
  CHECK(error_of({"oem-string=caf\xC3\xA9"}) ==
        "--smbios oem-string: byte 0xc3 at position 4 of 5 is not printable ASCII: leave it out");
  CHECK(error_of({"product=\x7F"}).find("byte 0x7f at position 1 of 1") != std::string::npos);
  CHECK(error_of({std::string("uuid=\0", 6)}).find("byte 0x00") != std::string::npos);
  CHECK(error_of({"product= ~"}).empty());
}

TEST_CASE("a value has at most what Linux shows of one, an OEM string what there is room for") {
  CHECK(error_of({"serial=" + std::string(4094, 'x')}).empty());
  CHECK(error_of({"serial=" + std::string(4095, 'x')}) ==
        "--smbios serial has 4095 characters, and Linux shows at most 4094 of one: shorten it");
  CHECK(error_of({"oem-string=" + std::string(50'000, 'x')}).empty());
}

TEST_CASE("all strings together are what Linux has room for at boot") {
  const auto strings = [](std::size_t count, std::size_t size) {
    return std::vector<std::string>(count, "oem-string=" + std::string(size, 'x'));
  };
  CHECK(error_of(strings(600, 56)).empty());  // 600 * (60 + 40) = 60000 of 61440
  const std::string many = error_of(strings(620, 56));
  CAPTURE(many);
  CHECK(many.find("the --smbios strings need 62") == 0);
  CHECK(many.find("40 each for the 620 of oem-string besides their text, and Linux has 61440") !=
        std::string::npos);
  CHECK(many.ends_with(": give fewer or shorter ones"));
  // The system's manufacturer is the board's, the chassis's and the processor's, too.
  auto inherited = strings(1, 46'000);
  inherited.push_back("manufacturer=" + std::string(3'900, 'm'));
  CHECK_FALSE(error_of(inherited).empty());
  inherited.insert(inherited.end(), {"board-manufacturer=b", "chassis-manufacturer=c", "cpu-manufacturer=p"});
  CHECK(error_of(inherited).empty());
}

TEST_CASE("what is let through fits the 64 KiB that SMBIOS has below 1 MiB") {
  // The most table for Linux's room: long strings, whose overhead is least.
  std::vector<std::string> settings;
  for (const char* const key : {"serial", "version", "sku", "family", "board-serial", "chassis-serial"})
    settings.push_back(fmt::format("{}={}", key, std::string(4094, 'x')));
  std::size_t size = 0;
  for (std::size_t oem = 40'000; oem > 0; oem -= 4) {
    auto more = settings;
    more.push_back("oem-string=" + std::string(oem - 1, 'x'));
    const auto inputs = parse_smbios(more);
    if (!inputs) continue;
    Counter counter;
    emit_smbios_tables({.memory = kMaxMemory, .cpus = x86::kMaxCpus}, *inputs, counter);
    size = counter.size();
    break;
  }
  CHECK(size > 61'000);
  CHECK(size < 0xFFFF0 - 0xF0020);
}

}  // namespace
}  // namespace tintype
