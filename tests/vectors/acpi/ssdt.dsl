// A device of nobody's, for tests of imported tables: iasl makes ssdt.aml of it.
DefinitionBlock ("", "SSDT", 2, "TESTS", "THERMO", 0x00000001)
{
    Scope (\_SB)
    {
        Device (THRM)
        {
            Name (_HID, "TEST0001")
            Name (_UID, 7)
            Method (DEGC, 0, NotSerialized)
            {
                Return (0x2A)
            }
        }
    }
}
