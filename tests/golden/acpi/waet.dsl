/*
 * 
 *
 * ACPI Data Table [WAET]
 *
 * Format: [HexOffset DecimalOffset ByteLength]  FieldName : FieldValue
 */

[000h 0000   4]                    Signature : "WAET"    [Windows ACPI Emulated Devices Table]
[004h 0004   4]                 Table Length : 00000028
[008h 0008   1]                     Revision : 01
[009h 0009   1]                     Checksum : 04
[00Ah 0010   6]                       Oem ID : "TINTYP"
[010h 0016   8]                 Oem Table ID : "SNAPSHOT"
[018h 0024   4]                 Oem Revision : 00000001
[01Ch 0028   4]              Asl Compiler ID : "TNTP"
[020h 0032   4]        Asl Compiler Revision : 00000001

[024h 0036   4]        Flags (decoded below) : 00000002
                        RTC needs no INT ack : 0
                     PM timer, one read only : 1

Raw Table Data: Length 40 (0x28)

    0000: 57 41 45 54 28 00 00 00 01 04 54 49 4E 54 59 50  // WAET(.....TINTYP
    0010: 53 4E 41 50 53 48 4F 54 01 00 00 00 54 4E 54 50  // SNAPSHOT....TNTP
    0020: 01 00 00 00 02 00 00 00                          // ........
