// A guest for AArch64 that says what it finds: the smallest program that shows whether a snapshot was composed and
// started as it should be. hello.S is the same for x86_64.
//
// It is an arm64 Image and is entered as one (Linux Documentation/arch/arm64/booting.rst): EL1, MMU off, everything
// masked, X0 = a flattened device tree. /chosen of that tree has the command line, the initrd and, in ACPI mode, the
// EFI system table and memory map. It prints on the PL011, one fact a line.
//
// Words it knows on its command line:
//   smp         start every processor of the tree or of the MADT by PSCI and wait until each has answered
//   echo        read a line from the serial port and print it
//   exit=N      leave through the exit-code register with code N (the default is 0)
//   exit=off    PSCI SYSTEM_OFF      exit=reset  PSCI SYSTEM_RESET
//   exit=crash  an access that KVM cannot carry out         exit=hang   never leave
//   exit=lost   an exception without vectors, which goes on for ever
//
// Its own findings leave with a code too, whatever exit= says:
//   3  the initrd does not hold the pattern of make_pattern.c
//   4  a processor did not answer
//   5  registers, tree, EFI, ACPI or .bss is not as promised, or the word after exit= is unknown

// formats/machine.h, namespace arm64
#define UART 0x09000000
#define RTC 0x09010000
#define EXIT_CODE 0x09080000
#define LAST_VIRTIO 0x0a003e00

// Arm DDI 0183 (PL011), 3.2
#define UART_DATA 0x00
#define UART_FLAGS 0x18
#define UART_LINE_CONTROL 0x2c
#define UART_CONTROL 0x30
#define FLAG_RECEIVE_EMPTY 4
#define FLAG_TRANSMIT_FULL 5

// Arm DEN0022, 5.1: function identifiers
#define PSCI_VERSION 0x84000000
#define PSCI_CPU_ON 0xc4000003
#define PSCI_SYSTEM_OFF 0x84000008
#define PSCI_SYSTEM_RESET 0x84000009

// Devicetree Specification 0.4, 5.2 and 5.4.1. All of it is big-endian, and only 4-byte aligned.
#define FDT_MAGIC 0xd00dfeed
#define FDT_OFF_STRUCT 8
#define FDT_OFF_STRINGS 12
#define FDT_BEGIN_NODE 1
#define FDT_END_NODE 2
#define FDT_PROP 3
#define FDT_NOP 4
#define FDT_END 9

// The nodes below the root that matter.
#define NODE_OTHER 0
#define NODE_CHOSEN 1
#define NODE_MEMORY 2
#define NODE_PSCI 3
#define NODE_CPUS 4
#define NODE_CPU 5

#define EXIT_PATTERN 3
#define EXIT_PROCESSOR 4
#define EXIT_PROTOCOL 5

#define MAX_PROCESSORS 123
#define AFFINITY 0xff00ffffff

// While the guest runs: x19 the tree, x20 the command line, x21 and x22 the start and end of the initrd, x23 the EFI
// system table or 0, x24 the RSDP or 0. A function that uses x25-x28 is called by none that does.

// Prints a literal. Keeps what print keeps.
        .macro say text
        .pushsection .rodata
.Ltext\@:
        .asciz  "\text"
        .popsection
        adr     x0, .Ltext\@
        bl      print
        .endm

