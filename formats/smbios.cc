#include "formats/smbios.h"

#include "formats/acpi.h"

namespace tintype::smbios {

String StringSet::add(std::string_view text) {
  assert(text.find('\0') == std::string_view::npos && "a NUL would end the string, and maybe the set");
  if (text.empty()) return 0;  // its NUL would end the set
  assert(count_ < kMaxCount);
  bytes_.append(text).push_back('\0');
  return ++count_;
}

void StringSet::emit(ByteSink& sink) const {
  sink.write(bytes_of(bytes_));
  sink.zeros(count_ == 0 ? 2 : 1);
}

Uuid uuid_of(const std::array<std::uint8_t, 16>& written) {
  const be64 first = read_at<be64>(written, 0, "UUID").value();
  return {.time_low = static_cast<std::uint32_t>(first >> 32),
          .time_mid = static_cast<std::uint16_t>(first >> 16),
          .time_hi_and_version = static_cast<std::uint16_t>(first.value()),
          .clock_seq_hi_and_reserved = written[8],
          .clock_seq_low = written[9],
          .Node = {written[10], written[11], written[12], written[13], written[14], written[15]}};
}

EntryPoint64 entry_point(std::uint64_t address, std::uint32_t size) {
  EntryPoint64 entry = {.AnchorString = {'_', 'S', 'M', '3', '_'},
                        .EntryPointStructureChecksum = 0,
                        .EntryPointLength = sizeof(EntryPoint64),
                        .SMBIOSMajorVersion = kMajorVersion,
                        .SMBIOSMinorVersion = kMinorVersion,
                        .SMBIOSDocrev = kDocumentRevision,
                        .EntryPointRevision = 1,
                        .Reserved = 0,
                        .StructureTableMaximumSize = size,
                        .StructureTableAddress = address};
  entry.EntryPointStructureChecksum = acpi::checksum(bytes_of(entry));
  return entry;
}

}  // namespace tintype::smbios
