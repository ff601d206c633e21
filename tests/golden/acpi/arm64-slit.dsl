/*
 * 
 *
 * ACPI Data Table [SLIT]
 *
 * Format: [HexOffset DecimalOffset ByteLength]  FieldName : FieldValue
 */

[000h 0000   4]                    Signature : "SLIT"    [System Locality Information Table]
[004h 0004   4]                 Table Length : 00000030
[008h 0008   1]                     Revision : 01
[009h 0009   1]                     Checksum : B5
[00Ah 0010   6]                       Oem ID : "TINTYP"
[010h 0016   8]                 Oem Table ID : "SNAPSHOT"
[018h 0024   4]                 Oem Revision : 00000001
[01Ch 0028   4]              Asl Compiler ID : "TNTP"
[020h 0032   4]        Asl Compiler Revision : 00000001

[024h 0036   8]                   Localities : 0000000000000002
[02Ch 0044   2]                 Locality   0 : 0A 14
[02Eh 0046   2]                 Locality   1 : 14 0A

Raw Table Data: Length 48 (0x30)

    0000: 53 4C 49 54 30 00 00 00 01 B5 54 49 4E 54 59 50  // SLIT0.....TINTYP
    0010: 53 4E 41 50 53 48 4F 54 01 00 00 00 54 4E 54 50  // SNAPSHOT....TNTP
    0020: 01 00 00 00 02 00 00 00 00 00 00 00 0A 14 14 0A  // ................
