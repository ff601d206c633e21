/*
 * 
 *
 * ACPI Data Table [XSDT]
 *
 * Format: [HexOffset DecimalOffset ByteLength]  FieldName : FieldValue
 */

[000h 0000   4]                    Signature : "XSDT"    [Extended System Description Table]
[004h 0004   4]                 Table Length : 0000006C
[008h 0008   1]                     Revision : 01
[009h 0009   1]                     Checksum : 65
[00Ah 0010   6]                       Oem ID : "TINTYP"
[010h 0016   8]                 Oem Table ID : "SNAPSHOT"
[018h 0024   4]                 Oem Revision : 00000001
[01Ch 0028   4]              Asl Compiler ID : "TNTP"
[020h 0032   4]        Asl Compiler Revision : 00000001

[024h 0036   8]       ACPI Table Address   0 : 0000000044000000
[02Ch 0044   8]       ACPI Table Address   1 : 0000000044000A80
[034h 0052   8]       ACPI Table Address   2 : 0000000044000BC0
[03Ch 0060   8]       ACPI Table Address   3 : 0000000044000C40
[044h 0068   8]       ACPI Table Address   4 : 0000000044000CC0
[04Ch 0076   8]       ACPI Table Address   5 : 0000000044000E00
[054h 0084   8]       ACPI Table Address   6 : 0000000044000EC0
[05Ch 0092   8]       ACPI Table Address   7 : 0000000044000F00
[064h 0100   8]       ACPI Table Address   8 : 0000000044000F80

Raw Table Data: Length 108 (0x6C)

    0000: 58 53 44 54 6C 00 00 00 01 65 54 49 4E 54 59 50  // XSDTl....eTINTYP
    0010: 53 4E 41 50 53 48 4F 54 01 00 00 00 54 4E 54 50  // SNAPSHOT....TNTP
    0020: 01 00 00 00 00 00 00 44 00 00 00 00 80 0A 00 44  // .......D.......D
    0030: 00 00 00 00 C0 0B 00 44 00 00 00 00 40 0C 00 44  // .......D....@..D
    0040: 00 00 00 00 C0 0C 00 44 00 00 00 00 00 0E 00 44  // .......D.......D
    0050: 00 00 00 00 C0 0E 00 44 00 00 00 00 00 0F 00 44  // .......D.......D
    0060: 00 00 00 00 80 0F 00 44 00 00 00 00              // .......D....
