// Where a PVH loader enters (Xen docs/misc/pvh, "PVH guest ABI"): 32-bit protected mode, paging off, EBX at the
// start info, no stack. Keeps what it was given and calls guest.c.

        .section .note.pvh, "a", @note
        .balign 4
        .long   4, 4, 18                // "Xen", 4 bytes, XEN_ELFNOTE_PHYS32_ENTRY
        .asciz  "Xen"
        .long   _start

        .section .text.start, "ax"
        .globl  _start
        .code32
_start:
        mov     $stack_end, %esp
        pushf
        pop     registers + 4
        mov     %ebx, registers
        mov     %cr0, %eax
        mov     %eax, registers + 8
        mov     %cr4, %eax
        mov     %eax, registers + 12
        xor     %eax, %eax
        mov     %cs, %ax
        mov     %eax, registers + 16
        mov     %ds, %ax
        mov     %eax, registers + 20
        mov     %es, %ax
        mov     %eax, registers + 24
        mov     %ss, %ax
        mov     %eax, registers + 28
        cld
        call    guest_main
1:      hlt
        jmp     1b

        .bss
        .balign 16
        .globl  registers
registers:
        .skip   32
        .balign 16
        .skip   4096
stack_end:

        .section .note.GNU-stack, "", @progbits
