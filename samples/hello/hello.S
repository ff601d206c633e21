// A guest that says what it finds: the smallest program that shows whether a snapshot was composed and started
// as it should be.
//
// It is entered as a Linux kernel at its 64-bit entry point (Linux Documentation/arch/x86/boot.rst, "64-bit
// Boot Protocol"): long mode, 0-4 GiB identity-mapped, interrupts off, RSI = boot_params, RSP usable. It prints
// on the first serial port, one fact a line.
//
// Words it knows on its command line:
//   smp         start every processor of the MADT and wait until each has answered
//   echo        read a line from the serial port and print it
//   exit=N      leave through the exit port with code N (the default is 0)
//   exit=off    power off            exit=reset  reset           exit=panic  tell pvpanic of a panic
//   exit=crash  triple fault         exit=hang   never leave
//
// Its own findings leave with a code too, whatever exit= says:
//   3  the initrd does not hold the pattern of make_pattern.c
//   4  a processor did not answer
//   5  boot_params, ACPI or .bss is not as the boot protocol promises, or the word after exit= is unknown

#define SERIAL_PORT 0x3f8
#define EXIT_PORT 0x501
#define PVPANIC_PORT 0x505
#define SLEEP_CONTROL_PORT 0x600
#define RESET_PORT 0x602
#define DELAY_PORT 0x80

#define EXIT_PATTERN 3
#define EXIT_PROCESSOR 4
#define EXIT_PROTOCOL 5

// Linux Documentation/arch/x86/zero-page.rst
#define BP_ACPI_RSDP_ADDR 0x070
#define BP_EXT_RAMDISK_IMAGE 0x0c0
#define BP_EXT_RAMDISK_SIZE 0x0c4
#define BP_EXT_CMD_LINE_PTR 0x0c8
#define BP_E820_ENTRIES 0x1e8
#define BP_BOOT_FLAG 0x1fe
#define BP_HEADER 0x202
#define BP_VERSION 0x206
#define BP_TYPE_OF_LOADER 0x210
#define BP_RAMDISK_IMAGE 0x218
#define BP_RAMDISK_SIZE 0x21c
#define BP_CMD_LINE_PTR 0x228
#define BP_E820_TABLE 0x2d0
#define E820_ENTRY_SIZE 20

#define EFER 0xc0000080

// Intel SDM volume 3, 11.4.1, 11.6.1 and 11.9: local APIC registers, interrupt commands, software enable
#define LAPIC 0xfee00000
#define LAPIC_ID (LAPIC + 0x20)
#define LAPIC_SPURIOUS (LAPIC + 0xf0)
#define LAPIC_ICR_LOW (LAPIC + 0x300)
#define LAPIC_ICR_HIGH (LAPIC + 0x310)
#define ICR_PENDING (1 << 12)
#define ICR_INIT 0x4500
#define ICR_STARTUP 0x4600

// Where a processor starts in real mode: a page of RAM that a snapshot leaves free.
#define TRAMPOLINE 0x90000

        .intel_syntax noprefix

// Prints a literal.
        .macro say text
        .pushsection .rodata
.Ltext\@:
        .asciz  "\text"
        .popsection
        lea     rdi, [rip + .Ltext\@]
        call    print
        .endm

// Prints "name 0x<rax>".
        .macro report name
        say     "\name"
        call    print_hex
        call    newline
        .endm

        .macro leave_with code
        mov     al, \code
        jmp     exit_with_al
        .endm

        .section .text.start, "ax"
        .globl  _start
        .code64
_start:
        mov     r15, rsp
        mov     rbx, rsi
        cld
        say     "hello from the guest\n"
        call    report_registers
        call    check_bss
        call    report_boot_params
        call    report_e820
        call    report_rsdp
        call    check_initrd
        lea     rdi, [rip + word_smp]
        call    has_word
        jz      1f
        call    start_processors
1:      lea     rdi, [rip + word_echo]
        call    has_word
        jz      1f
        call    echo_line
1:      jmp     finish

        .text

// --- what the processor was given ----------------------------------------------------------------------------

