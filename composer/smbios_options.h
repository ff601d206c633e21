// The settings of --smbios, as values.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "formats/result.h"
#include "layouts/smbios.h"

namespace tintype {

// Every key that --smbios takes, in the order of the help: "manufacturer", ..., "oem-string".
std::vector<std::string_view> smbios_keys();

// `settings` are of the form key=value; only oem-string may repeat, and keeps its order. Values are printable
// ASCII (DSP0134 3.3, 6.1.3, which has UTF-8 and recommends ASCII; it has set no length since 2.7) of at most
// 4094 characters, what Linux shows of one in /sys/class/dmi/id; an OEM string may be longer. uuid is
// 8-4-4-4-12 hexadecimal digits, bios-date mm/dd/yyyy. Errors: a setting of another form, an unknown key, one
// that is given twice, a value that is not as said, and more text in all than Linux has room for at boot.
Result<SmbiosInputs> parse_smbios(const std::vector<std::string>& settings);

}  // namespace tintype
