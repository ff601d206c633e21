// ACPI Machine Language: the few terms a DSDT of ours needs (ACPI 6.5, chapter 20), as functions that nest
// the way the source language does:
//
//   device("COM1", {name("_HID", eisa_id("PNP0501")), name("_CRS", resource_template({port(0x3F8, 8)}))})
//
// Every integer, length and path takes its shortest encoding, which is also what Intel's compiler writes.
// Arguments come from our own code: a malformed name is a bug and asserts.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "formats/wire.h"

namespace tintype::aml {

// One encoded term.
struct Term {
  std::vector<std::uint8_t> bytes;
  bool operator==(const Term&) const = default;
};
using Terms = std::vector<Term>;

// Writes terms one after another.
void put(ByteSink& sink, const Terms& terms);

// Names (20.2.2). Segments have one to four characters of A-Z, 0-9 and _ and are padded with _; the first is
// no digit. "COM1", "_SB.COM1", "\\_SB.COM1", "^COM1", "\\".
Term path(std::string_view text);

// Data objects (20.2.3).
Term integer(std::uint64_t value);
Term string(std::string_view text);   // ASCII without NUL
Term eisa_id(std::string_view text);  // "PNP0501": three letters, four hexadecimal digits (19.6.36)
Term buffer(Bytes bytes);             // 20.2.5.4
Term package(const Terms& elements);  // 20.2.5.4; at most 255

// Named objects (20.2.5.1, 20.2.5.2).
Term name(std::string_view object, const Term& value);
Term scope(std::string_view object, const Terms& terms);
Term device(std::string_view object, const Terms& terms);
Term method(std::string_view object, unsigned arguments, const Terms& terms);  // serialized

// Statements and expressions (20.2.5.3, 20.2.5.4, 20.2.6).
Term arg(unsigned index);  // Arg0-Arg6
Term equal(const Term& a, const Term& b);
Term if_(const Term& condition, const Terms& terms);
Term notify(std::string_view object, const Term& value);

// Resource descriptors (6.4) and the buffer that holds them, end tag included.
enum class Trigger : std::uint8_t { level, edge };
Term resource_template(const Terms& descriptors);
Term port(std::uint16_t base, std::uint8_t size);             // IO, 16-bit decode, fixed (6.4.2.5)
Term memory32_fixed(std::uint32_t base, std::uint32_t size);  // read-write (6.4.3.4)
Term interrupt(std::uint32_t gsi, Trigger trigger);           // consumer, active high, exclusive (6.4.3.6)

}  // namespace tintype::aml