report_registers:
        lea     rax, [rip + _start]
        report  "rip     "
        mov     rax, r15
        report  "rsp     "
        mov     rax, rbx
        report  "rsi     "
        pushf
        pop     rax
        report  "rflags  "
        xor     eax, eax
        mov     ax, cs
        report  "cs      "
        xor     eax, eax
        mov     ax, ds
        report  "ds      "
        xor     eax, eax
        mov     ax, ss
        report  "ss      "
        mov     rax, cr0
        report  "cr0     "
        mov     rax, cr3
        report  "cr3     "
        mov     rax, cr4
        report  "cr4     "
        mov     ecx, EFER
        rdmsr
        shl     rdx, 32
        or      rax, rdx
        report  "efer    "
        ret

// A loader that forgets to clear what the file does not hold is found out here.
check_bss:
        lea     rdi, [rip + bss_start]
        lea     rcx, [rip + bss_end]
        sub     rcx, rdi
        xor     eax, eax
        repe scasb
        jne     1f
        say     "bss     zero\n"
        ret
1:      say     "bss     NOT zero\n"
        leave_with EXIT_PROTOCOL

report_boot_params:
        cmp     word ptr [rbx + BP_BOOT_FLAG], 0xaa55
        jne     1f
        cmp     dword ptr [rbx + BP_HEADER], 0x53726448    // "HdrS"
        jne     1f
        say     "header  HdrS\n"
        xor     eax, eax
        mov     ax, [rbx + BP_VERSION]
        report  "version "
        xor     eax, eax
        mov     al, [rbx + BP_TYPE_OF_LOADER]
        report  "loader  "
        mov     r12d, [rbx + BP_EXT_CMD_LINE_PTR]
        shl     r12, 32
        mov     eax, [rbx + BP_CMD_LINE_PTR]
        or      r12, rax
        jnz     2f
        lea     r12, [rip + empty]
2:      say     "cmdline "
        mov     rdi, r12
        call    print
        jmp     newline
1:      say     "header  MISSING\n"
        leave_with EXIT_PROTOCOL

report_e820:
        movzx   r13d, byte ptr [rbx + BP_E820_ENTRIES]
        mov     rax, r13
        report  "e820    "
        lea     rbp, [rbx + BP_E820_TABLE]
1:      test    r13d, r13d
        jz      2f
        say     "  "
        mov     rax, [rbp]
        call    print_hex
        say     "-"
        mov     rax, [rbp]
        add     rax, [rbp + 8]
        dec     rax
        call    print_hex
        say     " type "
        mov     eax, [rbp + 16]
        call    print_decimal
        call    newline
        add     rbp, E820_ENTRY_SIZE
        dec     r13d
        jmp     1b
2:      ret

report_rsdp:
        mov     rax, [rbx + BP_ACPI_RSDP_ADDR]
        report  "rsdp    "
        mov     rdx, [rbx + BP_ACPI_RSDP_ADDR]
        test    rdx, rdx
        jz      1f
        mov     rax, 0x2052545020445352                    // "RSD PTR "
        cmp     [rdx], rax
        jne     1f
        say     "acpi    RSD PTR\n"
        ret
1:      say     "acpi    MISSING\n"
        leave_with EXIT_PROTOCOL

// --- the initrd ----------------------------------------------------------------------------------------------

// The 8-byte word at offset o is o xor PATTERN; a last, shorter word has the first bytes of it.
check_initrd:
        mov     esi, [rbx + BP_EXT_RAMDISK_IMAGE]
        shl     rsi, 32
        mov     eax, [rbx + BP_RAMDISK_IMAGE]
        or      rsi, rax
        mov     r13d, [rbx + BP_EXT_RAMDISK_SIZE]
        shl     r13, 32
        mov     eax, [rbx + BP_RAMDISK_SIZE]
        or      r13, rax
        push    rsi
        mov     rax, rsi
        report  "initrd  "
        mov     rax, r13
        report  "size    "
        pop     rsi
        test    r13, r13
        jz      9f
        xor     ecx, ecx
        mov     r8, [rip + pattern]
