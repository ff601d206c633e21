#include "formats/aml.h"

#include <cassert>
#include <initializer_list>

#include "formats/scalar.h"

namespace tintype::aml {
namespace {

// ACPI 6.5, 20.3: AML byte stream byte values
enum Opcode : std::uint8_t {
  kZeroOp = 0x00,
  kOneOp = 0x01,
  kNameOp = 0x08,
  kBytePrefix = 0x0A,
  kWordPrefix = 0x0B,
  kDWordPrefix = 0x0C,
  kStringPrefix = 0x0D,
  kQWordPrefix = 0x0E,
  kScopeOp = 0x10,
  kBufferOp = 0x11,
  kPackageOp = 0x12,
  kMethodOp = 0x14,
  kDualNamePrefix = 0x2E,
  kMultiNamePrefix = 0x2F,
  kExtOpPrefix = 0x5B,
  kArg0Op = 0x68,
  kDeviceOp = 0x82,  // after kExtOpPrefix
  kNotifyOp = 0x86,
  kLEqualOp = 0x93,
  kIfOp = 0xA0,
  kOnesOp = 0xFF,
};

void append(Term& term, Bytes bytes) {
  term.bytes.insert(term.bytes.end(), bytes.begin(), bytes.end());
}
void append(Term& term, const Term& other) {
  append(term, Bytes(other.bytes));
}

Term join(std::initializer_list<std::uint8_t> opcode, std::initializer_list<Term> operands) {
  Term term{opcode};
  for (const Term& operand : operands) append(term, operand);
  return term;
}

Term concatenated(const Terms& terms) {
  Term all;
  for (const Term& term : terms) append(all, term);
  return all;
}

// PkgLength for a package of `content` bytes (20.2.4). It counts its own bytes too, which is why the steps
// come one to four bytes before the powers of two that its fields could hold.
Term package_length(std::size_t content) {
  if (content + 1 < 0x40) return {{static_cast<std::uint8_t>(content + 1)}};
  for (unsigned extra = 1; extra <= 3; ++extra) {
    const std::size_t length = content + 1 + extra;
    if (length >= std::size_t{1} << (4 + 8 * extra)) continue;
    Term term{{static_cast<std::uint8_t>(extra << 6 | (length & 0xF))}};
    for (unsigned i = 0; i < extra; ++i)
      term.bytes.push_back(static_cast<std::uint8_t>(length >> (4 + 8 * i)));
    return term;
  }
  assert(false && "an AML package of 256 MiB");
  return {};
}

Term packaged(std::initializer_list<std::uint8_t> opcode, const Term& content) {
  return join(opcode, {package_length(content.bytes.size()), content});
}

bool is_lead(char c) {
  return (c >= 'A' && c <= 'Z') || c == '_';
}

Term segment(std::string_view text) {
  assert(!text.empty() && text.size() <= 4 && is_lead(text[0]));
  Term term;
  for (std::size_t i = 0; i < 4; ++i) {
    const char c = i < text.size() ? text[i] : '_';
    assert(is_lead(c) || (c >= '0' && c <= '9'));
    term.bytes.push_back(static_cast<std::uint8_t>(c));
  }
  return term;
}

unsigned hex_digit(char c) {
  if (c >= '0' && c <= '9') return static_cast<unsigned>(c - '0');
  assert(c >= 'A' && c <= 'F');
  return static_cast<unsigned>(c - 'A' + 10);
}

// ACPI 6.5, 6.4.2.5: I/O Port Descriptor
struct IoPortDescriptor {
  std::uint8_t Tag;          // 0: small item, type 8, length 7
  std::uint8_t Information;  // 1: bit 0: decodes 16 bits
  le16 Minimum;              // 2
  le16 Maximum;              // 4
  std::uint8_t Alignment;    // 6
  std::uint8_t Length;       // 7
};
static_assert(sizeof(IoPortDescriptor) == 8 && Wire<IoPortDescriptor>);

// ACPI 6.5, 6.4.3.4: 32-Bit Fixed Memory Range Descriptor
struct Memory32FixedDescriptor {
  std::uint8_t Tag;          // 0: large item, type 6
  le16 Length;               // 1: of what follows
  std::uint8_t Information;  // 3: bit 0: writable
  le32 Base;                 // 4
  le32 RangeLength;          // 8
};
static_assert(sizeof(Memory32FixedDescriptor) == 12 && Wire<Memory32FixedDescriptor>);

// ACPI 6.5, 6.4.3.6: Extended Interrupt Descriptor, with one interrupt
struct ExtendedInterruptDescriptor {
  std::uint8_t Tag;    // 0: large item, type 9
  le16 Length;         // 1: of what follows
  std::uint8_t Flags;  // 3: bit 0 consumer, 1 edge, 2 active low, 3 shared, 4 wake-capable
  std::uint8_t Count;  // 4
  le32 Interrupt;      // 5
};
static_assert(sizeof(ExtendedInterruptDescriptor) == 9 && Wire<ExtendedInterruptDescriptor>);

template <Wire T>
Term wire(const T& value) {
  Term term;
  append(term, bytes_of(value));
  return term;
}

}  // namespace

void put(ByteSink& sink, const Terms& terms) {
  for (const Term& term : terms) sink.write(term.bytes);
}

Term path(std::string_view text) {
  Term term;
  if (text.starts_with('\\')) {
    term.bytes.push_back('\\');
    text.remove_prefix(1);
  }
  for (; text.starts_with('^'); text.remove_prefix(1)) term.bytes.push_back('^');
  Terms segments;
  while (!text.empty()) {
    const std::size_t end = text.find('.');
    segments.push_back(segment(text.substr(0, end)));
    text = end == std::string_view::npos ? std::string_view{} : text.substr(end + 1);
  }
  assert(segments.size() <= 255);
  if (segments.empty()) term.bytes.push_back(kZeroOp);  // NullName
  if (segments.size() == 2) term.bytes.push_back(kDualNamePrefix);
  if (segments.size() > 2) {
    term.bytes.push_back(kMultiNamePrefix);
    term.bytes.push_back(static_cast<std::uint8_t>(segments.size()));
  }
  append(term, concatenated(segments));
  return term;
}

Term integer(std::uint64_t value) {
  if (value <= 1) return {{value == 0 ? kZeroOp : kOneOp}};
  if (value == UINT64_MAX) return {{kOnesOp}};
  if (value <= UINT8_MAX) return {{kBytePrefix, static_cast<std::uint8_t>(value)}};
  if (value <= UINT16_MAX) return join({kWordPrefix}, {wire(le16(static_cast<std::uint16_t>(value)))});
  if (value <= UINT32_MAX) return join({kDWordPrefix}, {wire(le32(static_cast<std::uint32_t>(value)))});
  return join({kQWordPrefix}, {wire(le64(value))});
}

Term string(std::string_view text) {
  Term term{{kStringPrefix}};
  for (const char c : text) {
    assert(c > 0);
    term.bytes.push_back(static_cast<std::uint8_t>(c));
  }
  term.bytes.push_back(0);
  return term;
}

Term eisa_id(std::string_view text) {
  assert(text.size() == 7);
  std::uint32_t value = 0;  // as read from left to right: three letters of five bits, four digits of four
  for (const char c : text.substr(0, 3)) {
    assert(c >= 'A' && c <= 'Z');
    value = value << 5 | static_cast<std::uint32_t>(c - 'A' + 1);
  }
  for (const char c : text.substr(3)) value = value << 4 | hex_digit(c);
  return integer(__builtin_bswap32(value));
}

Term buffer(Bytes bytes) {
  Term content = integer(bytes.size());
  append(content, bytes);
  return packaged({kBufferOp}, content);
}

Term package(const Terms& elements) {
  assert(elements.size() <= 255);
  Term content{{static_cast<std::uint8_t>(elements.size())}};
  append(content, concatenated(elements));
  return packaged({kPackageOp}, content);
}

Term name(std::string_view object, const Term& value) {
  return join({kNameOp}, {path(object), value});
}

Term scope(std::string_view object, const Terms& terms) {
  return packaged({kScopeOp}, join({}, {path(object), concatenated(terms)}));
}

Term device(std::string_view object, const Terms& terms) {
  return packaged({kExtOpPrefix, kDeviceOp}, join({}, {path(object), concatenated(terms)}));
}

Term method(std::string_view object, unsigned arguments, const Terms& terms) {
  assert(arguments <= 7);
  const unsigned flags = arguments | 1u << 3;  // bit 3: serialized
  return packaged({kMethodOp},
                  join({}, {path(object), Term{{static_cast<std::uint8_t>(flags)}}, concatenated(terms)}));
}

Term arg(unsigned index) {
  assert(index <= 6);
  return {{static_cast<std::uint8_t>(kArg0Op + index)}};
}

Term equal(const Term& a, const Term& b) {
  return join({kLEqualOp}, {a, b});
}

Term if_(const Term& condition, const Terms& terms) {
  return packaged({kIfOp}, join({}, {condition, concatenated(terms)}));
}

Term notify(std::string_view object, const Term& value) {
  return join({kNotifyOp}, {path(object), value});
}

Term resource_template(const Terms& descriptors) {
  Term all = concatenated(descriptors);
  // 6.4.2.9: End Tag; a checksum of zero stands for "not computed".
  append(all, Term{{0x79, 0x00}});
  return buffer(all.bytes);
}

Term port(std::uint16_t base, std::uint8_t size) {
  return wire(IoPortDescriptor{
      .Tag = 0x47, .Information = 1, .Minimum = base, .Maximum = base, .Alignment = 0, .Length = size});
}

Term memory32_fixed(std::uint32_t base, std::uint32_t size) {
  return wire(Memory32FixedDescriptor{.Tag = 0x86,
                                      .Length = std::uint16_t{sizeof(Memory32FixedDescriptor) - 3},
                                      .Information = 1,
                                      .Base = base,
                                      .RangeLength = size});
}

Term interrupt(std::uint32_t gsi, Trigger trigger) {
  const unsigned flags = 1u << 0 | (trigger == Trigger::edge ? 1u << 1 : 0u);
  return wire(ExtendedInterruptDescriptor{.Tag = 0x89,
                                          .Length = std::uint16_t{sizeof(ExtendedInterruptDescriptor) - 3},
                                          .Flags = static_cast<std::uint8_t>(flags),
                                          .Count = 1,
                                          .Interrupt = gsi});
}

}  // namespace tintype::aml
