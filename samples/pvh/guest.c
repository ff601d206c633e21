// A guest that is not Linux and is entered by PVH. It walks every structure that it is given, prints what it
// finds on the first serial port, one fact a line, and leaves through the exit port.
//
// Words it knows on its command line:
//   exit=N   leave with code N (the default is 0)
//   bare     there are to be no ACPI tables
//
// Its own findings leave with a code too, whatever exit= says:
//   3  a module does not hold the pattern of hello/make_pattern.c
//   4  a register or the start info is not as the PVH ABI promises
//   5  the memory map is not in order, or does not have the memory that this runs in
//   6  an ACPI table is damaged or missing
//   7  SMBIOS is damaged or missing
#include <stddef.h>
#include <stdint.h>

enum { kPattern = 3, kStartInfo = 4, kMemoryMap = 5, kAcpi = 6, kSmbios = 7 };

enum { kSerialPort = 0x3F8, kExitPort = 0x501 };

// What entry.S kept.
struct registers {
  uint32_t ebx, eflags, cr0, cr4, cs, ds, es, ss;
};
extern const struct registers registers;

// Xen xen/include/public/arch-x86/hvm/start_info.h
struct start_info {
  uint32_t magic, version, flags, nr_modules;
  uint64_t modlist_paddr, cmdline_paddr, rsdp_paddr, memmap_paddr;
  uint32_t memmap_entries, reserved;
};
struct module {
  uint64_t paddr, size, cmdline_paddr, reserved;
};
struct memory {
  uint64_t addr, size;
  uint32_t type, reserved;
};

static int verdict;

static void out(uint16_t port, uint8_t value) {
  __asm__ volatile("outb %0, %1" : : "a"(value), "Nd"(port));
}

static void print(const char* text) {
  for (; *text != '\0'; ++text) out(kSerialPort, (uint8_t)*text);
}

static void print_hex(uint64_t value) {
  print("0x");
  for (int shift = 60; shift >= 0; shift -= 4)
    out(kSerialPort, (uint8_t) "0123456789abcdef"[value >> shift & 15]);
}

static void report(const char* name, uint64_t value) {
  print(name);
  print(" ");
  print_hex(value);
  print("\n");
}

// Keeps the first code; says each time what is wrong.
static void expect(int holds, int code, const char* what) {
  if (holds) return;
  print("wrong: ");
  print(what);
  print("\n");
  if (verdict == 0) verdict = code;
}

// Paging is off, so an address is a pointer; above 4 GiB there is none.
static const void* at(uint64_t address, int code) {
  expect(address < 0x100000000, code, "an address above 4 GiB");
  return (const void*)(uintptr_t)address;
}

static uint32_t read32(const uint8_t* bytes) {
  return bytes[0] | (uint32_t)bytes[1] << 8 | (uint32_t)bytes[2] << 16 | (uint32_t)bytes[3] << 24;
}

static uint64_t read64(const uint8_t* bytes) {
  return read32(bytes) | (uint64_t)read32(bytes + 4) << 32;
}

static int sums_to_zero(const uint8_t* bytes, uint32_t size) {
  uint8_t sum = 0;
  for (uint32_t i = 0; i < size; ++i) sum = (uint8_t)(sum + bytes[i]);
  return sum == 0;
}

static int same(const void* a, const char* text, unsigned size) {
  const char* bytes = a;
  for (unsigned i = 0; i < size; ++i)
    if (bytes[i] != text[i]) return 0;
  return 1;
}

// Where `word` starts on the command line, or null.
static const char* find_word(const char* line, const char* word, unsigned size) {
  for (const char* c = line; *c != '\0'; ++c)
    if ((c == line || c[-1] == ' ') && same(c, word, size)) return c;
  return NULL;
}

static void check_registers(void) {
  report("ebx    ", registers.ebx);
  report("eflags ", registers.eflags);
  report("cr0    ", registers.cr0);
  report("cr4    ", registers.cr4);
  report("cs     ", registers.cs);
  report("ds     ", registers.ds);
  report("es     ", registers.es);
  report("ss     ", registers.ss);
  expect((registers.cr0 & 0x80000001) == 1, kStartInfo, "CR0 has no PE, or has PG");
  expect(registers.cr4 == 0, kStartInfo, "CR4 is not 0");
  expect((registers.eflags & 0x20300) == 0, kStartInfo, "EFLAGS has VM, IF or TF");
}

static void check_pattern(const uint8_t* bytes, uint64_t size) {
  for (uint64_t i = 0; i < size; ++i) {
    const unsigned byte = (unsigned)i & 7;
    if (bytes[i] == (uint8_t)("Tintype!"[byte] ^ (uint8_t)((i & ~UINT64_C(7)) >> (8 * byte)))) continue;
    report("differs", i);
    return expect(0, kPattern, "a module does not hold the pattern");
  }
}