1:      mov     rdx, rcx
        xor     rdx, r8
        lea     rax, [rcx + 8]
        cmp     rax, r13
        ja      2f
        cmp     [rsi + rcx], rdx
        jne     7f
        mov     rcx, rax
        jmp     1b
2:      cmp     rcx, r13
        jae     8f
        cmp     [rsi + rcx], dl
        jne     7f
        shr     rdx, 8
        inc     rcx
        jmp     2b
7:      mov     rax, rcx
        report  "pattern WRONG at offset "
        leave_with EXIT_PATTERN
8:      say     "pattern right\n"
9:      ret

// --- the other processors ------------------------------------------------------------------------------------

// Walks RSDP, XSDT and MADT (ACPI 6.5, 5.2.5.3, 5.2.8, 5.2.12) and starts each enabled processor but this one.
// Those with a Processor Local x2APIC structure, from APIC ID 255 up, are left alone.
start_processors:
        mov     rdx, [rbx + BP_ACPI_RSDP_ADDR]
        mov     rdx, [rdx + 24]                            // XsdtAddress
        mov     ecx, [rdx + 4]
        lea     rcx, [rdx + rcx]                           // end of the XSDT
        add     rdx, 36
1:      cmp     rdx, rcx
        jae     9f
        mov     rbp, [rdx]
        add     rdx, 8
        cmp     dword ptr [rbp], 0x43495041                // "APIC"
        jne     1b

        mov     edx, LAPIC_SPURIOUS
        mov     dword ptr [rdx], 0x1ff                     // on
        call    copy_trampoline
        mov     r14d, [rbp + 4]
        add     r14, rbp                                   // end of the MADT
        add     rbp, 44
        mov     r13d, 1                                    // this one is up
2:      cmp     rbp, r14
        jae     4f
        cmp     byte ptr [rbp], 0                          // Processor Local APIC
        jne     3f
        test    byte ptr [rbp + 4], 1                      // enabled
        jz      3f
        movzx   eax, byte ptr [rbp + 3]                    // APIC ID
        mov     edx, LAPIC_ID
        mov     edx, [rdx]
        shr     edx, 24
        cmp     eax, edx
        je      3f
        call    start_processor
        inc     r13d
3:      movzx   eax, byte ptr [rbp + 1]                    // length of the structure
        test    eax, eax
        jz      9f
        add     rbp, rax
        jmp     2b
4:      say     "cpus    "
        mov     rax, r13
        call    print_decimal
        say     " up\n"
        ret
9:      say     "madt    MISSING\n"
        leave_with EXIT_PROTOCOL

copy_trampoline:
        mov     rax, cr3
        mov     [rip + trampoline_cr3], eax
        lea     rsi, [rip + trampoline_start]
        mov     edi, TRAMPOLINE
        lea     rcx, [rip + trampoline_end]
        sub     rcx, rsi
        rep movsb
        ret

// Starts the processor with APIC ID eax and reports it: INIT, then start-up IPIs until it has counted itself
// (Intel SDM volume 3, 9.4.4).
start_processor:
        push    rbp
        mov     ebp, eax
        mov     dword ptr [rip + answers], 0
        mov     edx, ICR_INIT
        call    send_command
        mov     ecx, 1000
        call    delay
        mov     r8d, 3                                     // attempts
1:      mov     edx, ICR_STARTUP | TRAMPOLINE >> 12
        call    send_command
        mov     r9d, 1000
2:      mov     ecx, 100
        call    delay
        cmp     dword ptr [rip + answers], 0
        jne     3f
        dec     r9d
        jnz     2b
        dec     r8d
        jnz     1b
        say     "cpu     "
        mov     eax, ebp
        call    print_decimal
        say     " MISSING\n"
        leave_with EXIT_PROCESSOR
3:      say     "cpu     "
        mov     eax, ebp
        call    print_decimal
        say     " here, its CPUID says "
        mov     eax, [rip + answer_apic_id]
        call    print_decimal
        call    newline
        pop     rbp
        ret

// Sends the interrupt command edx to the processor with APIC ID ebp.
send_command:
        mov     eax, ebp
        shl     eax, 24
        mov     ecx, LAPIC_ICR_HIGH
        mov     [rcx], eax
        mov     ecx, LAPIC_ICR_LOW
        mov     [rcx], edx
