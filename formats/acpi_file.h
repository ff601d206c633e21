// An ACPI table in a file, as iasl writes it and /sys/firmware/acpi/tables shows it.
#pragma once

#include "formats/acpi.h"
#include "formats/result.h"
#include "formats/wire.h"

namespace tintype {

// What read_acpi_table() accepted.
struct AcpiFile {
  acpi::TableSignature signature{};
  Bytes bytes;  // the table: all of the file, at least a header, whose bytes sum to zero
};

// Reads a file that holds one table (ACPI 6.5, 5.2.6). Errors: a file of another kind, more or less than one
// table, a wrong checksum, and structures that a composer makes itself or that have no place in a table file:
// the RSDP, RSDT and XSDT, and the FACS, which a hardware-reduced machine does not have (5.2.10).
Result<AcpiFile> read_acpi_table(Bytes file);

}  // namespace tintype