// Prints "name 0x<register>".
        .macro report name, register
        mov     x1, \register
        say     "\name"
        bl      print_hex
        bl      newline
        .endm

        .macro enter
        stp     x29, x30, [sp, #-16]!
        .endm

        .macro leave
        ldp     x29, x30, [sp], #16
        ret
        .endm

        .macro leave_with code
        mov     w0, \code
        b       exit_with_w0
        .endm

        .section .text.start, "ax"
        .globl  _start
// booting.rst, 4
_start:
        b       start                                      // code0
        .long   0                                          // code1
        .quad   0                                          // text_offset
        .quad   image_size                                 // of hello_arm64.ld
        .quad   0xa                                        // flags: little-endian, 4 KiB pages, anywhere
        .quad   0, 0, 0                                    // res2, res3, res4
        .ascii  "ARM\x64"                                  // magic
        .long   0                                          // res5

start:
        mov     x19, x0
        adr     x4, entry_x1
        stp     x1, x2, [x4]
        str     x3, [x4, #16]
        mrs     x5, daif
        str     x5, [x4, #24]
        adr     x5, stack_end
        mov     sp, x5
        adr     x20, empty
        mov     x21, #0
        mov     x22, #0
        mov     x23, #0
        mov     x24, #0
        bl      start_uart
        say     "hello from the guest\n"
        bl      report_registers
        bl      check_bss
        bl      read_tree
        bl      report_chosen
        bl      report_efi
        bl      report_rsdp
        bl      report_devices
        bl      check_initrd
        adr     x0, word_smp
        bl      find_word
        cbz     x0, 1f
        bl      start_processors
1:      adr     x0, word_echo
        bl      find_word
        cbz     x0, finish
        bl      echo_line
        b       finish

        .text

// --- what the processor was given ----------------------------------------------------------------------------

report_registers:
        enter
        adr     x2, _start
        report  "pc      ", x2
        report  "x0      ", x19
        adr     x3, entry_x1
        ldp     x4, x5, [x3]
        report  "x1      ", x4
        report  "x2      ", x5
        ldp     x4, x5, [x3, #16]
        report  "x3      ", x4
        report  "daif    ", x5
        mrs     x4, CurrentEL
        lsr     x4, x4, #2
        report  "el      ", x4
        mrs     x4, SPSel
        report  "spsel   ", x4
        mrs     x4, sctlr_el1
        report  "sctlr   ", x4
        mrs     x5, mpidr_el1
        report  "mpidr   ", x5
        // Arm DDI 0487, D17.2.118: M, C and I. booting.rst wants the MMU off, and lets I be as it may.
        tst     x4, #1
        b.ne    1f
        say     "mmu     off\n"
        tst     x4, #4
        b.ne    1f
        say     "dcache  off\n"
        leave
1:      say     "mmu     or data cache ON\n"
        leave_with EXIT_PROTOCOL

// The Image needs image_size bytes; a snapshot that put something else there, or left something, is found out here.
check_bss:
        enter
        adr     x0, bss_start
        adr     x1, bss_end
1:      ldr     x2, [x0], #8
        cbnz    x2, 2f
        cmp     x0, x1
        b.lo    1b
        say     "bss     zero\n"
        leave
2:      say     "bss     NOT zero\n"
        leave_with EXIT_PROTOCOL

// --- the tree ------------------------------------------------------------------------------------------------

// Walks the structure block: notes /chosen and the processors, prints the memory. Cells of addresses and sizes are
// taken to be two, as on every machine with more than 4 GiB.
read_tree:
        enter
        tst     x19, #7                                    // booting.rst, 2
        b.ne    bad_tree
        ldr     w0, [x19]
        rev     w0, w0
        ldr     w1, =FDT_MAGIC
        cmp     w0, w1
        b.ne    bad_tree
        say     "tree    d00dfeed\n"
        ldr     w25, [x19, #FDT_OFF_STRUCT]
        rev     w25, w25
        add     x25, x25, x19                              // where the walk is
        ldr     w26, [x19, #FDT_OFF_STRINGS]
        rev     w26, w26
        add     x26, x26, x19                              // the names of properties
        mov     w27, #0                                    // depth; the root is at 1
        mov     w28, #NODE_OTHER                           // the node at depth 2 that this one is or is in
next_token:
        ldr     w0, [x25], #4
        rev     w0, w0
        cmp     w0, #FDT_BEGIN_NODE
        b.eq    begin_node
        cmp     w0, #FDT_PROP
        b.eq    property
        cmp     w0, #FDT_NOP
        b.eq    next_token
        cmp     w0, #FDT_END_NODE
        b.ne    1f
        subs    w27, w27, #1
        b.ge    next_token
1:      cmp     w0, #FDT_END
        b.ne    bad_tree
        cbnz    w27, bad_tree
        leave
bad_tree:
        say     "tree    MISSING or damaged\n"
        leave_with EXIT_PROTOCOL

begin_node:
        add     w27, w27, #1
        cmp     w27, #2
        b.ne    2f
        mov     w28, #NODE_OTHER
        adr     x3, nodes
1:      ldr     w4, [x3]
        cbz     w4, 2f
        ldrsw   x1, [x3, #4]
        add     x1, x1, x3
        mov     x0, x25
        bl      same_node
        cbnz    w0, 4f
        add     x3, x3, #8
        b       1b
4:      mov     w28, w4
2:      ldrb    w0, [x25], #1                              // past the name and its padding
        cbnz    w0, 2b
        add     x25, x25, #3
        and     x25, x25, #~3
        b       next_token

property:
        ldp     w4, w5, [x25], #8
        rev     w4, w4                                     // length
        rev     w5, w5                                     // where its name is
        mov     x6, x25                                    // value
        add     x25, x25, x4
        add     x25, x25, #3
        and     x25, x25, #~3
        mov     w7, w28
        cmp     w27, #2
        b.eq    1f
        cmp     w27, #3                                    // a processor is a child of /cpus
        b.ne    next_token
        cmp     w28, #NODE_CPUS
        b.ne    next_token
        mov     w7, #NODE_CPU
1:      adr     x3, properties
2:      ldr     w0, [x3]
        cbz     w0, next_token
        cmp     w0, w7
        b.ne    3f
        ldrsw   x1, [x3, #4]
        add     x1, x1, x3
        add     x0, x26, x5
        bl      same_string
        cbz     w0, 3f
        ldrsw   x1, [x3, #8]
        add     x16, x1, x3
        blr     x16
        b       next_token
3:      add     x3, x3, #12
        b       2b

// The properties' own: x6 the value, w4 its length. They may change x0-x17.
take_bootargs:
        cbz     w4, 1f
        mov     x20, x6
1:      ret
take_initrd_start:
        enter
        bl      read_cells
        mov     x21, x0
        leave
take_initrd_end:
        enter
        bl      read_cells
        mov     x22, x0
        leave
take_system_table:
        enter
        bl      read_cells
        mov     x23, x0
        leave
take_map_start:
        adr     x1, efi_map
        b       take_number
take_map_size:
        adr     x1, efi_map_size
        b       take_number
take_descriptor_size:
        adr     x1, efi_descriptor_size
take_number:
        enter
        bl      read_cells
        str     x0, [x1]
        leave
take_kaslr_seed:
        enter
        bl      read_cells
        report  "kaslr   ", x0
        leave
take_rng_seed:
        enter
        mov     w2, w4
        report  "rng     ", x2                             // how many bytes
        leave
take_method:
        enter
        mov     x0, x6
        say     "psci    "
        mov     x0, x6
        bl      print
        bl      newline
        leave
take_memory:
        enter
1:      subs    w4, w4, #16
        b.lo    2f
        mov     w8, w4
        say     "memory  "
        mov     w4, #8
        bl      read_cells
        mov     x9, x0
        mov     x1, x0
        bl      print_hex
        say     "-"
        add     x6, x6, #8
        bl      read_cells
        add     x6, x6, #8
        add     x1, x9, x0
        sub     x1, x1, #1
        bl      print_hex
        bl      newline
        mov     w4, w8
        b       1b
2:      leave
take_processor:
        enter
        bl      read_cells
        mov     x1, x0
        bl      add_processor
        leave

// Notes the processor with the affinity x1.
add_processor:
        adr     x0, processor_count
        ldr     x2, [x0]
        cmp     x2, #MAX_PROCESSORS
        b.hs    1f
        adr     x3, processors
        str     x1, [x3, x2, lsl #3]
        add     x2, x2, #1
        str     x2, [x0]
1:      ret

// x6: a value of w4 bytes, of which there are 4 or 8 or more. x0: the first one or two cells. Keeps the others.
read_cells:
        ldr     w0, [x6]
        rev     w0, w0
        cmp     w4, #8
        b.lo    1f
        ldr     w2, [x6, #4]
        rev     w2, w2
        lsl     x0, x0, #32
        orr     x0, x0, x2
1:      ret

report_chosen:
        enter
        say     "cmdline "
        mov     x0, x20
        bl      print
        bl      newline
        adr     x0, processor_count
        ldr     x2, [x0]
        cbz     x2, 1f
        report  "cpus in the tree ", x2
1:      leave

// --- EFI and ACPI --------------------------------------------------------------------------------------------

// UEFI 2.10, 4.3: System Table; 7.2.3: memory descriptors; 4.6: configuration tables.
report_efi:
        enter
        cbz     x23, efi_done
        report  "efi     ", x23
        ldr     x0, [x23]
        ldr     x1, =0x5453595320494249                    // "IBI SYST"
        cmp     x0, x1
        b.ne    bad_efi
        ldr     w2, [x23, #8]
        report  "efi revision ", x2
        bl      check_crc32
        adr     x0, efi_map
        ldr     x25, [x0]
        ldr     x26, [x0, #8]                              // efi_map_size
        ldr     x27, [x0, #16]                             // efi_descriptor_size
        cmp     x27, #40
        b.lo    bad_efi
        add     x26, x26, x25
        report  "efi map ", x25
1:      add     x0, x25, x27
        cmp     x0, x26
        b.hi    2f
        bl      report_descriptor
        add     x25, x25, x27
        b       1b
2:      ldr     x26, [x23, #104]                           // NumberOfTableEntries
        ldr     x25, [x23, #112]                           // ConfigurationTable
3:      cbz     x26, efi_done
        bl      report_configuration
        add     x25, x25, #24
        sub     x26, x26, #1
        b       3b
efi_done:
        leave
bad_efi:
        say     "efi     NOT a system table with a map\n"
        leave_with EXIT_PROTOCOL

// x25: an EFI_MEMORY_DESCRIPTOR.
report_descriptor:
        enter
        say     "  "
        ldr     x1, [x25, #8]                              // PhysicalStart
        bl      print_hex
        say     "-"
        ldr     x0, [x25, #8]
        ldr     x1, [x25, #24]                             // NumberOfPages
        add     x1, x0, x1, lsl #12
        sub     x1, x1, #1
        bl      print_hex
        say     " type "
        ldr     w1, [x25]
        bl      print_decimal
        say     " attribute "
        ldr     x1, [x25, #32]
        bl      print_hex
        bl      newline
        leave

// x25: an entry of the configuration table: GUID and address.
report_configuration:
        enter
        ldp     x4, x5, [x25]
        ldr     x6, [x25, #16]
        adr     x3, configurations
1:      ldp     x7, x8, [x3]
        cbz     x7, 2f
        cmp     x7, x4
        ccmp    x8, x5, #0, eq
        b.eq    2f
        add     x3, x3, #32
        b       1b
2:      say     "config  "
        add     x0, x3, #16
        bl      print
        say     " "
        mov     x1, x6
        bl      print_hex
        bl      newline
        adr     x0, configurations
        cmp     x3, x0
        b.ne    3f
        mov     x24, x6
3:      leave

// The CRC32 of the system table's header, whose own field counts as zero (UEFI 2.10, 4.2). The table is at x23.
check_crc32:
        enter
        ldr     w1, [x23, #12]                             // HeaderSize
        mov     w2, #0xffffffff
        ldr     w3, =0xedb88320
        mov     w4, #0
1:      cmp     w4, w1
        b.hs    4f
        ldrb    w5, [x23, x4]
        sub     w6, w4, #16
        cmp     w6, #4
        csel    w5, wzr, w5, lo
        eor     w2, w2, w5
        mov     w7, #8
2:      tst     w2, #1
        lsr     w2, w2, #1
        b.eq    3f
        eor     w2, w2, w3
3:      subs    w7, w7, #1
        b.ne    2b
        add     w4, w4, #1
        b       1b
4:      mvn     w2, w2
        ldr     w5, [x23, #16]
        cmp     w2, w5
        b.ne    5f
        say     "efi crc right\n"
        leave
5:      report  "efi crc WRONG, it should be ", x2
        leave_with EXIT_PROTOCOL

// ACPI 6.5, 5.2.5.3, 5.2.8: the RSDP, the XSDT and all that is in it.
report_rsdp:
        enter
        cbz     x24, acpi_done
        report  "rsdp    ", x24
        mov     x0, x24
        bl      read_64
        ldr     x2, =0x2052545020445352                    // "RSD PTR "
        cmp     x0, x2
        b.ne    bad_rsdp
        mov     x0, x24
        mov     w1, #20
        bl      sum
        cbnz    w0, bad_rsdp
        mov     x0, x24
        mov     w1, #36
        bl      sum
        cbnz    w0, bad_rsdp
        say     "acpi    RSD PTR\n"
        add     x0, x24, #24                               // XsdtAddress
        bl      read_64
        mov     x25, x0
        bl      report_table
        ldr     w26, [x25, #4]
        add     x26, x26, x25                              // end of the XSDT
        add     x25, x25, #36
1:      cmp     x25, x26
        b.hs    acpi_done
        mov     x0, x25
        bl      read_64
        bl      report_table
        mov     x0, x25
        bl      read_64
        ldr     w1, [x0]
        ldr     w2, =0x43495041                            // "APIC"
        cmp     w1, w2
        b.eq    2f
        ldr     w2, =0x50434146                            // "FACP"
        cmp     w1, w2
        b.ne    3f
        add     x0, x0, #140                               // X_DSDT
        bl      read_64
        bl      report_table
        b       3f
2:      bl      read_madt
3:      add     x25, x25, #8
        b       1b
bad_rsdp:
        say     "acpi    MISSING or its checksum is WRONG\n"
        leave_with EXIT_PROTOCOL
acpi_done:
        leave

// x0: a table with the header of ACPI 6.5, 5.2.6. Keeps it.
report_table:
        enter
        mov     x9, x0
        say     "table   "
        mov     w10, #0
1:      ldrb    w1, [x9, x10]
        bl      put
        add     w10, w10, #1
        cmp     w10, #4
        b.lo    1b
        say     " "
        mov     x1, x9
        bl      print_hex
        mov     x0, x9
        ldr     w1, [x9, #4]
        bl      sum
        cbnz    w0, 2f
        say     " sums to zero\n"
        mov     x0, x9
        leave
2:      say     " does NOT sum to zero\n"
        leave_with EXIT_PROTOCOL

// ACPI 6.5, 5.2.12.14: notes each enabled processor of the MADT at x0.
read_madt:
        enter
        ldr     w4, [x0, #4]
        add     x4, x4, x0                                 // end of the MADT
        add     x5, x0, #44
1:      cmp     x5, x4
        b.hs    3f
        ldrb    w6, [x5]
        ldrb    w7, [x5, #1]
        cbz     w7, 3f
        cmp     w6, #0x0b                                  // GICC
        b.ne    2f
        ldrb    w6, [x5, #12]
        tbz     w6, #0, 2f                                 // enabled
        add     x0, x5, #68                                // MPIDR
        bl      read_64
        mov     x1, x0
        bl      add_processor
2:      add     x5, x5, x7
        b       1b
3:      adr     x0, processor_count
        ldr     x2, [x0]
        report  "cpus in the MADT ", x2
        leave

// The 8 bytes at x0, wherever they are: with the MMU off an unaligned access is an exception. Changes x1 to x3.
read_64:
        mov     x1, #0
        mov     w2, #8
1:      sub     w2, w2, #1
        ldrb    w3, [x0, x2]
        orr     x1, x3, x1, lsl #8
        cbnz    w2, 1b
        mov     x0, x1
        ret

// w0: the sum of the w1 bytes at x0, modulo 256. Changes x1 to x3.
sum:
        mov     w2, #0
1:      cbz     w1, 2f
        ldrb    w3, [x0], #1
        add     w2, w2, w3
        sub     w1, w1, #1
        b       1b
2:      and     w0, w2, #0xff
        ret

// --- devices, and the initrd ---------------------------------------------------------------------------------

report_devices:
        enter
        mov     w0, #PSCI_VERSION & 0xffff
        movk    w0, #PSCI_VERSION >> 16, lsl #16
        hvc     #0
        mov     w1, w0
        report  "psci version ", x1
        mrs     x1, id_aa64pfr0_el1
        ubfx    x1, x1, #24, #4                            // the GIC's system registers
        report  "gic sysreg ", x1
        ldr     x3, =RTC
        ldr     w1, [x3]                                   // PL031, RTCDR: seconds since 1970
        report  "rtc     ", x1
        ldr     x3, =LAST_VIRTIO
        ldr     w1, [x3]                                   // MagicValue
        report  "virtio  ", x1
        ldr     w1, [x3, #8]                               // DeviceID
        report  "device  ", x1
        leave

// The 8-byte word at offset o is o xor PATTERN; a last, shorter word has the first bytes of it.
check_initrd:
        enter
        report  "initrd  ", x21
        sub     x2, x22, x21
        report  "size    ", x2
        sub     x2, x22, x21
        cbz     x2, 9f
        tst     x21, #7
        mov     x3, #0
        b.ne    7f
        ldr     x4, =0x21657079746e6954                   // "Tintype!"
1:      eor     x5, x3, x4
        add     x6, x3, #8
        cmp     x6, x2
        b.hi    2f
        ldr     x7, [x21, x3]
        cmp     x7, x5
        b.ne    7f
        mov     x3, x6
        b       1b
2:      cmp     x3, x2
        b.hs    8f
        ldrb    w7, [x21, x3]
        and     w6, w5, #0xff
        cmp     w7, w6
        b.ne    7f
        lsr     x5, x5, #8
        add     x3, x3, #1
        b       2b
7:      report  "pattern WRONG at offset ", x3
        leave_with EXIT_PATTERN
8:      say     "pattern right\n"
9:      leave

// --- the other processors ------------------------------------------------------------------------------------

start_processors:
        enter
        mov     x25, #0
        mov     x26, #0                                    // how many are up
        adr     x27, processors
1:      adr     x0, processor_count
        ldr     x0, [x0]
        cmp     x25, x0
        b.hs    3f
        ldr     x28, [x27, x25, lsl #3]
        mrs     x0, mpidr_el1
        and     x0, x0, #0xffffff                          // Aff2, Aff1, Aff0
        mrs     x1, mpidr_el1
        and     x1, x1, #0xff00000000                      // Aff3
        orr     x0, x0, x1
        cmp     x0, x28
        b.eq    2f
        bl      start_processor
2:      add     x26, x26, #1
        add     x25, x25, #1
        b       1b
3:      say     "cpus    "
        mov     x1, x26
        bl      print_decimal
        say     " up\n"
        leave

// Starts the processor with the affinity x28 and reports it (Arm DEN0022, 5.6). It has ten seconds.
start_processor:
        enter
        adr     x4, answers
        str     xzr, [x4]
        dsb     sy
        mov     w0, #PSCI_CPU_ON & 0xffff
        movk    w0, #PSCI_CPU_ON >> 16, lsl #16
        mov     x1, x28
        adr     x2, processor_entry
        mov     x3, x28
        hvc     #0
        cbnz    w0, 3f
        mrs     x5, cntfrq_el0
        mov     x6, #10
        mul     x5, x5, x6
        isb
        mrs     x6, cntvct_el0
        add     x5, x5, x6
1:      ldr     x0, [x4]
        cbnz    x0, 2f
        isb
        mrs     x6, cntvct_el0
        cmp     x6, x5
        b.lo    1b
        b       3f
2:      say     "cpu     "
        mov     x1, x28
        bl      print_hex
        say     " here, its MPIDR says "
        adr     x4, answer_mpidr
        ldr     x1, [x4]
        bl      print_hex
        say     ", X0 "
        adr     x4, answer_context
        ldr     x1, [x4]
        bl      print_hex
        say     ", EL"
        adr     x4, answer_level
        ldr     x1, [x4]
        bl      print_decimal
        bl      newline
        leave
3:      say     "cpu     "
        mov     x1, x28
        bl      print_hex
        say     " MISSING\n"
        leave_with EXIT_PROCESSOR

// Uses no stack: there is none.
processor_entry:
        adr     x1, answer_mpidr
        mrs     x2, mpidr_el1
        and     x3, x2, #0xffffff
        and     x2, x2, #0xff00000000
        orr     x2, x2, x3
        str     x2, [x1]
        str     x0, [x1, #8]                               // answer_context
        mrs     x2, CurrentEL
        lsr     x2, x2, #2
        str     x2, [x1, #16]                              // answer_level
        dsb     sy
        mov     x2, #1
        adr     x1, answers
        str     x2, [x1]
        dsb     sy
1:      wfi
        b       1b

// --- the ways out --------------------------------------------------------------------------------------------

finish:
        adr     x0, word_exit
        bl      find_word
        adr     x25, zero
        cbz     x0, 1f
        mov     x25, x0
1:      say     "exit    "
        mov     x2, x25
2:      ldrb    w1, [x2], #1
        cmp     w1, #0x20
        b.ls    3f
        bl      put
        b       2b
3:      adr     x3, exits
4:      ldr     w0, [x3]
        cbz     w0, 6f
        ldrsw   x1, [x3]
        add     x1, x1, x3
        mov     x0, x25
        bl      same_word
        cbnz    w0, 5f
        add     x3, x3, #8
        b       4b
5:      bl      newline
        ldrsw   x1, [x3, #4]
        add     x1, x1, x3
        br      x1
6:      mov     w2, #0                                     // a decimal number
        mov     w4, #10
7:      ldrb    w1, [x25], #1
        cmp     w1, #0x20
        b.ls    8f
        sub     w1, w1, #0x30
        cmp     w1, #9
        b.hi    9f
        madd    w2, w2, w4, w1
        b       7b
8:      bl      newline
        mov     w0, w2
        b       exit_with_w0
9:      say     " UNKNOWN\n"
        leave_with EXIT_PROTOCOL

exit_with_w0:
        ldr     x1, =EXIT_CODE
        str     w0, [x1]
        b       exit_hang

exit_off:
        mov     w0, #PSCI_SYSTEM_OFF & 0xffff
        movk    w0, #PSCI_SYSTEM_OFF >> 16, lsl #16
        hvc     #0
        b       exit_hang

exit_reset:
        mov     w0, #PSCI_SYSTEM_RESET & 0xffff
        movk    w0, #PSCI_SYSTEM_RESET >> 16, lsl #16
        hvc     #0
        b       exit_hang

// There is no memory, and of a load of two registers the processor tells KVM only the address.
exit_crash:
        ldr     x2, =0x30000000
        ldp     x0, x1, [x2]
        b       exit_hang

// The vectors are where there is no memory, so that the exception for the undefined instruction, and each one for
// fetching its vector, is followed by another. AArch64 has no triple fault.
exit_lost:
        ldr     x0, =0x30000000
        msr     vbar_el1, x0
        isb
        udf     #0

exit_hang:
        wfi
        b       exit_hang

// --- the command line ----------------------------------------------------------------------------------------

// x0: a word, or its beginning up to and including a '='. x0: what follows it on the command line, or 0.
find_word:
        mov     x1, x20
1:      mov     x2, x1
        mov     x3, x0
        mov     w5, #0
2:      ldrb    w4, [x3], #1
        cbz     w4, 4f
        ldrb    w6, [x2], #1
        cmp     w4, w6
        b.ne    3f
        mov     w5, w4
        b       2b
3:      ldrb    w4, [x1], #1                               // on to the next word
        cbz     w4, 6f
        cmp     w4, #0x20
        b.ne    3b
        b       1b
4:      cmp     w5, #0x3d                                  // '='
        b.eq    5f
        ldrb    w4, [x2]
        cmp     w4, #0x20
        b.hi    3b
5:      mov     x0, x2
        ret
6:      mov     x0, #0
        ret

// w0: whether the strings at x0 and x1 are the same. The others of this kind compare the string at x1 with what ends at
// a blank, or at a '@', too. They change w0 to w2 only.
same_string:
        mov     w17, #0
        b       same
same_word:
        mov     w17, #0x20
        b       same
same_node:
        mov     w17, #0x40
same:
        ldrb    w2, [x1], #1
        ldrb    w16, [x0], #1
        cbz     w2, 1f
        cmp     w2, w16
        b.eq    same
        mov     w0, #0
        ret
1:      cmp     w16, w17
        ccmp    w16, #0, #4, ne
        cset    w0, eq
        ret

// --- the serial port -----------------------------------------------------------------------------------------

start_uart:
        ldr     x0, =UART
        mov     w1, #0x70                                  // 8 bits, queues
        str     w1, [x0, #UART_LINE_CONTROL]
        mov     w1, #0x301                                 // on, both ways
        str     w1, [x0, #UART_CONTROL]
        ret

echo_line:
        enter
        say     "echo    "
        ldr     x2, =UART
1:      ldr     w1, [x2, #UART_FLAGS]
        tbnz    w1, #FLAG_RECEIVE_EMPTY, 1b
        ldr     w1, [x2, #UART_DATA]
        and     w1, w1, #0xff
        bl      put
        cmp     w1, #0x0a
        b.eq    2f
        cmp     w1, #0x0d
        b.ne    1b
        bl      newline
2:      leave

// The printing functions change no register but x16, x17 and the flags, and print x0.
newline:
        stp     x1, x30, [sp, #-16]!
        mov     w1, #0x0a
        bl      put
        ldp     x1, x30, [sp], #16
        ret

// w1: a character.
put:
        ldr     x16, =UART
1:      ldr     w17, [x16, #UART_FLAGS]
        tbnz    w17, #FLAG_TRANSMIT_FULL, 1b
        str     w1, [x16, #UART_DATA]
        ret

// x0: a string, and afterwards its end.
print:
        stp     x1, x30, [sp, #-16]!
1:      ldrb    w1, [x0], #1
        cbz     w1, 2f
        bl      put
        b       1b
2:      ldp     x1, x30, [sp], #16
        ret

// x1: a number, printed with 16 digits. Changes x0.
print_hex:
        stp     x1, x30, [sp, #-32]!
        stp     x2, x3, [sp, #16]
        mov     x2, x1
        adr     x0, hex_prefix
        bl      print
        mov     w3, #16
1:      ror     x2, x2, #60
        and     w1, w2, #15
        add     w0, w1, #0x30
        add     w1, w1, #0x61 - 10
        cmp     w0, #0x3a
        csel    w1, w0, w1, lo
        bl      put
        subs    w3, w3, #1
        b.ne    1b
        ldp     x2, x3, [sp, #16]
        ldp     x1, x30, [sp], #32
        ret

// w1: a number. Changes x0.
print_decimal:
        stp     x1, x30, [sp, #-32]!
        stp     x2, x3, [sp, #16]
        mov     w2, #10
        udiv    w3, w1, w2
        msub    w2, w3, w2, w1
        cbz     w3, 1f
        mov     w1, w3
        bl      print_decimal
1:      add     w1, w2, #0x30
        bl      put
        ldp     x2, x3, [sp, #16]
        ldp     x1, x30, [sp], #32
        ret

        .ltorg

        .section .rodata
        .balign 16
// UEFI 2.10, 4.6: GUIDs of configuration tables, and of Linux's own (include/linux/efi.h). The first is ACPI's.
configurations:
        .quad   0x11d3e4f18868e871, 0x81883cc7800022bc
        .asciz  "acpi"
        .balign 16
        .quad   0x4a2c9794f2fd1544, 0x94e320cfbbe52e99
        .asciz  "smbios3"
        .balign 16
        .quad   0x402a7eefeb66918a, 0xe98ac3211d932e84
        .asciz  "rt-properties"
        .balign 16
        .quad   0x42f27ceb1ce1e5bc, 0x7bf580f1ad8ae581
        .asciz  "random-seed"
        .balign 16
        .quad   0x4ff58ede888eb0c6, 0xc277b95cee9af0a8
        .asciz  "memory-reserve"
        .balign 16
        .quad   0, 0
        .asciz  "UNKNOWN"
        .balign 16

// Offsets count from the start of each entry.
        .macro node kind, name
1:      .long   \kind, 2f - 1b
        .pushsection .rodata.names
2:      .asciz  "\name"
        .popsection
        .endm
nodes:
        node    NODE_CHOSEN, "chosen"
        node    NODE_MEMORY, "memory"
        node    NODE_PSCI, "psci"
        node    NODE_CPUS, "cpus"
        .long   0

        .macro property kind, name, handler
1:      .long   \kind, 2f - 1b, \handler - 1b
        .pushsection .rodata.names
2:      .asciz  "\name"
        .popsection
        .endm
properties:
        property NODE_CHOSEN, "bootargs", take_bootargs
        property NODE_CHOSEN, "linux,initrd-start", take_initrd_start
        property NODE_CHOSEN, "linux,initrd-end", take_initrd_end
        property NODE_CHOSEN, "linux,uefi-system-table", take_system_table
        property NODE_CHOSEN, "linux,uefi-mmap-start", take_map_start
        property NODE_CHOSEN, "linux,uefi-mmap-size", take_map_size
        property NODE_CHOSEN, "linux,uefi-mmap-desc-size", take_descriptor_size
        property NODE_CHOSEN, "kaslr-seed", take_kaslr_seed
        property NODE_CHOSEN, "rng-seed", take_rng_seed
        property NODE_PSCI, "method", take_method
        property NODE_MEMORY, "reg", take_memory
        property NODE_CPU, "reg", take_processor
        .long   0

        .macro exit word, handler
1:      .long   2f - 1b, \handler - 1b
        .pushsection .rodata.names
2:      .asciz  "\word"
        .popsection
        .endm
exits:
        exit    "off", exit_off
        exit    "reset", exit_reset
        exit    "crash", exit_crash
        exit    "lost", exit_lost
        exit    "hang", exit_hang
        .long   0

hex_prefix:     .asciz "0x"
zero:           .asciz "0"
empty:          .asciz ""
word_smp:       .asciz "smp"
word_echo:      .asciz "echo"
word_exit:      .asciz "exit="

// What start writes before .bss is looked at is not in it.
        .data
        .balign 8
entry_x1:       .quad   0, 0, 0, 0                         // and x2, x3, DAIF

// A page and more of it, so that it is checked across a page boundary.
        .bss
        .balign 16
bss_start:
answers:        .skip 8
answer_mpidr:   .skip 8
answer_context: .skip 8
answer_level:   .skip 8
efi_map:        .skip 8
efi_map_size:   .skip 8
efi_descriptor_size: .skip 8
processor_count: .skip 8
processors:     .skip 8 * MAX_PROCESSORS
                .skip 8192
bss_end:
        .balign 16
stack:          .skip 4096
stack_end:

        .section .note.GNU-stack, "", @progbits