1:      test    dword ptr [rcx], ICR_PENDING
        jnz     1b
        ret

// About ecx microseconds, on hardware and in a virtual machine alike.
delay:
        out     DELAY_PORT, al
        dec     ecx
        jnz     delay
        ret

// From real mode straight to long mode, on the boot processor's page tables.
        .code16
trampoline_start:
        cli
        mov     ax, cs
        mov     ds, ax
        data32 lgdt [gdtr_offset]
        mov     eax, 0x20                                  // CR4.PAE
        mov     cr4, eax
        mov     eax, [cr3_offset]
        mov     cr3, eax
        mov     ecx, EFER
        rdmsr
        or      eax, 0x900                                 // LME, NXE
        wrmsr
        mov     eax, 0x80000011                            // PG, ET, PE
        mov     cr0, eax
        .byte   0x66, 0xea                                 // jump far, 32-bit offset
        .long   processor_entry
        .word   0x10
        .balign 8
trampoline_gdt:
        .quad   0, 0
        .quad   0x00af9b000000ffff                         // 0x10: 64-bit code
        .quad   0x00cf93000000ffff                         // 0x18: data
trampoline_gdtr:
        .word   . - trampoline_gdt - 1
        .long   TRAMPOLINE + trampoline_gdt - trampoline_start
        .balign 4
trampoline_cr3:
        .long   0
trampoline_end:
        .set    gdtr_offset, trampoline_gdtr - trampoline_start
        .set    cr3_offset, trampoline_cr3 - trampoline_start

// Uses no stack: there is none.
        .code64
processor_entry:
        mov     eax, 1
        cpuid
        shr     ebx, 24                                    // initial APIC ID
        mov     [rip + answer_apic_id], ebx
        lock inc dword ptr [rip + answers]
1:      cli
        hlt
        jmp     1b

// --- the ways out --------------------------------------------------------------------------------------------

finish:
        lea     rdi, [rip + word_exit]
        call    find_word
        lea     r14, [rip + zero]
        test    rax, rax
        cmovnz  r14, rax
        say     "exit    "
        mov     rsi, r14
1:      movzx   eax, byte ptr [rsi]
        cmp     al, 0x20
        jbe     2f
        call    put
        inc     rsi
        jmp     1b
2:      lea     r13, [rip + exits]
3:      mov     rdi, [r13]
        test    rdi, rdi
        jz      4f
        mov     rsi, r14
        call    same_word
        jz      5f
        add     r13, 16
        jmp     3b
5:      call    newline
        jmp     [r13 + 8]
4:      xor     edi, edi                                   // a decimal number, modulo 256
6:      movzx   ecx, byte ptr [r14]
        cmp     cl, 0x20
        jbe     7f
        sub     ecx, 0x30
        cmp     ecx, 9
        ja      8f
        imul    edi, edi, 10
        add     edi, ecx
        inc     r14
        jmp     6b
7:      call    newline
        mov     eax, edi
        jmp     exit_with_al
8:      say     " UNKNOWN\n"
        leave_with EXIT_PROTOCOL

exit_with_al:
        mov     dx, EXIT_PORT
        out     dx, al
        jmp     exit_hang

exit_off:                                                  // SLP_TYP 5, SLP_EN
        mov     dx, SLEEP_CONTROL_PORT
        mov     al, 5 << 2 | 1 << 5
        out     dx, al
        jmp     exit_hang

exit_reset:
        mov     dx, RESET_PORT
        mov     al, 1
        out     dx, al
        jmp     exit_hang

exit_panic:                                                // QEMU docs/specs/pvpanic: bit 0, panicked
        mov     dx, PVPANIC_PORT
        mov     al, 1
        out     dx, al
        jmp     exit_hang

exit_crash:                                                // no interrupt table, so no way to handle #UD
        lidt    [rip + zero_table]
        ud2

exit_hang:
        cli
        hlt
        jmp     exit_hang

// --- the command line ----------------------------------------------------------------------------------------

// rdi: a word. Clears ZF if the command line has it.
has_word:
        call    find_word
        test    rax, rax
        ret

