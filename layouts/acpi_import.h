// Tables that the user brings, in the place of ours and beside them.
#pragma once

#include <string>
#include <vector>

#include "layouts/acpi_table.h"

namespace tintype {

// The imported table that takes the place of ours, or null. It does so whether the machine wants ours or not.
const ImportedTable* replacement_of(const AcpiTable& ours, const AcpiInputs& inputs);

// An imported table that replaces none of ours.
struct AddedTable {
  const ImportedTable* table;  // in the inputs
  std::string region;
};
// In the order given.
std::vector<AddedTable> added_tables(const AcpiInputs& inputs);

// Errors: two tables of a kind of which a machine has one (5.2.6), the same table twice, and a FADT that does
// not describe a hardware-reduced machine.
Result<void> check_imported(const std::vector<ImportedTable>& imported);

// Emits `table` as it is, except for a FADT: its DSDT is where `addresses` have it, a FACS it has none, and
// it is sealed again.
void emit_imported(const ImportedTable& table, const Addresses& addresses, ByteSink& sink);

}  // namespace tintype
