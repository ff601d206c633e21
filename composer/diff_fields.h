// Structures that guests are told things with, compared by the fields that their specifications name: ACPI
// tables, boot_params.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "formats/wire.h"

namespace tintype {

// One field that differs.
struct FieldChange {
  std::string field;         // "X_DSDT", "structure 2 (type 1), byte 4"
  std::uint64_t offset = 0;  // from the start of the structure
  std::string a, b;          // "0xe0040", "\"TINTYP\"", "nothing" past the end of the shorter one
};

// The fields in which two structures differ, ascending.
struct StructureChange {
  std::string name;  // "ACPI table FACP", "boot_params"
  std::vector<FieldChange> fields;
};

// Compares two structures that regions called `region` hold. Nothing if it is none whose fields are known.
std::optional<StructureChange> compare_structures(std::string_view region, Bytes a, Bytes b);

}  // namespace tintype