// rdi: a word, or its beginning up to and including a '='. rax: what follows it on the command line, or 0.
find_word:
        mov     rsi, r12
1:      mov     rax, rsi
        mov     rdx, rdi
2:      mov     cl, [rdx]
        test    cl, cl
        jz      4f
        cmp     [rax], cl
        jne     3f
        inc     rax
        inc     rdx
        jmp     2b
3:      cmp     byte ptr [rsi], 0                          // on to the next word
        je      6f
        cmp     byte ptr [rsi], 0x20
        lea     rsi, [rsi + 1]
        jne     3b
        jmp     1b
4:      cmp     byte ptr [rdx - 1], 0x3d                   // '='
        je      5f
        cmp     byte ptr [rax], 0x20
        ja      3b
5:      ret
6:      xor     eax, eax
        ret

// Sets ZF if the word at rsi is the string at rdi.
same_word:
        mov     al, [rdi]
        test    al, al
        jz      1f
        cmp     al, [rsi]
        jne     2f
        inc     rdi
        inc     rsi
        jmp     same_word
1:      cmp     byte ptr [rsi], 0x20
        ja      2f
        cmp     al, al
2:      ret

// --- the serial port (16550: 0 data, 5 line status) ------------------------------------------------------------

echo_line:
        say     "echo    "
1:      mov     dx, SERIAL_PORT + 5
        in      al, dx
        test    al, 1                                      // data ready
        jz      1b
        mov     dx, SERIAL_PORT
        in      al, dx
        push    rax
        call    put
        pop     rax
        cmp     al, 0x0a
        je      2f
        cmp     al, 0x0d
        jne     1b
        call    newline
2:      ret

newline:
        mov     al, 0x0a
// al: a character. Keeps every register but rdx.
put:
        push    rax
1:      mov     dx, SERIAL_PORT + 5
        in      al, dx
        test    al, 0x20                                   // transmitter empty
        jz      1b
        pop     rax
        mov     dx, SERIAL_PORT
        out     dx, al
        ret

// rdi: a string. Keeps rax.
print:
        push    rax
1:      mov     al, [rdi]
        test    al, al
        jz      2f
        call    put
        inc     rdi
        jmp     1b
2:      pop     rax
        ret

// rax: a number, printed with 16 digits.
print_hex:
        push    rcx
        push    rsi
        push    rax
        lea     rdi, [rip + hex_prefix]
        call    print
        pop     rsi
        mov     ecx, 16
1:      rol     rsi, 4
        mov     eax, esi
        and     eax, 15
        cmp     al, 10
        jb      2f
        add     al, 0x61 - 10 - 0x30
2:      add     al, 0x30
        call    put
        dec     ecx
        jnz     1b
        pop     rsi
        pop     rcx
        ret

// eax: a number.
print_decimal:
        push    rcx
        mov     ecx, 10
        call    1f
        pop     rcx
        ret
1:      xor     edx, edx
        div     ecx
        push    rdx
        test    eax, eax
        jz      2f
        call    1b
2:      pop     rax
        add     al, 0x30
        jmp     put

        .section .rodata
        .balign 8
pattern:
        .ascii  "Tintype!"
exits:
        .quad   word_off, exit_off
        .quad   word_reset, exit_reset
        .quad   word_panic, exit_panic
        .quad   word_crash, exit_crash
        .quad   word_hang, exit_hang
        .quad   0
zero_table:
        .quad   0, 0
hex_prefix:     .asciz "0x"
zero:           .asciz "0"
empty:          .asciz ""
word_smp:       .asciz "smp"
word_echo:      .asciz "echo"
word_exit:      .asciz "exit="
word_off:       .asciz "off"
word_reset:     .asciz "reset"
word_panic:     .asciz "panic"
word_crash:     .asciz "crash"
word_hang:      .asciz "hang"

// A page and more of it, so that it is checked across a page boundary.
        .bss
        .balign 16
bss_start:
answers:        .skip 4
answer_apic_id: .skip 4
                .skip 8192
bss_end:

        .section .note.GNU-stack, "", @progbits