static void check_modules(const struct start_info* info) {
  report("modules", info->nr_modules);
  const struct module* modules = at(info->modlist_paddr, kStartInfo);
  expect((info->nr_modules == 0) == (modules == NULL), kStartInfo, "the module list");
  for (uint32_t i = 0; i < info->nr_modules; ++i) {
    report("module ", modules[i].paddr);
    report("  size ", modules[i].size);
    print("  line ");
    if (modules[i].cmdline_paddr != 0) print(at(modules[i].cmdline_paddr, kStartInfo));
    print("\n");
    expect(modules[i].reserved == 0 && modules[i].size != 0, kStartInfo, "a module's entry");
    check_pattern(at(modules[i].paddr, kStartInfo), modules[i].size);
  }
}

static void check_memory(const struct start_info* info) {
  const struct memory* map = at(info->memmap_paddr, kMemoryMap);
  uint64_t end = 0;
  int here = 0;
  for (uint32_t i = 0; i < info->memmap_entries; ++i) {
    print("memory  ");
    print_hex(map[i].addr);
    print("-");
    print_hex(map[i].addr + map[i].size - 1);
    report(" type", map[i].type);
    expect(map[i].addr >= end && map[i].size != 0 && map[i].reserved == 0, kMemoryMap,
           "the order of the memory map");
    end = map[i].addr + map[i].size;
    const uint64_t self = (uintptr_t)&registers;
    here |= map[i].type == 1 && self >= map[i].addr && self < end;
  }
  expect(here, kMemoryMap, "this code is not in RAM");
}

// ACPI 6.5, 5.2.6: a table, its checksum; the DSDT if it is the FADT.
static void check_table(uint64_t address) {
  const uint8_t* table = at(address, kAcpi);
  char signature[5] = {0};
  for (int i = 0; i < 4; ++i) signature[i] = (char)table[i];
  print("table   ");
  print(signature);
  report("", address);
  expect(sums_to_zero(table, read32(table + 4)), kAcpi, "a table's checksum");
  if (same(signature, "FACP", 4)) check_table(read64(table + 140));
}

static void check_acpi(const struct start_info* info, int wanted) {
  report("rsdp   ", info->rsdp_paddr);
  expect((info->rsdp_paddr != 0) == wanted, kAcpi, "there is, or is not, an RSDP");
  if (info->rsdp_paddr == 0) return;
  const uint8_t* rsdp = at(info->rsdp_paddr, kAcpi);
  expect(same(rsdp, "RSD PTR ", 8) && rsdp[15] == 2 && sums_to_zero(rsdp, 20) && sums_to_zero(rsdp, 36),
         kAcpi, "the RSDP");
  const uint64_t root = read64(rsdp + 24);
  check_table(root);
  const uint8_t* xsdt = at(root, kAcpi);
  for (uint32_t offset = 36; offset < read32(xsdt + 4); offset += 8) check_table(read64(xsdt + offset));
}

// DMTF DSP0134, 5.2.2 and 6.1.2: the entry point, found as without EFI, and the chain of structures.
static void check_smbios(void) {
  const uint8_t* entry = (const uint8_t*)0xF0000;
  while (entry < (const uint8_t*)0x100000 && !same(entry, "_SM3_", 5)) entry += 16;
  expect(entry < (const uint8_t*)0x100000, kSmbios, "no SMBIOS entry point");
  if (entry >= (const uint8_t*)0x100000) return;
  report("smbios ", (uintptr_t)entry);
  expect(sums_to_zero(entry, entry[6]), kSmbios, "the entry point's checksum");
  const uint8_t* structure = at(read64(entry + 16), kSmbios);
  const uint8_t* end = structure + read32(entry + 12);
  uint8_t type = 0;
  while (structure + 6 <= end && type != 127) {
    type = structure[0];
    report("  type ", type);
    structure += structure[1];
    while (structure + 2 <= end && (structure[0] != 0 || structure[1] != 0)) ++structure;
    structure += 2;
  }
  expect(type == 127 && structure == end, kSmbios, "the structures do not end as the entry point says");
}

void guest_main(void);

void guest_main(void) {
  const struct start_info* info = (const struct start_info*)(uintptr_t)registers.ebx;
  print("hello from the PVH guest\n");
  check_registers();
  report("magic  ", info->magic);
  report("version", info->version);
  expect(info->magic == 0x336EC578 && info->version == 1 && info->flags == 0 && info->reserved == 0,
         kStartInfo, "the start info");
  const char* line = info->cmdline_paddr == 0 ? "" : at(info->cmdline_paddr, kStartInfo);
  print("cmdline ");
  print(line);
  print("\n");
  check_modules(info);
  check_memory(info);
  check_acpi(info, find_word(line, "bare", 4) == NULL);
  check_smbios();
  unsigned code = 0;
  const char* word = find_word(line, "exit=", 5);
  for (const char* c = word == NULL ? "" : word + 5; *c >= '0' && *c <= '9'; ++c)
    code = code * 10 + (unsigned)(*c - '0');
  print(verdict == 0 ? "all is as it should be\n" : "something is wrong\n");
  out(kExitPort, (uint8_t)(verdict == 0 ? code : (unsigned)verdict));
}
